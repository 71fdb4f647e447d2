import {
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Scalar,
} from "yaml";
import { problemText, type ConfigProblem } from "./problem.ts";

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
  // The library compares every key with every other: ten thousand addresses of connect_to would take it seconds.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
  });
  const broken = [
    ...document.errors.map(({ pos, code }) => ({ at: pos[0], code })),
    ...repeatedKeys(document).map(({ range }) => ({ at: range?.[0] ?? 0, code: "DUPLICATE_KEY" })),
  ];
  const problems = broken.map(({ at, code }): ConfigProblem => {
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
  return {
    kind: "yaml",
    yaml: {
      data: data.value,
      locate: (path, atKey) => {
        const { line, col } = lines.linePos(offsetOf(document, path, atKey));
        return { line: Math.max(line, 1), column: Math.max(col, 1) };
      },
    },
  };
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

/** The library's own sentences quote the text, which may hold a secret: only its code is used. */
function syntaxMessage(code: string): string {
  const what =
    code === "DUPLICATE_KEY"
      ? "the same key stands twice in one mapping"
      : `not valid YAML: ${code.toLowerCase().replaceAll("_", " ")}`;
  return problemText(what, "YAML 1.2 or JSON", "mend the syntax at this place");
}

function offsetOf(document: Document, path: ConfigPath, atKey: boolean): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const prefix = path.slice(0, length);
    const keyOffset = atKey || length < path.length ? keyOffsetOf(document, prefix) : null;
    const offset = keyOffset ?? valueOffsetOf(document, prefix);
    if (offset !== null) {
      return offset;
    }
  }
  return 0;
}

function keyOffsetOf(document: Document, path: ConfigPath): number | null {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (path.length === 0 || !isMap(parent)) {
    return null;
  }
  const pair = parent.items.find(
    ({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)),
  );
  return isNode(pair?.key) ? (pair.key.range?.[0] ?? null) : null;
}

function valueOffsetOf(document: Document, path: ConfigPath): number | null {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}
