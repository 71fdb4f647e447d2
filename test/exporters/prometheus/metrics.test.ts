import { gunzipSync } from "node:zlib";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { LiveProbe, LiveState } from "../../../src/model/live.ts";
import {
  aFailure,
  aFault,
  aLargeEstate,
  aLiveState,
  aMember,
  aProbe,
  aVserver,
  maintenanceHour,
  NOON,
  tlsFacts,
} from "../../support/live-state.ts";
import { exposition, samples, someMetrics } from "../support.ts";
import type { Metrics } from "../../../src/exporters/prometheus/metrics.ts";

function metricsOfThisTest(phases = false): Metrics {
  const metrics = someMetrics(phases);
  onTestFinished(() => {
    metrics.close();
  });
  return metrics;
}

const EX02_IMAP = 'adc="prod",adc_service="svc_imap",server="ex02",port="143"';

describe("metrics in the hour of maintenance", () => {
  test("show who is wrong about whom, since when and why", async () => {
    const text = await exposition(metricsOfThisTest(), maintenanceHour());
    const lines = text.split("\n").filter((line) => line.includes(EX02_IMAP));
    expect(lines).toEqual([
      `adc_witness_adc_member_state{${EX02_IMAP},state="up"} 1`,
      `adc_witness_adc_monitor_up{${EX02_IMAP},monitor="tcp"} 1`,
      `adc_witness_adc_state_change_timestamp_seconds{${EX02_IMAP}} ${String(NOON / 1000 - 3600)}`,
      `adc_witness_opinion{${EX02_IMAP},opinion="adc"} 1`,
      `adc_witness_opinion{${EX02_IMAP},opinion="replica"} 1`,
      `adc_witness_opinion{${EX02_IMAP},opinion="service"} 0`,
      `adc_witness_member_depth{${EX02_IMAP},opinion="adc"} 0`,
      `adc_witness_member_depth{${EX02_IMAP},opinion="replica"} 0`,
      `adc_witness_member_depth{${EX02_IMAP},opinion="service"} 2`,
      `adc_witness_adc_flapping{${EX02_IMAP}} 0`,
      `adc_witness_verdict{${EX02_IMAP},verdict="routes_to_maintenance"} 1`,
      `adc_witness_mismatch{${EX02_IMAP}} 1`,
      `adc_witness_mismatch_seconds_total{${EX02_IMAP}} 61.5`,
      `adc_witness_verdict_since_timestamp_seconds{${EX02_IMAP}} ${String(NOON / 1000 - 62)}`,
      `adc_witness_member_maintenance{${EX02_IMAP},source="detected"} 1`,
    ]);
    expect(samples(text, "adc_witness_probe_failure_info")).toContain(
      'adc_witness_probe_failure_info{adc="prod",vserver="",adc_service="svc_imap",server="ex02",port="143",' +
        'monitor="",transaction="imap_greeting",vantage="backend",step="banner",reason="closed_without_data"} 1',
    );
    expect(samples(text, "adc_witness_vip_served_by_total")).toEqual([
      'adc_witness_vip_served_by_total{adc="prod",vserver="v_owa",server="ex01"} 7',
      'adc_witness_vip_served_by_total{adc="prod",vserver="v_owa",server="ex03"} 5',
    ]);
    expect(samples(text, "adc_witness_maintenance")).toEqual([
      'adc_witness_maintenance{adc="prod",server="ex02",source="detected"} 1',
    ]);
  });

  test("name the drained server that answers, and each certificate once", async () => {
    const hour = maintenanceHour();
    const vservers = hour.vservers.map((vserver) => ({
      ...vserver,
      verdict: "vip_served_by_drained_server" as const,
      drainedServers: new Set(vserver.vserver === "v_owa" ? ["ex02"] : []),
    }));
    const text = await exposition(metricsOfThisTest(), { ...hour, vservers });
    expect(samples(text, "adc_witness_vip_served_by_drained")).toEqual([
      'adc_witness_vip_served_by_drained{adc="prod",vserver="v_owa",server="ex02"} 1',
    ]);
    const endpoints = samples(text, "adc_witness_tls_certificate_not_after_timestamp_seconds");
    const certificates = samples(text, "adc_witness_certificate_not_after_timestamp_seconds");
    const { sha256, subject, notAfter } = tlsFacts().chain[0] ?? {};
    expect(endpoints.length).toBeGreaterThan(2);
    expect(certificates.filter((line) => line.includes(String(sha256)))).toEqual([
      `adc_witness_certificate_not_after_timestamp_seconds{adc="prod",subject="${String(subject)}",sha256="${String(sha256)}"} ${String((notAfter ?? 0) / 1000)}`,
    ]);
  });

  test("count a fault of the agent as neither success nor failure, with its reason", async () => {
    const probe = aProbe({ last: aFault("agent_fault"), opinion: "unknown" });
    const text = await exposition(metricsOfThisTest(), aLiveState({ probes: [probe] }));
    expect(samples(text, "adc_witness_probe_success")).toEqual([]);
    expect(samples(text, "adc_witness_probe_failure_info")).toHaveLength(1);
  });

  test.each([
    ["a look without account", null, 1],
    ["a login", "probe-a", 0],
  ])(
    "count %s that meets the ADC's own login as success only without an account",
    async (_what, account, value) => {
      const probe = aProbe({
        kind: "transaction",
        monitor: "",
        transaction: "owa_form",
        vantage: "vip",
        account,
        last: aFailure("response", "aaa_login"),
        lastPassed: false,
      });
      const text = await exposition(metricsOfThisTest(), aLiveState({ probes: [probe] }));
      const [line = ""] = samples(text, "adc_witness_probe_success");
      expect(line.endsWith(` ${String(value)}`)).toBe(true);
      expect(samples(text, "adc_witness_probe_failure_info")).toHaveLength(1 - value);
    },
  );

  test("show the worst of several sites of one name, and its recovery", async () => {
    const site = (address: string, passed: boolean | null) =>
      aProbe({
        id: `prod/public/v_owa/${address}`,
        vserver: "v_owa",
        adcService: "",
        server: "",
        port: "",
        vantage: "public",
        address,
        lastPassed: passed,
      });
    const metrics = metricsOfThisTest();
    const success = async (...passed: readonly (boolean | null)[]) => {
      const probes = passed.map((one, index) => site(`192.0.2.${String(index)}`, one));
      const text = await exposition(metrics, aLiveState({ probes }));
      return samples(text, "adc_witness_probe_success").map((line) => line.replace(/.*} /, ""));
    };
    expect(await success(true, null, true)).toEqual(["1"]);
    expect(await success(true, false, true)).toEqual(["0"]);
    expect(await success(true, true, true)).toEqual(["1"]);
    expect(await success(null, null)).toEqual([]);
    expect(await success(false)).toEqual(["0"]);
  });

  test("leave out unknown opinions, and show out of service as not up", async () => {
    const member = aMember({ adcOpinion: "out", replica: "unknown", service: "none" });
    const text = await exposition(metricsOfThisTest(), aLiveState({ members: [member] }));
    expect(
      samples(text, "adc_witness_opinion").map((line) => line.replace(/.*opinion=/, "")),
    ).toEqual(['"adc"} 0']);
  });
});

