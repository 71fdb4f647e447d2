import { readFileSync } from "node:fs";
import fc from "fast-check";

const fixtures = ["exchange-2010", "exchange-2010-full", "exchange-2016"].map((name) =>
  readFileSync(new URL(`../../fixtures/ns.conf/${name}.conf`, import.meta.url), "utf8").split("\n"),
);

export const SPLINTERS = [
  '"', "'", "\\", "(", ")", "q{", "}", "-", "#", "\r", "\n", "\t", "\0", "\uFEFF", "\uD800", "*",
  "[1-3]", "[1-99999]", "0", "-1", "99999999999999999999", "ENABLED", "-monitorName", "-policyName",
  "__proto__", "constructor", " && ", " || ", "!", ".NOT", "2001:db8::1", "0.0.0.0", "-td", "-range",
]; // prettier-ignore

interface Mutation {
  readonly at: number;
  readonly column: number;
  readonly kind: "insert" | "delete" | "cut" | "double" | "swap" | "splice";
  readonly splinter: string;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(10_000),
  column: fc.nat(400),
  kind: fc.constantFrom("insert", "delete", "cut", "double", "swap", "splice"),
  splinter: fc.oneof(fc.constantFrom(...SPLINTERS), fc.string({ maxLength: 8 })),
});

/** A run of a fixture's lines, so that one input stays small and a million of them finish. */
const excerpt = fc
  .record({
    fixture: fc.constantFrom(...fixtures),
    from: fc.nat(200),
    length: fc.integer({ min: 1, max: 14 }),
  })
  .map(({ fixture, from, length }) => {
    const start = from % fixture.length;
    return fixture.slice(start, start + length);
  });

/** A piece of a guide's configuration with some damage done to it. */
export const mutatedConfiguration: fc.Arbitrary<string> = fc
  .tuple(excerpt, fc.array(mutation, { minLength: 1, maxLength: 8 }))
  .map(([lines, mutations]) => mutations.reduce(mutate, lines).join("\n"));

function mutate(lines: readonly string[], { at, column, kind, splinter }: Mutation): string[] {
  const copy = [...lines];
  const row = at % Math.max(1, copy.length);
  const line = copy[row] ?? "";
  const here = column % (line.length + 1);
  switch (kind) {
    case "insert":
      copy[row] = line.slice(0, here) + splinter + line.slice(here);
      break;
    case "delete":
      copy[row] = line.slice(0, here) + line.slice(here + 1 + splinter.length);
      break;
    case "cut":
      copy[row] = line.slice(0, here);
      break;
    case "double":
      copy.splice(row, 0, line);
      break;
    case "swap":
      copy.reverse();
      break;
    case "splice":
      copy[row] = line.slice(0, here) + (copy[(row + 1) % copy.length] ?? "").slice(here);
      break;
  }
  return copy;
}
