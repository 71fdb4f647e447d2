import { existsSync } from "node:fs";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { METRICS } from "../../../src/exporters/prometheus/definitions.ts";
import {
  anAdc,
  aFailure,
  aLiveState,
  aMember,
  anObservation,
  aProbe,
  deadSite,
  maintenanceHour,
  NOON,
  tlsFacts,
} from "../../support/live-state.ts";
import { exposition, isInstalled, runOn, samples, someMetrics } from "../support.ts";

const promtool = isInstalled("promtool");
if (!promtool && process.env["CI"] !== undefined) {
  throw new Error("promtool is missing: install the Debian package prometheus");
}
const withPromtool = test.skipIf(!promtool);

/** Every metric has a series: everything that can be recorded was, and the state holds one of each. */
async function fullExpositions(): Promise<{ text: string; open: string; textAgain: string }> {
  const metrics = someMetrics(true);
  onTestFinished(() => {
    metrics.close();
  });
  const hour = maintenanceHour();
  for (const probe of hour.probes) {
    if (probe.last !== null) {
      metrics.probeFinished(probe, probe.last, probe.lastPassed);
    }
  }
  metrics.adcRequest({ adc: "prod", node: "ns1", durationMs: 42, code: null });
  metrics.adcRequest({ adc: "prod", node: "ns1", durationMs: 5_000, code: "timeout" });
  metrics.scheduleLag(0.0007);
  metrics.missedProbe();
  metrics.loginEnded("probe-a", "accepted");
  metrics.notified("mail-team", "sent");
  metrics.configReloaded(true, NOON);
  const live = {
    ...hour,
    adcs: [
      anAdc({
        unknownTexts: new Map([["state", 1]]),
        importFailure: null,
        gaps: [
          {
            node: "ns1.example.com",
            resource: "csvserver",
            code: "257",
            words: "Operation not permitted",
            unwatched: "content switching",
            blinds: true,
          },
        ],
      }),
    ],
    probes: [
      ...hour.probes,
      aProbe({
        id: "round trip",
        kind: "transaction",
        monitor: "",
        transaction: "mail_round_trip",
        last: anObservation({ responseTimeMs: 1_250 }),
        account: "probe-a",
        heldBack: { why: "suspended", message: null },
      }),
    ],
    suspendedAccounts: [{ account: "probe-a", until: NOON + 1 }],
    vservers: [...hour.vservers, deadSite()].map((vserver) => ({
      ...vserver,
      clientAddressKept: true,
      oddSchemes: [],
      verdict: "vip_served_by_drained_server" as const,
      drainedServers: new Set(["ex02"]),
    })),
    servers: hour.servers.map((server) => ({ ...server, maintenanceEnd: NOON })),
    members: hour.members.map((member) => ({
      ...member,
      connections: 3,
      awaySince: NOON,
      stateChanges: { adc: 6, replica: 0, service: 1 },
      blind: ["max_clients" as const],
      maintenance: { declared: "open" as const, adc: true, detected: true },
    })),
  };
  const text = await exposition(metrics, live);
  const open = await exposition(metrics, live, "openmetrics");
  const textAgain = await exposition(metrics, live);
  return { text, open, textAgain };
}

