import { isPlaceholder } from "../placeholders.ts";
import type { Statement } from "./statements.ts";
import { withArticle, withCapitalArticle } from "../object-kinds.ts";
import { counted } from "../../lib/counted.ts";
import { report, type Draft, type StatementReader } from "./draft.ts";
import { noteProfiles } from "./profile-uses.ts";
import { FLAGS, type OptionNames } from "./option-tables.ts";

/** Instead of the question whether to go on. UNCONFIRMED: of which commands the ADC takes it; scripts write it widely. */
const FORCE = "force";

/** Short forms that vendor examples use (`bind ssl vserver v -certkey c`), although newer options begin like them, too. */
const SHORT_FORMS: ReadonlyMap<string, string> = new Map([["certkey", "certkeyname"]]);

/** `-httpreq` is read as the whole option; the message says that the ADC's behaviour is a guess, if a session does not show it. */
export function expandOptions(
  statement: Statement,
  draft: Draft,
  object: string,
  names: OptionNames,
): Statement {
  const { keys } = statement;
  if (names.hasAll(keys)) {
    return statement;
  }
  const isOpen = isTemplate(statement);
  const isTaken = draft.takenLines.has(statement.line);
  const read = [...keys].map(([written, values]) => {
    const key = names.isPrefix(written) ? (SHORT_FORMS.get(written) ?? written) : written;
    return { key, option: names.whole(key), values };
  });
  if (!isOpen && read.some(({ key, option }) => option === null && names.isPrefix(key))) {
    const message = "This abbreviation matches several options, so it is ignored.";
    report(draft, statement, "info", "doubtful_option", object, message);
  }
  for (const { key, option } of read) {
    if (!isOpen && !isTaken && option !== null && key !== option) {
      const message = `An abbreviation of -${names.spelled(option)} is read as the whole option; whether the ADC accepts abbreviated options is not documented.`;
      report(draft, statement, "info", "doubtful_option", object, message);
    }
  }
  // An option that is written in full takes precedence, wherever it is.
  const halves = read.filter(({ key, option }) => key !== option);
  const whole = read.filter(({ key, option }) => key === option);
  return {
    ...statement,
    keys: new Map(
      [...halves, ...whole].map(({ key, option, values }) => [option ?? key, values] as const),
    ),
  };
}

/** How many words that are no option and no value a command takes: names, addresses, types. */
export type MostWords = number | ((statement: Statement) => number);

/**
 * Reads a command whose form is known: expands abbreviated options, remembers the profiles that they name, and reports
 * unknown ones and words that belong to none.
 */
export function withKnownOptions(
  subject: string,
  names: OptionNames,
  mostWords: MostWords,
  read: StatementReader,
): StatementReader {
  return (written, draft) => {
    const [object = subject] = written.words;
    const statement = withoutEqualsSigns(written, draft, object, names);
    reportStray(statement, draft, object, names, mostWords);
    if (names.hasAll(statement.keys)) {
      noteProfiles(statement, draft);
      read(statement, draft);
      return;
    }
    const whole = expandOptions(statement, draft, object, names);
    reportUnknown(whole, draft, object, subject, names);
    noteProfiles(whole, draft);
    read(whole, draft);
  };
}

/** Reads a command that removes something. Which options it takes is less certain: they are only expanded. */
export function expanded(names: OptionNames, read: StatementReader): StatementReader {
  return (statement, draft) => {
    const [object = statement.group] = statement.words;
    read(expandOptions(statement, draft, object, names), draft);
  };
}

/** `-interval = 30`: the sign is reported, and the rest is read as meant. */
export function withoutEqualsSigns(
  statement: Statement,
  draft: Draft,
  object: string,
  names: OptionNames,
): Statement {
  const signed = [...statement.keys].filter(
    ([key, [first, ...more]]) => first === "=" && more.length > 0 && names.isPrefix(key),
  );
  if (signed.length === 0) {
    return statement;
  }
  const shown = signed.map(([key]) => `-${names.spelled(names.whole(key) ?? key)}`).join(", ");
  const message = `Between an option and its value stands a space, not an equals sign (${shown}): the ADC rejects the whole command. This import uses it without the sign.`;
  report(draft, statement, "warning", "stray_words", object, message);
  const keys = new Map(statement.keys);
  signed.forEach(([key, values]) => keys.set(key, values.slice(1)));
  return { ...statement, keys };
}

