import type { AdcConfig } from "../config/schema.ts";
import type { AdcNode, AdcState } from "../estate/adc-state.ts";
import type { Estate } from "../estate/model.ts";
import { createAdcSession, type AdcSession } from "../estate/nitro/adc-session.ts";
import { MAX_NS_CONF_BYTES, nsConfSteps } from "../estate/nsconf/import.ts";
import { readTextUpTo } from "../lib/bounded-file.ts";
import type { Network } from "../probes/probe.ts";
import type { AgentEvents } from "./events.ts";
import { inTurns } from "./in-turns.ts";

/** When NITRO fails, the last state is held for so many polls. */
const HELD_POLLS = 3;

export type EstateRead =
  | { readonly kind: "estate"; readonly estate: Estate }
  | { readonly kind: "failed"; readonly message: string };

export type StateRead =
  | {
      readonly kind: "state";
      readonly state: AdcState;
      /** Resources that the account may not read. */
      readonly gaps: readonly string[];
    }
  /** Nothing new, but the last state may still be believed. */
  | { readonly kind: "held"; readonly message: string; readonly nodes: readonly AdcNode[] }
  /** The ADC can no longer be believed: silent for too long, or none of its nodes is the primary. */
  | {
      readonly kind: "lost";
      readonly message: string;
      readonly nodes: readonly AdcNode[];
      /** A secondary's word: every member unknown, and why. */
      readonly state: AdcState | null;
    }
  /** There is no NITRO to ask. */
  | { readonly kind: "none" };

export interface AdcLinkOptions {
  readonly config: AdcConfig;
  readonly network: Network;
  readonly events: Pick<AgentEvents, "adcRequest">;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Which groups' connection statistics are worth their requests. */
  readonly wantsConnections: (adcService: string) => boolean;
  /** Where our probes come from, as in the poll's options; absent: nobody asks whom they stick to. */
  readonly ownAddresses?: readonly string[];
}

/** One ADC: where its estate and its word are read from. Nothing here rejects. */
export class AdcLink {
  readonly #options: AdcLinkOptions;
  readonly #session: AdcSession | null;
  #missedPolls = 0;

  constructor(options: AdcLinkOptions) {
    this.#options = options;
    const { nitro, name } = options.config;
    this.#session =
      nitro === null
        ? null
        : createAdcSession({
            adc: name,
            urls: nitro.urls,
            username: nitro.username,
            password: nitro.password.reveal(),
            tls: nitro.tls,
            timeoutMs: nitro.timeoutMs,
            network: options.network,
            now: options.now,
            monotonic: options.monotonic,
            onRequest: ({ node, durationMs, code }) => {
              options.events.adcRequest({
                adc: name,
                node,
                durationMs,
                code: code === "0" ? null : code,
              });
            },
          });
  }

  get name(): string {
    return this.#options.config.name;
  }

  /** Milliseconds until the next poll is due; null when there is nothing to poll. */
  get pollDelayMs(): number | null {
    const { nitro } = this.#options.config;
    return nitro === null ? null : (this.#session?.nextPollDelayMs(nitro.pollEveryMs) ?? null);
  }

  /** The estate: from NITRO where there is one, else (or when it fails and a file is given too) from ns.conf. */
  async readEstate(): Promise<EstateRead> {
    const failures: string[] = [];
    if (this.#session !== null) {
      const read = await this.#session.importEstate();
      if (read.kind === "estate") {
        return read;
      }
      failures.push(`NITRO: ${read.message}`);
    }
    const { nsConf, name } = this.#options.config;
    if (nsConf !== null) {
      try {
        return {
          kind: "estate",
          estate: await inTurns(
            nsConfSteps(await readTextUpTo(nsConf, MAX_NS_CONF_BYTES), { adc: name }),
          ),
        };
      } catch (error) {
        failures.push(`${nsConf}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return { kind: "failed", message: failures.join("; ") };
  }

  async poll(estate: Estate): Promise<StateRead> {
    if (this.#session === null) {
      return { kind: "none" };
    }
    const { wantsConnections, ownAddresses } = this.#options;
    const result = await this.#session.poll(estate, {
      wantsConnections,
      ...(ownAddresses === undefined ? {} : { ownAddresses }),
    });
    if (result.kind === "state") {
      this.#missedPolls = 0;
      return result;
    }
    const { message } = result;
    const state = result.kind === "secondary" ? result.state : null;
    const nodes = result.kind === "secondary" ? result.state.nodes : result.nodes;
    this.#missedPolls += 1;
    // That one node is the secondary says nothing of another that is silent: it may be the primary still.
    const allSpoke = state !== null && nodes.every(({ reachable }) => reachable);
    return allSpoke || this.#missedPolls > HELD_POLLS
      ? { kind: "lost", message, nodes, state }
      : { kind: "held", message, nodes };
  }

  /** Logs out everywhere. */
  async close(): Promise<void> {
    await this.#session?.close();
  }
}
