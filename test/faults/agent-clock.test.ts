import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failuresIn, mismatchesIn, type BuiltAgent } from "../support/built-agent.ts";
import { debianProgram } from "../support/debian-program.ts";
import { until } from "../support/lab-agent.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { allAgree, withWatchedLab, wordsOf } from "./watched-lab.ts";

const HOUR_SECONDS = 3_600;
/** Six members, and looks beside them; time for a lab on a busy machine to answer. */
const TIMING = "-interval 3 -resptimeout 2 -downTime 3";
/** Watched so long after each step: four intervals. */
const WATCH_MS = 12_000;
/** A busy machine may miss one now and then; an hour that went by would be 1,200 starts of each probe. */
const MAX_MISSED = 20;

const faketime = debianProgram("faketime", "faketime");
const LIBRARY = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
  .map((architecture) => `/usr/lib/${architecture}/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path));

/** The sum of a counter's series. */
function sumOf(metrics: string, name: string): number {
  return metrics
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** Probes that the agent finished within so long a time of the monotonic clock, per second. */
async function rateOf(agent: BuiltAgent): Promise<number> {
  const probes = async () => sumOf(await agent.metrics(), "adc_witness_probes_total");
  const before = await probes();
  const beganAt = performance.now();
  await until(
    "time goes by",
    () => performance.now() - beganAt,
    (passedMs) => passedMs >= WATCH_MS,
    WATCH_MS + 30_000,
  );
  return ((await probes()) - before) / ((performance.now() - beganAt) / 1_000);
}

/** Since when each verdict has held, by the agent's own clock, in seconds. */
async function sinces(agent: BuiltAgent): Promise<number[]> {
  const { rows } = await agent.verdicts();
  return rows.map(({ since }) => Date.parse(String(since)) / 1_000);
}

/** At once: a file that is half written would be a time of its own. */
async function setClock(clockFile: string, offset: string): Promise<void> {
  await writeFile(`${clockFile}.new`, offset);
  await rename(`${clockFile}.new`, clockFile);
}

test.skipIf(faketime === null || LIBRARY === undefined)(
  "agent › keeps probing and reports no failure or mismatch when the wall clock is set by an hour",
  { timeout: 240_000 },
  async () => {
    const clockFile = join(await temporaryFolder(), "clock");
    await writeFile(clockFile, "+0");
    const env = {
      LD_PRELOAD: LIBRARY ?? "",
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    await withWatchedLab({ timing: TIMING, env }, async ({ agent, lab }) => {
      const usual = await rateOf(agent);
      expect(usual).toBeGreaterThan(1);
      const missed = sumOf(await agent.metrics(), "adc_witness_missed_probes_total");
      const failures = failuresIn(await agent.metrics());
      const polled = lab.nitro[0]?.requests.length ?? 0;
      const before = await sinces(agent);

      for (const [offset, seconds] of [
        ["+3600", HOUR_SECONDS],
        ["+0", 0],
        ["-3600", -HOUR_SECONDS],
      ] as const) {
        await setClock(clockFile, offset);
        const moved = await until(
          `the times that are told have moved to ${offset}`,
          () => sinces(agent),
          (told) => Math.abs((told[0] ?? 0) - (before[0] ?? 0) - seconds) < 2,
          20_000,
        );
        // Every verdict has held as long as before: its time is shown by the new clock.
        moved.forEach((since, at) => {
          expect(Math.abs(since - (before[at] ?? 0) - seconds)).toBeLessThan(2);
        });
        const rate = await rateOf(agent);
        expect(rate).toBeGreaterThan(usual * 0.7);
        expect(rate).toBeLessThan(usual * 1.3);
        expect(await wordsOf(agent)).toBe("agree_up vip_agree_up");
      }
      const after = await agent.metrics();
      const missedSince = sumOf(after, "adc_witness_missed_probes_total") - missed;
      expect(missedSince).toBeLessThan(MAX_MISSED);
      expect(failuresIn(after)).toEqual(failures);
      expect(mismatchesIn(after)).toEqual([]);
      // Polls go on every two seconds, and no step is taken for a reason to import again and again.
      expect(lab.nitro[0]?.requests.length ?? 0).toBeGreaterThan(polled);
      const imports = agent.lines.filter((line) => line.includes("estate imported")).length;
      expect(imports).toBeLessThanOrEqual(3);
      await allAgree(agent);
      expect(await agent.end()).toBe(0);
    });
  },
);
