import { describe, expect, test } from "vitest";
import { demoConf } from "../../lab/demo-conf.ts";
import { scenario, SCENARIO_NAMES } from "../../lab/scenarios.ts";
import { smallEstate } from "../agent/small-estate.ts";

/** The demo's own polls, and its slowest login. */
const POLL_MS = 2_000;
const SLOWEST_LOGIN_MS = 20_000;

describe("each story of the lab", () => {
  test.each(SCENARIO_NAMES)("%s lasts until what it names must have been said", (name) => {
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
    expect(named.untilMs - named.fromMs).toBeGreaterThan(isAtOnce ? POLL_MS + 1_000 : longest);
    const times = steps.map(({ atMs }) => atMs);
    expect(times).toContain(named.fromMs);
    expect(named.untilMs === Infinity || times.includes(named.untilMs)).toBe(true);
  });
});
