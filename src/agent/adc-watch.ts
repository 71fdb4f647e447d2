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
import { inTurns } from "../lib/steps.ts";
import { startTimer, type Timer } from "../lib/timers.ts";
import type { LiveAdc } from "../model/live.ts";

/** When NITRO fails, the last state is held for the time of so many polls, however seldom a silent ADC is asked. */
const HELD_POLLS = 3;

export type EstateRead =
  | {
      readonly kind: "estate";
      readonly estate: Estate;
      /** What NITRO did not return; none of an ns.conf. */
      readonly gaps: readonly NitroGap[];
    }
  | Untold;

/** No state was read; `silent`: nothing answered at all. */
interface Untold {
  readonly kind: "failed";
  readonly message: string;
  readonly silent: boolean;
}

/** Codes of failures without any answer. */
const SILENCE: ReadonlySet<string> = new Set([
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
      /** What is missing. */
      readonly gaps: readonly NitroGap[];
      readonly unknownTexts: readonly UnknownText[];
    }
  /** Nothing new, but the last state may still be believed. */
  | {
      readonly kind: "held";
      readonly message: string;
      readonly silent: boolean;
      readonly nodes: readonly AdcNode[];
      /** Milliseconds for which it may be believed from now on. */
      readonly forMs: number;
    }
  /** The ADC can no longer be believed: silent for too long, or none of its nodes is the primary. */
  | {
      readonly kind: "lost";
      /** Two nodes say that they are the primary. */
      readonly splitBrain: boolean;
      readonly message: string;
      readonly silent: boolean;
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
  /** The gate of the ADC's own account; without it rejections are remembered for the life of this link alone. */
  readonly loginGate?: NitroLoginGate;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Which groups' connection statistics are worth their requests. */
  readonly wantsConnections: (adcService: string) => boolean;
  /** Where our probes come from, as in the poll's options; absent: persistence is not read. */
  readonly ownAddresses?: readonly string[];
  /** Hears what NITRO answers, as in the client's options. */
  readonly onAnswer?: NonNullable<AdcSessionOptions["onAnswer"]>;
}

/** One ADC: where its estate and its word are read from. Nothing here rejects. */
export class AdcLink {
  readonly #options: AdcLinkOptions;
  readonly #session: AdcSession | null;
  /** When the ADC was asked what it answered last, by the monotonic clock; before that, when this link was made. */
  #heardAt: number;

  constructor(options: AdcLinkOptions) {
    this.#options = options;
    this.#heardAt = options.monotonic();
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

  /** Milliseconds until the next poll is due; null when there is nothing to poll. */
  get pollDelayMs(): number | null {
    const { nitro } = this.#options.config;
    return nitro === null ? null : (this.#session?.nextPollDelayMs(nitro.pollEveryMs) ?? null);
  }

  /** The estate: from NITRO where there is one, else (or when it fails and a file is given too) from ns.conf. */
  async readEstate(): Promise<EstateRead> {
    const failures: string[] = [];
    let silent = false;
    if (this.#session !== null) {
      const read = await this.#session.importEstate();
      if (read.kind === "estate") {
        return read;
      }
      failures.push(`NITRO: ${read.message}`);
      silent = SILENCE.has(read.code);
    }
    const { nsConf, name } = this.#options.config;
    if (nsConf !== null) {
      try {
        const text = await readTextUpTo(nsConf, MAX_NS_CONF_BYTES, decodedText);
        return {
          kind: "estate",
          estate: await inTurns(nsConfSteps(text, { adc: name })),
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
      this.#heardAt = askedAt;
      return result;
    }
    const { message } = result;
    const silent = SILENCE.has(result.code);
    const state = result.kind === "secondary" ? result.state : null;
    const nodes = result.kind === "secondary" ? result.state.nodes : result.nodes;
    // That one node is the secondary says nothing of another that is silent: it may be the primary still.
    const allSpoke = state !== null && nodes.every(({ reachable }) => reachable);
    const forMs = this.#heardAt + HELD_POLLS * (config.nitro?.pollEveryMs ?? 0) - monotonic();
    return allSpoke || forMs <= 0
      ? { kind: "lost", splitBrain: result.code === SPLIT_BRAIN, message, silent, nodes, state }
      : { kind: "held", message, silent, nodes, forMs };
  }

  /** Logs out everywhere. */
  async close(): Promise<void> {
    await this.#session?.close();
  }
}

/** Waits between attempts to read an estate for the first time, in milliseconds; the last one repeats. */
const FIRST_IMPORT_RETRIES_MS = [2_000, 5_000, 10_000, 30_000, 60_000];
/** An estate that still differs from the ADC after an import is not imported again before this. */
const STILL_STALE_PAUSE_MS = 60_000;

interface AdcWatchOptions {
  readonly link: AdcLink;
  readonly importEveryMs: number;
  readonly log: Log;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** An estate that was in force before a reload: it serves until the first import. */
  readonly earlierEstate: Estate | null;
  /** Resolves when it is in force. */
  readonly onEstate: (estate: Estate) => Promise<void>;
  /** Null: the ADC can no longer be believed. */
  readonly onState: (state: AdcState | null) => void;
  readonly onLive: (live: Partial<LiveAdc>) => void;
}

/** Watches one ADC: reads its estate at the start and every so often, and polls its word in between, one thing at a time. */
export class AdcWatch {
  readonly #options: AdcWatchOptions;
  #estate: Estate | null;
  readonly #toldGaps = new Set<string>();
  #importGaps: readonly NitroGap[] = [];
  #importFailedSince: number | null = null;
  readonly #unknownTexts = new Map<string, UnknownText["kind"]>();
  #importDue = true;
  /** When a difference last made the estate due; it ends with the difference. */
  #foundStaleAt = -Infinity;
  #stopped = false;
  #wake: (() => void) | null = null;
  #importTimer: Timer | null = null;
  /** Ends the time for which a silent ADC is believed: it is asked less and less often, and the end waits for no question. */
  #heldTimer: Timer | null = null;
  #givenUp = false;
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

  /** Begins the watch; nothing once it has been stopped. */
  start(): void {
    if (this.#stopped) {
      this.#firstRoundDone();
      return;
    }
    this.#armImport();
    this.#running = this.#run();
  }

  /**
   * Not by the calendar: a wall clock that is set back would put it off, and one that is set forward ring it for every time
   * in between.
   */
  #armImport(): void {
    this.#importTimer = startTimer(this.#options.importEveryMs, () => {
      this.#importDue = true;
      this.#wake?.();
      this.#armImport();
    });
  }

  /** Resolves when the first import and poll have been tried, whatever came of them. */
  async firstRound(): Promise<void> {
    await this.#firstRound;
  }

  /** Ends the watch and logs out. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    this.#importTimer?.cancel();
    this.#heldTimer?.cancel();
    await this.#options.link.close();
    await this.#running;
    this.#firstRoundDone();
  }

  async #run(): Promise<void> {
    let failedImports = 0;
    while (!this.#stopped) {
      if (this.#importDue) {
        this.#importDue = false;
        const imported = await this.#surviving(() => this.#import(), false);
        failedImports = imported ? 0 : failedImports + 1;
      }
      const polledAt = this.#options.monotonic();
      const estate = this.#estate;
      const pollDelayMs =
        estate === null
          ? null
          : await this.#surviving(() => this.#poll(estate), this.#options.link.pollDelayMs);
      this.#firstRoundDone();
      if (failedImports > 0 && this.#estate === null) {
        await this.#sleep(retryDelayMs(failedImports));
        this.#importDue = true;
      } else {
        // The delay counts from the start of the poll, however long the ADC took to answer.
        const tookMs = this.#options.monotonic() - polledAt;
        await this.#sleep(pollDelayMs === null ? null : Math.max(0, pollDelayMs - tookMs));
      }
    }
    this.#firstRoundDone();
  }

  /** An internal error while reading or applying an answer must not end the watch: it is logged, and the work is retried. */
  async #surviving<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
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
      log.warn({ adc: link.name, error: read.message }, "the estate could not be imported");
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
    this.#tellGaps([]);
    return true;
  }

  /** Polls the ADC; returns the delay until the next poll, or null without a link. */
  async #poll(estate: Estate): Promise<number | null> {
    const { link, log, onLive, onState, now } = this.#options;
    const read = await link.poll(estate);
    if (this.#stopped) {
      return null;
    }
    this.#heldTimer?.cancel();
    this.#heldTimer = null;
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
        this.#tellGaps(read.gaps);
        this.#tellUnknownTexts(read.unknownTexts);
        this.#noteStale(read.state.estateStale === true);
        this.#givenUp = false;
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
          this.#giveUp(read.state);
        } else {
          this.#heldTimer = startTimer(read.forMs, () => {
            this.#giveUp(null);
          });
        }
    }
    return link.pollDelayMs;
  }

  /** The ADC's state is unknown: reported once, not at every following poll. */
  #giveUp(state: AdcState | null): void {
    if (state !== null || !this.#givenUp) {
      this.#options.onState(state);
    }
    this.#givenUp = state === null;
  }

  #noteStale(stale: boolean): void {
    const now = this.#options.monotonic();
    if (!stale) {
      this.#foundStaleAt = -Infinity;
    } else if (now - this.#foundStaleAt >= STILL_STALE_PAUSE_MS) {
      this.#foundStaleAt = now;
      this.#importDue = true;
    }
  }

  /** Of the last import and of this poll: shown as long as they last, and logged once each. */
  #tellGaps(polled: readonly NitroGap[]): void {
    const { link, log, onLive } = this.#options;
    const gaps = distinctGaps([...this.#importGaps, ...polled]);
    onLive({ gaps });
    for (const gap of gaps) {
      const key = `${gap.resource} ${gap.code}`;
      if (!this.#toldGaps.has(key) && this.#toldGaps.size < MAX_TOLD_GAPS) {
        this.#toldGaps.add(key);
        log.warn({ adc: link.name, ...gap }, gapSentence(link.name, gap));
      }
    }
  }

  /** Logged once each; the count stays when the texts are gone. */
  #tellUnknownTexts(texts: readonly UnknownText[]): void {
    const { link, log, onLive } = this.#options;
    for (const { kind, text } of texts) {
      const key = `${kind} ${text}`;
      if (!this.#unknownTexts.has(key) && this.#unknownTexts.size < MAX_TOLD_GAPS) {
        this.#unknownTexts.set(key, kind);
        log.warn({ adc: link.name, kind, text }, "a text of the ADC's was not understood");
      }
    }
    const kinds = [...this.#unknownTexts.values()];
    onLive({
      unknownTexts: new Map(
        UNKNOWN_TEXT_KINDS.map((kind) => [kind, kinds.filter((one) => one === kind).length]),
      ),
    });
  }

  /** Null sleeps until woken. */
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

/** So many gaps, and unknown texts, are logged: an appliance may make up codes and sentences. */
const MAX_TOLD_GAPS = 500;

/** One for each resource, the first. */
export function distinctGaps(gaps: readonly NitroGap[]): readonly NitroGap[] {
  return [...new Map([...gaps].reverse().map((gap) => [gap.resource, gap])).values()].reverse();
}

function liveNode(node: AdcNode): LiveAdc["nodes"][number] {
  return { node: node.node, primary: node.role === "primary", reachable: node.reachable };
}

function retryDelayMs(failures: number): number {
  return FIRST_IMPORT_RETRIES_MS[failures - 1] ?? FIRST_IMPORT_RETRIES_MS.at(-1) ?? 60_000;
}
