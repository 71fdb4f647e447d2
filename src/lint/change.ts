import { isPlaceholder } from "../adc/placeholders.ts";
import { isComplete, writeCommand, type Command } from "../adc/nsconf/grammar.ts";

/** One step of a fix, and the commands that undo it; none if nothing can (a secret that is not in the file). */
export interface Change {
  readonly apply: Command;
  readonly undo: readonly Command[];
}

/** The steps that fix one finding, in the order in which the ADC requires them. */
export type Fix = readonly Change[];

/** A fix as text. */
export interface PrintedFix {
  readonly commands: readonly string[];
  /** Undoes the commands, last step first. */
  readonly undo: readonly string[];
  /** False if the administrator has to fill in or decide something. */
  readonly complete: boolean;
  /** What that is; null: nothing, or there are no commands. */
  readonly incomplete: string | null;
}

export const NO_FIX: PrintedFix = { commands: [], undo: [], complete: false, incomplete: null };

const BLANKS = "fill in the placeholders in angle brackets";
const LEFT_OPEN = "put in the names that the text leaves open";

/** Whether it names an object by what a guide or a program leaves open: `svc_${name}`. */
function isLeftOpen({ words, options }: Command): boolean {
  const named = options.flatMap(([key, values]) => (/Name$/.test(key) ? values : []));
  return [...words, ...named].some((word) => typeof word === "string" && isPlaceholder(word));
}

/**
 * Prints a fix by the grammar of the command reference; nothing if the grammar rejects one of its commands. If it
 * contains a placeholder, or needs a decision by the administrator, no step that removes something is printed: a
 * working configuration must not depend on something that is not known yet.
 */
export function printFix(fix: Fix, decision: string | null): PrintedFix {
  const incomplete = fix.every(({ apply }) => isComplete(apply))
    ? (decision ?? (fix.some(({ apply }) => isLeftOpen(apply)) ? LEFT_OPEN : null))
    : BLANKS;
  const complete = incomplete === null;
  const steps = complete ? fix : fix.filter(({ apply }) => !TAKES_AWAY.test(apply.kind));
  const commands: string[] = [];
  const undo: string[] = [];
  for (const step of steps) {
    const text = writeCommand(step.apply);
    if (text === null) {
      return NO_FIX;
    }
    commands.push(text);
    const back = step.undo.map((command) => (isComplete(command) ? writeCommand(command) : null));
    const whole = back.filter((command) => command !== null);
    undo.unshift(
      ...(whole.length === 0 || whole.length < back.length
        ? [`# cannot be taken back by a command: ${text}`]
        : whole),
    );
  }
  return commands.length === 0 ? NO_FIX : { commands, undo, complete, incomplete };
}

/**
 * The lines of a fix to be pasted as they are. An incomplete one changes nothing until somebody has read it: its commands
 * are comments, because the ADC accepts `<host>` as a value, and a decision cannot be read from a command. The ADC passes
 * over lines that start with `#`, as in the files that it saves itself.
 */
export function pasteLines({
  commands,
  incomplete,
}: Pick<PrintedFix, "commands" | "incomplete">): readonly string[] {
  return incomplete === null || commands.length === 0
    ? commands
    : [
        `# incomplete: ${incomplete}; then remove "# " before each command`,
        ...commands.map((command) => `# ${command}`),
      ];
}

const TAKES_AWAY = /^(unbind|rm|disable) /;

/** An option's new value, and its present one; undefined: none, so that `unset` restores it. */
export interface OptionChange {
  readonly key: string;
  readonly to: string;
  readonly from: string | undefined;
}

/** `set …` of an object that has options. */
export function setOptions(
  object: "service" | "serviceGroup" | "lb vserver" | "cs vserver",
  name: string,
  changes: readonly OptionChange[],
): Change {
  const before = changes.flatMap(({ key, from }) =>
    from === undefined ? [] : [[key, [from]] as const],
  );
  const unknown = changes.flatMap(({ key, from }) =>
    from === undefined ? [[key, []] as const] : [],
  );
  return {
    apply: {
      kind: `set ${object}`,
      words: [name],
      options: changes.map(({ key, to }) => [key, [to]]),
    },
    undo: restoring(object, [name], before, unknown),
  };
}

/** `set` for the options that had a value, `unset` for the others. */
export function restoring(
  object: string,
  words: readonly string[],
  before: Command["options"],
  unknown: Command["options"],
): readonly Command[] {
  return [
    ...(before.length === 0 ? [] : [{ kind: `set ${object}`, words, options: before }]),
    ...(unknown.length === 0 ? [] : [{ kind: `unset ${object}`, words, options: unknown }]),
  ];
}
