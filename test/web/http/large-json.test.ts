import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  LargeObject,
  largeJson,
  lazyList,
  listOfLarge,
  type JsonPieces,
} from "../../../src/web/http/large-json.ts";

const value = fc.jsonValue();
const rows = fc.array(value, { maxLength: 5 });

function text(pieces: JsonPieces): string {
  return [...pieces].join("");
}

describe("large JSON", () => {
  test("LargeObject › is the text of JSON.stringify for any content", () => {
    fc.assert(
      fc.property(fc.string(), rows, fc.array(rows, { maxLength: 4 }), (name, items, nested) => {
        const written = new LargeObject<Readonly<Record<string, unknown>>>({
          [name]: items.length,
          items: lazyList(items, (item) => ({ item })),
          nested: listOfLarge(nested, (one) => {
            return new LargeObject<{ rows: readonly unknown[] }>({
              rows: lazyList(one, (item) => item),
            });
          }),
        });
        const whole = {
          [name]: items.length,
          items: items.map((item) => ({ item })),
          nested: nested.map((one) => ({ rows: one })),
        };
        expect(text(written.pieces())).toBe(JSON.stringify(whole));
      }),
    );
  });

  test("LargeObject › is an empty object when it has no fields", () => {
    expect(text(new LargeObject({}).pieces())).toBe("{}");
  });

  test("largeJson › yields to the event loop between the items of a nested list", async () => {
    let turns = 0;
    const busy = (): null => {
      const until = performance.now() + 6;
      while (performance.now() < until) {
        // Holds the event loop.
      }
      return null;
    };
    const count = setInterval(() => (turns += 1), 0);
    const inner = new LargeObject<{ rows: readonly null[] }>({
      rows: lazyList(Array.from({ length: 10 }), busy),
    });
    const outer = new LargeObject<{ all: readonly unknown[] }>({
      all: listOfLarge([inner], (one) => one),
    });
    const { body } = await largeJson(outer, {});
    clearInterval(count);
    expect(String(body)).toContain("null,null");
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});
