/** What the server does after its last response: close, reset, or stay silent until the probe's time-out. */
export type Ending = "end" | "reset" | "silent";

/** The answers of a fuzzed server to one probe. */
export interface Script {
  /** One response after each piece that the probe sends; if the first is empty, the client speaks first. */
  readonly answers: readonly Buffer[];
  readonly ending: Ending;
  /** Answers arrive in pieces of this many bytes; null: whole. */
  readonly pieceBytes: number | null;
}

const BETWEEN_ANSWERS = 0x1e;
const ENDINGS: readonly Ending[] = ["end", "reset", "silent", "end"];
const PIECES: readonly (number | null)[] = [null, 1, 7, 512];
/** After this many pieces, the remainder arrives at once. */
const MAX_PIECES = 8;

/** An input to begin with: these answers, with an orderly end, whole. */
export function writeScript(answers: readonly string[]): Buffer {
  return Buffer.from(`\u0000${answers.join(String.fromCharCode(BETWEEN_ANSWERS))}`, "latin1");
}

/** The same answers with every end, whole and in pieces. */
export function waysToSay(input: Buffer): Buffer[] {
  return ENDINGS.flatMap((_, ending) =>
    PIECES.map((__, pieces) => {
      const other = Buffer.from(input);
      other[0] = ending | (pieces << 2);
      return other;
    }),
  );
}

/** The first byte of an input selects pieces and end, the others are the answers. */
export function readScript(input: Buffer): Script {
  const choice = input[0] ?? 0;
  const answers: Buffer[] = [];
  let rest = input.subarray(1);
  for (let at = rest.indexOf(BETWEEN_ANSWERS); at !== -1; at = rest.indexOf(BETWEEN_ANSWERS)) {
    answers.push(rest.subarray(0, at));
    rest = rest.subarray(at + 1);
  }
  return {
    answers: [...answers, rest],
    ending: ENDINGS[choice & 3] ?? "end",
    pieceBytes: PIECES[(choice >> 2) & 3] ?? null,
  };
}

export function piecesOf(answer: Buffer, pieceBytes: number | null): Buffer[] {
  if (pieceBytes === null || answer.length <= pieceBytes) {
    return [answer];
  }
  const pieces: Buffer[] = [];
  let at = 0;
  while (answer.length - at > pieceBytes && pieces.length < MAX_PIECES) {
    pieces.push(answer.subarray(at, at + pieceBytes));
    at += pieceBytes;
  }
  return [...pieces, answer.subarray(at)];
}

/** Fills a response with the parts of the client's request that it must repeat. */
export type Echo = (asked: Buffer, words: Buffer) => Buffer;

export const noEcho: Echo = (_asked, words) => words;

/** Copies a range of bytes from the request, as far as a mutation has left room for them. */
export function echoBytes(from: number, to: number, bytes: number): Echo {
  return (asked, words) => {
    if (from >= asked.length || to >= words.length) {
      return words;
    }
    const answer = Buffer.from(words);
    asked.copy(answer, to, from, Math.min(asked.length, from + bytes));
    return answer;
  };
}

/** The rest of the line that begins so, where the answer has such a line. */
export function echoLine(beginning: string): Echo {
  return (asked, words) => {
    const from = asked.indexOf(beginning);
    const to = words.indexOf(beginning);
    const end = words.indexOf("\r\n", to);
    return from === -1 || to === -1 || end === -1
      ? words
      : Buffer.concat([
          words.subarray(0, to),
          asked.subarray(from, asked.indexOf("\r\n", from)),
          words.subarray(end),
        ]);
  };
}
