import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ALERT_GROUPS, buildAlerts } from "../../alerts/build.ts";
import { RECORDINGS } from "../../alerts/recordings.ts";
import { DEFINITIONS } from "../../src/exporters/prometheus/definitions.ts";
import { MISMATCH_VERDICTS } from "../../src/model/verdicts.ts";
import { debianProgram } from "../support/debian-program.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);
const promtool = debianProgram("promtool", "prometheus");
const amtool = debianProgram("amtool", "prometheus-alertmanager");
const alerts = ALERT_GROUPS.flatMap((group) => group.alerts);
const files = [...buildAlerts()];

describe("committed rules", () => {
  test.each(files)("%s › equals what the sources make", async (path, text) => {
    await expect(text).toMatchFileSnapshot(join(ROOT, path));
  });

  test("are complete and no others", async () => {
    const found = (await readdir(join(ROOT, "alerts"))).filter((name) =>
      /\.(rules|test)\.yml$/.test(name),
    );
    const made = files
      .map(([path]) => path.replace("alerts/", ""))
      .filter((name) => name.endsWith(".yml"));
    expect(found.sort()).toEqual(made.sort());
  });
});

/** The labels of a series, a histogram's buckets among them; null where the agent exports no such series. */
function labelsOf(metric: string): readonly string[] | null {
  const histogram = DEFINITIONS.get(metric.replace(/_bucket$/, ""));
  return metric.endsWith("_bucket") && histogram?.type === "histogram"
    ? [...histogram.labels, "le"]
    : (DEFINITIONS.get(metric)?.labels ?? null);
}

describe("alerts", () => {
  test("have their known names", () => {
    expect(alerts.map(({ name }) => name)).toEqual([
      "AdcWitnessAdcRoutesToMaintenance",
      "AdcWitnessAdcFalseUp",
      "AdcWitnessAdcBlindMonitor",
      "AdcWitnessAdcFalseDown",
      "AdcWitnessAdcStrictMonitor",
      "AdcWitnessAdcReturnOverdue",
      "AdcWitnessAdcDrainedUndeclared",
      "AdcWitnessMaintenanceOverrun",
      "AdcWitnessMaintenanceOverrunLong",
      "AdcWitnessMaintenanceWindowEnding",
      "AdcWitnessAdcFlapping",
      "AdcWitnessAdcBlind",
      "AdcWitnessVipServedByDrainedServer",
      "AdcWitnessVipDownMembersUp",
      "AdcWitnessVipLoginBroken",
      "AdcWitnessVipUpMembersDown",
      "AdcWitnessVipWrongCertificate",
      "AdcWitnessVipSiteWithheld",
      "AdcWitnessGslbMepDown",
      "AdcWitnessPublicAddressDown",
      "AdcWitnessLastReallyGoodMember",
      "AdcWitnessVipDown",
      "AdcWitnessCertificateDiffers",
      "AdcWitnessAuthSchemesDiffer",
      "AdcWitnessCertificateExpiresSoon",
      "AdcWitnessCertificateAlmostExpired",
      "AdcWitnessAdcUnreachable",
      "AdcWitnessAdcImportFailed",
      "AdcWitnessNitroSplitBrain",
      "AdcWitnessAgentCutOff",
      "AdcWitnessAgentMissing",
      "AdcWitnessStateNotWritable",
      "AdcWitnessLoginSuspended",
      "AdcWitnessRoundTripSlow",
      "AdcWitnessRoundTripLost",
      "AdcWitnessConfigReloadFailed",
      "AdcWitnessAgentLate",
      "AdcWitnessProbesMissed",
      "AdcWitnessMaintenanceDeclared",
    ]);
  });

  test("have names that begin with AdcWitness", () => {
    expect(alerts.filter(({ name }) => !name.startsWith("AdcWitness"))).toEqual([]);
  });

  test("exist for every verdict that means the ADC is wrong", () => {
    const told = new Set(alerts.map(({ verdict }) => verdict));
    expect([...MISMATCH_VERDICTS].filter((verdict) => !told.has(verdict))).toEqual([]);
  });

  test("use only series and labels that the agent exports", () => {
    const wrong: string[] = [];
    for (const { name, expr, fires, nearMiss } of [
      ...alerts,
      ...RECORDINGS.map(({ record, expr: of, test: proof }) => ({
        name: record,
        expr: of,
        fires: proof,
        nearMiss: proof,
      })),
    ]) {
      for (const [metric] of expr.matchAll(/\badc_witness_\w+/g)) {
        if (labelsOf(metric) === null) {
          wrong.push(`${name}: ${metric}`);
        }
      }
      for (const { series } of [...fires.series, ...nearMiss.series]) {
        const [metric = "", labels = ""] = series.split("{");
        const known = [...(labelsOf(metric) ?? []), "job", "instance"];
        for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) {
          if (metric !== "up" && !known.includes(label)) {
            wrong.push(`${name}: ${metric}{${label}}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(promtool === null)("promtool", () => {
  const tool = promtool ?? "";
  test("accepts the rules", async () => {
    const rules = files.map(([path]) => path).filter((path) => path.endsWith(".rules.yml"));
    const { stdout } = await run(tool, ["check", "rules", "--lint=all", "--lint-fatal", ...rules], {
      cwd: ROOT,
    });
    expect(stdout.match(/SUCCESS/g)).toHaveLength(rules.length);
  });

  test.each(files.map(([path]) => path).filter((path) => path.endsWith(".test.yml")))(
    "finds in %s that each alert fires when it must, and not when it nearly must",
    async (path) => {
      const { stdout } = await run(tool, ["test", "rules", path], { cwd: ROOT });
      expect(stdout).toContain("SUCCESS");
    },
  );
});

describe.skipIf(amtool === null)("amtool", () => {
  test("accepts the example for Alertmanager", async () => {
    const { stdout } = await run(
      amtool ?? "",
      ["check-config", join("alerts", "alertmanager.example.yml")],
      { cwd: ROOT },
    );
    expect(stdout).toContain("SUCCESS");
    expect(stdout).toContain("5 inhibit rules");
  });
});
