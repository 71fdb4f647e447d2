import { Composer, Lexer, Parser, type CST, type Document, type LineCounter } from "yaml";

/** Something that keeps a text from being read; the library's sentences quote the text, which may hold a secret. */
export interface YamlFault {
  readonly at: number;
  readonly code: string;
}

export interface ComposedYaml {
  /** Of what comes before the fault, where there is one. */
  readonly document: Document;
  readonly faults: readonly YamlFault[];
}

/** Far more than any file needs. The library recurses; at the stack's very end the engine may abort the whole process. */
const MOST_LEVELS = 64;
/** Each costs far more than the text that causes it, and what follows the first few is their consequence. */
const MOST_ERRORS = 100;
const MOST_DIRECTIVES = 10;

/**
 * One YAML document out of a text that may be anything, in time and memory that grow with its length alone. What the library
 * would only warn of (a tag it does not know) is a fault too. Keys are texts as they are written, `007` too.
 */
export function composeYaml(text: string, lines: LineCounter): ComposedYaml {
  const excess: YamlFault[] = [];
  // The library compares every key with every other: ten thousand addresses of connect_to would take it seconds.
  // Its warnings would go to the standard error output, and quote the text.
  const composer = new Composer({ uniqueKeys: false, stringKeys: true, logLevel: "error" });
  const tokens = boundedTokens(text, lines, excess);
  const [document, another] = withoutStacks(() => {
    const [first, second] = composer.compose(tokens, true, text.length);
    return [first, second] as const;
  });
  if (document === undefined) {
    throw new Error("the library makes a document of anything");
  }
  const told = [...document.errors, ...document.warnings];
  const faults = told.map(({ pos, code }): YamlFault => ({ at: pos[0], code }));
  if (another !== undefined) {
    faults.push({ at: another.range[0], code: "MULTIPLE_DOCS" });
  }
  return { document, faults: [...excess, ...faults] };
}

/** The library makes an Error of each fault: the stack, which nobody reads, is most of what thousands of them cost. */
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
  let errors = 0;
  let directives = 0;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      errors += token.type === "error" ? 1 : 0;
      directives += token.type === "directive" ? 1 : 0;
      yield token;
    }
    const tooMuch = excessOf(parser.stack.length, errors, directives);
    if (tooMuch !== null) {
      excess.push({ at: parser.offset, code: tooMuch });
      return;
    }
  }
  yield* parser.end();
}

function excessOf(levels: number, errors: number, directives: number): string | null {
  if (levels > MOST_LEVELS) {
    return "NESTED_TOO_DEEPLY";
  }
  if (errors > MOST_ERRORS) {
    return "TOO_MANY_ERRORS";
  }
  return directives > MOST_DIRECTIVES ? "TOO_MANY_DIRECTIVES" : null;
}
