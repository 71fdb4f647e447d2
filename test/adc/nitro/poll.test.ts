import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { NitroState } from "../../../lab/nitro/backend.ts";
import { startNitroServer, type NitroServerOptions } from "../../../lab/nitro/server.ts";
import { memberKey, type AdcState, type MemberState } from "../../../src/model/adc-state.ts";
import type { NitroClient } from "../../../src/adc/nitro/client.ts";
import { pollState, type PollOptions } from "../../../src/adc/nitro/poll.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend, type SteadyBackend } from "./steady-backend.ts";

const CONFIGURATION = readFileSync(
  join(import.meta.dirname, "../../fixtures/ns.conf/exchange-2016.conf"),
  "utf8",
);
const IMAP = `
add server ex01 192.0.2.11
add server ex02 192.0.2.12
add serviceGroup sg_imap TCP
add service svc_smtp ex01 TCP 25
add lb monitor m_imap TCP-ECV -recv "ready" -interval 30 -downTime 2 MIN
bind serviceGroup sg_imap ex01 143
bind serviceGroup sg_imap ex02 143
bind serviceGroup sg_imap -monitorName m_imap
add lb vserver v_imap TCP 192.0.2.1 143
bind lb vserver v_imap sg_imap
add cs vserver c_web HTTP 192.0.2.2 80
`;

interface Lab {
  readonly backend: SteadyBackend;
  readonly client: NitroClient;
  readonly requests: () => string[];
  readonly poll: (
    previous?: AdcState | null,
    options?: PollOptions,
    at?: number,
  ) => Promise<AdcState>;
}

async function lab(text: string, options: Partial<NitroServerOptions> = {}): Promise<Lab> {
  const backend = steadyBackend(parseNsConf(text, { adc: "prod" }));
  const server = await startNitroServer(backend, { ...CREDENTIALS, ...options });
  const client = labClient(server.url);
  onTestFinished(async () => {
    await client.close();
    expect(server.openSessions()).toBe(0);
    await server.close();
  });
  const estate = backend.set.estate;
  return {
    backend,
    client,
    requests: () => server.requests.map(({ method, path }) => `${method} ${path}`),
    poll: async (previous = null, pollOptions = {}, at = 1_000_000) => {
      const result = await pollState(client, estate, previous, () => at, pollOptions);
      if (result.kind !== "state") {
        throw new Error(`${result.kind} ${result.code}: ${result.message}`);
      }
      return result.state;
    },
  };
}

function imap(state: AdcState, server: string): MemberState | undefined {
  return state.members.get(memberKey("sg_imap", server, 143));
}

