import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { fixBatch } from "../../src/lint/fix-batch.ts";
import { lint } from "../../src/lint/lint.ts";
import { statesIn, worldOf } from "./lab-states.ts";
import { randomEstate } from "./random-estate.ts";

/** What an application's first page answers without a session. */
const STATUSES = [200, 302, 401, 404];

/** What the lab's ADC has UP before all complete fixes and DOWN after them, while every server is well. */
async function lost(text: string): Promise<string[]> {
  const before = parseNsConf(text, { adc: "test" });
  const { commands } = fixBatch(text, lint(before), () => true);
  const after = parseNsConf([text, ...commands].join("\n"), { adc: "test" });
  const found = await Promise.all(
    STATUSES.map(async (status) => {
      const world = worldOf(before, status);
      const [was, is] = await Promise.all([statesIn(before, world), statesIn(after, world)]);
      return [...was]
        .filter(([key, state]) => state === "UP" && is.get(key) !== "UP")
        .map(([key]) => `${key} is ${String(is.get(key))} where / answers ${String(status)}`);
    }),
  );
  return found.flat().map((one) => `${one}\n${commands.join("\n")}`);
}

const FOLDER = new URL("../fixtures/", import.meta.url);
const files = ["ns.conf", "ns.conf-forms"].flatMap((folder) =>
  readdirSync(new URL(folder, FOLDER))
    .sort()
    .map((file) => `${folder}/${file}`),
);

describe("all complete fixes together", () => {
  test.each(files)("take nothing in %s DOWN that the lab's ADC had UP", async (file) => {
    expect(await lost(readFileSync(new URL(file, FOLDER), "utf8"))).toEqual([]);
  });

  test("take nothing DOWN in random estates", async () => {
    await fc.assert(
      fc.asyncProperty(randomEstate, async (text) => {
        expect(await lost(text)).toEqual([]);
      }),
      { numRuns: 40, seed: 17, includeErrorInReport: true },
    );
  });

  test("are checked by a lab that sees a service go DOWN when its monitor cannot connect", async () => {
    const text = "add service web 10.0.0.1 HTTP 80\nbind service web -monitorName http";
    const world = worldOf(parseNsConf(text, { adc: "test" }), 200);
    const broken = `${text}\nadd lb monitor m HTTP -secure YES\nbind service web -monitorName m`;
    const states = await statesIn(parseNsConf(broken, { adc: "test" }), world);
    expect([...states.values()]).toEqual(["DOWN"]);
  });

  test.each([
    ["SSL 443", "HTTP -respCode 200 -reverse YES"],
    ["HTTP 80", 'HTTP-ECV -send "GET /" -recv ok -secure YES -reverse YES'],
  ])(
    "leave a reversed monitor of %s alone when it passes by its mistake",
    async (place, monitor) => {
      const text = `add service web 10.0.0.1 ${place}\nadd lb monitor m ${monitor}\nbind service web -monitorName m`;
      const [finding] = lint(parseNsConf(text, { adc: "test" })).filter(({ rule }) =>
        ["missing_secure", "secure_to_clear_port"].includes(rule),
      );
      expect(finding?.incomplete).toContain("reversed");
      expect(await lost(text)).toEqual([]);
    },
  );
});