/**
 * Reports words behind the last positional argument, and behind the last value of an option: an option without its
 * hyphen, or a part of a text that belongs inside quotes.
 */
export function reportStray(
  statement: Statement,
  draft: Draft,
  object: string,
  names: OptionNames,
  mostWords: MostWords,
): void {
  const { words, keys, broken, verb } = statement;
  const most = typeof mostWords === "number" ? mostWords : mostWords(statement);
  if (words.length <= most && keys.size === 0) {
    return;
  }
  let loose = withoutPipes(words);
  for (const [key, values] of keys) {
    loose += Math.max(0, withoutPipes(values) - names.mostValues(names.whole(key) ?? key));
  }
  if (loose <= most || broken || verb === "unset" || isTemplate(statement)) {
    return;
  }
  if (words.slice(1).some((word) => isTypeWithOption(word, names))) {
    return;
  }
  reportStrayWords(statement, draft, object, loose - most);
}

/** Reports that so many words of a statement have no place in it. */
export function reportStrayWords(
  statement: Statement,
  draft: Draft,
  object: string,
  stray: number,
): void {
  const [belong, these] = stray === 1 ? ["belongs", "this word"] : ["belong", "them"];
  const message = `${counted(stray, "word")} of this line ${belong} to no option: the ADC rejects the whole command. This import uses it without ${these}.`;
  report(draft, statement, "warning", "stray_words", object, message);
}

/** `add service s 10.0.0.1 TCP-cltTimeout 90`: what is reported is the unknown type. */
function isTypeWithOption(word: string, names: OptionNames): boolean {
  const [, option = null] = /^[A-Z_]{2,20}-([A-Za-z]{2,40})$/.exec(word) ?? [];
  return option !== null && names.whole(option.toLowerCase()) !== null;
}

/** Ends a command, as in a table of a page. */
const PIPE = "|";

function withoutPipes(words: readonly string[]): number {
  return words.reduce((count, word) => (word === PIPE ? count : count + 1), 0);
}

/** `add lb vserver <name of the vserver> HTTP`: words that are still to be filled in. */
function isTemplate({ words, keys }: Statement): boolean {
  return [...words, ...[...keys.values()].flat()].some(isPlaceholder);
}

/** In a file saved by an appliance, an unknown option belongs to newer firmware; elsewhere it is a typing mistake. */
function reportUnknown(
  statement: Statement,
  draft: Draft,
  object: string,
  subject: string,
  names: OptionNames,
): void {
  const unknown = [...statement.keys.keys()].filter((key) => key !== FORCE && !names.isPrefix(key));
  if (unknown.length === 0 || (statement.verb === "unset" && isTemplate(statement))) {
    return;
  }
  // After an option without a value follows that value: a text that begins with a hyphen is not repeated.
  const hasLost = [...statement.keys].some(
    ([key, values]) => values.length === 0 && names.isPrefix(key) && !FLAGS.has(key),
  );
  const nameable = hasLost ? [] : unknown.filter((key) => /^[a-z][a-z0-9]{1,39}$/.test(key));
  const shown =
    nameable.length === unknown.length
      ? `-${nameable.join(", -")}`
      : `${String(unknown.length)} of its options`;
  if (draft.firmware !== null || statement.verb === "unset") {
    const message = `Unknown options of ${withArticle(subject)} are ignored: ${shown}.`;
    report(draft, statement, "info", "unknown_option", object, message);
    return;
  }
  const message = `${withCapitalArticle(subject)} does not support ${shown}: the ADC rejects the whole command. This import uses the rest of it.`;
  report(draft, statement, "warning", "unknown_option", object, message);
}
