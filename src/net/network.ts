import { type BindOptions, createSocket } from "node:dgram";
import { connect, type TcpNetConnectOpts, type Socket } from "node:net";
import type { TlsStore } from "./tls-store.ts";
import type { AbortWatch } from "../lib/timers.ts";
import type { EchoBatches } from "./fping.ts";
import type { EventLoopMonitor } from "./event-loop-monitor.ts";

/** The part of a target that names an endpoint. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** More web applications than an estate has. */
const MAX_PLACES = 16_384;
/** How long a page counts as one that asks for a login, or does not. */
const PAGE_KNOWN_MS = 3_600_000;
/** Whether a page takes tokens is asked again when a new period of the clock begins, by all at once. */
const TOKENS_PERIOD_MS = 600_000;
/** Schemes in which the password itself does not travel. */
const KEEPS_PASSWORD: ReadonlySet<string> = new Set(["ntlm", "negotiate"]);

/**
 * Which web applications have offered NTLM or Negotiate: none of them is given the password by Basic afterwards, whatever
 * it offers then. Never forgets; only the configuration (`auth: basic`) says otherwise. Once full, it takes every place
 * that it does not know for such a one. And, for an hour, what pages answer somebody without a credential, and whether they take
 * tokens.
 */
export class SchemeMemory {
  readonly #strong = new Set<string>();
  /** What a page answered somebody without a credential, and when. */
  readonly #toNobody = new Map<string, { readonly status: number; readonly at: number }>();
  /** Whether a page offers OAuth to somebody who shows an empty token, and in which period that was. */
  readonly #takesTokens = new Map<string, { readonly takes: boolean; readonly period: number }>();

  /** What a challenge there has offered, in lower case. */
  offered(target: Endpoint, path: string, schemes: readonly string[]): void {
    if (schemes.some((scheme) => KEEPS_PASSWORD.has(scheme)) && this.#strong.size < MAX_PLACES) {
      this.#strong.add(placeOf(target, path));
    }
  }

  /** Whether a password may go there by Basic. */
  allowsBasic(target: Endpoint, path: string): boolean {
    return this.#strong.size < MAX_PLACES && !this.#strong.has(placeOf(target, path));
  }

  /** The status that this page lately answered somebody without a credential with; null: not known. */
  toNobody(target: Endpoint, path: string, now: number): number | null {
    const known = this.#toNobody.get(pageOf(target, path));
    return known !== undefined && now - known.at < PAGE_KNOWN_MS ? known.status : null;
  }

  /** Notes such a status. `now` is a monotonic clock's time in milliseconds. */
  saidToNobody(target: Endpoint, path: string, status: number, now: number): void {
    if (this.#toNobody.size >= MAX_PLACES) {
      this.#toNobody.clear();
    }
    this.#toNobody.set(pageOf(target, path), { status, at: now });
  }

  /** Whether this page lately offered OAuth to somebody with an empty token; null: not known. */
  takesTokens(target: Endpoint, path: string, now: number): boolean | null {
    const known = this.#takesTokens.get(pageOf(target, path));
    return known?.period === Math.floor(now / TOKENS_PERIOD_MS) ? known.takes : null;
  }

  /** Notes that; `now` as above. */
  saidToEmptyToken(target: Endpoint, path: string, takes: boolean, now: number): void {
    if (this.#takesTokens.size >= MAX_PLACES) {
      this.#takesTokens.clear();
    }
    const period = Math.floor(now / TOKENS_PERIOD_MS);
    this.#takesTokens.set(pageOf(target, path), { takes, period });
  }
}

/** One web application of one server: Exchange's ActiveSync offers Basic where its EWS does not. */
function placeOf({ host, port }: Endpoint, path: string): string {
  const application = path.split(/[/?]/)[1] ?? "";
  return `${host.toLowerCase()} ${String(port)} ${application.toLowerCase()}`;
}

function pageOf({ host, port }: Endpoint, path: string): string {
  return `${host.toLowerCase()} ${String(port)} ${path}`;
}

