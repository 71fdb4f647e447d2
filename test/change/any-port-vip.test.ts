import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { planJson } from "../../src/agent/plan/planned-probe.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { compareWorld } from "../support/compared-world.ts";
import { closedPort, serve } from "../support/scripted-server.ts";
import { aRun } from "../support/transaction-settings.ts";

const GUIDE = readFileSync(
  new URL("../fixtures/ns.conf/exchange-2010-full.conf", import.meta.url),
  "utf8",
);

test("VIP of every port › is probed at the monitor's own port and at the endpoint mapper", () => {
  const estate = parseNsConf(GUIDE, { adc: "prod" });
  const { probes } = planJson(planProbes(estate, BARE_SETTINGS), [estate]);
  const through = probes.filter(
    ({ vantage, vservers }) => vantage === "vip" && vservers.includes("Exchange_2010_RPC_vserver"),
  );
  expect(
    through.map(({ address, port, type }) => `${String(address)}:${String(port)} ${type}`),
  ).toEqual(["192.168.1.172:22902 TCP", "192.168.1.172:135 rpc_endpoint_map"]);
});

test("VIP of every port › is probed by a configured rpc_endpoint_map", () => {
  const estate = parseNsConf(GUIDE.replaceAll("Exchange_2010_RPC", "svc_mapi"), { adc: "prod" });
  const run = aRun("rpc_endpoint_map", {
    members: { adcServices: ["svc_mapi*"] },
    vantages: ["vip"],
  });
  const { probes } = planJson(planProbes(estate, { ...BARE_SETTINGS, runs: [run] }), [estate]);
  expect(
    probes
      .filter(({ transaction }) => transaction === "rpc_endpoint_map")
      .map(({ address, port }) => `${String(address)}:${String(port)}`),
  ).toContain("192.168.1.172:135");
});

const CONF = `add server cas01 198.51.100.11
add service svc_any cas01 TCP *
add lb monitor mon_port TCP -destPort 22902 -interval 10 -resptimeout 9
bind service svc_any -monitorName mon_port
add lb vserver v_any TCP 192.0.2.22 *
bind lb vserver v_any svc_any
`;

describe("VIP of every port without a known application", () => {
  async function verdictOf(vip: number) {
    const server = await serve(() => undefined);
    onTestFinished(() => server.close());
    const at = { "198.51.100.11:22902": server.port, "192.0.2.22:22902": vip };
    const { vservers } = await compareWorld({ conf: CONF, at });
    return vservers[0];
  }

  test("is down when the connection is refused", async () => {
    expect(await verdictOf(await closedPort())).toMatchObject({
      vip: "down",
      verdict: "vip_down_members_up",
      reason: "refused",
    });
  });

  test("is unknown when only the ADC's own handshake succeeds", async () => {
    const front = await serve((socket) => socket.destroy());
    onTestFinished(() => front.close());
    expect(await verdictOf(front.port)).toMatchObject({ vip: "unknown" });
  });
});
