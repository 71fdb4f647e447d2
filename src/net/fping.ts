import { type ExchangeError, exchangeError } from "./exchange-error.ts";
import type { RunScope } from "./transcript.ts";
import { runCommand, type CommandExit, startChild } from "./child-process.ts";
import { StringDecoder } from "node:string_decoder";

/** Target and source address of one ICMP echo (null: the system's choice). */
interface EchoRequest {
  readonly address: string;
  readonly family: 4 | 6;
  readonly localAddress: string | null;
}
/** A reply, as printed by the program that received it. */
interface EchoReply {
  readonly kind: "reply";
  readonly roundTripMs: number | null;
  readonly words: string;
}
type EchoResult = EchoReply | ExchangeError;

/** The agent fault if the output says that the local system refused to send; null otherwise. */
function localRefusal(words: string): "unreachable" | null {
  return /network is unreachable|no route to host|transmit failed|general failure/i.test(words)
    ? "unreachable"
    : null;
}
const MAX_OUTPUT_BYTES = 16 * 1024;
/** One echo by a process of the system's `ping`, which is always available but expensive. */
async function pingOnce(run: RunScope, question: EchoRequest): Promise<EchoResult> {
  const command = pingCommand(process.platform, { ...question, timeoutMs: run.remainingMs() });
  const result = await runCommand(run, command, {
    mostOutputBytes: MAX_OUTPUT_BYTES,
    // Its output is parsed, so it must be English.
    environment: { LC_ALL: "C" },
  });
  if (result.kind !== "exit") {
    return result;
  }
  run.transcript.received(result.output);
  return readPing(process.platform, result);
}
interface PingPlan extends EchoRequest {
  readonly timeoutMs: number;
}
/** The command line for one echo on this platform; the unit of the timeout differs. */
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
/** Interprets the system's ping. Unix: exit status 0 is a reply, 1 none, others are agent faults. Windows: by the output. */
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

/** Output limit of fping for a batch; beyond it the process is killed, and the remaining addresses use `ping`. */
const MAX_BATCH_OUTPUT_BYTES = 256 * 1024;

interface FpingListener {
  readonly line: (line: FpingLine) => void;
  /** The process has ended or could not be started; no more output follows. */
  readonly closed: () => void;
}

/** Starts one fping for a batch of addresses; its output is read line by line. The returned function kills it. */
function startFping(program: string, plan: FpingPlan, listener: FpingListener): () => void {
  let read = 0;
  const take = (line: string): void => {
    read += line.length;
    if (read > MAX_BATCH_OUTPUT_BYTES) {
      end();
    } else {
      listener.line(readFpingLine(line));
    }
  };
  const end = startChild(
    [program, ...fpingArguments(plan)],
    { LC_ALL: "C" },
    {
      stdout: lineReader(take),
      stderr: lineReader(take),
      ended: listener.closed,
    },
  );
  return end;
}

function lineReader(onLine: (line: string) => void): (data: Buffer) => void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return (data) => {
    const lines = (rest + decoder.write(data)).split("\n");
    rest = (lines.pop() ?? "").slice(-MAX_BATCH_OUTPUT_BYTES);
    lines.forEach(onLine);
  };
}

interface FpingPlan {
  readonly family: 4 | 6;
  readonly localAddress: string | null;
  /** Reply timeout in milliseconds. */
  readonly timeoutMs: number;
  readonly addresses: readonly string[];
}

/** Arguments for one echo per address, a millisecond apart, with a line of output per result. */
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

type FpingLine =
  | { readonly kind: "decided"; readonly address: string; readonly result: EchoResult }
  /** No reply in time, or an error that is reported on the other stream. */
  | { readonly kind: "silent"; readonly address: string }
  | { readonly kind: "other" };

/** Parses one line of fping's stdout or stderr (messages of fping 5.1, Debian 12). */
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
    return decided(unsent[1], exchangeError("fault", localRefusal(line) ?? "agent_fault", line));
  }
  const refused = /^ICMP .{0,60}unreachable.{0,60} from \S+ for ICMP Echo sent to (\S+)/i.exec(
    line,
  );
  return refused?.[1] === undefined
    ? { kind: "other" }
    : decided(refused[1], exchangeError("timeout", "unreachable", line));
}

function decided(address: string, result: EchoResult): FpingLine {
  return { kind: "decided", address, result };
}

/** Maximum number of addresses per fping; it sends one per millisecond. */
const MAX_ADDRESSES = 64;

/** `unasked`: fping printed nothing about this address, so `ping` must be used. */
type BatchResult = EchoResult | { readonly kind: "unasked" };

interface Waiter {
  readonly run: RunScope;
  readonly report: (result: BatchResult) => void;
}

/** A batch of echoes: collected until `start`, sent by one fping, each reported as soon as its result is known. */
class EchoBatch {
  readonly #family: 4 | 6;
  readonly #localAddress: string | null;
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #silent = new Set<string>();
  /** Cancels the collection timer, then the process. */
  #end: () => void;

  constructor(family: 4 | 6, localAddress: string | null, giveUp: () => void) {
    this.#family = family;
    this.#localAddress = localAddress;
    this.#end = giveUp;
  }

  get full(): boolean {
    return this.#waiters.size >= MAX_ADDRESSES;
  }

