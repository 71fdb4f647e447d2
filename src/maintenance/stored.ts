import { z } from "zod";

/** A window declared by command or API. */
export interface StoredWindow {
  readonly name: string;
  readonly servers: readonly string[];
  /** Milliseconds since the epoch. */
  readonly startAt: number;
  /** Infinity for `never`. */
  readonly endAt: number;
  readonly reason: string | null;
  readonly author: string | null;
  readonly autoEnd: boolean;
  readonly flexible: boolean;
}

/** How far one occurrence of a window has come for one server: what flexible starts and automatic ends must remember. */
export interface WindowProgress {
  readonly window: string;
  /** Start of the occurrence. */
  readonly startAt: number;
  /** A server's name; `*` where the whole occurrence was ended by hand. */
  readonly server: string;
  /** When the server first went bad inside the occurrence. */
  readonly begunAt: number | null;
  /** When the occurrence ended for this server, before its planned end. */
  readonly endedAt: number | null;
}

/** Everything that the store keeps. */
export interface StoreState {
  readonly windows: readonly StoredWindow[];
  readonly progress: readonly WindowProgress[];
}

export const EMPTY_STORE: StoreState = { windows: [], progress: [] };

const VERSION = 1;
const time = z.number().int();

const storedFile = z.strictObject({
  version: z.literal(VERSION),
  windows: z.array(
    z.strictObject({
      name: z.string().min(1),
      servers: z.array(z.string().min(1)).min(1),
      startAt: time,
      endAt: z.union([time, z.literal("never")]),
      reason: z.string().nullable(),
      author: z.string().nullable(),
      autoEnd: z.boolean(),
      flexible: z.boolean(),
    }),
  ),
  progress: z.array(
    z.strictObject({
      window: z.string(),
      startAt: time,
      server: z.string(),
      begunAt: time.nullable(),
      endedAt: time.nullable(),
    }),
  ),
});

/** The store's text: JSON, one line a window, with a final line end that shows the file is whole. */
export function writeStored(state: StoreState): string {
  const windows = state.windows.map((window) => ({
    ...window,
    endAt: window.endAt === Infinity ? "never" : window.endAt,
  }));
  const file: z.input<typeof storedFile> = {
    version: VERSION,
    windows: windows as z.input<typeof storedFile>["windows"],
    progress: [...state.progress],
  };
  return `${JSON.stringify(file, null, 1)}\n`;
}

/** Reads the store's text; null when it is not whole, not ours, or of a version that this program does not know. */
export function readStored(text: string): StoreState | null {
  if (!text.endsWith("}\n")) {
    return null;
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // JSON.parse has no other way to say no.
    return null;
  }
  const checked = storedFile.safeParse(data);
  if (!checked.success) {
    return null;
  }
  return {
    windows: checked.data.windows.map((window) => ({
      ...window,
      endAt: window.endAt === "never" ? Infinity : window.endAt,
    })),
    progress: checked.data.progress,
  };
}
