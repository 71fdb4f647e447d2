import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { memberCommands } from "../../src/web/page/commands.ts";
import { vserverHref } from "../../src/web/page/layout.ts";
import { estateAnswer, estateJson } from "../../src/web/api/estate.ts";
import { verdictsAnswer } from "../../src/web/api/verdicts.ts";
import { aLiveState, aMember, deadSite } from "../support/live-state.ts";
import { serve } from "./support.ts";

const LIVE = aLiveState({ vservers: [deadSite()] });
const ESTATE = parseNsConf(
  [
    "add service gs_dc2 192.0.2.9 SSL 443",
    "add gslb site dc1 LOCAL 192.0.2.50",
    "add gslb service gs_dc2 198.51.100.10 SSL 443 -siteName dc1 -publicIP 203.0.113.2",
    "add gslb serviceGroup gg SSL -siteName dc1",
    "bind gslb serviceGroup gg 198.51.100.11 443",
    "add gslb vserver gslb_mail SSL",
    "bind gslb vserver gslb_mail -serviceName gs_dc2",
    "bind gslb vserver gslb_mail -domainName mail.example.com",
  ].join("\n"),
  { adc: "prod" },
);

describe("GSLB pages", () => {
  test("name the failing site in the first sentence and the command that takes it out of DNS in its card", async () => {
    const web = await serve(LIVE);
    const page = (await web.get("/")).text.replaceAll(/\s+/g, " ");
    expect(page).toContain(
      "NetScaler prod sends clients of mail.example.com to site dc2, which does not serve them",
    );
    expect(page).toContain("disable gslb service gs_dc2");
  });

  test("show each site and each answer of the ADC's DNS for a GSLB vserver", async () => {
    const web = await serve(LIVE);
    const page = (await web.get(vserverHref(deadSite()))).text.replaceAll(/\s+/g, " ");
    expect(page).toContain("vserver v_owa of far");
    expect(page).toContain("handed out");
    expect(page).toContain("192.0.2.53:53 (UDP) answers mail.example.com with 203.0.113.2");
    expect(page).toContain(
      "Not asked: 2 questions about mail.example.com (NAPTR records are not queried).",
    );
    expect(page).toContain("203.0.113.2: ");
    expect(page).toContain("known only by the metric exchange (MEP): no ADC of this configuration");
  });
});

describe("commands for a GSLB site", () => {
  test.each([
    ["gs_dc2 (GSLB)", "198.51.100.10", "disable gslb service gs_dc2"],
    ["gg", "198.51.100.11", "disable gslb serviceGroup gg 198.51.100.11 443"],
    ["gs_dc2", "192.0.2.9", "disable service gs_dc2 "],
  ])("name %s as the ADC does", (adcService, server, expected) => {
    const member = aMember({ adcService, server, port: 443, verdict: "routes_to_maintenance" });
    const typed = memberCommands(member, ESTATE, []).map(({ text }) => text);
    expect(typed[0]?.startsWith(expected)).toBe(true);
  });
});

describe("GSLB in the API", () => {
  test("holds sites and answers as its schema says", async () => {
    const web = await serve(LIVE, { estates: () => [ESTATE] });
    const verdicts = verdictsAnswer.parse((await web.get("/api/v1/verdicts")).json);
    expect(
      verdicts.vservers[0]?.gslb?.sites.map((each) => [
        each.site,
        each.serves,
        each.known_by,
        each.address_states.map(({ address, state }) => `${address} ${state}`),
      ]),
    ).toEqual([
      ["dc1", "up", "probes", []],
      ["dc2", "down", "vserver", ["203.0.113.2 down"]],
      ["dc3", "unknown", "mep", []],
    ]);
    const { adcs } = estateAnswer.parse((await web.get("/api/v1/estate")).json);
    expect(adcs[0]).toEqual(JSON.parse([...estateJson(ESTATE).pieces()].join("")));
    expect(adcs[0]?.gslb.services.map(({ other_addresses: others }) => others)).toEqual([
      [["203.0.113.2"]],
      [[]],
    ]);
  });
});
