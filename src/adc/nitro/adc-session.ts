import { oneAtATime, nextPollDelayMs } from "../../lib/pacing.ts";
import type { EventLoopMonitor } from "../../net/event-loop-monitor.ts";
import type { AdcNode, AdcState } from "../../model/adc-state.ts";
import type { Estate } from "../../model/estate.ts";
import {
  createNitroClient,
  type NitroClient,
  type NitroClientOptions,
  type NitroFailure,
  type NitroStop,
} from "./client.ts";
import { importEstate, type ImportResult } from "./import.ts";
import {
  nodeOf,
  pollNode,
  splitResult,
  unreachableNode,
  type PollOptions,
  type PollResult,
} from "./poll.ts";
import { readRole, type NodeRole } from "./roles.ts";

const GRACE_FOR_OTHERS_MS = 1_000;

/**
 * Waits for all answers; once one of them decides, for one more second, because a dead node may take long. A second in which
 * our event loop stalled does not count: no answer could be read.
 */
export async function answersInTime<Answer>(
  asked: readonly Promise<Answer>[],
  decides: (answer: Answer) => boolean,
  loop?: EventLoopMonitor,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let timer: NodeJS.Timeout | undefined;
  loop?.enter();
  await new Promise<void>((resolve) => {
    const waitForOthers = (): NodeJS.Timeout => {
      const heldBeforeMs = loop?.stalledMs() ?? 0;
      return setTimeout(() => {
        if ((loop?.stalledMs() ?? 0) > heldBeforeMs) {
          timer = waitForOthers();
        } else {
          resolve();
        }
      }, GRACE_FOR_OTHERS_MS);
    };
    for (const answer of asked) {
      void answer.then((received) => {
        answers.push(received);
        if (answers.length === asked.length) {
          resolve();
        } else if (decides(received)) {
          timer ??= waitForOthers();
        }
      });
    }
  });
  clearTimeout(timer);
  loop?.leave();
  return [...answers];
}

export interface AdcSessionOptions extends Omit<NitroClientOptions, "url"> {
  /** Name of the ADC in our configuration. */
  readonly adc: string;
  /** Management addresses of one appliance or of both nodes of a pair. */
  readonly urls: readonly string[];
  /** Wall clock in milliseconds. */
  readonly now?: () => number;
}

/** One ADC, a single appliance or a pair. State and configuration come from the primary only. Never rejects. */
export interface AdcSession {
  readonly importEstate: () => Promise<ImportResult>;
  readonly poll: (estate: Estate, options?: Omit<PollOptions, "turn">) => Promise<PollResult>;
  /** Milliseconds from the start of the last poll to the next: see {@link nextPollDelayMs}; longer while backing off. */
  readonly nextPollDelayMs: (pollEveryMs: number) => number;
  /** Logs out of every node, also where a login is in progress. May be called repeatedly. */
  readonly close: () => Promise<void>;
}

/**
 * After this time, resources that the account was not allowed to read are requested again: permissions may have been granted,
 * or a proxy's 403 gone. Rarely, because each refusal is a line in the appliance's log.
 */
const DENIED_AGAIN_MS = 300_000;

