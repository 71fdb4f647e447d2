import { setMaxListeners } from "node:events";
import type { Network } from "../../net/network.ts";
import { runAnonymousLook } from "../../probes/transactions/anonymous-looks.ts";
import { runProbe, type Errand } from "../run-probe.ts";
import { lostProbe } from "./lost-probe.ts";
import { sharedClockMs, type Answer, type Order, type RunOrder } from "./messages.ts";

/** The work of a worker thread: runs errands as ordered, and knows nothing of schedule, records and verdicts. */
export class ErrandRunner {
  readonly #network: Network;
  readonly #answer: (answer: Answer) => void;
  readonly #errands = new Map<string, Errand>();
  readonly #running = new Set<Promise<void>>();
  readonly #abort = new AbortController();

  constructor(network: Network, answer: (answer: Answer) => void) {
    this.#network = network;
    this.#answer = answer;
    // Every probe in flight listens, and there is no sensible number to warn at.
    setMaxListeners(0, this.#abort.signal);
  }

  obey(order: Order): void {
    if (order.kind === "forget") {
      this.#errands.delete(order.probe);
      return;
    }
    if (order.errand !== null) {
      this.#errands.set(order.probe, order.errand);
    }
    const running = this.#run(order).finally(() => {
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  /** Breaks off what is under way; resolves when every socket is closed. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#running);
  }

  async #run({ ticket, probe, localAddress, timeoutMs, askedAtMs }: RunOrder): Promise<void> {
    const lagMs = sharedClockMs() - askedAtMs;
    const errand = this.#errands.get(probe);
    const around = {
      network: this.#network,
      signal: this.#abort.signal,
      localAddress,
      now: Date.now,
      monotonic: () => performance.now(),
      runTransaction: runAnonymousLook,
    };
    const [startedAt, beganMs] = [around.now(), around.monotonic()];
    try {
      const result = errand === undefined ? null : await runProbe(errand, around, timeoutMs);
      this.#answer({ ticket, result, lagMs });
    } catch (error) {
      // It costs this probe its opinion: uncaught, it would end the thread, and with it all that is under way there.
      const why = `a mistake of this program: ${error instanceof Error ? error.message : String(error)}`;
      const result = lostProbe(startedAt, around.monotonic() - beganMs, why);
      this.#answer({ ticket, result, lagMs });
    }
  }
}
