import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { reply, type BodyReply } from "./reply.ts";

const TURN_MS = 4;
const PIECE_LENGTH = 64 * 1024;

/** A named list of a JSON object; its items are converted only when they are written. */
export interface JsonList {
  readonly name: string;
  readonly length: number;
  readonly convert: (index: number) => unknown;
}

export function jsonList<Item>(
  name: string,
  items: readonly Item[],
  convert: (item: Item) => unknown,
): JsonList {
  return {
    name,
    length: items.length,
    convert: (index) => {
      const item = items[index];
      return item === undefined ? null : convert(item);
    },
  };
}

/**
 * A JSON object of lists (and what else belongs to it), written piece by piece: the event loop is left every few
 * milliseconds, however long the lists. Carries an ETag like any other JSON.
 */
export async function largeJson(
  lists: readonly JsonList[],
  rest: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>>,
): Promise<BodyReply> {
  const pieces: Buffer[] = [];
  const hash = createHash("sha256");
  let pending = "{";
  let turnBegan = performance.now();
  const flush = (): void => {
    const piece = Buffer.from(pending);
    hash.update(piece);
    pieces.push(piece);
    pending = "";
  };
  for (const [position, { name, length, convert }] of lists.entries()) {
    pending += `${position === 0 ? "" : ","}${JSON.stringify(name)}:[`;
    for (let index = 0; index < length; index += 1) {
      pending += `${index === 0 ? "" : ","}${JSON.stringify(convert(index))}`;
      if (pending.length >= PIECE_LENGTH) {
        flush();
      }
      if (performance.now() - turnBegan >= TURN_MS) {
        await nextTurn();
        turnBegan = performance.now();
      }
    }
    pending += "]";
  }
  for (const [name, value] of Object.entries(rest)) {
    pending += `,${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  pending += "}\n";
  flush();
  const etag = `"${hash.digest("base64url").slice(0, 27)}"`;
  return {
    ...reply(200, "application/json; charset=utf-8", pieces, headers),
    cacheable: true,
    etag,
  };
}
