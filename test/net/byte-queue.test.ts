import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteQueue } from "../../src/lib/bytes.ts";

test("byte queue › equals a plain buffer after any appends, skips and clears", () => {
  const step = fc.oneof(
    fc.record({ append: fc.uint8Array({ maxLength: 40 }) }),
    fc.record({ skip: fc.nat({ max: 50 }) }),
    fc.constant({ clear: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new ByteQueue();
      const given: { readonly piece: Buffer; readonly copy: Buffer }[] = [];
      let model = Buffer.alloc(0);
      for (const one of steps) {
        if ("append" in one) {
          const piece = Buffer.from(one.append);
          given.push({ piece, copy: Buffer.from(piece) });
          queue.append(piece);
          model = Buffer.concat([model, piece]);
        } else if ("skip" in one) {
          const count = Math.min(one.skip, model.length);
          queue.skip(count);
          model = model.subarray(count);
        } else {
          queue.clear();
          model = Buffer.alloc(0);
        }
        expect(queue.bytes.equals(model)).toBe(true);
      }
      // What was given is read, never written to.
      expect(given.every(({ piece, copy }) => piece.equals(copy))).toBe(true);
    }),
  );
});

test("byte queue › keeps an earlier view unchanged when more is appended", () => {
  const queue = new ByteQueue();
  queue.append(Buffer.from("ab"));
  queue.append(Buffer.from("cd"));
  const view = queue.bytes.subarray(0, 3);
  queue.skip(3);
  for (let count = 0; count < 100; count++) {
    queue.append(Buffer.from("x"));
  }
  expect(view.toString()).toBe("abc");
  expect(queue.bytes.toString()).toBe(`d${"x".repeat(100)}`);
});
