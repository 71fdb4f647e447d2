import type { Port } from "../../src/model/adc-service.ts";

/** Where something really listens: always on loopback. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * The lab's whole network: what each address and port of the ns.conf really is. Nothing else exists here, so nothing
 * the lab does can reach the user's own network.
 */
export class AddressMap {
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #poweredOn = new Map<string, () => boolean>();

  /** Registers `endpoint` as the real endpoint of `host:port` (an address or a domain name). */
  add(host: string, port: Port, endpoint: Endpoint): void {
    this.#endpoints.set(key(host, port), endpoint);
  }

  /** Registers how to determine whether a host answers a ping. */
  addHost(host: string, poweredOn: () => boolean): void {
    this.#poweredOn.set(host.toLowerCase(), poweredOn);
  }

  /** Null: nothing is there. */
  find(host: string, port: Port): Endpoint | null {
    return this.#endpoints.get(key(host, port)) ?? null;
  }

  answersPing(host: string): boolean {
    return this.#poweredOn.get(host.toLowerCase())?.() ?? false;
  }

  /** As `connect_to` of a configuration: `address:port` to `127.0.0.1:port`, IPv6 in brackets. */
  toConnectTo(): Record<string, string> {
    const entries: Record<string, string> = {};
    for (const [name, endpoint] of this.#endpoints) {
      entries[name] = `${endpoint.host}:${String(endpoint.port)}`;
    }
    return entries;
  }
}

function key(host: string, port: Port): string {
  const bare = host.toLowerCase();
  return `${bare.includes(":") ? `[${bare}]` : bare}:${String(port)}`;
}
