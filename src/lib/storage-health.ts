import { errorCode } from "./error-code.ts";

/** What is known of a directory that a program keeps its state in. */
export interface StorageHealth {
  /** Every file took its last write. */
  readonly writable: boolean;
  /** Refused writes so far. */
  readonly writeErrors: number;
  /** In words, for people: what is refused now, and what was found damaged since the start. */
  readonly problems: readonly string[];
}

/** The part of a logger that is used here. */
export interface StorageLog {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void;
}

/** More notes than anybody reads. */
const MAX_NOTES = 10;

/** Follows whether the files of a directory take their writes, and logs each change once. */
export class StorageWatch {
  readonly #log: StorageLog;
  readonly #refused = new Map<string, string>();
  #notes: readonly string[] = [];
  #writeErrors = 0;

  constructor(log: StorageLog) {
    this.#log = log;
  }

  get health(): StorageHealth {
    return {
      writable: this.#refused.size === 0,
      writeErrors: this.#writeErrors,
      problems: [
        ...[...this.#refused].map(([path, why]) => `${path} cannot be written: ${why}`),
        ...this.#notes,
      ],
    };
  }

  written(path: string): void {
    if (this.#refused.delete(path)) {
      this.#log.warn({ path }, "state_dir writable again");
    }
  }

  /** `error`: what was thrown, or a text. */
  refused(path: string, error: unknown): void {
    const why = errorCode(error);
    this.#writeErrors += 1;
    if (this.#refused.get(path) !== why) {
      this.#log.error({ path, error: why }, "cannot write to state_dir");
    }
    this.#refused.set(path, why);
  }

  /** A file that could not be used, and has another name now. */
  setAside(path: string, aside: string, why: string, consequence: string): void {
    this.#log.error({ path, aside, problem: why }, `state file unusable, renamed: ${consequence}`);
    const note = `${path} was ${why} and was renamed to ${aside}: ${consequence}`;
    this.#notes = [...this.#notes, note].slice(-MAX_NOTES);
  }
}
