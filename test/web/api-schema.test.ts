import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { estateAnswer } from "../../src/web/api/estate.ts";
import { evidenceAnswer } from "../../src/web/api/evidence.ts";
import { problemAnswer } from "../../src/web/api/routes.ts";
import { verdictsAnswer } from "../../src/web/api/verdicts.ts";
import { discoveryAnswer } from "../../src/web/routes.ts";
import { aLargeEstate, maintenanceHour } from "../support/live-state.ts";
import { serve } from "./support.ts";

const FIXTURES = ["exchange-2010", "exchange-2010-full", "exchange-2016"];

function estate(name: string) {
  const file = new URL(`../fixtures/ns.conf/${name}.conf`, import.meta.url);
  return parseNsConf(readFileSync(file, "utf8"), { adc: name });
}

test("api schema › validates every answer", async () => {
  const estates = FIXTURES.map(estate);
  const web = await serve(maintenanceHour(), { estates: () => estates });
  const answers = [
    ["/api/v1/verdicts", verdictsAnswer],
    ["/api/v1/evidence", evidenceAnswer],
    ["/api/v1/estate", estateAnswer],
    ["/sd/targets", discoveryAnswer],
    ["/sd/targets?for=blackbox", discoveryAnswer],
    ["/api/v1/nothing", problemAnswer],
  ] as const;
  for (const [path, schema] of answers) {
    const parsed = schema.safeParse((await web.get(path)).json);
    expect([path, parsed.error?.issues ?? []]).toEqual([path, []]);
  }
  const { adcs } = estateAnswer.parse((await web.get("/api/v1/estate")).json);
  expect(adcs.map(({ adc }) => adc)).toEqual(FIXTURES);
  expect(adcs.every(({ monitors }) => monitors.length > 0)).toBe(true);
});

test("api schema › is published path by path and refuses unknown keys", async () => {
  const web = await serve(maintenanceHour());
  const { json } = await web.get("/api/v1/schema.json");
  const { paths } = json as { paths: Record<string, Record<string, unknown>> };
  expect(Object.keys(paths)).toMatchInlineSnapshot(`
    [
      "GET /api/v1/verdicts",
      "GET /api/v1/estate",
      "GET /api/v1/evidence",
      "GET /api/v1/events",
      "GET /api/v1/maintenance",
      "POST /api/v1/maintenance",
      "DELETE /api/v1/maintenance",
      "POST /api/v1/maintenance/extend",
      "GET /api/v1/maintenance/report",
      "GET /api/v1/slo",
      "GET /api/v1/maintenance/preflight",
      "GET /api/v1/maintenance/verify",
      "GET /sd/targets",
    ]
  `);
  expect(paths["GET /api/v1/verdicts"]).toMatchObject({
    additionalProperties: false,
    required: ["rows", "vservers", "summary", "adcs", "gaps", "findings"],
  });
});

test("api schema › validates a large estate in one answer, which is not sent again when its ETag matches", async () => {
  const web = await serve(aLargeEstate({ members: 3_000, monitors: 2 }));
  const whole = await web.get("/api/v1/verdicts");
  expect(verdictsAnswer.parse(whole.json).rows).toHaveLength(3_000);
  const again = await web.get("/api/v1/verdicts", { "if-none-match": whole.headers.etag ?? "" });
  expect([again.status, again.body.length]).toEqual([304, 0]);
  const evidence = await web.get("/api/v1/evidence");
  expect(evidenceAnswer.parse(evidence.json).probes).toHaveLength(200);
  expect(evidence.headers["link"]).toBe('</api/v1/evidence?limit=200&offset=200>; rel="next"');
});
