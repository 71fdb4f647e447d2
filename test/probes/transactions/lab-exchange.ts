import { afterAll, afterEach, beforeAll } from "vitest";
import {
  createOrganisation,
  type ExchangeServer,
  type LabAccount,
  type Organisation,
  startExchangeServer,
} from "../../../lab/exchange/exchange-server.ts";
import type { Network } from "../../../src/net/network.ts";
import type { Observation } from "../../../src/model/observation.ts";
import type { ProbeContext } from "../../../src/net/probe-context.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { Account, TransactionSpec } from "../../../src/model/transactions.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { probeContext } from "../../support/probe-context.ts";
import { sealed } from "../../support/sealed.ts";

export const PROBE_A: LabAccount = {
  username: "probe-a",
  domain: "LAB",
  address: "probe-a@lab.example.com",
  password: "pässwörd & 100% of <probe-a>",
  database: "DB01",
};
export const PROBE_B: LabAccount = {
  username: "probe-b",
  domain: "LAB",
  address: "probe-b@lab.example.com",
  password: "another long password",
  database: "DB02",
};

/** The account as the configuration gives it. */
export function accountOf(account: LabAccount, change: Partial<Account> = {}): Account {
  return {
    name: account.username,
    username: `${account.domain}\\${account.username}`,
    address: account.address,
    password: sealed(account.password),
    domain: account.domain,
    ...change,
  };
}

/** One bench for all tests of a file, or of a `describe`; what a test changed of it is well again after the test. */
export function sharedBench(
  options: Parameters<typeof exchangeBench>[0] = {},
): Omit<ExchangeBench, "close" | "network"> {
  let shared: ExchangeBench | null = null;
  const bench = (): ExchangeBench => {
    if (shared === null) {
      throw new Error("only tests have the bench");
    }
    return shared;
  };
  beforeAll(async () => {
    shared = await exchangeBench(options);
  });
  afterAll(() => bench().close());
  afterEach(async () => {
    await bench().server.set("all", { kind: "healthy" });
    bench().organisation.setMounted("DB01", true);
  });
  return {
    get server() {
      return bench().server;
    },
    get organisation() {
      return bench().organisation;
    },
    run: (...asked) => bench().run(...asked),
  };
}

/** One lab server and its organisation, reached under its well-known ports. */
export interface ExchangeBench {
  readonly server: ExchangeServer;
  readonly organisation: Organisation;
  readonly network: Network;
  run(port: number, spec: TransactionSpec, change?: Partial<ProbeContext>): Promise<Observation>;
  close(): Promise<void>;
}

export async function exchangeBench(
  options: Partial<Parameters<typeof startExchangeServer>[0]> = {},
): Promise<ExchangeBench> {
  const organisation = createOrganisation({
    accounts: [PROBE_A, PROBE_B],
    mailboxServer: "mbx01.lab.example.com",
  });
  const server = await startExchangeServer({
    name: "ex01",
    fqdn: "ex01.lab.example.com",
    version: "2016",
    organisation,
    ...options,
  });
  const connectTo: Record<string, string> = {};
  for (const port of server.ports) {
    const endpoint = server.endpoint(port);
    if (endpoint !== null) {
      connectTo[`ex01:${String(port)}`] = `${endpoint.host}:${String(endpoint.port)}`;
    }
  }
  const network = createNetwork({
    connectTo,
    unmapped: "refuse",
    now: () => performance.now(),
  });
  return {
    server,
    organisation,
    network,
    run: (port, spec, change = {}) =>
      runTransaction(
        spec,
        { host: "ex01", port, server: "ex01" },
        probeContext(10_000, { network, ...change }),
      ),
    close: () => server.close(),
  };
}