describe("state sets", () => {
  const verdicts = (text: string) =>
    samples(text, "adc_witness_verdict").map((line) => line.replace(/.*verdict=/, ""));

  test("show a state from when it was first held, as 0 or 1", async () => {
    const metrics = metricsOfThisTest();
    const before = aLiveState({ members: [aMember()] });
    const during = aLiveState({ members: [aMember({ verdict: "settling" })] });
    expect(verdicts(await exposition(metrics, before))).toEqual(['"agree_up"} 1']);
    expect(verdicts(await exposition(metrics, during))).toEqual(['"agree_up"} 0', '"settling"} 1']);
    expect(verdicts(await exposition(metrics, before, "openmetrics"))).toEqual([
      '"agree_up"} 1',
      '"settling"} 0',
    ]);
  });

  test("are removed with a member that leaves the estate", async () => {
    const metrics = metricsOfThisTest();
    const other = aMember({ server: "ex09" });
    await exposition(metrics, aLiveState({ members: [other, aMember({ verdict: "settling" })] }));
    await exposition(metrics, aLiveState({ members: [other] }));
    const text = await exposition(metrics, aLiveState({ members: [other, aMember()] }));
    expect(verdicts(text)).toEqual(['"agree_up"} 1', '"agree_up"} 1']);
  });

  test("show the failing one of probes that differ only in their id", async () => {
    const metrics = metricsOfThisTest();
    const look = aProbe({ kind: "transaction", monitor: "", transaction: "https_challenge" });
    const open = {
      ...look,
      id: "another path, which must be blocked",
      last: aFailure("response", "bad_status"),
      lastPassed: false,
    };
    const seen = async (probes: LiveProbe[]): Promise<string[]> =>
      samples(await exposition(metrics, aLiveState({ probes })), "adc_witness_probe_success").map(
        (line) => line.slice(-1),
      );
    expect(await seen([look, open])).toEqual(["0"]);
    expect(await seen([look, { ...open, lastPassed: true }])).toEqual(["1"]);
    expect(await seen([{ ...look, lastPassed: false }, open])).toEqual(["0"]);
  });

  test("keep an account at 0 when it is no longer suspended", async () => {
    const metrics = metricsOfThisTest();
    const suspended = aLiveState({ suspendedAccounts: [{ account: "probe-a", until: NOON }] });
    await exposition(metrics, suspended);
    const probes = [{ ...aProbe(), account: "probe-a" }];
    const text = await exposition(metrics, aLiveState({ probes }));
    expect(samples(text, "adc_witness_login_suspended")).toEqual([
      'adc_witness_login_suspended{account="probe-a"} 0',
    ]);
    // Nobody logs in by it any more.
    const without = await exposition(metrics, aLiveState());
    expect(samples(without, "adc_witness_login_suspended")).toEqual([]);
  });

  test("count held-back logins by account and reason until they are made", async () => {
    const metrics = metricsOfThisTest();
    const held = (why: string) =>
      aProbe({ account: "probe-a", heldBack: { why, message: "disk full" } });
    const probes = [held("state_unusable"), held("state_unusable"), held("busy"), aProbe()];
    const text = await exposition(metrics, aLiveState({ probes }));
    expect(samples(text, "adc_witness_logins_held_back")).toEqual([
      'adc_witness_logins_held_back{account="probe-a",reason="state_unusable"} 2',
      'adc_witness_logins_held_back{account="probe-a",reason="busy"} 1',
    ]);
    const after = await exposition(metrics, aLiveState({ probes: [aProbe()] }));
    expect(samples(after, "adc_witness_logins_held_back")).toEqual([]);
  });

  test("show one series for a TLS endpoint with several monitors, and none without a certificate", async () => {
    const live = maintenanceHour();
    const text = await exposition(metricsOfThisTest(), live);
    expect(samples(text, "adc_witness_tls_verification")).toHaveLength(4);
    expect(new Set(samples(text, "adc_witness_tls_certificate_info")).size).toBe(4);
  });
});

