import { afterEach, expect, test } from "vitest";
import { type Network, SchemeMemory } from "../../../src/net/network.ts";
import type { Observation } from "../../../src/model/observation.ts";
import { loginOutcome } from "../../../src/probes/probe.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { TransactionName, TransactionSpec } from "../../../src/model/transactions.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { probeContext } from "../../support/probe-context.ts";
import { serve, type ScriptedServer } from "../../support/scripted-server.ts";
import { accountOf, PROBE_A } from "./lab-exchange.ts";
import { CLIENT_TLS, serverTls, transactionSpec } from "./transaction-spec.ts";

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** Offers these schemes, and accepts any Basic login. */
async function asking(schemes: () => readonly string[]): Promise<ScriptedServer> {
  const server = await serve((socket) => {
    socket.on("data", (data) => {
      const authorized = /^authorization: basic/im.test(data.toString("latin1"));
      const offers = schemes().map((scheme) => `WWW-Authenticate: ${scheme}\r\n`);
      socket.write(
        authorized
          ? "HTTP/1.1 200 OK\r\nX-FEServer: EX01\r\nMS-ASProtocolVersions: 16.1\r\nContent-Length: 0\r\n\r\n"
          : `HTTP/1.1 401 Unauthorized\r\nX-FEServer: EX01\r\n${offers.join("")}Content-Length: 0\r\n\r\n`,
      );
    });
  }, serverTls());
  servers.push(server);
  return server;
}

function networkWith(schemes: SchemeMemory): Network {
  return createNetwork({
    connectTo: {},
    unmapped: "allow",
    now: () => performance.now(),
    schemes,
  });
}

function logIn(
  server: ScriptedServer,
  network: Network,
  transaction: TransactionName = "eas_options",
  change: Partial<TransactionSpec> = {},
): Promise<Observation> {
  return runTransaction(
    transactionSpec(transaction, {
      security: "implicit",
      tls: CLIENT_TLS,
      account: accountOf(PROBE_A),
      ...change,
    }),
    { host: "127.0.0.1", port: server.port, server: null },
    probeContext(5_000, { network }),
  );
}

const BASIC = 'Basic realm="x"';

test.each(["NTLM", "Negotiate"])(
  "scheme memory › prevents Basic on every network after a server offered %s",
  async (strong) => {
    let offers = [strong];
    const server = await asking(() => offers);
    const memory = new SchemeMemory();
    await logIn(server, networkWith(memory));
    offers = [BASIC];
    const seen = await logIn(server, networkWith(memory));
    expect(seen).toMatchObject({ outcome: "fault", reason: "auth_schemes_differ" });
    expect(loginOutcome(seen)).toBe("not_tried");
    expect(server.received()).not.toMatch(/^authorization: basic/im);
  },
);

test("scheme memory › permits Basic again when the operator sets auth: basic", async () => {
  let offers = ["NTLM", BASIC];
  const server = await asking(() => offers);
  const network = networkWith(new SchemeMemory());
  await logIn(server, network);
  offers = [BASIC];
  expect(await logIn(server, network, "eas_options", { options: { auth: "basic" } })).toMatchObject(
    { outcome: "match" },
  );
});

test("scheme memory › is separate for each application of a server", async () => {
  let offers = ["NTLM"];
  const server = await asking(() => offers);
  const network = networkWith(new SchemeMemory());
  await logIn(server, network, "ews_folder");
  offers = [BASIC];
  expect(await logIn(server, network)).toMatchObject({ outcome: "match" });
});

test("scheme memory › ignores offers of a server with an untrusted certificate", async () => {
  let offers = ["NTLM"];
  const server = await asking(() => offers);
  const network = networkWith(new SchemeMemory());
  const stranger = { tls: { ...CLIENT_TLS, ca: null } };
  expect((await logIn(server, network, "eas_options", stranger)).reason).toBe(
    "certificate_untrusted",
  );
  offers = [BASIC];
  expect(await logIn(server, network)).toMatchObject({ outcome: "match" });
});

test("scheme memory › denies Basic to unknown servers when full", () => {
  const memory = new SchemeMemory();
  for (let port = 0; port < 20_000; port += 1) {
    memory.rememberSchemes({ host: "192.0.2.1", port }, "/ews/", ["ntlm"]);
  }
  expect(memory.allowsBasic({ host: "192.0.2.2", port: 443 }, "/ews/")).toBe(false);
});
