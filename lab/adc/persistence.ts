import { createHash } from "node:crypto";
import type { LbVserver } from "../../src/model/vserver.ts";
import type { MemberRuntime } from "./member-runtime.ts";

/** What a load-balancing decision can use; for a datagram or a plain TCP client only the address. */
export interface ClientFacts {
  readonly address: string;
  readonly cookie: (name: string) => string | null;
  /** Value of a persistence rule for this request; null when it has none. */
  readonly rule: (expression: string) => string | null;
}

interface Entry {
  readonly member: MemberRuntime;
  readonly expiresAt: number;
}

const SWEEP_ABOVE_ENTRIES = 10_000;

/** Remembers which member a client is bound to, by source address, cookie or rule. */
export class PersistenceTable {
  readonly #vserver: LbVserver;
  readonly #members: readonly MemberRuntime[];
  readonly #now: () => number;
  readonly #timeScale: number;
  readonly #entries = new Map<string, Entry>();

  constructor(
    vserver: LbVserver,
    members: readonly MemberRuntime[],
    now: () => number,
    timeScale: number,
  ) {
    this.#vserver = vserver;
    this.#members = members;
    this.#now = now;
    this.#timeScale = timeScale;
  }

  /** The member this client is bound to; null for none. */
  find(client: ClientFacts): MemberRuntime | null {
    if (this.#vserver.persistence.type === "COOKIEINSERT") {
      const value = client.cookie(this.cookieName());
      return this.#members.find((member) => cookieValue(member) === value) ?? null;
    }
    const key = this.#key(client);
    const entry = key === null ? undefined : this.#entries.get(key);
    return entry === undefined || entry.expiresAt <= this.#now() ? null : entry.member;
  }

  /** Binds the client, or refreshes its entry. Answers the Set-Cookie value that a new binding by cookie needs. */
  bind(client: ClientFacts, member: MemberRuntime): string | null {
    if (this.#vserver.persistence.type === "COOKIEINSERT") {
      const value = cookieValue(member);
      return client.cookie(this.cookieName()) === value
        ? null
        : `${this.cookieName()}=${value};path=/;httponly`;
    }
    const key = this.#key(client);
    if (key !== null) {
      this.#sweep();
      this.#entries.set(key, {
        member,
        expiresAt: this.#now() + this.#vserver.persistence.timeoutMs * this.#timeScale,
      });
    }
    return null;
  }

  /** Entries alive now. */
  get size(): number {
    return this.alive().length;
  }

  /** The current entries: client, member and remaining time. */
  alive(): readonly {
    readonly client: string;
    readonly member: MemberRuntime;
    readonly expiresInMs: number;
  }[] {
    const now = this.#now();
    return [...this.#entries]
      .filter(([, { expiresAt }]) => expiresAt > now)
      .map(([client, { member, expiresAt }]) => ({ client, member, expiresInMs: expiresAt - now }));
  }

  /** Whether entries go by the client's address. */
  get byAddress(): boolean {
    const { type } = this.#vserver.persistence;
    return type === "SOURCEIP" || type === "SRCIPDESTIP";
  }

  /** The ADC names its cookie after the vserver, each letter moved on by one. */
  cookieName(): string {
    const shifted = this.#vserver.name.replace(/[a-z]/gi, (letter) =>
      /z/i.test(letter)
        ? String.fromCharCode(letter.charCodeAt(0) - 25)
        : String.fromCharCode(letter.charCodeAt(0) + 1),
    );
    return this.#vserver.persistence.cookieName ?? `NSC_${shifted}`;
  }

  #key(client: ClientFacts): string | null {
    const { type, rule } = this.#vserver.persistence;
    switch (type) {
      case "SOURCEIP":
      case "SRCIPDESTIP":
        return client.address;
      case "RULE":
        return rule === null ? null : client.rule(rule);
      default:
        return null;
    }
  }

  #sweep(): void {
    if (this.#entries.size > SWEEP_ABOVE_ENTRIES) {
      const now = this.#now();
      for (const [key, entry] of this.#entries) {
        if (entry.expiresAt <= now || this.#entries.size > SWEEP_ABOVE_ENTRIES) {
          this.#entries.delete(key);
        }
      }
    }
  }
}

/** An opaque value, like the ADC's own cookies, that does not reveal the server's address. */
function cookieValue(member: MemberRuntime): string {
  const { adcService, server, port } = member.member;
  return createHash("sha256")
    .update(`${adcService}?${server}?${String(port)}`)
    .digest("hex")
    .slice(0, 48);
}
