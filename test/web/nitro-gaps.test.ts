import { expect, test } from "vitest";
import { gapOf } from "../../src/adc/nitro/gaps.ts";
import { gapSentence } from "../../src/model/adc-state.ts";
import { notices } from "../../src/web/page/notices.ts";
import { compareJson, verdictsAnswer } from "../../src/web/api/verdicts.ts";
import { readiness } from "../../src/web/routes.ts";
import { aLiveState, aMember } from "../support/live-state.ts";

const REFUSED = { code: "2138", message: "Not authorized to execute this command [2138]" };
const GAP = gapOf("ns1.example.com", "csvserver", REFUSED);
const SENTENCE =
  "prod: ns1.example.com does not return csvserver (Not authorized to execute this command [2138], code 2138). Not watched: content switching vservers.";

function live(adc: Partial<ReturnType<typeof aLiveState>["adcs"][number]>) {
  const state = aLiveState();
  const [first] = state.adcs;
  if (first === undefined) {
    throw new Error("no ADC in the state");
  }
  return { ...state, adcs: [{ ...first, name: "prod", up: true, ...adc }] };
}

/** One whose configuration has been imported before. */
function withMember(adc: Parameters<typeof live>[0]) {
  return { ...live(adc), members: [aMember()] };
}

function page(state: ReturnType<typeof live>): string {
  return (notices(state)?.text ?? "").replace(/\s+/g, " ");
}

test("NITRO gap › is shown on the page and in /-/ready with node, resource, code, words and what is not watched", () => {
  expect(gapSentence("prod", GAP)).toBe(SENTENCE);
  expect(page(live({ gaps: [GAP] }))).toContain(SENTENCE);
  expect(readiness(live({ gaps: [GAP] })).detail).toContain(SENTENCE.replace(/\.$/, ""));
  expect(page(live({ gaps: [] }))).not.toContain("does not return");
});

test("NITRO gap › is shown as text when its words are markup", () => {
  const hostile = gapOf("ns1", "csvserver", { code: "1", message: "<script>alert(1)</script>" });
  expect(page(live({ gaps: [hostile] }))).not.toContain("<script>");
});

test("import failure › is shown on the page and in /-/ready with its start when polls succeed meanwhile", () => {
  const failed = withMember({
    importFailure: { since: Date.UTC(2026, 0, 2), message: "NITRO: ns1, lbmonitor: no [1043]" },
  });
  const sentence =
    "prod: imports of its configuration have failed since 2026-01-02T00:00:00.000Z (NITRO: ns1, lbmonitor: no [1043]). The last imported configuration is still in use";
  expect(page(failed)).toContain(sentence);
  expect(readiness(failed).detail).toContain(sentence);
  expect(verdictsAnswer.parse(compareJson(failed)).adcs[0]?.import_error).toContain("lbmonitor");
  expect(page(live({ importFailure: null }))).not.toContain("imported");
});

test("ADC › is said not to answer only when nothing answered", () => {
  const refused = {
    up: false,
    lastError: "NITRO: ns1, login: stopped: wrong credentials since yesterday",
  };
  expect(page(live({ ...refused, silent: false }))).toMatch(
    /does not report its state over NITRO.*stopped: wrong credentials since/,
  );
  expect(page(live({ ...refused, silent: false }))).not.toContain("does not answer");
  expect(
    page(live({ up: false, lastError: "ns1: no connection within 5000 ms", silent: true })),
  ).toContain("does not answer over NITRO");
});

test("rejected credentials › are shown in /-/ready with their start when no estate is imported yet", () => {
  const state = {
    ...live({
      up: null,
      lastError:
        "NITRO: stopped: wrong credentials since 2026-11-29T00:00:00.000Z (x); next try at y",
    }),
    members: [],
    vservers: [],
  };
  expect(readiness(state)).toEqual({
    ready: false,
    detail: expect.stringContaining(
      "prod: stopped: wrong credentials since 2026-11-29T00:00:00.000Z",
    ) as unknown,
  });
});
