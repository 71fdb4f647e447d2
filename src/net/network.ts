import { type BindOptions, createSocket } from "node:dgram";
import { connect, type TcpNetConnectOpts, type Socket } from "node:net";
import type { TlsStore } from "./tls-store.ts";
import type { AbortWatch } from "../lib/timers.ts";
import type { EchoBatches } from "./fping.ts";
import type { EventLoopMonitor } from "./event-loop-monitor.ts";

/** The part of a target that names an endpoint. */
interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** More web applications than an estate has. */
const MAX_APPLICATIONS = 16_384;
/** How long it is remembered whether a page requires a login. */
const PAGE_STATUS_TTL_MS = 3_600_000;
/** Whether a page accepts tokens is checked once per period; periods start at fixed times, for all probes together. */
const TOKEN_CHECK_PERIOD_MS = 600_000;
/** Schemes that do not send the password itself. */
const CHALLENGE_RESPONSE_SCHEMES: ReadonlySet<string> = new Set(["ntlm", "negotiate"]);

/**
 * Web applications that have offered NTLM or Negotiate. To prevent a downgrade, the password is never sent to them by Basic
 * afterwards, unless the configuration says so (`auth: basic`). Entries do not expire; when full, every unknown application
 * counts as one. Also remembers, for an hour, the status of pages without a credential, and whether they accept tokens.
 */
export class SchemeMemory {
  readonly #strongApplications = new Set<string>();
  /** Status of a page without a credential, and when it was received. */
  readonly #anonymousStatuses = new Map<string, { readonly status: number; readonly at: number }>();
  /** Whether a page offers OAuth in response to an empty token, and in which period that was. */
  readonly #tokenSupport = new Map<string, { readonly takes: boolean; readonly period: number }>();

  /** Records the schemes of a challenge, in lower case. */
  rememberSchemes(target: HostAndPort, path: string, schemes: readonly string[]): void {
    if (
      schemes.some((scheme) => CHALLENGE_RESPONSE_SCHEMES.has(scheme)) &&
      this.#strongApplications.size < MAX_APPLICATIONS
    ) {
      this.#strongApplications.add(applicationKey(target, path));
    }
  }

  /** Whether a password may be sent there by Basic. */
  allowsBasic(target: HostAndPort, path: string): boolean {
    return (
      this.#strongApplications.size < MAX_APPLICATIONS &&
      !this.#strongApplications.has(applicationKey(target, path))
    );
  }

  /** The recent status of this page without a credential; null: unknown. */
  anonymousStatus(target: HostAndPort, path: string, now: number): number | null {
    const known = this.#anonymousStatuses.get(pageKey(target, path));
    return known !== undefined && now - known.at < PAGE_STATUS_TTL_MS ? known.status : null;
  }

  /** Records such a status. `now`: monotonic clock, in milliseconds. */
  rememberAnonymousStatus(target: HostAndPort, path: string, status: number, now: number): void {
    if (this.#anonymousStatuses.size >= MAX_APPLICATIONS) {
      this.#anonymousStatuses.clear();
    }
    this.#anonymousStatuses.set(pageKey(target, path), { status, at: now });
  }

  /** Whether this page recently offered OAuth in response to an empty token; null: unknown. */
  acceptsTokens(target: HostAndPort, path: string, now: number): boolean | null {
    const known = this.#tokenSupport.get(pageKey(target, path));
    return known?.period === Math.floor(now / TOKEN_CHECK_PERIOD_MS) ? known.takes : null;
  }

  /** Records it; `now` as above. */
  rememberTokenSupport(target: HostAndPort, path: string, accepts: boolean, now: number): void {
    if (this.#tokenSupport.size >= MAX_APPLICATIONS) {
      this.#tokenSupport.clear();
    }
    const period = Math.floor(now / TOKEN_CHECK_PERIOD_MS);
    this.#tokenSupport.set(pageKey(target, path), { takes: accepts, period });
  }
}

