/**
 * How far into a service a probe sees, shallowest first:
 * - `reach`: an address answers, or a port completes a TCP handshake
 * - `tls`: a TLS handshake
 * - `greeting`: the application's first line, or an HTTP status
 * - `dialogue`: anonymous commands (EHLO and MAIL FROM), a page or a challenge of one virtual directory, a DNS answer
 * - `login`: an account's login, or what an application says of its own back end
 * - `mailbox`: a folder was opened, a message came through
 */
export const DEPTHS = ["reach", "tls", "greeting", "dialogue", "login", "mailbox"] as const;
export type Depth = (typeof DEPTHS)[number];

/** What a probe sees: how deep, and of which virtual directory where it asks a web server for one. */
export interface Sight {
  readonly depth: Depth;
  /** In lower case, without slashes: `owa`, or the whole path of a page that is not Exchange's. Null: of no one path. */
  readonly path: string | null;
}

/** Depth of what each opinion on a member rests on; null where there is nothing it could rest on. */
export interface MemberDepths {
  /** Of the ADC's own monitors that count, the deepest. */
  readonly adc: Depth | null;
  /** The same of those whose result we have. */
  readonly replica: Depth | null;
  /** Of the transactions that give the service opinion, the deepest. */
  readonly service: Depth | null;
}

/** 0 for the shallowest to 5 for the deepest. */
export function depthRank(depth: Depth): number {
  return DEPTHS.indexOf(depth);
}

/** The deepest of several; null of none. */
export function deepest(depths: readonly Depth[]): Depth | null {
  return depths.reduce<Depth | null>(
    (most, depth) => (most === null || depthRank(depth) > depthRank(most) ? depth : most),
    null,
  );
}

/**
 * Whether a pass of the one contradicts a failure of the other: it saw at least as deep, on the same path. A web probe
 * that asks for no page in particular (`HEAD /`) is answered by any other that got an answer.
 */
export function outranks(pass: Sight, failure: Sight): boolean {
  const sees = depthRank(pass.depth) >= depthRank(failure.depth);
  return sees && (failure.path === null || failure.path === pass.path);
}

/** What a probe of this depth sees, as the end of a sentence. */
export const DEPTH_WORDS: Readonly<Record<Depth, string>> = {
  reach: "no further than the bare port",
  tls: "a TLS handshake",
  greeting: "a greeting or a status",
  dialogue: "an anonymous dialogue",
  login: "a login",
  mailbox: "a mailbox",
};

/**
 * How many members the ADC judges by a bare port alone, or a ping, in a sentence; null where it judges none so. By the
 * deepest of what the ADC asks of each.
 */
export function barePortSentence(adcDepths: readonly (Depth | null)[]): string | null {
  const bare = adcDepths.filter((depth) => depth === "reach").length;
  const verb = bare === 1 ? "is" : "are";
  return bare === 0
    ? null
    : `${String(bare)} of ${String(adcDepths.length)} members ${verb} judged by a bare port alone`;
}
