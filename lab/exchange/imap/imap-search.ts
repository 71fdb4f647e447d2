import type { StoredMessage } from "../mailbox.ts";
import { headerValue, splitMessage } from "../mail-message.ts";
import { textOf, type ImapToken } from "./imap-command.ts";

type Test = (message: StoredMessage, sequence: number) => boolean;

interface Bounds {
  /** Highest sequence number and UID: what `*` means. */
  readonly lastSequence: number;
  readonly lastUid: number;
}

const FLAG_KEYS: Readonly<Record<string, string>> = {
  ANSWERED: "\\Answered",
  DELETED: "\\Deleted",
  DRAFT: "\\Draft",
  FLAGGED: "\\Flagged",
  SEEN: "\\Seen",
};

/** Compiles the keys of a SEARCH (RFC 3501 section 6.4.4); null when one of them is not known. */
export function compileSearch(tokens: readonly ImapToken[], bounds: Bounds): Test | null {
  const queue = [...tokens];
  if (textOf(queue[0])?.toUpperCase() === "CHARSET") {
    queue.splice(0, 2);
  }
  return conjunction(queue, bounds);
}

function conjunction(queue: ImapToken[], bounds: Bounds): Test | null {
  const tests: Test[] = [];
  while (queue.length > 0) {
    const test = nextKey(queue, bounds);
    if (test === null) {
      return null;
    }
    tests.push(test);
  }
  return (message, sequence) => tests.every((test) => test(message, sequence));
}

function nextKey(queue: ImapToken[], bounds: Bounds): Test | null {
  const token = queue.shift();
  if (token?.kind === "list") {
    return conjunction([...token.items], bounds);
  }
  if (token === undefined) {
    return null;
  }
  const key = token.value.toUpperCase();
  const flag = FLAG_KEYS[key.replace(/^UN/, "")];
  if (flag !== undefined) {
    const wanted = !key.startsWith("UN");
    return (message) => message.flags.has(flag) === wanted;
  }
  return /^[\d*]/.test(key) ? inSequence(key, bounds) : keyWithArguments(key, queue, bounds);
}

function keyWithArguments(key: string, queue: ImapToken[], bounds: Bounds): Test | null {
  const argument = (): string => textOf(queue.shift()) ?? "";
  switch (key) {
    case "ALL":
    case "OLD":
      return () => true;
    case "NEW":
    case "RECENT":
      return () => false;
    case "NOT": {
      const inner = nextKey(queue, bounds);
      return inner && ((message, sequence) => !inner(message, sequence));
    }
    case "OR": {
      const left = nextKey(queue, bounds);
      const right = nextKey(queue, bounds);
      return left && right && ((message, at) => left(message, at) || right(message, at));
    }
    case "UID": {
      const contains = numberSet(argument(), bounds.lastUid);
      return (message) => contains(message.uid);
    }
    case "SUBJECT":
    case "FROM":
    case "TO":
    case "CC":
    case "BCC":
      return headerContains(key, argument());
    case "HEADER":
      return headerContains(argument(), argument());
    case "TEXT":
      return contentContains(argument(), (content) => content);
    case "BODY":
      return contentContains(argument(), (content) => splitMessage(content).body);
    case "KEYWORD":
      return hasFlag(argument(), true);
    case "UNKEYWORD":
      return hasFlag(argument(), false);
    case "LARGER":
      return sizeTest(Number(argument()), 1);
    case "SMALLER":
      return sizeTest(Number(argument()), -1);
    case "SINCE":
    case "SENTSINCE":
      return dayTest(argument(), (day, wanted) => day >= wanted);
    case "BEFORE":
    case "SENTBEFORE":
      return dayTest(argument(), (day, wanted) => day < wanted);
    case "ON":
    case "SENTON":
      return dayTest(argument(), (day, wanted) => day === wanted);
    default:
      return null;
  }
}

function inSequence(set: string, bounds: Bounds): Test {
  const contains = numberSet(set, bounds.lastSequence);
  return (_message, sequence) => contains(sequence);
}

function headerContains(name: string, text: string): Test {
  const wanted = text.toLowerCase();
  return (message) => {
    const value = headerValue(splitMessage(message.content.toString("latin1")).header, name);
    return value?.toLowerCase().includes(wanted) ?? false;
  };
}

function contentContains(text: string, part: (content: string) => string): Test {
  const wanted = text.toLowerCase();
  return (message) => part(message.content.toString("latin1")).toLowerCase().includes(wanted);
}

function hasFlag(flag: string, wanted: boolean): Test {
  return (message) => message.flags.has(flag) === wanted;
}

function sizeTest(size: number, sign: 1 | -1): Test {
  return (message) => Math.sign(message.content.length - size) === sign;
}

const DAY_MS = 86_400_000;

/** Days by the date of arrival, in UTC; the lab's messages are sent when they arrive. */
function dayTest(date: string, compare: (day: number, wanted: number) => boolean): Test | null {
  const wanted = Date.parse(`${date} UTC`);
  if (Number.isNaN(wanted)) {
    return null;
  }
  return (message) =>
    compare(Math.floor(message.receivedAt.getTime() / DAY_MS), Math.floor(wanted / DAY_MS));
}

/** A set of numbers as IMAP writes it: `1,3:5,7:*`. */
export function numberSet(set: string, last: number): (value: number) => boolean {
  const bound = (text: string): number => (text === "*" ? last : Number(text));
  const ranges = set.split(",").map((part) => {
    const [from = "0", to = from] = part.split(":");
    const ends = [bound(from), bound(to)];
    return { low: Math.min(...ends), high: Math.max(...ends) };
  });
  return (value) => ranges.some(({ low, high }) => value >= low && value <= high);
}
