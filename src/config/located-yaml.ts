import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Document,
  type Pair,
  type YAMLMap,
  Composer,
  Lexer,
  Parser,
  CST,
  LineCounter,
  visit,
  type Scalar,
} from "yaml";
import { problemText, type ConfigProblem } from "./problems.ts";

/** Where a value stands in the text, and the key before it. */
interface Place {
  readonly key: number | null;
  readonly value: number | null;
}

/**
 * Offset of a path's value, or of its key where `atKey`; of the nearest parent where the path is not written. A file of
 * thousands of wrong keys asks thousands of times: the keys of a mapping are looked through once.
 */
function placesIn(document: Document): (path: ConfigPath, atKey: boolean) => number {
  const indexes = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  const indexOf = (map: YAMLMap): ReadonlyMap<string, Pair> => {
    const index = indexes.get(map) ?? pairsByKey(map);
    indexes.set(map, index);
    return index;
  };
  return (path, atKey) => {
    const places = placesAlong(document, path, indexOf);
    for (let length = places.length - 1; length >= 0; length -= 1) {
      const { key, value } = places[length] ?? { key: null, value: null };
      const offset = (atKey || length < path.length ? key : null) ?? value;
      if (offset !== null) {
        return offset;
      }
    }
    return 0;
  };
}

/** Of the whole, and of what each part of the path names, as far as it is written. */
function placesAlong(
  document: Document,
  path: ConfigPath,
  indexOf: (map: YAMLMap) => ReadonlyMap<string, Pair>,
): Place[] {
  let here: unknown = document.contents;
  const places: Place[] = [{ key: null, value: offsetOf(here) }];
  for (const part of path) {
    const pair: Pair | undefined = isMap(here) ? indexOf(here).get(String(part)) : undefined;
    const item: unknown = isSeq(here) ? here.items[Number(part)] : undefined;
    if (pair === undefined && item === undefined) {
      break;
    }
    here = pair === undefined ? item : pair.value;
    places.push({ key: offsetOf(pair?.key), value: offsetOf(here) });
  }
  return places;
}

function pairsByKey(map: YAMLMap): ReadonlyMap<string, Pair> {
  return new Map(
    map.items.flatMap((pair) =>
      isScalar(pair.key) ? [[String(pair.key.value), pair] as const] : [],
    ),
  );
}

function offsetOf(node: unknown): number | null {
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}

/** Something that keeps a text from being read; the library's sentences quote the text, which may hold a secret. */
interface YamlFault {
  readonly at: number;
  readonly code: string;
}

interface ComposedYaml {
  /** Of what comes before the fault, where there is one. */
  readonly document: Document;
  readonly faults: readonly YamlFault[];
}

/** Far more than any file needs. The library recurses; at the stack's very end the engine may abort the whole process. */
const MAX_LEVELS = 64;
/** Each costs far more than the text that causes it, and what follows the first few is their consequence. */
const MAX_ERRORS = 100;
const MAX_DIRECTIVES = 10;
/** Each is looked for among all anchors; the library bounds only what they multiply to. */
const MAX_ALIASES_WRITTEN = 1_000;

/**
 * One YAML document out of a text that may be anything, in time and memory that grow with its length alone. What the library
 * would only warn of (a tag it does not know) is a fault too. Keys are texts as they are written, `007` too.
 */
function composeYaml(text: string, lines: LineCounter): ComposedYaml {
  const excess: YamlFault[] = [];
  // The library compares every key with every other: ten thousand addresses of connect_to would take it seconds.
  // Its warnings would go to the standard error output, and quote the text.
  const composer = new Composer({
    uniqueKeys: false,
    stringKeys: true,
    // A set, an ordered map or bytes would pass for a mapping without keys.
    resolveKnownTags: false,
    logLevel: "error",
  });
  const tokens = boundedTokens(text, lines, excess);
  const [document, another] = withoutStacks(() => {
    const [first, second] = composer.compose(tokens, true, text.length);
    return [first, second] as const;
  });
  if (document === undefined) {
    throw new Error("the library makes a document of anything");
  }
  const problems = [...document.errors, ...document.warnings];
  const faults = problems.map(({ pos, code }): YamlFault => ({ at: pos[0], code }));
  if (another !== undefined) {
    faults.push({ at: another.range[0], code: "MULTIPLE_DOCS" });
  }
  return { document, faults: [...excess, ...faults] };
}

