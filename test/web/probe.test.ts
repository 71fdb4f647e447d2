import { describe, expect, test, vi } from "vitest";
import { probeTargets } from "../../src/exporters/discovery.ts";
import type { LiveState } from "../../src/model/live.ts";
import type { WebActions } from "../../src/web/sources.ts";
import { timeoutOf } from "../../src/web/probe/route.ts";
import { findTarget } from "../../src/web/probe/target.ts";
import { debianProgram } from "../support/debian-program.ts";
import {
  aFailure,
  aLiveState,
  aMember,
  anObservation,
  aProbe,
  maintenanceHour,
  NOON,
  tlsFacts,
} from "../support/live-state.ts";
import { runOn } from "../exporters/support.ts";
import { IDLE_ACTIONS, serve } from "./support.ts";

/** An agent whose clock stands still, and that runs a probe whenever it is asked: how often is counted. */
async function agent(live: LiveState, options: { at?: number; delay?: Promise<void> } = {}) {
  const ran: { id: string; timeoutMs: number }[] = [];
  const clock = { now: options.at ?? NOON };
  const probeNow: WebActions["probeNow"] = async (id, { timeoutMs }) => {
    ran.push({ id, timeoutMs });
    await options.delay;
    const probe = live.probes.find((one) => one.id === id);
    const failing = probe?.server === "ex02";
    const observation = failing
      ? aFailure("banner", "closed_without_data", { startedAt: clock.now, durationMs: 250 })
      : anObservation({ startedAt: clock.now, durationMs: 250, tls: tlsFacts() });
    return probe === undefined
      ? { kind: "unavailable", message: "no such probe" }
      : { kind: "observed", probe, observation, passed: !failing };
  };
  const web = await serve(live, { actions: { ...IDLE_ACTIONS, probeNow }, now: () => clock.now });
  return { ...web, ran, clock };
}

const LATER = NOON + 60_000;
const EX02 = "/probe?target=ex02:143&monitor=imap_greeting";

