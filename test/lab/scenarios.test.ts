import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { buildAlerts } from "../../alerts/build.ts";
import { demoConf } from "../../lab/demo-conf.ts";
import { scenario, SCENARIO_NAMES } from "../../lab/scenarios.ts";
import { parseDuration } from "../../src/lib/timers.ts";
import { smallEstate } from "../agent/small-estate.ts";

/** The demo's own polls, and its slowest login. */
const POLL_MS = 2_000;
const SLOWEST_LOGIN_MS = 20_000;

/** Of deploy/prometheus: what is said is scraped and evaluated that much later. */
const SCRAPE_AND_EVALUATION_MS = 30_000;

interface RulesFile {
  readonly groups: readonly {
    readonly rules: readonly { readonly expr: string; readonly for?: string }[];
  }[];
}

/** How long this must have been reported before an alert fires; null: no alert covers it. */
function alertAfterMs(says: string): number | null {
  const files = [...buildAlerts()].filter(([path]) => path.endsWith(".rules.yml"));
  const waits = files
    .flatMap(([, text]) => (parse(text) as RulesFile).groups.flatMap(({ rules }) => rules))
    .filter(({ expr }) => expr.includes(`"${says}"`) || expr.includes(`adc_witness_${says} `))
    .flatMap((rule) => (rule.for === undefined ? [] : (parseDuration(rule.for) ?? [])));
  return waits.length === 0 ? null : Math.min(...waits);
}

test("lab scenarios › name findings that alerts cover, except the known ones", () => {
  const named = SCENARIO_NAMES.flatMap((name) => scenario(name).named?.says ?? []);
  expect(new Set(named.filter((says) => alertAfterMs(says) === null))).toEqual(
    new Set(["vip_protected", "mailbox_side", "agree_down", "unknown"]),
  );
});

describe("lab scenarios", () => {
  test.each(SCENARIO_NAMES)(
    "%s lasts until its finding is reported and its alert fires",
    (name) => {
      const { named, steps, conf } = scenario(name);
      if (named === null) {
        return;
      }
      const { state } = smallEstate(conf?.(demoConf()) ?? demoConf(), { pollMs: POLL_MS });
      const { of } = named;
      const members = state.members.filter(
        ({ adcService, server, vservers }) =>
          of === null ||
          ("vserver" in of
            ? vservers.includes(of.vserver)
            : adcService === of.adcService && server === of.server),
      );
      expect(members.length).toBeGreaterThan(0);
      const longest = Math.max(
        ...members.map(({ grace, probes, adcServiceConfig, vservers }) => {
          const monitors = probes.flatMap(({ planned: { action } }) =>
            action.kind === "monitor" ? [action.monitor] : [],
          );
          // A site of GSLB may be judged by its metric exchange alone.
          const isSite = vservers.some((vserver) => vserver.startsWith("gslb_"));
          expect([adcServiceConfig.name, isSite || monitors.length > 0]).toEqual([
            adcServiceConfig.name,
            true,
          ]);
          // The replica decides, grace runs, and the slowest look comes once more.
          const decidedMs = Math.max(
            0,
            ...monitors.map((each) => each.retries * each.intervalMs + each.responseTimeoutMs),
          );
          const graceMs = Math.max(grace.towardsDownMs, grace.towardsUpMs);
          const slowestMs = Math.max(SLOWEST_LOGIN_MS, ...probes.map((probe) => probe.intervalMs));
          return decidedMs + graceMs + slowestMs + POLL_MS + 1_000;
        }),
      );
      const isAtOnce = named.says === "maintenance_overrun";
      const saidMs = isAtOnce ? POLL_MS + 1_000 : longest;
      const alertMs = alertAfterMs(named.says);
      const firesMs = alertMs === null ? 0 : alertMs + SCRAPE_AND_EVALUATION_MS;
      expect(named.untilMs - named.fromMs).toBeGreaterThan(saidMs + firesMs);
      const times = steps.map(({ atMs }) => atMs);
      expect(times).toContain(named.fromMs);
      expect(named.untilMs === Infinity || times.includes(named.untilMs)).toBe(true);
    },
  );
});
