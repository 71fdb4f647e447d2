import { errorMessage, type Log } from "../lib/log.ts";
import type { AdcConfig } from "../config/schema.ts";
import { type AdcNode, type AdcState, gapSentence, type NitroGap } from "../model/adc-state.ts";
import type { Estate } from "../model/estate.ts";
import {
  createAdcSession,
  type AdcSession,
  type AdcSessionOptions,
} from "../adc/nitro/adc-session.ts";
import { SPLIT_BRAIN } from "../adc/nitro/poll.ts";
import { UNKNOWN_TEXT_KINDS, type UnknownText } from "../adc/nitro/row-values.ts";
import type { NitroLoginGate } from "../adc/nitro/login-gate.ts";
import { nsConfSteps, MAX_NS_CONF_BYTES } from "../adc/nsconf/import.ts";
import { readTextUpTo } from "../lib/durable-file.ts";
import { decodedText } from "../lib/text-encoding.ts";
import type { Network } from "../net/network.ts";
import type { AgentEvents } from "./run-probe.ts";
import { runYielding } from "../lib/steps.ts";
import { startTimer, type Timer } from "../lib/timers.ts";
import type { LiveAdc } from "../model/live.ts";

/** When NITRO fails, the last state stays valid for this many poll intervals, even if a silent ADC is polled less often. */
const VALID_FOR_POLLS = 3;

export type EstateRead =
  | {
      readonly kind: "estate";
      readonly estate: Estate;
      /** Resources that NITRO did not return; empty for an ns.conf. */
      readonly gaps: readonly NitroGap[];
    }
  | ReadFailure;

/** `silent`: nothing answered at all. */
interface ReadFailure {
  readonly kind: "failed";
  readonly message: string;
  readonly silent: boolean;
}

/** Codes of failures without any answer. */
const SILENT_CODES: ReadonlySet<string> = new Set([
  "refused",
  "unreachable",
  "timeout",
  "reset",
  "dns_failure",
]);

export type StateRead =
  | {
      readonly kind: "state";
      readonly state: AdcState;
      /** Resources that NITRO did not return. */
      readonly gaps: readonly NitroGap[];
      readonly unknownTexts: readonly UnknownText[];
    }
  /** The poll failed, but the last state is still valid. */
  | {
      readonly kind: "held";
      readonly message: string;
      readonly silent: boolean;
      readonly nodes: readonly AdcNode[];
      /** How long the last state stays valid, in milliseconds from now. */
      readonly forMs: number;
    }
  /** The ADC's state is unknown: no answer for too long, or none of its nodes is the primary. */
  | {
      readonly kind: "lost";
      /** Two nodes report that they are the primary. */
      readonly splitBrain: boolean;
      readonly message: string;
      readonly silent: boolean;
      readonly nodes: readonly AdcNode[];
      /** The state as a secondary reports it: every member unknown, and why. */
      readonly state: AdcState | null;
    }
  /** NITRO is not configured. */
  | { readonly kind: "none" };

export interface AdcLinkOptions {
  readonly config: AdcConfig;
  readonly network: Network;
  readonly events: Pick<AgentEvents, "adcRequest">;
  /** The gate of the ADC's own account; without it, rejections are remembered only as long as this link exists. */
  readonly loginGate?: NitroLoginGate;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** For which services and groups connection statistics are requested. */
  readonly wantsConnections: (adcService: string) => boolean;
  /** Source addresses of this agent's probes; absent: persistence is not read. */
  readonly ownAddresses?: readonly string[];
  /** Receives each NITRO answer, as in the client's options. */
  readonly onAnswer?: NonNullable<AdcSessionOptions["onAnswer"]>;
}

/** Reads the estate and the state of one ADC. No method rejects. */
export class AdcLink {
  readonly #options: AdcLinkOptions;
  readonly #session: AdcSession | null;
  /** When the last successful poll started, or this link was created; monotonic. */
  #lastStateAt: number;