describe("/probe", () => {
  test("answers as blackbox_exporter does, with the reason as well", async () => {
    const { get, ran } = await agent(maintenanceHour(), { at: LATER });
    const answer = await get(EX02, { "x-prometheus-scrape-timeout-seconds": "10" });
    expect(answer.headers["content-type"]).toContain("text/plain; version=0.0.4");
    expect(answer.text).toContain("\nprobe_success 0\n");
    expect(answer.text).toContain("\nprobe_duration_seconds 0.25\n");
    expect(answer.text).toContain("\nprobe_age_seconds 0\n");
    expect(answer.text).toContain(
      '\nprobe_failure_info{step="banner",reason="closed_without_data"} 1\n',
    );
    expect(ran).toEqual([{ id: "prod/svc_imap/ex02/143/imap_greeting/backend", timeoutMs: 9_500 }]);
    const good = await get("/probe?target=svc_owa/ex01:443&monitor=mon_owa");
    expect(good.text).toContain("\nprobe_success 1\n");
    expect(good.text).toMatch(/\nprobe_ssl_earliest_cert_expiry \d+\n/);
    expect(good.text).toContain('\nprobe_tls_version_info{version="TLSv1.3"} 1\n');
    expect(good.text).not.toContain("probe_failure_info");
    const promtool = debianProgram("promtool", "prometheus");
    if (promtool !== null) {
      expect(await runOn(promtool, ["check", "metrics"], good.text)).toMatchObject({ status: 0 });
    }
  });

  test("probes a target at most once in ten seconds and gives the age of its answer", async () => {
    const { get, ran, clock } = await agent(maintenanceHour(), { at: LATER });
    await get(EX02);
    clock.now += 9_000;
    expect((await get(EX02)).text).toContain("\nprobe_age_seconds 9\n");
    expect(ran).toHaveLength(1);
    clock.now += 1_001;
    expect((await get(EX02)).text).toContain("\nprobe_age_seconds 0\n");
    expect(ran).toHaveLength(2);
  });

  test("counts a scheduled run as an answer", async () => {
    const { get, ran } = await agent(maintenanceHour(), { at: NOON });
    expect((await get(EX02)).text).toContain("\nprobe_age_seconds 2\n");
    expect(ran).toEqual([]);
  });

  test("shares one run among requests that arrive during it", async () => {
    let release = (): void => undefined;
    const delay = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { get, ran } = await agent(maintenanceHour(), { at: LATER, delay });
    const answers = Promise.all(Array.from({ length: 20 }, () => get(EX02)));
    await get("/-/healthy");
    release();
    expect(new Set((await answers).map(({ text }) => text)).size).toBe(1);
    expect(ran).toHaveLength(1);
  });

  /** A server that answers after 400 ms: who gives a run less sees it time out. */
  async function slowAgent(untilEnded: Promise<void> = Promise.resolve()) {
    const live = maintenanceHour();
    const given: number[] = [];
    const probeNow: WebActions["probeNow"] = async (id, { timeoutMs }) => {
      given.push(timeoutMs);
      await untilEnded;
      const probe = live.probes.find((one) => one.id === id) ?? expect.fail(id);
      const cut = timeoutMs < 400;
      const observation = cut
        ? aFailure("banner", "response_timeout", { startedAt: LATER, durationMs: timeoutMs })
        : anObservation({ startedAt: LATER, durationMs: 400 });
      return { kind: "observed", probe, observation, passed: !cut };
    };
    const actions = { ...IDLE_ACTIONS, probeNow };
    const { get } = await serve(live, { actions, now: () => LATER });
    const success = async (waits: string): Promise<string | number> => {
      const answer = await get(EX02, { "x-prometheus-scrape-timeout-seconds": waits });
      return /^probe_success (\d)$/m.exec(answer.text)?.[1] ?? answer.status;
    };
    return { success, given };
  }

  test("repeats a run that failed for lack of time when a request has more time", async () => {
    const { success, given } = await slowAgent();
    expect([await success("0.3"), await success("0.6"), await success("10")]).toEqual([
      "0",
      "0",
      "1",
    ]);
    expect(given).toEqual([100, 9_500]);
    expect([await success("0.3"), await success("10")]).toEqual(["1", "1"]);
    expect(given).toHaveLength(2);
  });

  test("joins a run with a short time-out and repeats it when that was too short", async () => {
    let release = (): void => undefined;
    const { success, given } = await slowAgent(new Promise((resolve) => (release = resolve)));
    const short = success("0.3");
    await vi.waitUntil(() => given.length === 1);
    const long = [success("10"), success("11")];
    release();
    expect(await Promise.all([short, ...long])).toEqual(["0", "1", "1"]);
    expect(given).toEqual([100, 9_500]);
  });

  test("waits for a run with a long time-out no longer than its own time-out", async () => {
    let release = (): void => undefined;
    const { success, given } = await slowAgent(new Promise((resolve) => (release = resolve)));
    const long = success("10");
    await vi.waitUntil(() => given.length === 1);
    expect(await success("0.3")).toBe(503);
    release();
    expect(await long).toBe("1");
    expect(given).toHaveLength(1);
  });

  test("tells two logins with one name apart by their ids", async () => {
    const probes = ["a", "b"].map((account) =>
      aProbe({
        kind: "transaction",
        transaction: "ews_folder",
        monitor: "",
        account,
        id: `ews ${account}`,
      }),
    );
    const live = aLiveState({ members: [aMember({ server: "ex02", port: 143, probes })], probes });
    const { get, ran } = await agent(live, { at: LATER });
    const both = await get("/probe?target=ex02:143&monitor=ews_folder");
    expect([both.status, both.text]).toEqual([
      400,
      expect.stringContaining("Set the parameter monitor to one of its probes: ews a, ews b."),
    ]);
    const targets = probeTargets(live).map(({ labels }) => labels["__param_monitor"] ?? "");
    expect(targets).toEqual(["ews a", "ews b"]);
    for (const monitor of targets) {
      const query = new URLSearchParams({ target: "ex02:143", monitor });
      expect((await get(`/probe?${query.toString()}`)).status).toBe(200);
    }
    expect(ran.map(({ id }) => id)).toEqual(targets);
  });

  test("offers as targets only what can be run: no sites of DNS and no monitors that are not repeated", () => {
    const probes = [
      aProbe({ monitor: "runs" }),
      aProbe({ monitor: "off", notRepeated: "switched off on the ADC" }),
      aProbe({ monitor: "site", vantage: "public" }),
    ];
    const live = aLiveState({ members: [aMember({ probes })], probes });
    expect(probeTargets(live).map(({ labels }) => labels["__param_monitor"])).toEqual(["runs"]);
  });

  test.each([
    "127.0.0.1:22",
    "169.254.169.254:80",
    "ex02:22",
    "ex02",
    "http://ex02:143/",
    "192.0.2.12:144",
    "prod",
    "EX02:143",
    "../ex02:143",
  ])("answers 403 and runs nothing when %s is not of the estate", async (target) => {
    const { get, ran } = await agent(maintenanceHour(), { at: LATER });
    const answer = await get(`/probe?target=${encodeURIComponent(target)}&monitor=tcp`);
    expect([answer.status, answer.headers["content-type"]]).toEqual([
      403,
      "application/problem+json",
    ]);
    expect(ran).toEqual([]);
  });

  test("names the candidates when the target is ambiguous, and its probes when the monitor is missing", async () => {
    const members = ["svc_a", "svc_b"].map((adcService) =>
      aMember({
        adcService,
        probes: [aProbe({ adcService, monitor: "m1" }), aProbe({ monitor: "m2" })],
      }),
    );
    const { get } = await agent(
      aLiveState({ members, probes: members.flatMap(({ probes }) => probes) }),
    );
    const ambiguous = await get("/probe?target=ex01:143&monitor=m1");
    expect([ambiguous.status, ambiguous.text]).toEqual([
      400,
      expect.stringContaining("prod/svc_a/ex01:143, prod/svc_b/ex01:143"),
    ]);
    const unnamed = await get("/probe?target=svc_a/ex01:143");
    expect([unnamed.status, unnamed.text]).toEqual([400, expect.stringContaining("m1, m2")]);
    expect((await get("/probe?target=svc_a/ex01:143&monitor=m9")).status).toBe(400);
    expect((await get("/probe")).status).toBe(400);
  });

  test("shows the transcript when debug is set", async () => {
    const { get } = await agent(maintenanceHour(), { at: LATER });
    const { text } = await get("/probe?target=ex01:143&monitor=imap_greeting&debug=true");
    expect(text).toContain("transaction imap_greeting (imap_greeting) at ex01:143");
    expect(text).toContain("< * OK The Microsoft Exchange IMAP4 service is ready.");
    expect(text).toContain("probe_success 1");
  });

  test("answers 503 when the agent cannot run probes", async () => {
    const web = await serve(maintenanceHour(), { now: () => LATER });
    expect((await web.get(EX02)).status).toBe(503);
  });
});

