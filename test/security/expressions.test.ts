import { createContext, Script } from "node:vm";
import { describe, expect, test } from "vitest";
import {
  attacksOn,
  attackText,
  expressionsOfSources,
  type Attack,
  type Expression,
} from "../../bench/fuzz/expressions.ts";

/** Long enough that a quadratic search takes hundreds of milliseconds, and a linear one a millisecond or few. */
const LENGTH = 100_000;
const MAX_WORK_MS = 150;
/** A search that takes less at this length takes less than MAX_WORK_MS at LENGTH, also if it is quadratic. */
const SHORT_LENGTH = 10_000;
const MAX_SHORT_MS = 1;
/** Ends a search that would not come back; how busy the machine is decides nothing below it. */
const GIVE_UP_MS = 800;

const sandbox: { expression?: RegExp; text?: string } = {};
const context = createContext(sandbox);
const searching = new Script("expression.lastIndex = 0; expression.test(text)");

function isQuickWhenShort(expression: RegExp, attack: Attack): boolean {
  Object.assign(sandbox, { expression, text: attackText(attack, SHORT_LENGTH) });
  const before = performance.now();
  return search() && performance.now() - before < MAX_SHORT_MS;
}

/** Processor time of a search, in milliseconds, or of the part of it until it was given up. */
function workMs(expression: RegExp, attack: Attack): number {
  Object.assign(sandbox, { expression, text: attackText(attack, LENGTH) });
  for (;;) {
    const before = process.cpuUsage();
    const isOver = search();
    const { user, system } = process.cpuUsage(before);
    const spentMs = (user + system) / 1_000;
    // Given up for want of a processor, it has not shown what it is.
    if (isOver || spentMs > MAX_WORK_MS) {
      return spentMs;
    }
  }
}

function search(): boolean {
  try {
    searching.runInContext(context, { timeout: GIVE_UP_MS });
    return true;
  } catch {
    return false;
  }
}

function isSlow(expression: RegExp, attack: Attack): boolean {
  if (isQuickWhenShort(expression, attack)) {
    return false;
  }
  const spentMs = workMs(expression, attack);
  // A single long turn may be the collector's, though not so long a one: what is slow is so again.
  return (
    spentMs > 3 * MAX_WORK_MS || (spentMs > MAX_WORK_MS && workMs(expression, attack) > MAX_WORK_MS)
  );
}

function slowAttack(expression: Expression): Attack | null {
  const { source, flags } = expression;
  const compiled = new RegExp(source, flags);
  return attacksOn(expression).find((attack) => isSlow(compiled, attack)) ?? null;
}

describe("regular expressions", () => {
  test.each(expressionsOfSources())(
    "take linear time at $where ($source, %$)",
    { timeout: 120_000 },
    (expression) => {
      expect(slowAttack(expression)).toBeNull();
    },
  );

  test.each([
    ["two neighbours that match the same", "^\\s*[^\\s=]+[\\s=]+(\\S+)\\s*$", ""],
    ["a run searched from each of its positions", "\\.+$", ""],
    ["a repeated beginning", "Microsoft Exchange.*IMAP4", "i"],
    ["white space that crosses line ends", "^\\s*hostname\\s*:", "im"],
    ["nested repetitions", "^(?:a+)+$", ""],
  ])("are detected as slow when there is %s", (_case, source, flags) => {
    expect(slowAttack({ where: "", source, flags })).not.toBeNull();
  });
});
