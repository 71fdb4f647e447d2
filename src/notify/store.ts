import { join } from "node:path";
import { z } from "zod";
import { replaceFile, readStateFile, type StorageWatch } from "../lib/durable-file.ts";
import { URGENCIES, MEMBER_VERDICTS, VSERVER_VERDICTS } from "../model/verdicts.ts";
import type { Ledger } from "./ledger.ts";
import type { Message } from "./message.ts";

/** A message that has not been taken yet. Times: milliseconds since the epoch. */
export interface Queued {
  readonly message: Message;
  readonly queuedAt: number;
  readonly attempts: number;
  readonly nextAt: number;
}

/** What one notifier remembers: what it sent, and what it has still to send. */
export interface NotifierState {
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

/** Reads what an earlier run sent. A file that cannot be used is set aside: the worst that follows is a message twice. */
export async function readNotifyState(
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

/** Writes the state, whole or not at all. Never rejects: a full disk is reported, and the messages still go out. */
export async function writeNotifyState(
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