/** `options.urls` must contain at least one address; an empty list is a programming error and throws. */
export function createAdcSession(options: AdcSessionOptions): AdcSession {
  const monotonic = options.monotonic ?? (() => performance.now());
  const now = options.now ?? Date.now;
  const { loop } = options.network;
  if (options.urls.length === 0) {
    throw new TypeError("an ADC needs at least one management address");
  }
  const clients = options.urls.map((url) => createNitroClient({ ...options, url }));
  const pending = new Map<NitroClient, Promise<Chosen>>();
  let previous: AdcState | null = null;
  let loggedInOnce = false;
  let turn = 0;
  let lastDurationMs = 0;
  let askedDeniedAt = monotonic();
  const inTurn = oneAtATime();

  /** Both nodes of a pair have the same accounts: a lockout on one applies to both. */
  function haltAll(stop: NitroStop): void {
    for (const client of clients) {
      client.stop(stop);
    }
  }

  /** One role query at a time: a node that hangs is not queried again before it has answered. */
  function roleOf(client: NitroClient): Promise<Chosen> {
    const asked =
      pending.get(client) ??
      readRole(client)
        .catch(mistake)
        .then((answer) => {
          pending.delete(client);
          return { client, answer };
        });
    pending.set(client, asked);
    return asked;
  }

  /**
   * Until a login has succeeded, nodes are queried one after another, so that wrong credentials are tried once, not once per
   * node.
   */
  async function firstAnswers(): Promise<readonly Chosen[]> {
    const answers: Chosen[] = [];
    for (const client of clients) {
      const chosen = await roleOf(client);
      answers.push(chosen);
      if (chosen.answer.kind === "stopped") {
        break;
      }
    }
    return answers;
  }

  async function look(): Promise<Look> {
    const arrived = loggedInOnce
      ? await answersInTime(clients.map(roleOf), isPrimary, loop)
      : await firstAnswers();
    loggedInOnce ||= arrived.some(({ answer }) => answer.kind === "role");
    const answers = clients.flatMap((client) => arrived.find((one) => one.client === client) ?? []);
    const stop = answers.find(({ answer }) => answer.kind === "stopped")?.answer;
    if (stop?.kind === "stopped") {
      haltAll(stop);
    }
    const nodes = clients.map((client) => {
      const answer = answers.find((candidate) => candidate.client === client)?.answer;
      return answer?.kind === "role" ? nodeOf(client, answer) : unreachableNode(client);
    });
    return { nodes, split: isSplit(answers), ...choosePrimary(answers, previous), answers };
  }

  async function poll(estate: Estate, pollOptions: PollOptions): Promise<PollResult> {
    const first = await pollPrimary(estate, pollOptions);
    // A failover in the middle of a poll: the new primary is polled at once.
    return first.result.kind === "state" || first.result.kind === "stopped" || clients.length === 1
      ? first.result
      : pollOtherPrimary(estate, pollOptions, first);
  }

  async function pollPrimary(
    estate: Estate,
    pollOptions: PollOptions,
  ): Promise<{ result: PollResult; client: NitroClient | null }> {
    const { nodes, client, answer, split } = await look();
    if (split) {
      return { result: splitResult(nodes, estate, now()), client: null };
    }
    const result: PollResult =
      answer.kind === "role"
        ? await pollNode(client, answer, nodes, estate, previous, now, pollOptions)
        : { ...answer, nodes };
    return { result, client };
  }

  async function pollOtherPrimary(
    estate: Estate,
    pollOptions: PollOptions,
    first: { result: PollResult; client: NitroClient | null },
  ): Promise<PollResult> {
    const { nodes, client, answer, split } = await look();
    return !split && client !== first.client && answer.kind === "role" && answer.role === "primary"
      ? pollNode(client, answer, nodes, estate, previous, now, pollOptions)
      : first.result;
  }

  async function importFromPrimary(): Promise<ImportResult> {
    const { client, answer, answers } = await look();
    if (answer.kind !== "role") {
      return answer;
    }
    if (answer.role === "secondary" || (answer.role === "unknown" && answer.gap === null)) {
      const message = `no node reports itself as primary: ${answers.map(reportedRole).join("; ")}`;
      return { kind: "secondary", code: "secondary", message };
    }
    const result = await importEstate(client, { adc: options.adc });
    if (result.kind === "stopped") {
      haltAll(result);
    }
    return result;
  }

  return {
    importEstate: () => inTurn(() => importFromPrimary().catch(mistake)),
    poll: (estate, pollOptions = {}) =>
      inTurn(async () => {
        const startedAt = monotonic();
        const heldBeforeMs = loop?.enter() ?? 0;
        if (startedAt - askedDeniedAt >= DENIED_AGAIN_MS) {
          askedDeniedAt = startedAt;
          clients.forEach(({ limits }) => {
            limits.denied.clear();
          });
        }
        const result = await poll(estate, { ...pollOptions, turn }).catch((error: unknown) => ({
          ...mistake(error),
          nodes: [],
        }));
        // The agent was stopped, the appliance is not slow: the next poll comes at the normal time.
        const heldMs = (loop?.stalledMs() ?? 0) - heldBeforeMs;
        loop?.leave();
        lastDurationMs = Math.max(0, monotonic() - startedAt - heldMs);
        turn += 1;
        if (result.kind === "state") {
          previous = result.state;
        } else if (result.kind === "stopped") {
          haltAll(result);
        }
        return result;
      }),
    nextPollDelayMs: (pollEveryMs) =>
      Math.max(
        nextPollDelayMs(pollEveryMs, lastDurationMs),
        Math.min(...clients.map((client) => client.pausedForMs())),
      ),
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

/** A bug of ours says nothing about the ADC: it is reported as a failure, and treated like no answer. */
function mistake(error: unknown): NitroFailure {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: "failed", code: "agent_fault", message: `internal error: ${text}` };
}

interface Look extends Chosen {
  readonly nodes: readonly AdcNode[];
  /** What each node said, in the order of the configuration. */
  readonly answers: readonly Chosen[];
  /** Two nodes say that they are the primary. */
  readonly split: boolean;
}

interface Chosen {
  readonly client: NitroClient;
  readonly answer: NodeRole | NitroFailure | NitroStop;
}

function isPrimary({ answer }: Chosen): boolean {
  return answer.kind === "role" && answer.role === "primary";
}

/**
 * Whether two nodes claim to be the primary. Two addresses of one appliance (NSIP and SNIP) are one node, which its own
 * address shows; without that it is unknown.
 */
function isSplit(answers: readonly Chosen[]): boolean {
  const claimants = answers.flatMap(({ answer }) =>
    answer.kind === "role" && answer.role === "primary" && answer.address !== null
      ? [answer.address]
      : [],
  );
  return new Set(claimants).size > 1;
}

function reportedRole({ client, answer }: Chosen): string {
  return answer.kind === "role" ? `${client.node} is ${roleText(answer)}` : answer.message;
}

function roleText({ role, masterState, gap }: NodeRole): string {
  return gap !== null
    ? `silent about its role (${gap.words})`
    : role === "secondary"
      ? "the secondary"
      : `neither primary nor secondary (${masterState ?? "UNKNOWN"})`;
}

/**
 * Whose answer counts: the primary's; of two that claim to be primary (a split pair), the one that was before; else that of
 * any node that answers, so that the caller learns what is wrong; else the first timeout.
 */
function choosePrimary(answers: readonly Chosen[], previous: AdcState | null): Chosen {
  const [first] = answers;
  if (first === undefined) {
    throw new Error("an ADC without management addresses");
  }
  const before = previous?.nodes.find(({ role }) => role === "primary")?.node;
  const primaries = answers.filter(isPrimary);
  // The cluster's address is preferred to that of a single node.
  const whole = primaries.filter(({ answer }) => answer.kind === "role" && answer.gap === null);
  const [candidate, ...others] = whole.length > 0 ? whole : primaries;
  return (
    others.find(({ client }) => client.node === before) ??
    candidate ??
    answers.find(({ answer }) => answer.kind === "stopped") ??
    answers.find(({ answer }) => answer.kind === "role" && answer.gap !== null) ??
    answers.find(({ answer }) => answer.kind === "role") ??
    first
  );
}