/** Key of a web application of a server; Exchange's ActiveSync offers Basic where its EWS does not. */
function applicationKey({ host, port }: HostAndPort, path: string): string {
  const application = path.split(/[/?]/)[1] ?? "";
  return `${host.toLowerCase()} ${String(port)} ${application.toLowerCase()}`;
}

function pageKey({ host, port }: HostAndPort, path: string): string {
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
/** Opens sockets: those of the operating system by default. */
export interface Sockets {
  /**
   * Takes ownership of the options. With `received`, the socket emits no `data`: received bytes are passed to it, as a copy
   * that it owns.
   */
  readonly tcp: (options: TcpNetConnectOpts, received?: (data: Buffer) => void) => Socket;
  readonly udp: (family: 4 | 6) => UdpSocket;
}
/** The size of one read of Node.js. */
const READ_BYTES = 64 * 1024;

/**
 * Sockets of the operating system. Sockets with a receiver share one read buffer, and each read is copied out of it. This
 * avoids 64 KB per read and the overhead of Node's streams.
 */
export function systemSockets(): Sockets {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  return {
    tcp: (options, received) => {
      if (received !== undefined) {
        // Modified in place: a copy would give every socket's options a new hidden class.
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

/** Maps names and addresses of the estate to addresses to dial: `connect_to`, then cached DNS. */
export interface Network {
  /**
   * Synchronous if no name has to be resolved. Never rejects. `forbidden`: nothing is sent, because the agent (lab, demo)
   * refuses unmapped addresses, or because an imported target is on the agent's own host. `origin` is `adc` (the default)
   * for addresses from an ADC or DNS; addresses from the operator are not restricted.
   */
  resolve(
    host: string,
    port: number,
    transport: "tcp" | "udp" | "icmp",
    origin?: AddressOrigin,
    /** Which of a name's addresses; absent: the first. */
    family?: 4 | 6,
  ): Resolution | Promise<Resolution>;
  /** All addresses of a client-facing name, from the same cache. Never rejects. */
  addresses(name: string): Promise<NameAnswer>;
  /** Which web applications have offered NTLM. */
  readonly schemes: SchemeMemory;
  /** TLS contexts and certificate facts shared by all probes of this network. */
  readonly tls: TlsStore;
  /** Aborts running probes when their round is abandoned. */
  readonly aborts: AbortWatch;
  /** Batches ICMP echoes that start together. */
  readonly echoes: EchoBatches;
  /** Measures event-loop stalls. */
  readonly loop: EventLoopMonitor;
  /** Opens sockets. */
  readonly sockets: Sockets;
}
/** Where an address comes from. */
export type AddressOrigin = "adc" | "operator";
export type Resolution =
  | {
      readonly kind: "address";
      readonly address: string;
      readonly port: number;
      readonly family: 4 | 6;
    }
  /** `absent`: DNS answered that the name or its address does not exist; otherwise it did not answer. */
  | { readonly kind: "dns_failure"; readonly message: string; readonly absent: boolean }
  | Forbidden;
/** `agent_path`: the agent must not connect there; absent: its configuration has no mapping. */
export interface Forbidden {
  readonly kind: "forbidden";
  readonly message: string;
  readonly reason?: "agent_path";
}
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
  /** Time to live of the answer; the system's resolver does not return one. */
  readonly ttlMs?: number;
}
/** `answeredAt` identifies the answer in the cache. */
export type NameAnswer =
  | {
      readonly kind: "addresses";
      readonly addresses: readonly ResolvedAddress[];
      /** The family whose query was not answered: its addresses are the last known ones. */
      readonly unansweredFamily?: 4 | 6;
      readonly answeredAt: number;
    }
  | {
      readonly kind: "dns_failure";
      readonly message: string;
      readonly absent: boolean;
      readonly answeredAt: number;
    }
  /** `connect_to` maps this name, so DNS is not used. */
  | { readonly kind: "mapped" }
  | Forbidden;
