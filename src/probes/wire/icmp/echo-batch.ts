import type { Break } from "../break.ts";
import type { ProbeRun } from "../probe-run.ts";
import type { EchoResult } from "./echo.ts";
import type { FpingLine } from "./fping.ts";
import { startFping } from "./fping-process.ts";

/** Addresses that one fping is given: the last is asked so many milliseconds after the first. */
const MOST_ADDRESSES = 64;

/** `unasked`: fping has said nothing of this address, so that another program must be asked. */
export type BatchResult = EchoResult | { readonly kind: "unasked" };

interface Waiter {
  readonly run: ProbeRun;
  readonly tell: (result: BatchResult) => void;
}

/** Echoes that begin together: gathered until `start`, asked by one fping, each told as soon as it is decided. */
export class EchoBatch {
  readonly #family: 4 | 6;
  readonly #localAddress: string | null;
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #silent = new Set<string>();
  /** Gives up whatever waits: the gathering, then the process. */
  #end: () => void;

  constructor(family: 4 | 6, localAddress: string | null, giveUp: () => void) {
    this.#family = family;
    this.#localAddress = localAddress;
    this.#end = giveUp;
  }

  get full(): boolean {
    return this.#waiters.size >= MOST_ADDRESSES;
  }

  /** Waits for an address; two probes of one address hear the same echo. Ends with the run. */
  wait(run: ProbeRun, address: string): Promise<BatchResult> {
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
        interrupt(why: Break): void {
          waiter.tell(why);
        },
        release: leave,
      };
      const waiter: Waiter = {
        run,
        tell(result) {
          run.drop(resource);
          leave();
          resolve(result);
        },
      };
      waiters.add(waiter);
      run.hold(resource);
    });
  }

  /** Asks for all that were gathered, no longer than the longest of them may wait. */
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
      line: (line) => this.#hear(line),
      closed: () => this.#close(),
    });
  }

  /** Nothing was asked of fping. */
  abandon(): void {
    for (const address of [...this.#waiters.keys()]) {
      this.#tell(address, { kind: "unasked" });
    }
  }

  #hear(line: FpingLine): void {
    if (line.kind === "decided") {
      this.#tell(line.address, line.result);
    } else if (line.kind === "silent") {
      // Why it is silent may still be on its way, on the other stream.
      this.#silent.add(line.address);
    }
  }

  #close(): void {
    for (const address of [...this.#waiters.keys()]) {
      this.#tell(address, { kind: this.#silent.has(address) ? "timeout" : "unasked" });
    }
  }

  #tell(address: string, result: BatchResult): void {
    for (const { run, tell } of [...(this.#waiters.get(address) ?? [])]) {
      if (result.kind === "reply") {
        run.transcript.received(result.words);
      }
      tell(result);
    }
  }
}
