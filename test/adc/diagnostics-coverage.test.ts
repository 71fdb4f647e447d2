import { expect, test } from "vitest";
import { planJson } from "../../src/agent/plan/planned-probe.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";

const CONF = `add server s1 10.0.0.1
add serviceGroup bare HTTP -nodefaultBindings YES
bind serviceGroup bare s1 80
add serviceGroup empty HTTP
add serviceGroup lost HTTP
bind serviceGroup lost s1 81
bind serviceGroup lost -monitorName nothere
add service watched s1 TCP 99
`;

test("diagnostics coverage › reports services without a monitor or a member, and no others", () => {
  const estate = parseNsConf(CONF, { adc: "adc" });
  const said = estate.diagnostics.map(({ rule, object }) => `${rule} ${object}`);
  expect(said).toContain("service_without_monitor bare");
  expect(said).toContain("service_without_member empty");
  expect(said.filter((each) => each.endsWith(" watched"))).toEqual([]);
});

test("plan › lists a member's monitor as unsupported when that monitor is not configured", () => {
  const estate = parseNsConf(CONF, { adc: "adc" });
  const rows = planJson(planProbes(estate, BARE_SETTINGS), [estate]).probes;
  expect(rows.find((row) => row.monitor === "nothere")).toMatchObject({
    adc_service: "lost",
    port: 81,
    supported: false,
    unsupported_reason: "no monitor nothere is configured",
  });
});

test("plan › notes which address is probed when a vserver has several", () => {
  const conf = `add service s 10.0.0.1 HTTP 80
add lb vserver v HTTP 10.0.1.1 80 -range 3
add lb vserver w HTTP 10.0.2.1 80
bind lb vserver v s
bind lb vserver w s
`;
  const estate = parseNsConf(conf, { adc: "adc" });
  const rows = planJson(planProbes(estate, BARE_SETTINGS), [estate]).probes;
  const notes = rows
    .filter(({ vantage }) => vantage === "vip")
    .map(({ vservers, note }) => [vservers[0], note]);
  expect(notes).toEqual([
    ["v", "the first of 3 addresses (-range); the others are not probed"],
    ["w", null],
  ]);
});