describe("poll", () => {
  test("reports every member and vserver of the estate", async () => {
    const { backend, poll } = await lab(CONFIGURATION);
    const state = await poll();
    const { estate } = backend.set;
    const members = [...estate.services.values()].flatMap((service) => service.members);
    expect([...state.members.keys()].sort()).toEqual(
      members.map((m) => memberKey(m.adcService, m.server, m.port)).sort(),
    );
    expect(members.length).toBeGreaterThan(20);
    expect(new Set([...state.members.values()].map((member) => member.state))).toEqual(
      new Set(["up"]),
    );
    expect([...state.vservers.keys()].sort()).toEqual(
      [estate.lbVservers, estate.csVservers, estate.authenticationVservers]
        .flatMap((each) => [...each.keys()])
        .sort(),
    );
    expect(state.estateStale).toBe(false);
  });

  test.each<[NitroState, MemberState["state"]]>([
    ["UP", "up"],
    ["DOWN", "down"],
    ["OUT OF SERVICE", "out"],
    ["DISABLED", "out"],
    ["GOING OUT OF SERVICE", "leaving"],
    ["DOWN WHEN GOING OUT OF SERVICE", "leaving_down"],
    ["BUSY", "unknown"],
    ["UNKNOWN", "unknown"],
    ["NS_EMPTY_STR", "unknown"],
  ])("reads the state %s of members, services and monitors", async (raw, opinion) => {
    const { backend, poll } = await lab(IMAP);
    const key = memberKey("sg_imap", "ex02", 143);
    const service = memberKey("svc_smtp", "ex01", 25);
    backend.set.members.set(key, { state: raw, sinceChangeMs: 12_340, trofsReason: "503" });
    backend.set.members.set(service, { state: raw });
    backend.set.monitors.set(`${key}/m_imap`, { state: raw });
    const state = await poll();
    expect(imap(state, "ex02")).toMatchObject({
      state: opinion,
      rawState: raw,
      sinceMs: 12_340,
      trofsReason: "503",
      monitors: [{ monitor: "m_imap", state: opinion }],
    });
    expect(imap(state, "ex01")).toMatchObject({ state: "up", trofsReason: null });
    expect(state.members.get(service)).toMatchObject({ state: opinion });
  });

  test.each<[string, readonly string[], MemberState["disabled"], MemberState["disabled"]]>([
    ["nothing", [], [], []],
    ["a server", ["disable server ex02"], ["server"], []],
    ["a member", ["disable serviceGroup sg_imap ex02 143"], ["member"], []],
    ["a group", ["disable serviceGroup sg_imap"], ["service"], []],
    ["a service", ["disable service svc_smtp"], [], ["service"]],
  ])("reports what is disabled: %s", async (_what, commands, ofMember, ofService) => {
    const { backend, poll } = await lab([IMAP, ...commands].join("\n"));
    for (const [key, disabled] of [
      [memberKey("sg_imap", "ex02", 143), ofMember],
      [memberKey("svc_smtp", "ex01", 25), ofService],
    ] as const) {
      backend.set.members.set(key, { state: disabled?.length === 0 ? "UP" : "OUT OF SERVICE" });
    }
    const state = await poll();
    expect(imap(state, "ex02")?.disabled).toEqual(ofMember);
    expect(state.members.get(memberKey("svc_smtp", "ex01", 25))?.disabled).toEqual(ofService);
  });

  test("reads what each monitor saw", async () => {
    const { backend, poll } = await lab(IMAP);
    backend.set.monitors.set(`${memberKey("sg_imap", "ex01", 143)}/m_imap`, {
      lastResponse: "Failure - Pattern not found in response.",
      responseTimeMs: 12.5,
      totalProbes: 1000,
      failedProbes: 7,
      currentFailedProbes: 2,
    });
    expect(imap(await poll(), "ex01")?.monitors).toEqual([
      {
        monitor: "m_imap",
        state: "up",
        bindingEnabled: true,
        lastResponse: "Failure - Pattern not found in response.",
        responseTimeMs: 12.5,
        totalProbes: 1000,
        failedProbes: 7,
        currentFailedProbes: 2,
        probesUnchangedSince: 1_000_000,
      },
    ]);
  });

  test("reads vservers: effective state, health, backup, remark", async () => {
    const { backend, poll } = await lab(IMAP);
    backend.set.vservers.set("v_imap", {
      state: "DOWN",
      effectiveState: "UP",
      healthPercent: 50,
      backupActive: true,
      remark: "Certkey not bound",
      sinceChangeMs: 5_000,
    });
    const state = await poll();
    expect(state.vservers.get("v_imap")).toEqual({
      name: "v_imap",
      kind: "lb",
      state: "down",
      effectiveState: "up",
      rawState: "DOWN",
      healthPercent: 50,
      backupActive: true,
      remark: "Certkey not bound",
      sinceMs: 5_000,
    });
    expect(state.vservers.get("c_web")).toMatchObject({
      kind: "cs",
      state: "up",
      effectiveState: "up",
      healthPercent: null,
      backupActive: false,
    });
  });

  test("reports the estate as stale when the ADC's configuration has changed", async () => {
    const { backend, poll } = await lab(IMAP);
    expect((await poll()).estateStale).toBe(false);
    backend.set.estate = parseNsConf(
      `${IMAP}\nadd server ex03 192.0.2.13\nbind serviceGroup sg_imap ex03 143\n`,
      { adc: "prod" },
    );
    expect((await poll()).estateStale).toBe(true);
    backend.set.estate = parseNsConf(IMAP.replace("bind serviceGroup sg_imap ex02 143\n", ""), {
      adc: "prod",
    });
    const state = await poll();
    expect(state.estateStale).toBe(true);
    expect(imap(state, "ex02")).toMatchObject({ state: "unknown", rawState: "" });
  });

  test("sees a server that was disabled since the import", async () => {
    const { backend, poll } = await lab(IMAP);
    backend.set.estate = parseNsConf(IMAP.replace("192.0.2.12", "192.0.2.12 -state DISABLED"), {
      adc: "prod",
    });
    const state = await poll();
    expect(imap(state, "ex02")).toMatchObject({ enabled: false, blind: ["service_disabled"] });
    expect(imap(state, "ex01")).toMatchObject({ enabled: true, blind: [] });
  });
});

