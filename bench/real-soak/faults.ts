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

/** So many faults stand at any time: what hangs on them neither grows nor dwindles as the run goes on. */
const STANDING = 4;

/** Breaks one server after another at random, and mends the one that has been broken longest. */
export class RandomFaults {
  readonly #servers: readonly ExchangeServer[];
  readonly #random: Random;
  readonly #broken: { readonly server: ExchangeServer; readonly protocol: LabProtocol }[] = [];
  count = 0;

  constructor(lab: Lab, random: Random) {
    this.#servers = [...lab.servers.values()];
    this.#random = random;
  }

  async next(): Promise<void> {
    const server = this.#random.pick(this.#servers);
    const protocol = this.#random.pick(PROTOCOLS);
    await server.set(protocol, this.#random.pick(CONDITIONS));
    this.#broken.push({ server, protocol });
    this.count += 1;
    const oldest = this.#broken.length > STANDING ? this.#broken.shift() : undefined;
    await oldest?.server.set(oldest.protocol, { kind: "healthy" });
  }
}
