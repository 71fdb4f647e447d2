import { describe, expect, onTestFinished, test } from "vitest";
import { startNitroServer, type NitroServerOptions } from "../../../lab/nitro/server.ts";
import { memberKey, type AdcState } from "../../../src/model/adc-state.ts";
import type { Member } from "../../../src/model/adc-service.ts";
import { MAX_PERSISTENCE_REQUESTS } from "../../../src/adc/nitro/persistence.ts";
import { pollState } from "../../../src/adc/nitro/poll.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

const TWO = `add server ex01 192.0.2.11
add server ex02 2001:db8::12
add serviceGroup sg TCP
bind serviceGroup sg ex01 143
bind serviceGroup sg ex02 143
add lb vserver v_stick TCP 192.0.2.1 143 -persistenceType SOURCEIP -timeout 2
add lb vserver v_free TCP 192.0.2.1 144
bind lb vserver v_stick sg
bind lb vserver v_free sg
`;

async function lab(conf: string, options: Partial<NitroServerOptions> = {}) {
  const estate = parseNsConf(conf, { adc: "prod" });
  const backend = steadyBackend(estate);
  const server = await startNitroServer(backend, { ...CREDENTIALS, ...options });
  const client = labClient(server.url);
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return {
    backend,
    members: [...estate.services.values()].flatMap((service) => service.members) as [
      Member,
      Member,
      ...Member[],
    ],
    asked: () => server.requests.filter(({ path }) => path.includes("lbpersistentsessions")),
    poll: async (ownAddresses?: readonly string[], turn = 0) => {
      const result = await pollState(client, estate, null, () => 0, {
        turn,
        ...(ownAddresses === undefined ? {} : { ownAddresses }),
      });
      if (result.kind !== "state") {
        throw new Error(`${result.kind}: ${result.message}`);
      }
      return result;
    },
    leave: (member: Member, sinceChangeMs = 1000) =>
      backend.set.members.set(memberKey(member.adcService, member.server, member.port), {
        state: "GOING OUT OF SERVICE",
        sinceChangeMs,
      }),
  };
}

function entries(state: AdcState, vserver = "v_stick") {
  return state.persistence?.get(vserver)?.entries;
}

describe("persistence entries", () => {
  test("are asked for only when a member leaves and persistence is by source address", async () => {
    const { asked, leave, members, poll } = await lab(TWO);
    await poll(["192.0.2.200"]);
    expect(asked()).toEqual([]);
    leave(members[0]);
    await poll();
    expect(asked()).toEqual([]);
    const { state } = await poll(["192.0.2.200"]);
    expect(asked().map(({ path }) => decodeURIComponent(path))).toEqual([
      "/nitro/v1/config/lbpersistentsessions?args=vserver:v_stick&filter=srcip:192.0.2.200&pagesize=100&pageno=1",
    ]);
    expect([...(state.persistence ?? [])]).toEqual([
      ["v_stick", { asked: ["192.0.2.200"], entries: [] }],
    ]);
    // Long after the time-out no entry of then can be alive.
    leave(members[0], 240_000);
    await poll(["192.0.2.200"]);
    expect(asked()).toHaveLength(1);
  });

  test("tell for each of our addresses, IPv4 and IPv6, to which member it sticks, and nothing of others", async () => {
    const { backend, leave, members, poll } = await lab(TWO);
    const [ex01, ex02] = members;
    leave(ex01);
    backend.set.persistence.set("v_stick", [
      { source: "192.0.2.200", member: ex01, expiresInMs: 90_000 },
      { source: "192.0.2.201", member: ex02, expiresInMs: 90_000 },
      { source: "2001:db8::200", member: ex02, expiresInMs: 30_000 },
    ]);
    const { state } = await poll(["192.0.2.200", "2001:db8::200"]);
    expect(entries(state)).toEqual([
      { source: "192.0.2.200", address: "192.0.2.11", port: 143, expiresInMs: 90_000 },
      { source: "2001:db8::200", address: "2001:db8::12", port: 143, expiresInMs: 30_000 },
    ]);
  });

  test("are asked for our connection's address when no source addresses are configured", async () => {
    const { backend, leave, members, poll } = await lab(TWO);
    leave(members[0]);
    backend.set.persistence.set("v_stick", [
      { source: "127.0.0.1", member: members[1], expiresInMs: 60_000 },
    ]);
    const { state } = await poll([]);
    expect(state.persistence?.get("v_stick")?.asked).toEqual(["127.0.0.1"]);
    expect(entries(state)).toHaveLength(1);
  });

  test("are a gap that fails no poll, and are not asked again, when the account may not read them", async () => {
    const { asked, leave, members, poll } = await lab(TWO, {
      faults: ({ query }) =>
        query.resource === "lbpersistentsessions" ? { kind: "error", code: 257 } : null,
    });
    leave(members[0]);
    for (const turn of [0, 1]) {
      const { state, gaps } = await poll(["192.0.2.200"], turn);
      expect(state.members.get(memberKey("sg", "ex01", 143))?.state).toBe("leaving");
      expect(state.persistence?.size).toBe(0);
      expect(gaps).toMatchObject([{ resource: "lbpersistentsessions", code: "257" }]);
    }
    expect(asked()).toHaveLength(1);
  });

  test.each([
    ["firmware without them", { kind: "error", code: 1232 }],
    ["an answer that is not NITRO", { kind: "answer", status: 200, body: "<html>" }],
  ] as const)("fail no poll when there is %s", async (_what, fault) => {
    const { leave, members, poll } = await lab(TWO, {
      faults: ({ query }) => (query.resource === "lbpersistentsessions" ? fault : null),
    });
    leave(members[0]);
    const { state } = await poll(["192.0.2.200"]);
    expect(state.members.get(memberKey("sg", "ex01", 143))?.state).toBe("leaving");
    expect(state.persistence?.size).toBe(0);
  });

  test.each([
    ["unknown with a full page of others' entries", 100, undefined],
    ["none with a shorter page of others' entries", 99, []],
  ] as const)("are known or not by the page size: %s", async (_what, count, expected) => {
    const others = Array.from({ length: count }, (_, index) => ({
      vserver: "v_stick",
      srcip: `198.51.100.${String(index)}`,
      destip: "192.0.2.11",
      destport: 143,
      timeout: "60",
    }));
    const body = JSON.stringify({ errorcode: 0, message: "Done", lbpersistentsessions: others });
    const { leave, members, poll } = await lab(TWO, {
      faults: ({ query }) =>
        query.resource === "lbpersistentsessions" ? { kind: "answer", status: 200, body } : null,
    });
    leave(members[0]);
    const { state } = await poll(["192.0.2.200"]);
    expect(entries(state)).toEqual(expected);
  });

  test("are asked for in turns when there are many vservers", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `v${String(index)}`);
    const conf = names.map(
      (name, index) =>
        `add lb vserver ${name} TCP 192.0.2.1 ${String(1000 + index)} -persistenceType SOURCEIP -timeout 2\nbind lb vserver ${name} sg\n`,
    );
    const { asked, leave, members, poll } = await lab(TWO + conf.join(""));
    leave(members[0]);
    const seen = new Set<string>();
    for (const turn of [0, 1, 2, 3, 4, 5]) {
      const before = asked().length;
      const { state } = await poll(["192.0.2.200", "192.0.2.201"], turn);
      expect(asked().length - before).toBeLessThanOrEqual(MAX_PERSISTENCE_REQUESTS);
      for (const name of state.persistence?.keys() ?? []) {
        seen.add(name);
      }
    }
    expect([...seen].sort()).toEqual([...names, "v_stick"].sort());
  });
});