  constructor(options: AdcLinkOptions) {
    this.#options = options;
    this.#lastStateAt = options.monotonic();
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
            partition: nitro.partition ?? null,
            timeoutMs: nitro.timeoutMs,
            ...(options.loginGate === undefined ? {} : { loginGate: options.loginGate }),
            ...(options.onAnswer === undefined ? {} : { onAnswer: options.onAnswer }),
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

  /** Milliseconds until the next poll is due; null without NITRO. */
  get pollDelayMs(): number | null {
    const { nitro } = this.#options.config;
    return nitro === null ? null : (this.#session?.nextPollDelayMs(nitro.pollEveryMs) ?? null);
  }

  /** Reads the estate from NITRO, or from ns.conf if NITRO is not configured or fails. */
  async readEstate(): Promise<EstateRead> {
    const failures: string[] = [];
    let silent = false;
    if (this.#session !== null) {
      const read = await this.#session.importEstate();
      if (read.kind === "estate") {
        return read;
      }
      failures.push(`NITRO: ${read.message}`);
      silent = SILENT_CODES.has(read.code);
    }
    const { nsConf, name } = this.#options.config;
    if (nsConf !== null) {
      try {
        const text = await readTextUpTo(nsConf, MAX_NS_CONF_BYTES, decodedText);
        return {
          kind: "estate",
          estate: await runYielding(nsConfSteps(text, { adc: name })),
          gaps: [],
        };
      } catch (error) {
        failures.push(`${nsConf}: ${errorMessage(error)}`);
      }
    }
    return { kind: "failed", message: failures.join("; "), silent };
  }

  async poll(estate: Estate): Promise<StateRead> {
    if (this.#session === null) {
      return { kind: "none" };
    }
    const { wantsConnections, ownAddresses, monotonic, config } = this.#options;
    const askedAt = monotonic();
    const result = await this.#session.poll(estate, {
      wantsConnections,
      ...(ownAddresses === undefined ? {} : { ownAddresses }),
    });
    if (result.kind === "state") {
      this.#lastStateAt = askedAt;
      return result;
    }
    const { message } = result;
    const silent = SILENT_CODES.has(result.code);
    const state = result.kind === "secondary" ? result.state : null;
    const nodes = result.kind === "secondary" ? result.state.nodes : result.nodes;
    // If one node is the secondary, another that does not answer may still be the primary.
    const allAnswered = state !== null && nodes.every(({ reachable }) => reachable);
    const forMs =
      this.#lastStateAt + VALID_FOR_POLLS * (config.nitro?.pollEveryMs ?? 0) - monotonic();
    return allAnswered || forMs <= 0
      ? { kind: "lost", splitBrain: result.code === SPLIT_BRAIN, message, silent, nodes, state }
      : { kind: "held", message, silent, nodes, forMs };
  }

  /** Logs out everywhere. */
  async close(): Promise<void> {
    await this.#session?.close();
  }
}

/** Delays between attempts of the first import, in milliseconds; the last one repeats. */
const FIRST_IMPORT_RETRIES_MS = [2_000, 5_000, 10_000, 30_000, 60_000];
/** Minimum time between imports of an estate that remains stale after an import. */
const STALE_IMPORT_PAUSE_MS = 60_000;

interface AdcWatchOptions {
  readonly link: AdcLink;
  readonly importEveryMs: number;
  readonly log: Log;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** The estate from before a reload, used until the first import. */
  readonly earlierEstate: Estate | null;
  /** Resolves when the estate is in force. */
  readonly onEstate: (estate: Estate) => Promise<void>;
  /** Null: the ADC's state is unknown. */
  readonly onState: (state: AdcState | null) => void;
  readonly onLive: (live: Partial<LiveAdc>) => void;
}

