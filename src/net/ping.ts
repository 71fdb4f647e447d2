import { type ExchangeError, exchangeError } from "./exchange-error.ts";
import type { RunScope } from "./transcript.ts";
import { runCommand, type CommandExit } from "./child-process.ts";

/** Who is to answer one ICMP echo, and from which of our addresses it is sent (null: the system's choice). */
export interface EchoQuestion {
  readonly address: string;
  readonly family: 4 | 6;
  readonly localAddress: string | null;
}
/** An answer in the words of the program that received it. */
interface EchoReply {
  readonly kind: "reply";
  readonly roundTripMs: number | null;
  readonly words: string;
}
export type EchoResult = EchoReply | ExchangeError;

/** The words in which our own system refuses to send at all: a fault of ours, by name; null when they say no such thing. */
export function localRefusal(words: string): "unreachable" | null {
  return /network is unreachable|no route to host|transmit failed|general failure/i.test(words)
    ? "unreachable"
    : null;
}
const MAX_OUTPUT_BYTES = 16 * 1024;
/** One echo by one process of the system's own `ping`: what every system has, and dear. */
export async function pingOnce(run: RunScope, question: EchoQuestion): Promise<EchoResult> {
  const command = pingCommand(process.platform, { ...question, timeoutMs: run.remainingMs() });
  const result = await runCommand(run, command, {
    mostOutputBytes: MAX_OUTPUT_BYTES,
    // Its words are read: they must be English.
    environment: { LC_ALL: "C" },
  });
  if (result.kind !== "exit") {
    return result;
  }
  run.transcript.received(result.output);
  return readPing(process.platform, result);
}
interface PingPlan extends EchoQuestion {
  readonly timeoutMs: number;
}
/** The command line for one echo on this platform; units of the wait differ between systems. */
export function pingCommand(platform: NodeJS.Platform, plan: PingPlan): readonly string[] {
  const { address, family, localAddress } = plan;
  const waitMs = Math.max(1, Math.ceil(plan.timeoutMs));
  if (platform === "win32") {
    const source = localAddress === null ? [] : ["-S", localAddress];
    return [
      "ping",
      family === 6 ? "-6" : "-4",
      "-n",
      "1",
      "-w",
      String(waitMs),
      ...source,
      address,
    ];
  }
  if (platform === "darwin") {
    const source = localAddress === null ? [] : ["-S", localAddress];
    return family === 6
      ? ["ping6", "-n", "-c", "1", ...source, address]
      : ["ping", "-n", "-c", "1", "-W", String(waitMs), ...source, address];
  }
  const source = localAddress === null ? [] : ["-I", localAddress];
  const seconds = String(Math.ceil(waitMs / 1000));
  return ["ping", family === 6 ? "-6" : "-4", "-n", "-c", "1", "-W", seconds, ...source, address];
}
/** What the system's ping said: exit 0 is a reply on Unix, 1 no reply, else an error of ours; Windows needs the words. */
export function readPing(platform: NodeJS.Platform, exit: CommandExit): EchoResult {
  const { code, output } = exit;
  const replied = platform === "win32" ? /TTL=\d+|time[=<]/i.test(output) : code === 0;
  if (replied) {
    const time = /time[=<]\s*([\d.]+)\s*ms/i.exec(output)?.[1];
    return {
      kind: "reply",
      roundTripMs: time === undefined ? null : Number(time),
      words: output,
    };
  }
  const refusal = localRefusal(output);
  if (refusal !== null) {
    return exchangeError("fault", refusal, firstLine(output));
  }
  if (/host unreachable|unreachable/i.test(output)) {
    return exchangeError("timeout", "unreachable", firstLine(output));
  }
  const noReply = code === 1 || (platform === "darwin" && code === 2);
  return noReply ? { kind: "timeout" } : exchangeError("fault", "agent_fault", firstLine(output));
}
function firstLine(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("PING"));
  return (lines[0] ?? "ping failed without a word").trim();
}