describe("findTarget", () => {
  const live = maintenanceHour();

  test.each(["ex02:143", "192.0.2.12:143", "svc_imap/ex02:143", "prod/svc_imap/ex02:143"])(
    "finds a member by %s",
    (target) => {
      expect(findTarget(live, target)).toMatchObject({
        kind: "member",
        member: { server: "ex02", port: 143 },
      });
    },
  );

  test("finds a vserver by its name", () => {
    expect(findTarget(live, "v_owa")).toMatchObject({
      kind: "vserver",
      vserver: { vserver: "v_owa" },
    });
    expect(findTarget(live, "prod/v_owa")).toMatchObject({ kind: "vserver" });
  });

  test("finds a member by an IPv6 address in brackets", () => {
    const members = [aMember({ address: "2001:db8::1" })];
    expect(findTarget(aLiveState({ members }), "[2001:db8::1]:143")).toMatchObject({
      kind: "member",
    });
  });
});

test.each([
  [undefined, 60_000],
  ["10", 9_500],
  ["0.3", 100],
  ["0", 60_000],
  ["-1", 60_000],
  ["1e9", 60_000],
  ["soon", 60_000],
])("probe time-out › for a scrape time-out of %s s is %d ms", (header, timeoutMs) => {
  expect(timeoutOf({ "x-prometheus-scrape-timeout-seconds": header })).toBe(timeoutMs);
});