/** What a probe needs of a datagram socket. */
export interface UdpSocket {
  on(event: "message", listener: (data: Buffer) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  bind(options: BindOptions, then: () => void): unknown;
  connect(port: number, address: string, then: () => void): void;
  send(data: Buffer, then: (error: Error | null) => void): void;
  close(): unknown;
}
/** Who opens sockets: the operating system, unless a network says otherwise. */
export interface Sockets {
  /**
   * The options are the socket's from here on. Given `received`, it emits no `data`: what comes goes there, and what is
   * passed is the receiver's own.
   */
  readonly tcp: (options: TcpNetConnectOpts, received?: (data: Buffer) => void) => Socket;
  readonly udp: (family: 4 | 6) => UdpSocket;
}
/** As much as Node.js reads at once. */
const READ_BYTES = 64 * 1024;

/**
 * Sockets of the operating system. Those with a receiver share one buffer: each read is copied out of it before the next
 * begins, and Node.js allocates no 64 KB of its own per read, nor runs its streams.
 */
export function systemSockets(): Sockets {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  return {
    tcp: (options, received) => {
      if (received !== undefined) {
        // Added in place: of a copy, every socket's options would again be a shape of their own.
        options.onread = {
          buffer,
          callback: (bytes) => {
            const data = Buffer.allocUnsafe(bytes);
            buffer.copy(data, 0, 0, bytes);
            received(data);
            return true;
          },
        };
      }
      return connect(options);
    },
    udp: (family) => createSocket(family === 6 ? "udp6" : "udp4"),
  };
}

/** How names and addresses of the estate become addresses to dial: `connect_to`, then DNS with a cache. */
export interface Network {
  /**
   * At once where no name has to be looked up. Never rejects. `forbidden`: no packet leaves, since the rules of this agent
   * (lab, demo) forbid an unmapped address, or an imported target leads to the agent's own host. `writtenBy` is `adc`
   * for whatever came from an ADC or DNS, and where left out; the operator's own addresses may be anywhere.
   */
  resolve(
    host: string,
    port: number,
    transport: "tcp" | "udp" | "icmp",
    writtenBy?: WrittenBy,
    /** Which of a name's addresses; left out: the first. */
    family?: 4 | 6,
  ): Resolution | Promise<Resolution>;
  /** Never rejects. Every address of a client-facing name, from the same cache; each is then resolved as any other. */
  addresses(name: string): Promise<NameAnswer>;
  /** Which web applications have offered NTLM. */
  readonly schemes: SchemeMemory;
  /** TLS contexts and certificate facts shared by all probes of this network. */
  readonly tls: TlsStore;
  /** Tells probes under way that their round is abandoned. */
  readonly aborts: AbortWatch;
  /** Gathers ICMP echoes that begin together. */
  readonly echoes: EchoBatches;
  /** How long our own event loop was stalled. */
  readonly loop: EventLoopMonitor;
  /** Opens what is dialled. */
  readonly sockets: Sockets;
}
/** Whose word an address is. */
export type WrittenBy = "adc" | "operator";
export type Resolution =
  | {
      readonly kind: "address";
      readonly address: string;
      readonly port: number;
      readonly family: 4 | 6;
    }
  /** `absent`: DNS has answered that there is no such name, or no address of it; else it has not answered. */
  | { readonly kind: "dns_failure"; readonly message: string; readonly absent: boolean }
  | Forbidden;
/** `agent_path`: this agent must not go there; left out, its configuration does not say where it is. */
export interface Forbidden {
  readonly kind: "forbidden";
  readonly message: string;
  readonly reason?: "agent_path";
}
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
  /** How long the answer may be kept; the system's resolver does not say. */
  readonly ttlMs?: number;
}
/** `answeredAt` distinguishes one answer of the cache from the next. */
export type NameAnswer =
  | {
      readonly kind: "addresses";
      readonly addresses: readonly ResolvedAddress[];
      /** The family for which nobody has answered: its addresses are the last that were known. */
      readonly unheard?: 4 | 6;
      readonly answeredAt: number;
    }
  | {
      readonly kind: "dns_failure";
      readonly message: string;
      readonly absent: boolean;
      readonly answeredAt: number;
    }
  /** `connect_to` says where this name is dialled: DNS is not asked. */
  | { readonly kind: "mapped" }
  | Forbidden;
