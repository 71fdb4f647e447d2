import { describe, expect, test } from "vitest";
import {
  demoRows,
  demoScreen,
  type DemoView,
  type TerminalSize,
} from "../../src/cli/demo-screen.ts";
import { repaint } from "../../src/cli/terminal-screen.ts";
import type { LiveState } from "../../src/model/live.ts";
import { MEMBER_VERDICTS, memberWords } from "../../src/model/verdicts.ts";
import { aLiveState, aMember, aVserver, anAdc } from "../support/live-state.ts";

const PAGE = "http://127.0.0.1:9743/";

function aView(state: LiveState, more: Partial<DemoView> = {}): DemoView {
  return {
    state,
    page: PAGE,
    story: "maintenance",
    sinceStartMs: 102_000,
    events: [
      { atMs: 11_000, text: "All is well: every server works, and every monitor passes." },
      {
        atMs: 19_000,
        text: "ex02 goes into maintenance (ServerWideOffline Inactive): health pages are aborted, IMAP and POP hang up on new clients, SMTP says 421 at MAIL FROM. Nobody told the NetScaler.",
      },
    ],
    next: { kind: "step", inMs: 59_000, text: "ex02 comes back (ServerWideOffline Active)." },
    hint: "In a second terminal: adc-witness compare --config try/adc-witness.yml",
    ...more,
  };
}

/** As in the demo: many that agree, some that are wrong. */
function aLeak(): LiveState {
  return aLiveState({
    members: [
      ...Array.from({ length: 40 }, (_, index) =>
        aMember({ server: `ex${String(index + 10)}`, verdict: "agree_up" }),
      ),
      aMember({ server: "ex05", port: 993, verdict: "settling" }),
      aMember({
        adcService: "sg_autodiscover",
        server: "ex02",
        port: 443,
        verdict: "maintenance_expected",
        adcOpinion: "down",
      }),
      aMember({
        adcService: "sg_imaps",
        server: "ex02",
        port: 993,
        verdict: "routes_to_maintenance",
        mismatch: true,
        adcOpinion: "up",
        replica: "up",
        service: "down",
        reason: "closed_without_data",
      }),
    ],
  });
}

function textOf(view: DemoView, size: TerminalSize): readonly string[] {
  return demoScreen(view, size).map(({ text }) => text);
}

const SIZES: readonly TerminalSize[] = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 40, rows: 10 },
];

describe("demoScreen", () => {
  test.each(SIZES)("fits and keeps page, clock, story and next step at $columns×$rows", (size) => {
    const lines = textOf(aView(aLeak()), size);
    expect(lines.length).toBeLessThanOrEqual(size.rows);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(size.columns);
    expect(lines[0]).toMatch(/^http:\/\/127\.0\.0\.1:9743\/ {2}\+1:42/);
    expect(lines[1]).toMatch(/^Next in 0:59: ex02 comes back/);
    expect(lines.some((line) => line.startsWith("+0:19 ex02 goes into maintenance"))).toBe(true);
    const worst = lines.findIndex((line) => line.startsWith("✖ ex02:993"));
    const settling = lines.findIndex((line) => line.startsWith("! ex05:993"));
    expect(worst).toBeGreaterThan(0);
    expect(settling).toBe(worst + 1);
    expect(lines.some((line) => /^1 wrong · 1 to look at · /.test(line))).toBe(true);
  });

  test("shows the verdict in words and its reason at 80 columns, and drops columns", () => {
    const lines = textOf(aView(aLeak()), { columns: 80, rows: 24 });
    const worst = lines.find((line) => line.startsWith("✖")) ?? "";
    expect(worst).toContain("in maintenance, still gets clients");
    expect(worst).toContain("closed_without_data");
    expect(worst).toContain("sg_imaps");
    expect(lines.join("\n")).not.toContain("REPLICA");
  });

  test("shows all three opinions at 120 columns", () => {
    const lines = textOf(aView(aLeak()), { columns: 120, rows: 40 });
    expect(lines.find((line) => line.startsWith("✖"))).toMatch(
      /^✖ ex02:993 +sg_imaps +up +up +down +in maintenance, still gets clients +closed_without_data$/,
    );
    expect(lines.at(-1)).toContain("In a second terminal");
  });

  test.each(MEMBER_VERDICTS)("keeps words and reason whole at 80 columns when %s", (verdict) => {
    const reason = "closed_without_data";
    const member = aMember({
      adcService: "sg_autodiscover",
      server: "ex02",
      port: 993,
      verdict,
      reason,
    });
    const lines = textOf(aView(aLiveState({ members: [member] })), { columns: 80, rows: 24 });
    const row = lines.find((line) => line.includes("ex02:993")) ?? "";
    expect(row).toContain(memberWords(member).label);
    expect(row).toContain(reason);
  });

  test.each([
    [
      { kind: "judging", unjudged: 12 },
      "The story begins when every row has a verdict; 12 have none yet.",
    ],
    [{ kind: "again" }, "The story restarts when everything is well. Ctrl-C ends it."],
    [{ kind: "over" }, "The story is over. Ctrl-C ends it."],
  ] as const)("says what comes next when the story is at %j", (next, words) => {
    expect(textOf(aView(aLeak(), { next }), { columns: 80, rows: 24 })[1]).toBe(words);
  });

  test("escapes control characters when a name or a text holds them", () => {
    const state = aLiveState({ members: [aMember({ server: "ex\u001b[2J", adcService: "a\nb" })] });
    const events = [{ atMs: 0, text: "one\u001b]0;x\u0007two\nthree" }];
    for (const { text } of demoScreen(aView(state, { events }), { columns: 120, rows: 40 })) {
      expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  });
});

describe("demoRows", () => {
  const words = (state: LiveState): readonly string[] =>
    demoRows(state).map((row) => `${row.tone}: ${row.place}: ${row.words}`);

  test.each([
    [
      "certificates differ",
      aLiveState({ vservers: [aVserver({ vserver: "v_imaps", certificateDiffers: true })] }),
      "warn: v_imaps: its servers' certificates differ",
    ],
    [
      "a pair fails over",
      aLiveState({
        adcs: [
          anAdc({
            name: "demo",
            nodes: [
              { node: "ns1", primary: false, reachable: true },
              { node: "ns2", primary: true, reachable: true },
            ],
          }),
        ],
      }),
      "quiet: demo: node 2 of the pair is followed",
    ],
    [
      "the ADC's login protects a vserver",
      aLiveState({ vservers: [aVserver({ vserver: "v_owa", verdict: "vip_protected" })] }),
      "quiet: v_owa: behind the ADC's own login",
    ],
    [
      "the ADC does not answer",
      aLiveState({ adcs: [anAdc({ name: "demo", up: false, lastError: "HTTP 307" })] }),
      "warn: demo: NITRO does not answer",
    ],
  ])("are shown when %s", (_, state, expected) => {
    expect(words(state)).toContain(expected);
  });
});

describe("repaint", () => {
  const line = (text: string, style: "plain" | "bad" = "plain") => ({ text, style });

  test("writes nothing when nothing has changed", () => {
    expect(repaint([line("a"), line("b", "bad")], [line("a"), line("b", "bad")])).toBe("");
  });

  test("writes only the lines that differ and clears those that are gone", () => {
    const bytes = repaint(
      [line("a"), line("b"), line("c")],
      [line("a"), line("B")],
      ({ text }) => text,
    );
    expect(bytes).toBe("\u001b[2;1H\u001b[2KB\u001b[3;1H\u001b[2K");
  });
});