  /** Waits for the result of an address, at most until the run ends. Probes of one address share the echo. */
  wait(run: RunScope, address: string): Promise<BatchResult> {
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(address) ?? new Set();
      this.#waiters.set(address, waiters);
      const leave = (): void => {
        if (waiters.delete(waiter) && waiters.size === 0) {
          this.#waiters.delete(address);
          if (this.#waiters.size === 0) {
            this.#end();
          }
        }
      };
      const resource = {
        interrupt(why: ExchangeError): void {
          waiter.report(why);
        },
        release: leave,
      };
      const waiter: Waiter = {
        run,
        report(result) {
          run.untrack(resource);
          leave();
          resolve(result);
        },
      };
      waiters.add(waiter);
      run.track(resource);
    });
  }

  /** Sends all collected echoes, with the longest of their timeouts. */
  start(program: string): void {
    const runs = [...this.#waiters.values()].flatMap((waiters) => [...waiters]);
    if (runs.length === 0) {
      return;
    }
    const plan = {
      family: this.#family,
      localAddress: this.#localAddress,
      timeoutMs: Math.max(...runs.map(({ run }) => run.remainingMs())),
      addresses: [...this.#waiters.keys()],
    };
    this.#end = startFping(program, plan, {
      line: (line) => this.#take(line),
      closed: () => this.#close(),
    });
  }

  /** fping was not used. */
  abandon(): void {
    for (const address of [...this.#waiters.keys()]) {
      this.#report(address, { kind: "unasked" });
    }
  }

  #take(line: FpingLine): void {
    if (line.kind === "decided") {
      this.#report(line.address, line.result);
    } else if (line.kind === "silent") {
      // The reason may still arrive on the other stream.
      this.#silent.add(line.address);
    }
  }

  #close(): void {
    for (const address of [...this.#waiters.keys()]) {
      this.#report(address, { kind: this.#silent.has(address) ? "timeout" : "unasked" });
    }
  }

  #report(address: string, result: BatchResult): void {
    for (const { run, report } of [...(this.#waiters.get(address) ?? [])]) {
      if (result.kind === "reply") {
        run.transcript.received(result.words);
      }
      report(result);
    }
  }
}

/** Echoes that start within this time share one process. */
const GATHER_MS = 20;
/** Timeout of fping's self-test against this host. */
const TRIAL_MS = 250;
/** Time until a missing or broken fping is tried again. */
const TRIAL_RETRY_MS = 60_000;
const OWN_ADDRESS = { 4: "127.0.0.1", 6: "::1" } as const;

interface Trial {
  readonly works: Promise<boolean>;
  /** Null: in progress. */
  verdict: boolean | null;
  triedAt: number;
}

/**
 * Batches the echoes of PING probes that start together into one `fping`; if fping is missing or broken, each uses `ping`. One per network, shared by its probes.
 *
 * fping is used only after it has pinged this host successfully: without permission for raw sockets, version 5.1 ignores all replies and reports every address as unreachable.
 */
export class EchoBatches {
  readonly #program: string;
  readonly #gathering = new Map<string, EchoBatch>();
  readonly #trials = new Map<4 | 6, Trial>();

  /** `program`: the name or path of fping. */
  constructor(program = "fping") {
    this.#program = program;
  }

  async ask(run: RunScope, question: EchoRequest): Promise<EchoResult> {
    if (run.interrupted !== null) {
      return run.interrupted;
    }
    const { family, address } = question;
    const trial = this.#trial(family, run.context.monotonic());
    if (trial.verdict !== false) {
      const result = await this.#batchFor(question, trial).wait(run, address);
      if (result.kind !== "unasked") {
        return result;
      }
    }
    return run.interrupted ?? pingOnce(run, question);
  }

  #batchFor({ family, localAddress }: EchoRequest, trial: Trial): EchoBatch {
    const key = `${String(family)} ${localAddress ?? ""}`;
    const gathering = this.#gathering.get(key);
    if (gathering !== undefined && !gathering.full) {
      return gathering;
    }
    const timer = setTimeout(() => void start(), GATHER_MS);
    const batch = new EchoBatch(family, localAddress, () => {
      clearTimeout(timer);
      forget();
    });
    this.#gathering.set(key, batch);
    const forget = (): void => {
      if (this.#gathering.get(key) === batch) {
        this.#gathering.delete(key);
      }
    };
    const start = async (): Promise<void> => {
      forget();
      if (await trial.works) {
        batch.start(this.#program);
      } else {
        batch.abandon();
      }
    };
    return batch;
  }

  #trial(family: 4 | 6, now: number): Trial {
    const known = this.#trials.get(family);
    if (known !== undefined && (known.verdict !== false || now - known.triedAt < TRIAL_RETRY_MS)) {
      return known;
    }
    const trial: Trial = {
      works: reachesItself(this.#program, family).then((works) => (trial.verdict = works)),
      verdict: null,
      triedAt: now,
    };
    this.#trials.set(family, trial);
    return trial;
  }
}

function reachesItself(program: string, family: 4 | 6): Promise<boolean> {
  if (process.platform === "win32") {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const plan = {
      family,
      localAddress: null,
      timeoutMs: TRIAL_MS,
      addresses: [OWN_ADDRESS[family]],
    };
    startFping(program, plan, {
      line: (line) => {
        if (line.kind === "decided") {
          resolve(line.result.kind === "reply");
        }
      },
      closed: () => resolve(false),
    });
  });
}
