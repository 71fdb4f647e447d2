import { Resolver } from "node:dns/promises";
import type { ResolvedAddress, Resolution } from "../probe.ts";
import { parseEndpoint } from "./connect-to.ts";
import type { Lookup } from "./network.ts";

const DNS_PORT = 53;
const TIMEOUT_MS = 2_000;
const TRIES = 2;

/**
 * Resolves names at chosen DNS servers instead of the system's resolver: inside a company a client-facing name often has
 * another address than outside. `dial` says where each server really is; one that may not be contacted is left out.
 */
export function lookupAt(
  servers: readonly string[],
  dial: (host: string, port: number) => Resolution | Promise<Resolution>,
): Lookup {
  let made: Promise<Resolver> | null = null;
  return async (name) => {
    made ??= makeResolver(servers, dial);
    const resolver = await made;
    const [v4, v6] = await Promise.allSettled([
      resolver.resolve4(name, { ttl: true }),
      resolver.resolve6(name, { ttl: true }),
    ]);
    const found = [
      ...(v4.status === "fulfilled" ? v4.value.map(resolved(4)) : []),
      ...(v6.status === "fulfilled" ? v6.value.map(resolved(6)) : []),
    ];
    if (found.length === 0 && v4.status === "rejected") {
      throw v4.reason;
    }
    return found;
  };
}

async function makeResolver(
  servers: readonly string[],
  dial: (host: string, port: number) => Resolution | Promise<Resolution>,
): Promise<Resolver> {
  const dialled = await Promise.all(
    servers.map(async (server) => {
      const { host, port } = parseEndpoint(server);
      return dial(host, port ?? DNS_PORT);
    }),
  );
  const reachable = dialled.flatMap((one) =>
    one.kind === "address"
      ? [`${one.family === 6 ? `[${one.address}]` : one.address}:${String(one.port)}`]
      : [],
  );
  const [first] = dialled;
  if (reachable.length === 0) {
    throw new Error(
      `no DNS server may be asked${first === undefined || first.kind === "address" ? "" : `: ${first.message}`}`,
    );
  }
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers(reachable);
  return resolver;
}

function resolved(family: 4 | 6) {
  return ({ address, ttl }: { address: string; ttl: number }): ResolvedAddress => ({
    address,
    family,
    ttlMs: ttl * 1000,
  });
}