describe("metrics of a large estate", () => {
  const estate = aLargeEstate({ members: 5_000, monitors: 2 });

  test("make at most some 130,000 series for 5,000 members with two monitors each", async () => {
    const text = await exposition(metricsOfThisTest(), estate);
    const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(new Set(series.map((line) => line.slice(0, line.lastIndexOf(" ")))).size).toBe(
      series.length,
    );
    expect(series.length).toBeGreaterThan(80_000);
    expect(series.length).toBeLessThan(145_000);
  });

  test("yield to the event loop when they are rendered", async () => {
    const metrics = metricsOfThisTest();
    const turns = countTurns();
    await metrics.render(estate, "text");
    expect(turns.stop()).toBeGreaterThan(10);
  });

  test("share one rendering when scrapes overlap, and are fresh for the next one", async () => {
    const metrics = metricsOfThisTest();
    const first = metrics.render(estate, "text");
    const second = metrics.render(estate, "text");
    const other = metrics.render(estate, "openmetrics");
    // Compared by identity outside `expect`, which would walk through 40 MB to print a difference.
    expect((await second) === (await first)).toBe(true);
    expect((await other) === (await first)).toBe(false);
    expect((await metrics.render(estate, "text")) === (await first)).toBe(false);
  });

  test("are the same in one gzip stream", async () => {
    const metrics = metricsOfThisTest();
    const live = maintenanceHour();
    const zipped = Buffer.concat([...(await metrics.render(live, "text", { gzip: true }))]);
    const text = gunzipSync(zipped).toString("utf8");
    expect(samples(text, "adc_witness_verdict")).toEqual(
      samples(await exposition(metrics, live), "adc_witness_verdict"),
    );
  });
});

