import type { NameAnswer } from "./network.ts";

export type GoodAnswer = Extract<NameAnswer, { kind: "addresses" }>;

const MAX_NAMES = 4096;

/**
 * The last addresses of names, for use while DNS does not respond; kept across reloads. When full, the name that resolved
 * longest ago is removed.
 */
export class NameMemory {
  readonly #good = new Map<string, GoodAnswer>();

  last(name: string): GoodAnswer | null {
    return this.#good.get(name) ?? null;
  }

  /** Records an answer; a missing answer changes nothing. */
  remember(name: string, answer: Extract<NameAnswer, { kind: "addresses" | "dns_failure" }>): void {
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
