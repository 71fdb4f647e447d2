import { isScalar, LineCounter, visit, type Document, type Scalar } from "yaml";
import { problemText, type ConfigProblem } from "./problem.ts";
import { composeYaml, type YamlFault } from "./yaml-document.ts";
import { placesIn } from "./yaml-places.ts";

export type ConfigPath = readonly (string | number)[];

/** YAML that remembers where everything stood. */
export interface LocatedYaml {
  readonly data: unknown;
  /** Place of a path's value, or of its key where `atKey`; of the nearest parent where the path is not written. */
  readonly locate: (path: ConfigPath, atKey: boolean) => { line: number; column: number };
}

export type YamlResult =
  | { readonly kind: "yaml"; readonly yaml: LocatedYaml }
  | { readonly kind: "invalid"; readonly problems: readonly ConfigProblem[] };

/** Aliases may not multiply a small file into a large one. */
const MOST_ALIASES = 100;

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
      `at most ${String(MOST_ALIASES)}`,
      "write the values out",
    );
    return { kind: "invalid", problems: [{ file, line: 1, column: 1, path: "", message }] };
  }
  const offsetOf = placesIn(document);
  return {
    kind: "yaml",
    yaml: {
      data: data.value,
      locate: (path, atKey) => {
        const { line, col } = lines.linePos(offsetOf(path, atKey));
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
    return { kind: "data", value: document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown };
  } catch {
    // The library throws for nothing else once the document parsed without errors.
    return { kind: "too_many_aliases" };
  }
}

function syntaxMessage(code: string): string {
  const what =
    SYNTAX_WORDS.get(code) ?? `not valid YAML: ${code.toLowerCase().replaceAll("_", " ")}`;
  return problemText(what, "YAML 1.2 or JSON", "mend the syntax at this place");
}

const SYNTAX_WORDS: ReadonlyMap<string, string> = new Map([
  ["DUPLICATE_KEY", "the same key stands twice in one mapping"],
  ["NON_STRING_KEY", "a key is something else than a text: a mapping, a list or an alias"],
  ["TAG_RESOLVE_FAILED", "a value has a tag (!…) that means nothing here"],
]);
