import { describe, expect, onTestFinished, test } from "vitest";
import {
  startNitroServer,
  type NitroServer,
  type NitroServerOptions,
} from "../../../lab/nitro/server.ts";
import type { Estate } from "../../../src/model/estate.ts";
import type { NitroClient } from "../../../src/adc/nitro/client.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { pollState } from "../../../src/adc/nitro/poll.ts";
import { PAGE_SIZE } from "../../../src/adc/nitro/rows.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { longestTurnMs } from "../../support/longest-turn.ts";
import { comparableEstate } from "./comparable-estate.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

const FIRMWARE = "#NS13.1 Build 37.38\n";

async function lab(
  estate: Estate,
  options: Partial<NitroServerOptions> = {},
): Promise<{ server: NitroServer; client: NitroClient }> {
  const server = await startNitroServer(steadyBackend(estate), { ...CREDENTIALS, ...options });
  const client = labClient(server.url);
  onTestFinished(async () => {
    await client.close();
    expect(server.openSessions()).toBe(0);
    await server.close();
  });
  return { server, client };
}

async function importedBy(client: NitroClient): Promise<Estate> {
  const result = await importEstate(client, { adc: "prod" });
  if (result.kind !== "estate") {
    throw new Error(`${result.kind} ${result.code}: ${result.message}`);
  }
  return result.estate;
}

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join("\n");
}

describe("paging", () => {
  test.each([PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 2 * PAGE_SIZE])(
    "of %i servers returns none twice and loses none",
    async (count) => {
      const text = lines(
        count,
        (i) => `add server ex${String(i)} 10.0.${String(i >> 8)}.${String(i & 255)}`,
      );
      const { server, client } = await lab(parseNsConf(text, { adc: "prod" }));
      const estate = await importedBy(client);
      expect(estate.servers.size).toBe(count);
      const pages = server.requests.filter(({ path }) => path.includes("/server?")).length;
      expect(pages).toBe(Math.floor(count / PAGE_SIZE) + 1);
    },
  );

  test("is not used again when firmware ignores it", async () => {
    const count = PAGE_SIZE;
    const text = lines(
      count,
      (i) => `add server ex${String(i)} 10.0.${String(i >> 8)}.${String(i & 255)}`,
    );
    const estate = parseNsConf(text, { adc: "prod" });
    const rows = [...estate.servers.values()].map(({ name, address }) => ({
      name,
      ipaddress: address,
    }));
    const body = JSON.stringify({ errorcode: 0, message: "Done", severity: "NONE", server: rows });
    const { server, client } = await lab(estate, {
      faults: ({ query }) =>
        query.resource === "server" ? { kind: "answer", status: 200, body } : null,
    });
    expect((await importedBy(client)).servers.size).toBe(count);
    expect((await importedBy(client)).servers.size).toBe(count);
    const asked = server.requests
      .filter(({ path }) => path.includes("/server"))
      .map(({ path }) => path);
    expect(asked).toEqual([
      `/nitro/v1/config/server?pagesize=${String(PAGE_SIZE)}&pageno=1`,
      `/nitro/v1/config/server?pagesize=${String(PAGE_SIZE)}&pageno=2`,
      "/nitro/v1/config/server",
    ]);
  });
});

describe("names that need quoting", () => {
  const NAMES = [
    "a b",
    "a/b",
    "a?b",
    'a"b',
    "a'b",
    "a%2Fb",
    "ü ß",
    "a#b",
    "a&b=c",
    "a+b",
    "a,b:c",
    "a\\b",
  ];
  const text =
    FIRMWARE +
    NAMES.map((name, index) => {
      const quoted = (prefix: string): string => JSON.stringify(`${prefix}${name}`);
      const host = String(index + 1);
      return `
add server ${quoted("srv ")} 10.0.0.${host}
add service ${quoted("svc ")} ${quoted("srv ")} TCP 143
add serviceGroup ${quoted("sg ")} TCP
add lb monitor ${quoted("mon ")} TCP-ECV -recv ready
bind serviceGroup ${quoted("sg ")} ${quoted("srv ")} 143
bind serviceGroup ${quoted("sg ")} -monitorName ${quoted("mon ")}
bind service ${quoted("svc ")} -monitorName ${quoted("mon ")}
add lb vserver ${quoted("vs ")} TCP 10.0.1.${host} 143
bind lb vserver ${quoted("vs ")} ${quoted("svc ")}
bind lb vserver ${quoted("vs ")} ${quoted("sg ")}`;
    }).join("\n");
  const estate = parseNsConf(text, { adc: "prod" });

  test.each([true, false])("are imported and polled (bulk bindings: %s)", async (bulkBindings) => {
    const { client } = await lab(estate, { bulkBindings });
    const imported = await importedBy(client);
    expect(imported.services.size).toBe(2 * NAMES.length);
    expect(comparableEstate(imported)).toEqual(comparableEstate(estate));
    const result = await pollState(client, imported, null, () => 0, {
      wantsConnections: () => true,
    });
    expect(result).toMatchObject({ kind: "state", state: { estateStale: false } });
    const members = result.kind === "state" ? [...result.state.members.values()] : [];
    expect(
      members.map(({ state, connections, monitors }) => [state, connections, monitors.length]),
    ).toEqual(members.map(() => ["up", 0, 1]));
  });
});

describe("estate of 5,000 members with two monitors each", () => {
  const GROUPS = 100;
  const MEMBERS = 50;
  const text =
    FIRMWARE +
    lines(MEMBERS, (i) => `add server ex${String(i)} 10.0.0.${String(i + 1)}`) +
    '\nadd lb monitor m1 TCP-ECV -recv ready\nadd lb monitor m2 HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES\n' +
    lines(
      GROUPS,
      (g) =>
        `add serviceGroup sg${String(g)} SSL\nadd lb vserver v${String(g)} SSL 10.1.0.${String(g + 1)} 443\nbind lb vserver v${String(g)} sg${String(g)}\n` +
        lines(
          MEMBERS,
          (i) => `bind serviceGroup sg${String(g)} ex${String(i)} ${String(1000 + g)}`,
        ) +
        `\nbind serviceGroup sg${String(g)} -monitorName m1\nbind serviceGroup sg${String(g)} -monitorName m2`,
    );

  test("is imported and polled without a turn of the event loop of 50 ms of work", async () => {
    const estate = parseNsConf(text, { adc: "prod" });
    const { client } = await lab(estate);
    const rounds: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      rounds.push(
        await longestTurnMs(async () => {
          const imported = await importedBy(client);
          const result = await pollState(client, imported, null, () => 1_000);
          expect(result).toMatchObject({ kind: "state", state: { estateStale: false } });
          expect(result.kind === "state" && result.state.members.size).toBe(GROUPS * MEMBERS);
        }),
      );
    }
    // The best of three: a collection of garbage may fall into any turn, work that does not yield falls into all.
    const longest = Math.min(...rounds);
    expect(longest).toBeLessThan(50);
  });
});
