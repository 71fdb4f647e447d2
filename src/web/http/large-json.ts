import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type BodyReply, reply } from "./reply.ts";

/** JSON text in pieces, each quick to make. */
export type JsonPieces = Generator<string, void, undefined>;

/** A list whose items are converted only when written. */
class LazyList<Item> {
  readonly pieces: () => JsonPieces;

  constructor(pieces: () => JsonPieces) {
    this.pieces = pieces;
  }

  /** Only for the type: makes lists of different items incompatible. */
  declare readonly item: Item;
}

/** Any JSON object of this type; its lists may be lazy. */
type Written<Whole> = {
  readonly [Key in keyof Whole]:
    Whole[Key] | (Whole[Key] extends readonly (infer Item)[] ? LazyList<Item> : never);
};

/** A list whose items are converted separately. */
export function lazyList<From, Item>(
  items: readonly From[],
  convert: (item: From) => Item,
): LazyList<Item> {
  return new LazyList(() => listPieces(items, (item) => [JSON.stringify(convert(item))]));
}

/** A list of large objects. */
export function listOfLarge<From, Item>(
  items: readonly From[],
  write: (item: From) => LargeObject<Item>,
): LazyList<Item> {
  return new LazyList(() => listPieces(items, (item) => write(item).pieces()));
}

/** A JSON object to be written in pieces, one for each item of its lazy lists. */
export class LargeObject<Whole> {
  readonly #fields: Written<Whole>;

  constructor(fields: Written<Whole>) {
    this.#fields = fields;
  }

  *pieces(): JsonPieces {
    let before = "{";
    for (const [name, value] of Object.entries<unknown>(this.#fields)) {
      const key = `${before}${JSON.stringify(name)}:`;
      if (value instanceof LazyList) {
        yield key;
        yield* value.pieces();
      } else {
        yield key + JSON.stringify(value);
      }
      before = ",";
    }
    yield before === "{" ? "{}" : "}";
  }
}

function* listPieces<From>(
  items: readonly From[],
  write: (item: From) => Iterable<string>,
): JsonPieces {
  let before = "[";
  for (const item of items) {
    yield before;
    yield* write(item);
    before = ",";
  }
  yield before === "[" ? "[]" : "]";
}

const TURN_MS = 4;
const PIECE_LENGTH = 64 * 1024;

/**
 * Answers with a JSON object that is written in pieces, yielding to the event loop every few milliseconds. Has an ETag like any
 * other JSON.
 */
export async function largeJson<Whole>(
  whole: LargeObject<Whole>,
  headers: Readonly<Record<string, string>>,
): Promise<BodyReply> {
  const buffers: Buffer[] = [];
  const hash = createHash("sha256");
  let pending = "";
  let turnBegan = performance.now();
  const flush = (): void => {
    const buffer = Buffer.from(pending);
    hash.update(buffer);
    buffers.push(buffer);
    pending = "";
  };
  for (const piece of whole.pieces()) {
    pending += piece;
    if (pending.length >= PIECE_LENGTH) {
      flush();
    }
    if (performance.now() - turnBegan >= TURN_MS) {
      await nextTurn();
      turnBegan = performance.now();
    }
  }
  pending += "\n";
  flush();
  const etag = `"${hash.digest("base64url").slice(0, 27)}"`;
  return {
    ...reply(200, "application/json; charset=utf-8", buffers, headers),
    cacheable: true,
    etag,
  };
}
