import { isIP } from "node:net";
import type { Config } from "../../config/schema.ts";
import type { NameAnswer, Network } from "../../probes/probe.ts";
import { parseEndpoint } from "../../probes/wire/connect-to.ts";
import {
  sameSites,
  stepResolvedName,
  type ResolvedName,
  type ResolvedNames,
} from "./resolved-name.ts";

/** The names of a configuration that clients type, lower case; addresses are no names. */
export function clientFacingNames(config: Pick<Config, "vservers">): ReadonlySet<string> {
  const hosts = [...config.vservers.values()].flatMap((own) => [
    ...own.public.map((text) => parseEndpoint(text).host),
    ...own.names,
  ]);
  return new Set(hosts.filter((host) => isIP(host) === 0).map((host) => host.toLowerCase()));
}

/** What DNS answers for client-facing names, asked anew as answers grow old; one question for each name at a time. */
export class PublicNames {
  readonly #network: Pick<Network, "addresses">;
  readonly #names: ReadonlySet<string>;
  readonly #resolved = new Map<string, ResolvedName>();
  readonly #lastAnswerAt = new Map<string, number>();
  readonly #asking = new Map<string, Promise<void>>();
  #news = false;

  /** `earlier`: what was known before a reload. */
  constructor(
    network: Pick<Network, "addresses">,
    names: ReadonlySet<string>,
    earlier: ResolvedNames = new Map(),
  ) {
    this.#network = network;
    this.#names = names;
    for (const name of names) {
      const known = earlier.get(name);
      if (known !== undefined) {
        this.#resolved.set(name, known);
      }
    }
  }

  get resolved(): ResolvedNames {
    return this.#resolved;
  }

  /** Asks about every name that is not just being asked about. Cheap while the network's answers are fresh. */
  ask(): void {
    for (const name of this.#names) {
      if (!this.#asking.has(name)) {
        this.#asking.set(name, this.#askOne(name));
      }
    }
  }

  /** Asks about every name once and waits for the answers, but no longer than this. */
  async askOnce(timeoutMs: number): Promise<void> {
    this.ask();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([late, Promise.all(this.#asking.values())]);
    clearTimeout(timer);
  }

  /** Whether sites have come or gone since this was last asked. */
  takeNews(): boolean {
    const news = this.#news;
    this.#news = false;
    return news;
  }

  async #askOne(name: string): Promise<void> {
    const answer = await this.#network.addresses(name);
    this.#asking.delete(name);
    this.#hear(name, answer);
  }

  #hear(name: string, answer: NameAnswer): void {
    if ("answeredAt" in answer) {
      if (this.#lastAnswerAt.get(name) === answer.answeredAt) {
        return;
      }
      this.#lastAnswerAt.set(name, answer.answeredAt);
    }
    const before = this.#resolved.get(name) ?? null;
    const after = stepResolvedName(before, answer);
    this.#resolved.set(name, after);
    this.#news ||= !sameSites(before, after);
  }
}