describe("connection counts", () => {
  test("are asked for only when they are requested", async () => {
    const { backend, poll, requests } = await lab(IMAP);
    const key = memberKey("sg_imap", "ex02", 143);
    backend.set.members.set(key, { clientConnections: 42 });
    expect(imap(await poll(), "ex02")?.connections).toBeNull();
    expect(requests().filter((request) => request.includes("/stat/service"))).toEqual([]);
    backend.set.members.set(key, { clientConnections: 42, state: "GOING OUT OF SERVICE" });
    expect(imap(await poll(), "ex02")?.connections).toBe(42);
    expect(requests().filter((request) => request.includes("/stat/service"))).toEqual([
      "GET /nitro/v1/stat/servicegroup/sg_imap?statbindings=yes",
    ]);
    const wanted = await poll(null, { wantsConnections: (name) => name === "svc_smtp" });
    expect(wanted.members.get(memberKey("svc_smtp", "ex01", 25))?.connections).toBe(0);
  });

  test("are asked for in turns, and keep their values, when there are more than a poll can ask for", async () => {
    const names = Array.from({ length: 70 }, (_, index) => `svc_${String(index)}`);
    const { backend, poll } = await lab(
      names
        .map((name, index) => `add service ${name} 192.0.2.11 TCP ${String(1000 + index)}`)
        .join("\n"),
    );
    const keys = names.map((name, index) => memberKey(name, "192.0.2.11", 1000 + index));
    for (const key of keys) {
      backend.set.members.set(key, { clientConnections: 3 });
    }
    const wantsConnections = (): boolean => true;
    const first = await poll(null, { wantsConnections, turn: 0 });
    const second = await poll(first, { wantsConnections, turn: 1 });
    const known = (state: AdcState): number =>
      keys.filter((key) => state.members.get(key)?.connections === 3).length;
    expect([known(first), known(second)]).toEqual([50, 70]);
  });
});

describe("appliance without bulk bindings", () => {
  test("is asked by name and not in bulk again", async () => {
    const { poll, requests } = await lab(IMAP, { bulkBindings: false });
    expect(imap(await poll(), "ex01")).toMatchObject({ state: "up", monitors: [{ state: "up" }] });
    const before = requests().length;
    await poll();
    const again = requests().slice(before);
    expect(again.filter((request) => request.includes("bulkbindings"))).toEqual([]);
    expect(again).toContain("GET /nitro/v1/config/service_lbmonitor_binding/svc_smtp");
  });
});

test("poll › sends nothing but GET besides login and logout", async () => {
  const { poll, requests, client } = await lab(CONFIGURATION);
  await poll();
  await client.close();
  const others = requests().filter((request) => !request.startsWith("GET /nitro/v1/"));
  expect(others).toEqual(["POST /nitro/v1/config/login", "POST /nitro/v1/config/logout"]);
});
