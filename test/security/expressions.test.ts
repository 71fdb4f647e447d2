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
/** Ends a search that would not come back; how busy the machine is decides nothing below it. */
const GIVE_UP_MS = 800;

const sandbox: { expression?: RegExp; text?: string } = {};
const context = createContext(sandbox);
const searching = new Script("expression.lastIndex = 0; expression.test(text)");

/** Processor time of a search, in milliseconds; infinite where it was given up. */
function workMs({ source, flags }: Expression, attack: Attack): number {
  Object.assign(sandbox, {
    expression: new RegExp(source, flags),
    text: attackText(attack, LENGTH),
  });
  const before = process.cpuUsage();
  try {
    searching.runInContext(context, { timeout: GIVE_UP_MS });
  } catch {
    return Infinity;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function slowAttack(expression: Expression): Attack | null {
  return (
    attacksOn(expression).find(
      // A single long turn may be the collector's: what is slow is so again.
      (attack) =>
        workMs(expression, attack) > MAX_WORK_MS && workMs(expression, attack) > MAX_WORK_MS,
    ) ?? null
  );
}

describe("regular expressions", () => {
  test.each(expressionsOfSources())(
    "regular expressions › take linear time at $where ($source)",
    { timeout: 120_000 },
    (expression) => {
      expect(slowAttack(expression)).toBeNull();
    },
  );

  test.each([
    ["two neighbours that take the same", "^\\s*[^\\s=]+[\\s=]+(\\S+)\\s*$", ""],
    ["a run that is looked for at its every place", "\\.+$", ""],
    ["a beginning that comes again and again", "Microsoft Exchange.*IMAP4", "i"],
    ["white space that crosses line ends", "^\\s*hostname\\s*:", "im"],
    ["nested repetitions", "^(?:a+)+$", ""],
  ])("regular expressions › are found out when there is %s", (_case, source, flags) => {
    expect(slowAttack({ where: "", source, flags })).not.toBeNull();
  });
});