/** The library makes an Error of each fault: the unused stack is most of the cost of thousands of them. */
function withoutStacks<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The library's tokens, up to where a text goes too far. */
function* boundedTokens(
  text: string,
  lines: LineCounter,
  excess: YamlFault[],
): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine);
  const counts = { errors: 0, directives: 0, aliases: 0 };
  let before = "";
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    // The lexer announces every text that is not quoted: what begins with a star otherwise is an alias.
    counts.aliases += lexeme.startsWith("*") && before !== CST.SCALAR ? 1 : 0;
    before = lexeme;
    for (const token of parser.next(lexeme)) {
      counts.errors += token.type === "error" ? 1 : 0;
      counts.directives += token.type === "directive" ? 1 : 0;
      yield token;
    }
    const tooMuch = excessOf(parser.stack.length, counts);
    if (tooMuch !== null) {
      excess.push({ at: parser.offset, code: tooMuch });
      return;
    }
  }
  yield* parser.end();
}

function excessOf(
  levels: number,
  {
    errors,
    directives,
    aliases,
  }: { readonly errors: number; readonly directives: number; readonly aliases: number },
): string | null {
  if (levels > MAX_LEVELS) {
    return "NESTED_TOO_DEEPLY";
  }
  if (errors > MAX_ERRORS) {
    return "TOO_MANY_ERRORS";
  }
  if (aliases > MAX_ALIASES_WRITTEN) {
    return "TOO_MANY_ALIASES";
  }
  return directives > MAX_DIRECTIVES ? "TOO_MANY_DIRECTIVES" : null;
}

export type ConfigPath = readonly (string | number)[];

/** YAML that remembers where everything stood. */
export interface LocatedYaml {
  readonly data: unknown;
  /** Place of a path's value, or of its key where `atKey`; of the nearest parent where the path is not written. */
  readonly locate: (path: ConfigPath, atKey: boolean) => { line: number; column: number };
}

type YamlResult =
  | { readonly kind: "yaml"; readonly yaml: LocatedYaml }
  | { readonly kind: "invalid"; readonly problems: readonly ConfigProblem[] };

/** Aliases may not multiply a small file into a large one. */
const MAX_ALIASES = 100;

/** Parses a YAML (or JSON) text. Every syntax error becomes a located problem. */
export function parseLocatedYaml(text: string, file: string): YamlResult {
  const lines = new LineCounter();
  const { document, faults } = composeYaml(text, lines);
  const problems = brokenPlaces(document, faults).map(([at, code]): ConfigProblem => {
    const { line, col } = lines.linePos(at);
    return { file, line, column: col, path: "", message: syntaxMessage(code) };
  });
  if (problems.length > 0) {
    return { kind: "invalid", problems };
  }
  const data = toData(document);
  if (data.kind === "too_many_aliases") {
    const message = problemText(
      "has too many aliases",
      `at most ${String(MAX_ALIASES)}`,
      "write the values out",
    );
    return { kind: "invalid", problems: [{ file, line: 1, column: 1, path: "", message }] };
  }
  const placeOf = placesIn(document);
  return {
    kind: "yaml",
    yaml: {
      data: data.value,
      locate: (path, atKey) => {
        const { line, col } = lines.linePos(placeOf(path, atKey));
        return { line: Math.max(line, 1), column: Math.max(col, 1) };
      },
    },
  };
}

/** Offsets in the text with what is wrong there, in order; the parser may find two words for one place. */
function brokenPlaces(
  document: Document,
  faults: readonly YamlFault[],
): readonly (readonly [at: number, code: string])[] {
  const places = new Map<number, string>();
  const repeated = repeatedKeys(document).map(({ range }): YamlFault => ({
    at: range?.[0] ?? 0,
    code: "DUPLICATE_KEY",
  }));
  for (const { at, code } of [...faults, ...repeated]) {
    places.set(at, places.get(at) ?? code);
  }
  return [...places].sort(([one], [other]) => one - other);
}

/** Keys that stand in their mapping once before. */
function repeatedKeys(document: Document): Scalar[] {
  const repeated: Scalar[] = [];
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) {
          continue;
        }
        if (seen.has(key.value)) {
          repeated.push(key);
        }
        seen.add(key.value);
      }
    },
  });
  return repeated;
}

function toData(
  document: Document,
): { kind: "data"; value: unknown } | { kind: "too_many_aliases" } {
  try {
    return { kind: "data", value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown };
  } catch {
    // The library throws for nothing else once the document parsed without errors.
    return { kind: "too_many_aliases" };
  }
}

function syntaxMessage(code: string): string {
  const what =
    SYNTAX_WORDS.get(code) ?? `not valid YAML: ${code.toLowerCase().replaceAll("_", " ")}`;
  return problemText(what, "YAML 1.2 or JSON", "fix the syntax here");
}

const SYNTAX_WORDS: ReadonlyMap<string, string> = new Map([
  ["DUPLICATE_KEY", "duplicate key in a mapping"],
  ["NON_STRING_KEY", "a key is not a string but a mapping, a list or an alias"],
  ["TAG_RESOLVE_FAILED", "a value has an unsupported tag (!…)"],
]);
