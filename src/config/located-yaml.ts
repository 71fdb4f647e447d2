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

/** Position of a value and of its key in the text. */
interface Place {
  readonly key: number | null;
  readonly value: number | null;
}

/**
 * Offset of the value at a path, or of its key with `atKey`; of the nearest parent if the path does not exist. Keys of a
 * mapping are indexed once, since a file may have thousands of wrong keys.
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

/** Nodes along the path, from the root, as far as they exist. */
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

/** A syntax error without the library's message, which quotes the text and may contain a secret. */
interface YamlFault {
  readonly at: number;
  readonly code: string;
}

interface ComposedYaml {
  /** The document before the error, if any. */
  readonly document: Document;
  readonly faults: readonly YamlFault[];
}

/** Maximum nesting. The library recurses, and a stack overflow may abort the process. */
const MAX_LEVELS = 64;
/** Maximum number of syntax errors; they are expensive, and later ones are usually consequences. */
const MAX_ERRORS = 100;
const MAX_DIRECTIVES = 10;
/** Maximum number of aliases; each is searched among all anchors. */
const MAX_ALIASES_WRITTEN = 1_000;

/**
 * Parses one YAML document from an untrusted text, in linear time and memory. Warnings of the library (unknown tags) are
 * errors. Keys are kept as text, also `007`.
 */
function composeYaml(text: string, lines: LineCounter): ComposedYaml {
  const excess: YamlFault[] = [];
  // The library's check for duplicate keys is quadratic and would take seconds for ten thousand keys.
  // Its warnings would go to stderr and quote the text.
  const composer = new Composer({
    uniqueKeys: false,
    stringKeys: true,
    // A set, an ordered map or binary data would become a mapping without keys.
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

/** The library creates an Error per syntax error; capturing their stacks would be most of the cost. */
function withoutStacks<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The library's tokens, up to the first exceeded limit. */
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
    // The lexer marks plain scalars; other tokens that begin with a star are aliases.
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

/** Parsed YAML with positions. */
export interface LocatedYaml {
  readonly data: unknown;
  /** Position of the value at a path, or of its key with `atKey`; of the nearest parent if the path does not exist. */
  readonly locate: (path: ConfigPath, atKey: boolean) => { line: number; column: number };
}

type YamlResult =
  | { readonly kind: "yaml"; readonly yaml: LocatedYaml }
  | { readonly kind: "invalid"; readonly problems: readonly ConfigProblem[] };

/** Limit against expansion of nested aliases. */
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

/** Errors by offset, sorted; the parser may report two for one position. */
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

/** Duplicate keys of mappings. */
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
    // After parsing without errors, the library throws only for this.
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