test("exposition › has every listed metric with its labels, type and help", async () => {
  const { text } = await fullExpositions();
  for (const { name, type, labels, help } of METRICS) {
    const kind = type === "state set" || type === "info" ? "gauge" : type;
    expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`);
    const sampled = type === "histogram" || type === "summary" ? `${name}_count` : name;
    const [line] = samples(text, sampled);
    const names = [...(line?.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g) ?? [])].map((match) => match[1]);
    expect([name, ...[...names].sort()]).toEqual([name, ...[...labels].sort()]);
  }
  const families = [...text.matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1]);
  expect([...families].sort()).toEqual(METRICS.map(({ name }) => name).sort());
});

withPromtool(
  "exposition › passes promtool check metrics, also after OpenMetrics was rendered",
  async () => {
    const { text, textAgain } = await fullExpositions();
    expect(await runOn("promtool", ["check", "metrics", "--extended"], text)).toMatchObject({
      status: 0,
    });
    const plain = await runOn("promtool", ["check", "metrics"], textAgain);
    expect(plain).toEqual({ status: 0, output: "" });
    const names = (exposed: string) => [...exposed.matchAll(/^[a-z_]+/gm)].map(([name]) => name);
    expect(names(textAgain)).toEqual(names(text));
  },
);

test("OpenMetrics › names counter families without _total, their samples with it, and ends with EOF", async () => {
  const { open } = await fullExpositions();
  expect(open).toContain("# TYPE adc_witness_mismatch_seconds counter\n");
  expect(open).toContain("\nadc_witness_mismatch_seconds_total{");
  expect(open).toContain(
    "# TYPE adc_witness_missed_probes counter\nadc_witness_missed_probes_total 1\n",
  );
  expect(open.endsWith("\n# EOF\n")).toBe(true);
  expect(open.includes("\n\n")).toBe(false);
  const bounds = new Set([...open.matchAll(/le="([^"]*)"/g)].map((match) => match[1]));
  expect([...bounds].filter((bound) => !/^(\+Inf|\d+\.\d+)$/.test(bound ?? ""))).toEqual([]);
});

/** Debian: python3-prometheus-client. */
const READER_IS_MISSING =
  process.env["CI"] === undefined &&
  !existsSync("/usr/lib/python3/dist-packages/prometheus_client/openmetrics/parser.py");
const PARSE = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    print(family.name, family.type, family.unit or "-")
`;

test.skipIf(READER_IS_MISSING)(
  "OpenMetrics › is read by a strict parser with info, summaries and units",
  async () => {
    const { open } = await fullExpositions();
    const { status, output } = await runOn("/usr/bin/python3", ["-c", PARSE], open);
    expect([status, output.slice(-500)]).toEqual([0, expect.any(String)]);
    const families = output.trim().split("\n");
    expect(families).toHaveLength(METRICS.length);
    for (const family of [
      "adc_witness_build info -",
      "adc_witness_vserver_member info -",
      "adc_witness_probe_by_phase_seconds summary seconds",
      "adc_witness_mismatch_seconds counter seconds",
      "adc_witness_adc_vserver_health_ratio gauge ratio",
      "process_heap_bytes gauge bytes",
    ]) {
      expect(families).toContain(family);
    }
  },
);

withPromtool(
  "exposition › stays well-formed and keeps the name for any name from outside",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: "binary", maxLength: 40 }), { minLength: 1, maxLength: 20 }),
        async (names) => {
          const metrics = someMetrics();
          const members = names.map((server, index) =>
            aMember({
              server,
              adcService: `s${String(index)}`,
              vservers: [server],
              probes: [
                aProbe({
                  server,
                  last: anObservation({
                    tls: tlsFacts({
                      chain: [{ ...(tlsFacts().chain[0] ?? expect.fail()), subject: server }],
                    }),
                  }),
                }),
              ],
            }),
          );
          const probes = members.map((member, index) =>
            aProbe({
              server: member.server,
              monitor: String(index),
              last: aFailure("tls", "reset"),
            }),
          );
          const text = await exposition(metrics, aLiveState({ members, probes }));
          metrics.close();
          const check = await runOn("promtool", ["check", "metrics"], text);
          expect(check).toEqual({ status: 0, output: "" });
          const read = samples(text, "adc_witness_mismatch").map(serverLabel);
          expect(read).toEqual(names.map(asLabel));
        },
      ),
      { numRuns: 25 },
    );
  },
);

/** Undoes the escaping as the format's description tells a reader to. */
function serverLabel(line: string): string {
  const quoted = /server="((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? expect.fail(line);
  return quoted.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
}

function asLabel(name: string): string {
  const text = Buffer.from(name, "utf8").toString("utf8");
  return [...text].map((one) => (one !== "\n" && isControl(one) ? "\ufffd" : one)).join("");
}

function isControl(one: string): boolean {
  const code = one.codePointAt(0) ?? 0;
  return code < 32 || code === 127;
}
