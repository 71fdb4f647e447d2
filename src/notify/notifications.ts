import { join } from "node:path";
import { z } from "zod";
import { replaceFile, readStateFile, type StorageWatch } from "../lib/durable-file.ts";
import { URGENCIES, MEMBER_VERDICTS, VSERVER_VERDICTS } from "../model/verdicts.ts";
import { type Ledger, stepLedger } from "./ledger.ts";
import { type Message, messagesFor, type MessageContext } from "./message.ts";
import type { Config, NotifyConfig } from "../config/schema.ts";
import { nameMatcher } from "../lib/glob.ts";
import type { Log } from "../lib/log.ts";
import type { LiveState } from "../model/live.ts";
import { causesOf, type Cause, type Causes } from "./cause.ts";
import { deliver, type Delivery } from "./deliver.ts";

/** An undelivered message. Times: milliseconds since the epoch. */
interface Queued {
  readonly message: Message;
  readonly queuedAt: number;
  readonly attempts: number;
  readonly nextAt: number;
}

/** State of one notifier: its ledger and its queue. */
interface NotifierState {
  readonly ledger: Ledger;
  readonly queue: readonly Queued[];
}

/** File of what was sent and what waits, inside the state directory. */
export const NOTIFY_FILE = "notify.json";
const MAX_BYTES = 32 * 1024 * 1024;

const text = z.string().max(20_000);
const texts = z.array(text);
const causeSchema = z.object({
  key: text,
  adc: text,
  name: text,
  urgency: z.enum(URGENCIES),
  verdicts: z.array(z.enum([...MEMBER_VERDICTS, ...VSERVER_VERDICTS])),
  servers: texts,
  vservers: texts,
  rows: texts,
  sentence: text,
  lines: texts,
  advice: text,
  since: z.number().nullable(),
  path: text,
});
const messageSchema = z.object({
  kind: z.enum(["firing", "changed", "reminder", "resolved", "several", "test"]),
  subject: text,
  text,
  data: z.custom<Message["data"]>((value) => typeof value === "object" && value !== null),
});
const stateSchema = z.record(
  z.string(),
  z.object({
    ledger: z.record(
      z.string(),
      z.object({
        cause: causeSchema,
        pendingSince: z.number().nullable(),
        goneSince: z.number().nullable(),
        notified: z
          .object({ at: z.number(), urgency: z.enum(URGENCIES), verdicts: texts, rows: texts })
          .nullable(),
      }),
    ),
    queue: z.array(
      z.object({
        message: messageSchema,
        queuedAt: z.number(),
        attempts: z.number(),
        nextAt: z.number(),
      }),
    ),
  }),
);

/** Reads the state of an earlier run. An unusable file is renamed; at worst a message is sent twice. */
async function readNotifyState(
  stateDir: string,
  storage: StorageWatch,
): Promise<ReadonlyMap<string, NotifierState>> {
  const file = await readStateFile(
    join(stateDir, NOTIFY_FILE),
    {
      maxBytes: MAX_BYTES,
      read: (json) => stateSchema.safeParse(json).data ?? null,
      lost: "notifications start over",
    },
    storage,
  );
  return new Map(Object.entries(file?.value ?? {}));
}

/** Writes the state atomically. Never rejects: a full disk is reported, and messages are still sent. */
async function writeNotifyState(
  stateDir: string,
  state: ReadonlyMap<string, NotifierState>,
  storage: StorageWatch,
): Promise<void> {
  const path = join(stateDir, NOTIFY_FILE);
  try {
    await replaceFile(path, JSON.stringify(Object.fromEntries(state)));
    storage.written(path);
  } catch (error) {
    storage.refused(path, error);
  }
}

/** Result of a message; `dropped`: given up, or removed from a full queue. */
type NotificationOutcome = "sent" | "failed" | "dropped";

interface NotificationsOptions {
  readonly live: () => LiveState;
  readonly config: () => Pick<Config, "agent" | "notify" | "stateDir" | "web">;
  readonly storage: StorageWatch;
  readonly log: Log;
  readonly onOutcome: (name: string, outcome: NotificationOutcome) => void;
  readonly now?: () => number;
}

const LOOK_EVERY_MS = 2_000;
/** Messages waiting for one receiver; the oldest go first. */
const MAX_QUEUED = 200;
const FIRST_RETRY_MS = 10_000;
const MAX_RETRY_MS = 15 * 60_000;
/** Maximum age of a message; older ones are dropped. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;

const EMPTY: NotifierState = { ledger: {}, queue: [] };

/** Sends verdicts to the receivers that `notify` configures. What was sent and what waits outlives a restart. */
export class Notifications {
  readonly #options: NotificationsOptions;
  readonly #now: () => number;
  readonly #stopping = new AbortController();
  #states = new Map<string, NotifierState>();
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> = Promise.resolve();

  constructor(options: NotificationsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Restores the state of the previous run, then checks every two seconds. */
  async start(): Promise<void> {
    const { config, storage } = this.#options;
    this.#states = new Map(await readNotifyState(config().stateDir, storage));
    this.#timer = setInterval(() => {
      void this.look();
    }, LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** One cycle: decides what to send, and tries messages that are due. Cycles never overlap. */
  look(): Promise<void> {
    this.#round = this.#round.then(() => this.#look());
    return this.#round;
  }

  /** Aborts current deliveries; they are retried after the next start. */
  async stop(): Promise<void> {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
    }
    this.#stopping.abort();
    await this.#round;
  }

