import { open, rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

/** The file operations of a durable write; a test may stand in between to stop at any byte. */
export interface DurableFiles {
  /** Creates or empties the file, writes all bytes and forces them to the disk. */
  readonly writeThrough: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Forces a directory's entries to the disk, where the system can. */
  readonly syncDirectory: (path: string) => Promise<void>;
}

export const DURABLE_FILES: DurableFiles = {
  writeThrough: async (path, bytes) => {
    await withFile(path, "w", async (file) => {
      await file.writeFile(bytes);
      await file.sync();
    });
  },
  rename,
  syncDirectory: async (path) => {
    if (process.platform === "win32") {
      // Windows gives no handle to a directory; NTFS journals the rename itself.
      return;
    }
    await withFile(path, "r", (directory) => directory.sync());
  },
};

/**
 * Replaces a file so that a crash at any moment leaves either the old content or the new one, whole: write beside it,
 * force to disk, rename. Rejects when the disk is full or not writable; the old content then stands.
 */
export async function replaceFile(path: string, text: string, files: DurableFiles): Promise<void> {
  const beside = `${path}.new`;
  await files.writeThrough(beside, Buffer.from(text, "utf8"));
  await files.rename(beside, path);
  await files.syncDirectory(dirname(path));
}

async function withFile(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
