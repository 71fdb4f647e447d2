import { describe, expect, onTestFinished, test } from "vitest";
import { startNitroServer, type NitroServerOptions } from "../../../lab/nitro/server.ts";
import type { NitroBackend } from "../../../lab/nitro/backend.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { pollState } from "../../../src/adc/nitro/poll.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { memberKey } from "../../../src/model/adc-state.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

const CONF = [
  "add service dc2 192.0.2.99 SSL 443",
  "add lb vserver mail SSL 192.0.2.10 443",
  "bind lb vserver mail dc2",
  "add gslb site dc1 LOCAL 192.0.2.50",
  "add gslb site dc2 REMOTE 198.51.100.50",
  "add gslb service dc1 192.0.2.10 SSL 443 -siteName dc1",
  "add gslb service dc2 198.51.100.10 SSL 443 -siteName dc2 -publicIP 203.0.113.10",
  "add gslb service watched 198.51.100.11 SSL 443 -siteName dc2",
  "bind gslb service watched -monitorName tcp",
  "add gslb vserver mail SSL",
  "bind gslb vserver mail -serviceName dc1",
  "bind gslb vserver mail -serviceName dc2",
  "bind gslb vserver mail -domainName mail.example.com",
].join("\n");

async function asked(
  change: Partial<NitroBackend> = {},
  options: Partial<NitroServerOptions> = {},
  text = CONF,
) {
  const backend = steadyBackend(parseNsConf(text, { adc: "a" }));
  backend.set.members.set(memberKey("dc2 (GSLB)", "198.51.100.10", 443), { state: "DOWN" });
  const server = await startNitroServer({ ...backend, ...change }, { ...CREDENTIALS, ...options });
  onTestFinished(() => server.close());
  const client = labClient(server.url);
  onTestFinished(() => client.close());
  const imported = await importEstate(client, { adc: "a" });
  if (imported.kind !== "estate") {
    throw new Error(imported.kind);
  }
  const polled = await pollState(client, imported.estate, null, () => 0);
  return { server, imported, polled };
}

describe("GSLB over NITRO", () => {
  test("gives members and vserver states, under names of their own when a service has the same name", async () => {
    const { polled } = await asked();
    const state = polled.kind === "state" ? polled.state : null;
    const shown = [...(state?.members.values() ?? [])].map(
      ({ adcService, server, state: said }) => `${adcService} ${server} ${said}`,
    );
    expect(shown).toEqual([
      "dc2 192.0.2.99 up",
      "dc1 192.0.2.10 up",
      "dc2 (GSLB) 198.51.100.10 down",
      "watched 198.51.100.11 up",
    ]);
    expect([...(state?.vservers.keys() ?? [])]).toEqual(["mail", "mail (GSLB)"]);
    expect(state?.estateStale).toBe(false);
    expect(polled.kind === "state" ? polled.gaps : null).toEqual([]);
  });

  test.each([
    ["ACTIVE", "up", []],
    ["DOWN", "down", ["dc2 (GSLB)"]],
    ["INACTIVE", "down", ["dc2 (GSLB)"]],
  ] as const)(
    "MEP %s › marks members that no monitor watches as mep_down",
    async (status, mep, old) => {
      const { polled } = await asked({ mepStatus: () => status });
      const state = polled.kind === "state" ? polled.state : null;
      expect(state?.gslbSites?.get("dc2")?.mep).toBe(mep);
      expect(state?.gslbSites?.get("dc1")?.mep).toBe(null);
      const marked = [...(state?.members.values() ?? [])].filter(({ blind }) =>
        blind.includes("mep_down"),
      );
      expect(marked.map(({ adcService }) => adcService)).toEqual(old);
    },
  );

  test("gives a group's members the ADC's monitor states under the group's shown name", async () => {
    const group = [
      "add serviceGroup gg SSL",
      "add gslb site dc1 LOCAL 192.0.2.50",
      "add gslb serviceGroup gg SSL -siteName dc1",
      "bind gslb serviceGroup gg 192.0.2.10 443",
      "bind gslb serviceGroup gg 192.0.2.11 443",
      "bind gslb serviceGroup gg -monitorName tcp",
    ].join("\n");
    const backend = steadyBackend(parseNsConf(group, { adc: "a" }));
    const dead = `${memberKey("gg (GSLB)", "192.0.2.11", 443)}/tcp`;
    backend.set.monitors.set(dead, {
      state: "DOWN",
      lastResponse: "Failure - Time out during TCP connection establishment stage",
      currentFailedProbes: 3,
    });
    const { polled } = await asked(backend, {}, group);
    const members = polled.kind === "state" ? [...polled.state.members.values()] : [];
    expect(
      members.map(({ server, monitors }) => [
        server,
        monitors.map(({ monitor, state, currentFailedProbes }) => [
          monitor,
          state,
          currentFailedProbes,
        ]),
      ]),
    ).toEqual([
      ["192.0.2.10", [["tcp", "up", 0]]],
      ["192.0.2.11", [["tcp", "down", 3]]],
    ]);
    expect(polled.kind === "state" && polled.gaps).toEqual([]);
  });

  test("asks for nothing more of GSLB when the ADC has no sites", async () => {
    const { server } = await asked({}, {}, "add service s 192.0.2.9 TCP 25");
    const paths = server.requests.flatMap(({ path }) => /\/(gslb\w+)/.exec(path)?.[1] ?? []);
    expect(paths).toEqual(["gslbsite"]);
  });

  test.each([
    ["gslbsite", 2604],
    ["gslbservice", 1093],
    ["gslbvserver_domain_binding", 4242],
    ["gslbservice_lbmonitor_binding", 1232],
  ])("%s refused with %i is a gap, and the rest goes on", async (resource, code) => {
    const { imported, polled } = await asked(
      {},
      {
        faults: ({ query }) =>
          query.resource === resource ? { kind: "error", code, message: "no", status: 200 } : null,
      },
    );
    expect(imported.gaps.map((gap) => [gap.resource, gap.code])).toEqual([
      [resource, String(code)],
    ]);
    expect(imported.estate.services.size).toBe(1);
    expect(polled.kind).toBe("state");
  });

  test.each([
    ["gslbsite", 1067],
    ["gslbservicegroup", 1232],
  ])("%s is no gap when it is not licensed or not created (%i)", async (resource, code) => {
    const { imported } = await asked(
      {},
      {
        faults: ({ query }) =>
          query.resource === resource ? { kind: "error", code, message: "no", status: 200 } : null,
      },
    );
    expect(imported.gaps).toEqual([]);
  });
});
