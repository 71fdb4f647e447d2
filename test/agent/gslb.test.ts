import { describe, expect, test } from "vitest";
import type { ExcludeConfig } from "../../src/config/schema.ts";
import { idleSettings, planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { buildRecords } from "../../src/agent/records/build-records.ts";
import { WitnessState } from "../../src/agent/records/witness-state.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { memberKey, type AdcState } from "../../src/model/adc-state.ts";
import type { Observation } from "../../src/model/observation.ts";
import { sentenceOf } from "../../src/change/findings.ts";
import { observed, STARTED_AT } from "./small-estate.ts";

const GOOD = observed({ passed: true });
const BAD = observed({ passed: false, reason: "closed_without_data" });
const UNHEARD = observed({ passed: false, reason: "connect_timeout" });

const SITE = (site: string): string[] => [
  "add lb monitor m TCP-ECV -recv ready",
  "add server ex01 10.0.0.1",
  "add service svc ex01 SSL 443",
  "bind service svc -monitorName m",
  `add lb vserver mail SSL ${site} 443`,
  "bind lb vserver mail svc",
];
const GSLB = [
  "add service adns 192.0.2.53 ADNS 53",
  "add service adns_tcp 192.0.2.53 ADNS_TCP 53",
  "add gslb site dc1 LOCAL 192.0.2.50",
  "add gslb site dc2 REMOTE 198.51.100.50",
  "add gslb service gs_dc1 192.0.2.10 SSL 443 -siteName dc1",
  "add gslb service gs_dc2 198.51.100.10 SSL 443 -siteName dc2 -publicIP 203.0.113.2",
  "add gslb vserver gslb_mail SSL -lbMethod ROUNDROBIN",
  "bind gslb vserver gslb_mail -serviceName gs_dc1",
  "bind gslb vserver gslb_mail -serviceName gs_dc2",
  "bind gslb vserver gslb_mail -domainName mail.example.com",
];
const POLL_MS = 5_000;

/** Two ADCs, each a site of the same name; the first one's DNS is asked. */
function twoSites(conf: readonly string[] = GSLB, exclude: readonly ExcludeConfig[] = []) {
  let at = STARTED_AT;
  const state = new WitnessState({
    agent: "a",
    stabilityMs: 60_000,
    overdueAfterMs: 4 * 3_600_000,
    declarations: {
      declaredFor: () => ({ state: "no", endAt: null, window: null }),
      observe: () => undefined,
    },
    grace: "watched",
    now: () => at,
  });
  for (const [adc, text] of [
    ["adc1", [...SITE("192.0.2.10"), ...conf]],
    ["adc2", SITE("198.51.100.10")],
  ] as const) {
    const estate = parseNsConf(text.join("\n"), { adc });
    state.addAdc(adc, { nitro: true, pollMs: POLL_MS });
    const plan = planProbes(estate, BARE_SETTINGS);
    const options = { pollMs: POLL_MS, vservers: new Map(), exclude, now: () => at };
    state.setRecords(adc, buildRecords(estate, plan, options, null));
  }
  const found = (name: string, adc = "adc1") => {
    const record = state.vservers.find((one) => one.vserver === name && one.adc === adc);
    if (record === undefined) {
      throw new Error(name);
    }
    return record;
  };
  const world = {
    state,
    name: () => found("gslb_mail"),
    silence: (ms: number): void => {
      at += ms;
      state.evaluateAll();
    },
    /** One round: DNS answers this, the replica of each site's only server sees that, both ADCs are polled. */
    round: (
      answered: readonly string[] | null,
      sees: { readonly dc1?: Observation; readonly dc2?: Observation },
      says: {
        readonly dc2?: string;
        /** The site's own ADC says it of its server. */
        readonly dc2Server?: string;
        readonly name?: string;
        readonly mep?: "up" | "down";
        readonly blind?: "mep_down";
        /** What is seen at public addresses. */
        readonly publicly?: Readonly<Record<string, Observation>>;
      } = {},
    ): void => {
      at += POLL_MS;
      for (const probe of state.probes) {
        const one = { dc1: GOOD, dc2: GOOD, ...sees }[probe.adc === "adc1" ? "dc1" : "dc2"];
        if (probe.transaction === "dns_lookup" && answered !== null) {
          const passed = answered.length > 0;
          state.recordResult(probe, { ...observed({ passed }), answered, startedAt: at }, passed);
        } else if (probe.vantage === "public") {
          const seen = says.publicly?.[probe.planned.address ?? ""];
          if (seen !== undefined) {
            state.recordResult(probe, { ...seen, startedAt: at }, seen === GOOD);
          }
        } else if (probe.monitor === "m") {
          state.recordResult(probe, { ...one, startedAt: at }, one === GOOD);
        }
      }
      for (const adc of ["adc1", "adc2"]) {
        state.applyAdcPoll(adc, adcState(state, adc, at, says));
      }
      state.evaluateAll();
    },
  };
  return world;
}

function adcState(
  state: WitnessState,
  adc: string,
  at: number,
  says: Parameters<ReturnType<typeof twoSites>["round"]>[2] = {},
): AdcState {
  const opinion = (raw: string) => (raw === "UP" ? "up" : raw === "DOWN" ? "down" : "out");
  return {
    at,
    nodes: [],
    members: new Map(
      state.members
        .filter((member) => member.adc === adc)
        .map((member) => {
          const { adcService, server, address, port } = member;
          const isDc2 = adcService === "gs_dc2";
          const isDc2Server = adc === "adc2" && adcService === "svc";
          const said = isDc2 ? says.dc2 : isDc2Server ? says.dc2Server : undefined;
          const rawState = said ?? "UP";
          return [
            memberKey(adcService, server, port),
            {
              adcService,
              server,
              address,
              port,
              state: opinion(rawState),
              rawState,
              trofsReason: null,
              connections: null,
              sinceMs: null,
              enabled: true,
              monitors: [],
              blind: isDc2 && says.blind !== undefined ? [says.blind] : [],
            },
          ];
        }),
    ),
    vservers: new Map(
      state.vservers
        .filter((vserver) => vserver.adc === adc)
        .map(({ vserver, kind }) => {
          const rawState = vserver === "gslb_mail" ? (says.name ?? "UP") : "UP";
          const said = opinion(rawState);
          return [
            vserver,
            {
              name: vserver,
              kind,
              state: said,
              effectiveState: said,
              rawState,
              healthPercent: 100,
              backupActive: false,
              remark: null,
              sinceMs: null,
            },
          ];
        }),
    ),
    gslbSites: new Map([["dc2", { name: "dc2", mep: says.mep ?? "up", rawStatus: "" }]]),
  };
}

const BOTH = ["192.0.2.10", "203.0.113.2"];

function repeat(times: number, run: () => void): void {
  for (let turn = 0; turn < times; turn += 1) {
    run();
  }
}

describe("GSLB name over two ADCs", () => {
  test("queries the ADC's DNS over UDP and TCP, and links each site to the vserver with its VIP", () => {
    const { state, name } = twoSites();
    const questions = state.probes.filter(({ transaction }) => transaction === "dns_lookup");
    expect(questions.map(({ id }) => id)).toEqual([
      "adc1/vip/gslb_mail/mail.example.com at 192.0.2.53/53/dns udp",
      "adc1/vip/gslb_mail/mail.example.com at 192.0.2.53/53/dns tcp",
    ]);
    const behind = name().gslb?.siteRecords.map((site) => site.behind?.adc);
    expect(behind).toEqual(["adc1", "adc2"]);
  });

  test("agrees when both sites serve and DNS returns them in turns", () => {
    const { name, round } = twoSites();
    for (const address of [...BOTH, ...BOTH]) {
      round([address], {});
    }
    expect(name().verdict).toBe("vip_agree_up");
    expect(name().gslb?.sites.map(({ handedOut, serves }) => [handedOut, serves])).toEqual([
      [true, "up"],
      [true, "up"],
    ]);
  });

  test("names the failing site after the ADC's own time when DNS returns it and it does not serve", () => {
    const { name, round } = twoSites();
    round(BOTH, {});
    round(BOTH, { dc2: BAD });
    round(BOTH, { dc2: BAD });
    repeat(3, () => {
      round(BOTH, { dc2: BAD });
    });
    expect(name().verdict).toBe("settling");
    repeat(40, () => {
      round(BOTH, { dc2: BAD });
    });
    expect(name().verdict).toBe("vip_up_members_down");
    expect(name().reason).toBe("closed_without_data");
    const { adc, verdict, since } = name();
    expect(sentenceOf({ kind: "vserver", adc, verdict, since, vserver: name() })).toBe(
      "NetScaler adc1 sends clients of mail.example.com to site dc2, which does not serve them",
    );
    round(["192.0.2.10"], { dc2: BAD }, { dc2: "DOWN" });
    expect(name().verdict).toBe("vip_agree_up");
  });

  test("gives mep_down as the reason when the metric exchange is down and nothing else gives the site's state", () => {
    const { name, round } = twoSites();
    round(BOTH, {});
    repeat(60, () => {
      round(BOTH, { dc2: BAD }, { mep: "down", blind: "mep_down" });
    });
    expect([name().verdict, name().reason]).toEqual(["vip_up_members_down", "mep_down"]);
  });

  test("names the withheld site when it serves and GSLB has it DOWN", () => {
    const { name, round } = twoSites();
    round(BOTH, {});
    repeat(60, () => {
      round(["192.0.2.10"], {}, { dc2: "DOWN", mep: "down" });
    });
    expect([name().verdict, name().reason]).toEqual(["vip_site_withheld", "mep_down"]);
  });

  test("agrees when a site is out of service on purpose", () => {
    const { name, round } = twoSites();
    round(BOTH, {});
    repeat(60, () => {
      round(["192.0.2.10"], {}, { dc2: "OUT OF SERVICE" });
    });
    expect(name().verdict).toBe("vip_agree_up");
  });

  test("expects a site to be DOWN when all its servers are in maintenance", () => {
    const { state, round } = twoSites();
    const site = () => state.members.find(({ adcService }) => adcService === "gs_dc2");
    round(BOTH, {});
    const away = { dc2: "DOWN", dc2Server: "OUT OF SERVICE" };
    repeat(2, () => {
      round(["192.0.2.10"], { dc2: BAD }, away);
    });
    expect(site()).toMatchObject({ replica: "unknown", verdict: "maintenance_expected" });
    repeat(2, () => {
      round(["192.0.2.10"], { dc2: BAD }, { ...away, dc2Server: "DOWN" });
    });
    expect(site()?.verdict).toBe("unknown");
  });

  test("is vip_down_members_up when DNS returns nothing while sites serve", () => {
    const { name, round } = twoSites();
    round(BOTH, {});
    repeat(60, () => {
      round([], {});
    });
    expect(name().verdict).toBe("vip_down_members_up");
  });

  test("keeps its answers and sites when the estate is imported again", () => {
    const { state, name, round } = twoSites();
    round(BOTH, {});
    const before = state.recordsOf("adc1");
    const estate = before?.estate;
    if (before === null || estate === undefined) {
      throw new Error("no estate");
    }
    const options = { pollMs: POLL_MS, vservers: new Map(), now: () => STARTED_AT };
    const again = buildRecords(estate, planProbes(estate, BARE_SETTINGS), options, before);
    state.setRecords("adc1", again);
    state.evaluateAll();
    expect(name().verdict).toBe("vip_agree_up");
    expect(name().gslb?.sites.map(({ handedOut }) => handedOut)).toEqual([true, true]);
  });

  test("reports as handed out only what the newest answer holds when earlier answers have expired", () => {
    const { round, silence, name } = twoSites();
    round(BOTH, {});
    silence(3_600_000);
    expect(name().gslb?.sites.map(({ handedOut }) => handedOut)).toEqual([null, null]);
    round(BOTH.slice(0, 1), {});
    expect(name().gslb?.sites.map(({ handedOut }) => handedOut)).toEqual([true, false]);
  });

  test("is unknown when it is excluded from judging, as an excluded site is", () => {
    const excluded = (what: "vserver" | "member", pattern: string): ExcludeConfig => ({
      what,
      pattern,
      from: "judging",
      reason: "moved next week",
    });
    const exclude = [excluded("vserver", "gslb_*"), excluded("member", "198.51.100.10:443")];
    const { state, name, round } = twoSites(GSLB, exclude);
    repeat(60, () => {
      round(BOTH, { dc2: BAD });
    });
    expect(name()).toMatchObject({ verdict: "unknown", reason: "excluded" });
    const site = state.members.find(({ adcService }) => adcService === "gs_dc2");
    expect(site).toMatchObject({ verdict: "unknown", reason: "excluded" });
    const estate = parseNsConf(GSLB.join("\n"), { adc: "adc1" });
    const config = { file: "a.yml", transactions: { accounts: [], run: [] }, exclude };
    expect(idleSettings(config, [{ estate, settings: BARE_SETTINGS }])).toEqual([]);
  });

  test("is queried at the configured addresses when the configuration gives some", () => {
    const estate = parseNsConf(GSLB.join("\n"), { adc: "adc1" });
    const adns = [{ host: "198.51.100.53", port: 5353 }];
    const asked = planProbes(estate, { ...BARE_SETTINGS, adns })
      .filter(({ type }) => type === "dns_lookup")
      .map(({ address, port, note }) => `${String(address)}:${String(port)} ${String(note)}`);
    expect(asked).toEqual(
      ["UDP", "TCP"].map(
        (over) => `198.51.100.53:5353 queries the ADC's DNS for mail.example.com over ${over}`,
      ),
    );
  });

  test("reports the site's public address as down when it has answered before and fails", () => {
    const { state, name, round } = twoSites();
    const looks = state.probes.filter(({ vantage }) => vantage === "public");
    expect(looks.map(({ id }) => id)).toEqual([
      "adc1/public/gslb_mail/gs_dc2 at 203.0.113.2/443/web_answer",
    ]);
    const ofDc2 = () => name().gslb?.sites[1]?.addressStates;
    const address = "203.0.113.2";
    repeat(60, () => {
      round(BOTH, {}, { publicly: { [address]: UNHEARD } });
    });
    // Nothing was ever heard from there: a firewall of our own may be why.
    expect(ofDc2()).toEqual([{ address, state: "unknown", reason: null }]);
    expect(name().verdict).toBe("vip_agree_up");
    round(BOTH, {}, { publicly: { [address]: GOOD } });
    expect(ofDc2()).toEqual([{ address, state: "up", reason: null }]);
    repeat(60, () => {
      round(BOTH, {}, { publicly: { [address]: UNHEARD } });
    });
    expect(ofDc2()).toEqual([{ address, state: "down", reason: "connect_timeout" }]);
    expect([name().verdict, name().reason]).toEqual(["vip_up_members_down", "connect_timeout"]);
  });

  test("probes the public port of a service when it differs from the service's port", () => {
    const { state } = twoSites([...GSLB, "set gslb service gs_dc2 -publicPort 8443"]);
    const looks = state.probes.filter(({ vantage }) => vantage === "public");
    expect(
      looks.map(({ planned }) => `${String(planned.address)} ${String(planned.port)}`),
    ).toEqual(["203.0.113.2 8443"]);
  });

  test("reports the dead public address and agrees when the site's other address serves", () => {
    const view = "bind gslb service gs_dc2 -viewName outside 203.0.113.3";
    const { name, round } = twoSites([...GSLB, view]);
    round(BOTH, {}, { publicly: { "203.0.113.2": GOOD, "203.0.113.3": GOOD } });
    repeat(60, () => {
      round(BOTH, {}, { publicly: { "203.0.113.2": GOOD, "203.0.113.3": BAD } });
    });
    expect(name().gslb?.sites[1]?.addressStates).toEqual([
      { address: "203.0.113.2", state: "up", reason: null },
      { address: "203.0.113.3", state: "down", reason: "closed_without_data" },
    ]);
    expect(name().verdict).toBe("vip_agree_up");
  });

  test.each([
    ["the vserver that has its VIP", [], ["vserver", "vserver"]],
    [
      "probes, when no ADC of this configuration has it",
      ["set gslb service gs_dc2 -IPAddress 198.51.100.77"],
      ["vserver", "probes"],
    ],
    [
      "the metric exchange alone, when nothing can be probed",
      [
        "add gslb service gs_any 198.51.100.78 ANY * -siteName dc2",
        "bind gslb vserver gslb_mail -serviceName gs_any",
      ],
      ["vserver", "vserver", "mep"],
    ],
  ])("takes a site's state from %s", (_what, more, knownBy) => {
    const { name, round } = twoSites([...GSLB, ...more]);
    round(BOTH, {});
    expect(name().gslb?.sites.map((site) => site.knownBy)).toEqual(knownBy);
  });

  test("reports the backup vserver as active when none of its own sites is left", () => {
    const { name, round } = twoSites([
      ...GSLB.filter((line) => !/serviceName gs_dc1/.test(line)),
      "add gslb vserver gslb_backup SSL",
      "bind gslb vserver gslb_backup -serviceName gs_dc1",
      "set gslb vserver gslb_mail -backupVServer gslb_backup",
    ]);
    round(["203.0.113.2"], {});
    expect(name().verdict).toBe("vip_agree_up");
    repeat(60, () => {
      round(["192.0.2.10"], { dc2: BAD }, { dc2: "DOWN" });
    });
    expect(name().verdict).toBe("vip_backup_active");
    expect(name().gslb?.sites.map(({ site, backup }) => [site, backup])).toEqual([
      ["dc2", false],
      ["dc1", true],
    ]);
  });

  test("reports DNS names as not queried when their record type is not supported", () => {
    const { name, round } = twoSites([...GSLB, "set gslb vserver gslb_mail -dnsRecordType NAPTR"]);
    round(null, {});
    expect(name().gslb?.unasked).toEqual([{ why: "NAPTR records are not queried", questions: 2 }]);
    expect(name().gslb?.answers).toEqual([]);
  });

  test("lists DNS queries beyond the limit without scheduling them", () => {
    const domains = Array.from(
      { length: 40 },
      (_, n) => `bind gslb vserver gslb_mail -domainName mail${String(n)}.example.com`,
    );
    const { state } = twoSites([...GSLB, ...domains]);
    const questions = state.probes.filter(({ transaction }) => transaction === "dns_lookup");
    expect(questions.length).toBe(82);
    expect(questions.filter(({ scheduled }) => scheduled).length).toBe(32);
  });
});
