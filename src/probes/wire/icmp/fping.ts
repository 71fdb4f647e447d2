import { namedBreak } from "../break.ts";
import type { EchoResult } from "./echo.ts";
import { localRefusal } from "./local-refusal.ts";

export interface FpingPlan {
  readonly family: 4 | 6;
  readonly localAddress: string | null;
  /** How long an answer is waited for, in milliseconds. */
  readonly timeoutMs: number;
  readonly addresses: readonly string[];
}

/** Arguments for one echo to each address, a millisecond apart, and a line of output as soon as each is decided. */
export function fpingArguments(plan: FpingPlan): readonly string[] {
  const { family, localAddress, timeoutMs, addresses } = plan;
  const source = localAddress === null ? [] : ["-S", localAddress];
  const waitMs = String(Math.max(1, Math.ceil(timeoutMs)));
  return [
    family === 6 ? "-6" : "-4",
    ...["-r", "0", "-t", waitMs, "-i", "1", "-e"],
    ...source,
    ...addresses,
  ];
}

export type FpingLine =
  | { readonly kind: "decided"; readonly address: string; readonly result: EchoResult }
  /** No answer came in time; or none could, and the line that says why is on the other stream. */
  | { readonly kind: "silent"; readonly address: string }
  | { readonly kind: "other" };

/** One line of fping's, from standard output or standard error. Words of fping 5.1 (Debian 12). */
export function readFpingLine(line: string): FpingLine {
  const alive = /^(\S+) is alive \(([\d.]+) ms\)/.exec(line);
  if (alive?.[1] !== undefined) {
    return decided(alive[1], { kind: "reply", roundTripMs: Number(alive[2]), words: line });
  }
  const silent = /^(\S+) is unreachable$/.exec(line);
  if (silent?.[1] !== undefined) {
    return { kind: "silent", address: silent[1] };
  }
  const unsent = /^(\S+): error while sending ping: /.exec(line);
  if (unsent?.[1] !== undefined) {
    return decided(unsent[1], namedBreak("fault", localRefusal(line) ?? "agent_fault", line));
  }
  const refused = /^ICMP .{0,60}unreachable.{0,60} from \S+ for ICMP Echo sent to (\S+)/i.exec(
    line,
  );
  return refused?.[1] === undefined
    ? { kind: "other" }
    : decided(refused[1], namedBreak("timeout", "unreachable", line));
}

function decided(address: string, result: EchoResult): FpingLine {
  return { kind: "decided", address, result };
}
