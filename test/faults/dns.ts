import { execFile } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { startDirectoryServer, type DirectoryServer } from "../../lab/exchange/directory.ts";
import { runMonitor } from "../../src/probes/monitors/registry.ts";
import type { Network } from "../../src/net/network.ts";
import type { Observation } from "../../src/model/observation.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { initialReplica, stepReplica } from "../../src/verdict/replica.ts";
import { newOrganisation } from "../lab/exchange/support.ts";
import { monitorSpec } from "../support/monitor-spec.ts";
import { probeContext } from "../support/probe-context.ts";
import { unheld } from "../../lab/unheld.ts";
import type { BlackboxJudge } from "./blackbox.ts";
import type { Peer } from "./cases/peers.ts";
import {
  DNS_ADDRESS,
  DNS_NAME,
  type DnsCase,
  type DnsCheckName,
  type DnsFault,
} from "./dns-cases.ts";
import { PLUGIN_DIRECTORY } from "./plugins.ts";

const TIMEOUT_MS = 1_500;
const PROBES = 6;
const REPLICA = {
  retries: 3,
  failureRetries: 0,
  successRetries: 1,
  intervalMs: 5_000,
  downTimeMs: 5_000,
};
const ASKED = { query: DNS_NAME, queryType: "Address", ipAddresses: [DNS_ADDRESS] };
const SPECS = {
  dns: monitorSpec("DNS", ASKED),
  "dns-tcp": monitorSpec("DNS-TCP", ASKED),
  name: monitorSpec("TCP"),
} as const;

export interface DnsJudged {
  readonly opinion: "up" | "down" | "unknown";
  /** The last one that did not pass; the last one where all did. */
  readonly seen: Observation;
  /** Whether the member was ever called down, however shortly. */
  readonly everDown: boolean;
  readonly peers: Readonly<Record<Peer, "up" | "down" | null>>;
}

/** Six probes through a name server with this fault, as the replica judges them; peers ask once, at the same time. */
export async function judgeDns(
  [fault, check, expected]: DnsCase,
  blackbox: BlackboxJudge | null,
  plugins: boolean,
): Promise<DnsJudged> {
  const names = await startNameServer(fault);
  const service = createServer((socket) => socket.on("error", () => undefined));
  service.listen(0, DNS_ADDRESS);
  await once(service, "listening");
  const port = names.endpoint(53)?.port ?? 0;
  try {
    const target =
      check === "name"
        ? { host: DNS_NAME, port: (service.address() as AddressInfo).port, server: "mail" }
        : { host: "127.0.0.1", port, server: null };
    const network = networkThrough(port);
    // What ends well by itself may take its time on a busy machine.
    const patience = expected === "up" ? 10_000 : TIMEOUT_MS;
    const judged = async (): Promise<Omit<DnsJudged, "peers">> => {
      let replica = initialReplica();
      let everDown = false;
      let seen: Observation | null = null;
      for (let count = 0; count < PROBES; count++) {
        const context = probeContext(patience, { network });
        const { observation, passed } = await unheld(
          () => runMonitor(SPECS[check], target, context),
          (result) => result.observation,
        );
        replica = stepReplica(replica, REPLICA, passed);
        everDown ||= replica.opinion === "down";
        seen = passed === true && seen !== null ? seen : observation;
      }
      if (seen === null) {
        throw new Error("nothing was probed");
      }
      // A fault of our own hides the opinion for the moment; what counts is where the machine stands.
      return { opinion: replica.settled, seen, everDown };
    };
    // A server that answers by turns would have its turns mixed up by who else asks.
    const alone = check === "name" || fault === "flapping";
    const [own, byBlackbox, byPlugin] = await Promise.all([
      judged(),
      alone ? null : (blackbox?.judge(check, port, patience) ?? null),
      alone || !plugins ? null : digPlugin(check, port),
    ]);
    return { ...own, peers: { blackbox: byBlackbox, haproxy: null, plugins: byPlugin } };
  } finally {
    service.close();
    await names.close();
  }
}

async function startNameServer(fault: DnsFault): Promise<DirectoryServer> {
  const data = fault === "another_address" ? "127.0.0.99" : DNS_ADDRESS;
  const server = await startDirectoryServer({
    name: "dc01",
    fqdn: "dc01.lab.example.com",
    organisation: newOrganisation(),
    zone: [{ name: DNS_NAME, type: "A", data }],
  });
  switch (fault) {
    case "another_address":
      break;
    case "slow":
      await server.setDns({ kind: "slow", delayMs: 4 * TIMEOUT_MS });
      break;
    default:
      await server.setDns({ kind: fault });
  }
  return server;
}

/** Names are resolved by that server alone, without a cache. */
function networkThrough(port: number): Network {
  const resolver = new Resolver({ timeout: 2 * TIMEOUT_MS, tries: 1 });
  resolver.setServers([`127.0.0.1:${String(port)}`]);
  return createNetwork({
    connectTo: {},
    unmapped: "allow",
    now: () => performance.now(),
    ttlMs: 0,
    failureTtlMs: 0,
    lookup: async (name) =>
      (await resolver.resolve4(name)).map((address) => ({ address, family: 4 })),
  });
}

function digPlugin(check: DnsCheckName, port: number): Promise<"up" | "down"> {
  const args = [
    "-H",
    "127.0.0.1",
    "-p",
    String(port),
    "-l",
    DNS_NAME,
    "-T",
    "A",
    "-a",
    DNS_ADDRESS,
  ];
  const all = [...args, "-t", "2", ...(check === "dns-tcp" ? ["-A", "+tcp"] : [])];
  return new Promise((resolve) => {
    execFile(join(PLUGIN_DIRECTORY, "check_dig"), all, { timeout: 10_000 }, (error) => {
      resolve(error === null ? "up" : "down");
    });
  });
}
