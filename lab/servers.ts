import type { Estate } from "../src/model/estate.ts";
import { accountsFor } from "./accounts.ts";
import type { AddressMap } from "./adc/address-map.ts";
import {
  startDirectoryServer,
  type DirectoryServer,
  type DnsRecord,
} from "./exchange/directory.ts";
import {
  createOrganisation,
  startExchangeServer,
  type ExchangeServer,
  type ExchangeServerOptions,
  type Organisation,
} from "./exchange/exchange-server.ts";
import { hostOf, mapServer, mapTheRest, serverRoles, type ServerRole } from "./network.ts";

const ZONE = "lab.example.com";

export interface LabServers {
  readonly organisation: Organisation;
  readonly servers: ReadonlyMap<string, ExchangeServer>;
  readonly directories: ReadonlyMap<string, DirectoryServer>;
}

/**
 * Starts the servers behind the ADC: an Exchange server or a domain controller for each server of the estate that has
 * members, and maps their addresses. Every started server is added to `started`, even if a later one fails.
 */
export async function startServers(
  estate: Estate,
  options: {
    readonly exchange?: Readonly<Record<string, Partial<ExchangeServerOptions>>>;
    /** Of every Exchange server. */
    readonly every?: Partial<ExchangeServerOptions>;
    readonly sharedServers?: number;
    readonly healthCacheMs: number;
  },
  addresses: AddressMap,
  started: { close(): Promise<void> }[],
): Promise<LabServers> {
  const roles = serverRoles(estate);
  const organisation = createOrganisation({
    accounts: accountsFor(estate),
    mailboxServer: fqdnOf(roles.find(({ kind }) => kind === "exchange")),
  });
  const servers = new Map<string, ExchangeServer>();
  const directories = new Map<string, DirectoryServer>();
  for (const [index, role] of roles.entries()) {
    const { server } = role;
    addresses.addHost(hostOf(server), () => true);
    if (role.kind === "directory") {
      const directory = await startDirectoryServer({
        name: server.name,
        fqdn: fqdnOf(role),
        organisation,
        zone: zone(roles, estate),
      });
      started.push(directory);
      directories.set(server.name, directory);
      mapServer(server, directory, addresses);
      continue;
    }
    const limit = options.sharedServers ?? Number.POSITIVE_INFINITY;
    const shared = servers.size < limit ? undefined : [...servers.values()][index % limit];
    if (shared !== undefined) {
      mapServer(server, shared, addresses);
      continue;
    }
    const exchange = await startExchangeServer({
      name: server.name,
      fqdn: fqdnOf(role),
      version: role.version,
      organisation,
      healthCacheMs: options.healthCacheMs,
      // The ADC ends TLS in front of IMAP and POP, and its login monitor speaks without.
      imapPopLoginType: "PlainTextLogin",
      ...(role.rpcPort === null ? {} : { rpcPort: role.rpcPort }),
      ...options.every,
      ...options.exchange?.[server.name],
    });
    started.push(exchange);
    servers.set(server.name, exchange);
    mapServer(server, exchange, addresses);
  }
  mapTheRest(estate, addresses);
  return { organisation, servers, directories };
}

function fqdnOf(role: ServerRole | undefined): string {
  return role?.server.domain ?? `${role?.server.name ?? "ex01"}.${ZONE}`;
}

/**
 * Each server's address under its own name, and the names that DNS monitors query with the addresses that they expect.
 */
function zone(roles: readonly ServerRole[], estate: Estate): DnsRecord[] {
  const own = roles.flatMap(({ server }) =>
    server.address === null ? [] : [record(server.name, server.address)],
  );
  const asked = [...estate.monitors.values()].flatMap(({ type, parameters }) => {
    const { query, ipAddresses } = parameters;
    if (!type.startsWith("DNS") || query === null) {
      return [];
    }
    // Where any address will do, it is the one of the server that is called so.
    const [label = ""] = query.split(".");
    const named = roles.flatMap(({ server }) =>
      server.name === label && server.address !== null ? [server.address] : [],
    );
    return [...ipAddresses, ...(ipAddresses.length === 0 ? named : [])].map((address) =>
      record(query, address),
    );
  });
  return [...own, ...asked];
}

function record(name: string, address: string): DnsRecord {
  return {
    name: name.includes(".") ? name : `${name}.${ZONE}`,
    type: address.includes(":") ? "AAAA" : "A",
    data: address,
  };
}
