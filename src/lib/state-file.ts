import { readRegularFile, setAside } from "./durable-file.ts";
import type { StorageWatch } from "./storage-health.ts";

export interface StateFile<T> {
  readonly maxBytes: number;
  /** What the parsed JSON holds; null where it is not what we wrote. */
  readonly read: (json: unknown) => T | null;
  /** What follows where the file cannot be used, for the log. */
  readonly lost: string;
}

/**
 * Reads a JSON file of the state directory; null where none can be used. Whoever owns the file gives its `watch`: a file
 * that is damaged is then set aside under another name, and a refusal is reported. Never rejects.
 */
export async function readStateFile<T>(
  path: string,
  { maxBytes, read, lost }: StateFile<T>,
  watch?: StorageWatch,
): Promise<{ readonly value: T; readonly modifiedAtMs: number } | null> {
  const file = await readRegularFile(path, maxBytes);
  const value = file.kind === "text" ? read(parsed(file.text)) : null;
  if (file.kind === "text" && value !== null) {
    return { value, modifiedAtMs: file.modifiedAtMs };
  }
  if (file.kind === "failed") {
    watch?.refused(path, file.code);
  } else if (file.kind !== "missing" && watch !== undefined) {
    try {
      const aside = await setAside(path, Date.now());
      watch.setAside(path, aside, file.kind === "unfit" ? file.why : "damaged", lost);
    } catch (error) {
      watch.refused(path, error);
    }
  }
  return null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // JSON.parse has no other way to say no.
    return null;
  }
}
