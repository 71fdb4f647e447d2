import type { NameAnswer } from "./network.ts";

export type GoodAnswer = Extract<NameAnswer, { kind: "addresses" }>;

const MAX_NAMES = 4096;

/**
 * What names last resolved to: kept where DNS is silent, and beyond one network, since a configuration may be read again
 * meanwhile. Once full, the name that resolved longest ago is forgotten.
 */
export class NameMemory {
  readonly #good = new Map<string, GoodAnswer>();

  last(name: string): GoodAnswer | null {
    return this.#good.get(name) ?? null;
  }

  /** Takes in an answer: silence says nothing of a name. */
  answered(name: string, answer: Extract<NameAnswer, { kind: "addresses" | "dns_failure" }>): void {
    if (answer.kind === "dns_failure" && !answer.absent) {
      return;
    }
    this.#good.delete(name);
    if (answer.kind === "addresses") {
      this.#good.set(name, answer);
      const [oldest] = this.#good.keys();
      if (this.#good.size > MAX_NAMES && oldest !== undefined) {
        this.#good.delete(oldest);
      }
    }
  }
}