/** Watches one ADC: imports its estate at the start and periodically, and polls its state in between, one at a time. */
export class AdcWatch {
  readonly #options: AdcWatchOptions;
  #estate: Estate | null;
  readonly #loggedGaps = new Set<string>();
  #importGaps: readonly NitroGap[] = [];
  #importFailedSince: number | null = null;
  readonly #unknownTexts = new Map<string, UnknownText["kind"]>();
  #importDue = true;
  /** When a stale estate last caused an import; reset when the estate is no longer stale. */
  #foundStaleAt = -Infinity;
  #stopped = false;
  #wake: (() => void) | null = null;
  #importTimer: Timer | null = null;
  /** Ends the validity of the last state between polls, because a silent ADC is polled less and less often. */
  #validityTimer: Timer | null = null;
  #reportedUnknown = false;
  #running: Promise<void> = Promise.resolve();
  #firstRound: Promise<void>;
  #firstRoundDone: () => void = () => undefined;

  constructor(options: AdcWatchOptions) {
    this.#options = options;
    this.#estate = options.earlierEstate;
    this.#firstRound = new Promise((resolve) => {
      this.#firstRoundDone = resolve;
    });
  }

  /** Starts the watch, unless it was stopped before. */
  start(): void {
    if (this.#stopped) {
      this.#firstRoundDone();
      return;
    }
    this.#armImport();
    this.#running = this.#run();
  }

  /**
   * A timer, not a wall-clock schedule: setting the clock back would delay imports, and setting it forward would trigger all
   * those in between.
   */
  #armImport(): void {
    this.#importTimer = startTimer(this.#options.importEveryMs, () => {
      this.#importDue = true;
      this.#wake?.();
      this.#armImport();
    });
  }

  /** Resolves when the first import and poll have ended, successfully or not. */
  async firstRound(): Promise<void> {
    await this.#firstRound;
  }

  /** Stops the watch and logs out. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    this.#importTimer?.cancel();
    this.#validityTimer?.cancel();
    await this.#options.link.close();
    await this.#running;
    this.#firstRoundDone();
  }

  async #run(): Promise<void> {
    let failedImports = 0;
    while (!this.#stopped) {
      if (this.#importDue) {
        this.#importDue = false;
        const imported = await this.#logErrors(() => this.#import(), false);
        failedImports = imported ? 0 : failedImports + 1;
      }
      const polledAt = this.#options.monotonic();
      const estate = this.#estate;
      const pollDelayMs =
        estate === null
          ? null
          : await this.#logErrors(() => this.#poll(estate), this.#options.link.pollDelayMs);
      this.#firstRoundDone();
      if (failedImports > 0 && this.#estate === null) {
        await this.#sleep(retryDelayMs(failedImports));
        this.#importDue = true;
      } else {
        // The delay counts from the start of the poll, not from its end.
        const tookMs = this.#options.monotonic() - polledAt;
        await this.#sleep(pollDelayMs === null ? null : Math.max(0, pollDelayMs - tookMs));
      }
    }
    this.#firstRoundDone();
  }

  /** Logs an internal error while reading or applying an answer, so that the watch continues and retries. */
  async #logErrors<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const text = error instanceof Error ? error.stack : String(error);
      const { link, log } = this.#options;
      log.error({ adc: link.name, error: text }, "internal error, ADC poll restarted");
      return otherwise;
    }
  }

  async #import(): Promise<boolean> {
    const { link, log, onLive, now } = this.#options;
    const read = await link.readEstate();
    if (this.#stopped) {
      return true;
    }
    if (read.kind === "failed") {
      log.warn({ adc: link.name, error: read.message }, "cannot import the estate");
      this.#importFailedSince ??= now();
      const importFailure = { since: this.#importFailedSince, message: read.message };
      onLive({ lastError: read.message, silent: read.silent, importFailure });
      return false;
    }
    await this.#options.onEstate(read.estate);
    this.#estate = read.estate;
    this.#importFailedSince = null;
    onLive({ importFailure: null });
    this.#importGaps = read.gaps;
    this.#reportGaps([]);
    return true;
  }

  /** Polls the ADC; returns the delay until the next poll, or null without a link. */
  async #poll(estate: Estate): Promise<number | null> {
    const { link, log, onLive, onState, now } = this.#options;
    const read = await link.poll(estate);
    if (this.#stopped) {
      return null;
    }
    this.#validityTimer?.cancel();
    this.#validityTimer = null;
    switch (read.kind) {
      case "none":
        return null;
      case "state":
        onLive({
          up: true,
          lastPollAt: now(),
          lastError: null,
          silent: false,
          splitBrain: false,
          nodes: read.state.nodes.map(liveNode),
        });
        this.#reportGaps(read.gaps);
        this.#reportUnknownTexts(read.unknownTexts);
        this.#noteStale(read.state.estateStale === true);
        this.#reportedUnknown = false;
        onState(read.state);
        break;
      case "held":
      case "lost":
        log.warn({ adc: link.name, error: read.message }, "cannot read the ADC's state");
        onLive({
          up: false,
          lastError: read.message,
          silent: read.silent,
          splitBrain: read.kind === "lost" && read.splitBrain,
          nodes: read.nodes.map(liveNode),
        });
        if (read.kind === "lost") {
          this.#reportUnknown(read.state);
        } else {
          this.#validityTimer = startTimer(read.forMs, () => {
            this.#reportUnknown(null);
          });
        }
    }
    return link.pollDelayMs;
  }

  /** Reports an unknown state once, not at every following poll. */
  #reportUnknown(state: AdcState | null): void {
    if (state !== null || !this.#reportedUnknown) {
      this.#options.onState(state);
    }
    this.#reportedUnknown = state === null;
  }

  #noteStale(stale: boolean): void {
    const now = this.#options.monotonic();
    if (!stale) {
      this.#foundStaleAt = -Infinity;
    } else if (now - this.#foundStaleAt >= STALE_IMPORT_PAUSE_MS) {
      this.#foundStaleAt = now;
      this.#importDue = true;
    }
  }

  /** Shows the gaps of the last import and of this poll, and logs each once. */
  #reportGaps(polled: readonly NitroGap[]): void {
    const { link, log, onLive } = this.#options;
    const gaps = distinctGaps([...this.#importGaps, ...polled]);
    onLive({ gaps });
    for (const gap of gaps) {
      const key = `${gap.resource} ${gap.code}`;
      if (!this.#loggedGaps.has(key) && this.#loggedGaps.size < MAX_LOGGED) {
        this.#loggedGaps.add(key);
        log.warn({ adc: link.name, ...gap }, gapSentence(link.name, gap));
      }
    }
  }

  /** Logs each unknown text once, and counts all that were ever seen. */
  #reportUnknownTexts(texts: readonly UnknownText[]): void {
    const { link, log, onLive } = this.#options;
    for (const { kind, text } of texts) {
      const key = `${kind} ${text}`;
      if (!this.#unknownTexts.has(key) && this.#unknownTexts.size < MAX_LOGGED) {
        this.#unknownTexts.set(key, kind);
        log.warn({ adc: link.name, kind, text }, "unknown text in a NITRO answer");
      }
    }
    const kinds = [...this.#unknownTexts.values()];
    onLive({
      unknownTexts: new Map(
        UNKNOWN_TEXT_KINDS.map((kind) => [kind, kinds.filter((one) => one === kind).length]),
      ),
    });
  }

  /** Sleeps until the time has passed or an import is due; null: until an import is due. */
  async #sleep(ms: number | null): Promise<void> {
    if (this.#stopped || this.#importDue) {
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = ms === null ? null : startTimer(ms, resolve);
      this.#wake = () => {
        timer?.cancel();
        resolve();
      };
    });
    this.#wake = null;
  }
}

/** Maximum number of gaps, and of unknown texts, that are logged. */
const MAX_LOGGED = 500;

/** The first gap of each resource. */
export function distinctGaps(gaps: readonly NitroGap[]): readonly NitroGap[] {
  return [...new Map([...gaps].reverse().map((gap) => [gap.resource, gap])).values()].reverse();
}

function liveNode(node: AdcNode): LiveAdc["nodes"][number] {
  return { node: node.node, primary: node.role === "primary", reachable: node.reachable };
}

function retryDelayMs(failures: number): number {
  return FIRST_IMPORT_RETRIES_MS[failures - 1] ?? FIRST_IMPORT_RETRIES_MS.at(-1) ?? 60_000;
}
