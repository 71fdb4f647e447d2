import { open } from "node:fs/promises";

/** Reads a file or a pipe as UTF-8. Rejects when it cannot be read or holds more than `maxBytes`. */
export async function readTextUpTo(file: string, maxBytes: number): Promise<string> {
  const handle = await open(file);
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      const part = chunk as Buffer;
      bytes += part.length;
      if (bytes > maxBytes) {
        throw new Error(`holds more than ${String(maxBytes / 1_048_576)} MiB`);
      }
      chunks.push(part);
    }
    return Buffer.concat(chunks).toString("utf8");
  } finally {
    await handle.close();
  }
}
