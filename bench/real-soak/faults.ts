import type { Condition, LabProtocol } from "../../lab/exchange/condition.ts";
import type { ExchangeServer } from "../../lab/exchange/exchange-server.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Random } from "../simulation/random.ts";

const CONDITIONS: readonly Condition[] = [
  { kind: "maintenance" },
  { kind: "stopped" },
  { kind: "hung" },
  { kind: "open_port_silent" },
  { kind: "accept_then_close" },
  { kind: "reset" },
  { kind: "slow", delayMs: 800 },
  { kind: "certificate", name: "expired" },
  { kind: "no_certificate" },
  { kind: "dead_backend" },
  { kind: "tls_range", min: "TLSv1", max: "TLSv1.1" },
];
const PROTOCOLS: readonly LabProtocol[] = ["https", "imap", "pop3", "smtp", "all"];

/** Maximum number of faults at the same time. */
const STANDING = 4;
/** At the beginning, everything is broken in one way for this long. */
const SWEEP_MS = 3_000;
/** Then faults come and go, with a calm after every few, so that their effects can end. */
const FAULTS_MS = 5_000;
const CALM_MS = 5_000;

/**
 * First breaks everything in each way once, so that all state about failures (the last one of each probe, series with a
 * reason) exists early. Then breaks one server after another at random and repairs the one that has been broken
 * longest, with a calm after every few.
 */
export class RandomFaults {
  readonly #servers: readonly ExchangeServer[];
  readonly #random: Random;
  readonly #broken: { readonly server: ExchangeServer; readonly protocol: LabProtocol }[] = [];
  readonly #sweep: Condition[] = [...CONDITIONS, { kind: "healthy" }];
  #sweptAt = -Infinity;
  count = 0;

  constructor(lab: Lab, random: Random) {
    this.#servers = [...lab.servers.values()];
    this.#random = random;
  }

  async next(): Promise<void> {
    const sinceMs = performance.now() - this.#sweptAt;
    const condition = sinceMs < SWEEP_MS ? undefined : this.#sweep.shift();
    if (condition !== undefined) {
      this.#sweptAt = performance.now();
      this.count += 1;
      await Promise.all(this.#servers.map((server) => server.set("all", condition)));
    } else if (this.#sweep.length === 0 && sinceMs % (FAULTS_MS + CALM_MS) < FAULTS_MS) {
      await this.#breakOne();
    } else {
      await this.#mend(this.#broken.length);
    }
  }

  async #breakOne(): Promise<void> {
    const server = this.#random.pick(this.#servers);
    const protocol = this.#random.pick(PROTOCOLS);
    await server.set(protocol, this.#random.pick(CONDITIONS));
    this.#broken.push({ server, protocol });
    this.count += 1;
    await this.#mend(this.#broken.length - STANDING);
  }

  /** Repairs this many faults, the oldest first. */
  async #mend(count: number): Promise<void> {
    for (const { server, protocol } of this.#broken.splice(0, Math.max(0, count))) {
      await server.set(protocol, { kind: "healthy" });
    }
  }
}