  async #look(): Promise<void> {
    const { config, live, log } = this.#options;
    const { notify } = config();
    if (notify.length === 0 || this.#stopping.signal.aborted) {
      return;
    }
    try {
      const causes = causesOf(live());
      const changed = notify.map((notifier) => this.#update(notifier, causes));
      if (changed.includes(true)) {
        // Saved before sending: after a crash a duplicate is better than a lost message.
        await this.#write();
      }
      const tried = await Promise.all(notify.map((notifier) => this.#deliverNext(notifier)));
      if (tried.includes(true)) {
        await this.#write();
      }
    } catch (error) {
      log.error({ error: String(error) }, "internal error, notifications will be retried");
    }
  }

  async #write(): Promise<void> {
    const { config, storage } = this.#options;
    const { notify, stateDir } = config();
    const names = new Set(notify.map(({ name }) => name));
    for (const name of this.#states.keys()) {
      if (!names.has(name)) {
        this.#states.delete(name);
      }
    }
    await writeNotifyState(stateDir, this.#states, storage);
  }

  /** Whether the ledger or the queue has changed. */
  #update(notifier: NotifyConfig, causes: Causes): boolean {
    const now = this.#now();
    const before = this.#states.get(notifier.name) ?? EMPTY;
    const wanted = { ...causes, present: causes.present.filter((cause) => isFor(cause, notifier)) };
    const { ledger, notices } = stepLedger(before.ledger, wanted, now, notifier);
    const messages = messagesFor(notices, this.#context(now));
    const queue = this.#bounded(notifier, [
      ...before.queue,
      ...messages.map((message): Queued => ({ message, queuedAt: now, attempts: 0, nextAt: now })),
    ]);
    this.#states.set(notifier.name, { ledger, queue });
    return notices.length > 0 || !sameKeys(before.ledger, ledger);
  }

  #context(now: number): MessageContext {
    const { agent, web } = this.#options.config();
    return { agent, externalUrl: web.externalUrl, now };
  }

  #bounded({ name }: NotifyConfig, queue: readonly Queued[]): readonly Queued[] {
    const surplus = queue.slice(0, Math.max(0, queue.length - MAX_QUEUED));
    for (const { message } of surplus) {
      this.#drop(name, message.subject, "the queue is full");
    }
    return surplus.length === 0 ? queue : queue.slice(surplus.length);
  }

  #drop(name: string, subject: string, why: string): void {
    this.#options.onOutcome(name, "dropped");
    this.#options.log.error({ notify: name, subject, why }, "notification dropped");
  }

  /** Tries the oldest message that is due; messages of one receiver keep their order. Whether one was tried. */
  async #deliverNext(notifier: NotifyConfig): Promise<boolean> {
    const { name } = notifier;
    const [first, ...rest] = this.#states.get(name)?.queue ?? [];
    if (first === undefined || first.nextAt > this.#now() + MAX_RETRY_MS) {
      // A time too far in the future means that the clock was set back.
      return (
        first !== undefined && this.#requeue(name, [{ ...first, nextAt: this.#now() }, ...rest])
      );
    }
    if (first.nextAt > this.#now()) {
      return false;
    }
    const delivery = await deliver(notifier.receiver, first.message, this.#stopping.signal);
    if (this.#stopping.signal.aborted && delivery.kind !== "sent") {
      return false;
    }
    return this.#requeue(name, this.#after(name, first, rest, delivery));
  }

  #after(
    name: string,
    tried: Queued,
    rest: readonly Queued[],
    delivery: Delivery,
  ): readonly Queued[] {
    const { onOutcome, log } = this.#options;
    const { message, queuedAt } = tried;
    if (delivery.kind === "sent") {
      onOutcome(name, "sent");
      log.info({ notify: name, subject: message.subject }, "notification sent");
      return rest;
    }
    const now = this.#now();
    if (delivery.kind === "refused" || now - queuedAt > GIVE_UP_AFTER_MS) {
      this.#drop(name, message.subject, delivery.why);
      return rest;
    }
    onOutcome(name, "failed");
    const attempts = tried.attempts + 1;
    const waitMs = Math.min(
      MAX_RETRY_MS,
      Math.max(delivery.retryAfterMs ?? 0, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 10)),
    );
    log.warn(
      { notify: name, subject: message.subject, why: delivery.why, retryInMs: waitMs },
      "notification not delivered, will retry",
    );
    return [{ ...tried, attempts, nextAt: now + waitMs }, ...rest];
  }

  #requeue(name: string, queue: readonly Queued[]): true {
    const { ledger } = this.#states.get(name) ?? EMPTY;
    this.#states.set(name, { ledger, queue });
    return true;
  }
}

/** Whether a notifier's filter selects the cause. */
function isFor(cause: Cause, { when }: NotifyConfig): boolean {
  const { severity, verdicts, adcs, servers, vservers } = when;
  return (
    URGENCIES.indexOf(cause.urgency) >= URGENCIES.indexOf(severity) &&
    (verdicts.length === 0 || cause.verdicts.some((verdict) => verdicts.includes(verdict))) &&
    matches(adcs, [cause.adc]) &&
    matches(servers, cause.servers) &&
    matches(vservers, cause.vservers)
  );
}

function matches(patterns: readonly string[], names: readonly string[]): boolean {
  return patterns.length === 0 || names.some(nameMatcher(patterns));
}

function sameKeys(one: object, other: object): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => key in other);
}