describe("recorded metrics", () => {
  test("count probes by type, vantage and reason, and no failure for the pass of a reverse monitor", async () => {
    const metrics = metricsOfThisTest();
    const hour: LiveState = maintenanceHour();
    for (const probe of hour.probes) {
      if (probe.last !== null) {
        metrics.probeFinished(probe, probe.last, probe.lastPassed);
      }
    }
    const reverse = aProbe({ type: "TCP" });
    metrics.probeFinished(reverse, aFault("agent_fault"), null);
    const text = await exposition(metrics, hour);
    expect(samples(text, "adc_witness_probes_total")).toContain(
      'adc_witness_probes_total{adc="prod",type="imap_greeting",vantage="backend"} 3',
    );
    expect(samples(text, "adc_witness_probe_failures_total")).toEqual([
      'adc_witness_probe_failures_total{adc="prod",type="TCP",vantage="backend",reason="agent_fault"} 1',
      'adc_witness_probe_failures_total{adc="prod",type="imap_greeting",vantage="backend",reason="closed_without_data"} 1',
      'adc_witness_probe_failures_total{adc="prod",type="HTTP-ECV",vantage="backend",reason="reset"} 1',
    ]);
  });

  test("report a refused reload without moving the time of the last good one", async () => {
    const metrics = metricsOfThisTest();
    metrics.configReloaded(true, NOON);
    metrics.configReloaded(false, NOON + 60_000);
    const text = await exposition(metrics, aLiveState());
    expect(text).toContain("adc_witness_config_last_reload_successful 0\n");
    expect(text).toContain(
      `adc_witness_config_last_reload_success_timestamp_seconds ${String(NOON / 1000)}\n`,
    );
  });

  test("measure the lag of the event loop", async () => {
    const metrics = metricsOfThisTest();
    await delay(30);
    const until = performance.now() + 80;
    while (performance.now() < until) {
      // holds the event loop on purpose
    }
    await delay(30);
    const text = await exposition(metrics, aLiveState({ vservers: [aVserver()] }));
    const max = Number(/event_loop_lag_seconds\{statistic="max"\} (\S+)/.exec(text)?.[1]);
    expect(max).toBeGreaterThan(0.05);
  });
});

function countTurns(): { stop: () => number } {
  let turns = 0;
  let going = true;
  const turn = () => {
    turns += 1;
    if (going) {
      setImmediate(turn);
    }
  };
  setImmediate(turn);
  return {
    stop: () => {
      going = false;
      return turns;
    },
  };
}
