import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { read, type Answer } from "../../lint-page/read.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { pasteLines } from "../../src/lint/change.ts";
import { fixBatch } from "../../src/lint/fix-batch.ts";
import { groupFindings } from "../../src/lint/group.ts";
import { lint } from "../../src/lint/lint.ts";

const GUIDE = readFileSync(
  new URL("../fixtures/ns.conf/exchange-2016.conf", import.meta.url),
  "utf8",
);

function answer<K extends Answer["kind"]>(kind: K, text: string): Extract<Answer, { kind: K }> {
  const found = [...read(text)].find((one) => one.kind === kind);
  return found as Extract<Answer, { kind: K }>;
}

describe("lint page worker", () => {
  test("gives lint's causes with their commands, and the batch with its undo", () => {
    const findings = lint(parseNsConf(GUIDE, { adc: "adc" }));
    const causes = groupFindings(findings);
    expect(answer("findings", GUIDE).causes).toMatchObject(
      causes.map((cause) => {
        const { rule, severity, message } = cause;
        return { rule, severity, message, commands: pasteLines(cause) };
      }),
    );
    const { commands, undo } = fixBatch(GUIDE, findings, () => true);
    expect(answer("fixes", GUIDE)).toEqual({ kind: "fixes", commands, undo });
    expect(commands.length).toBeGreaterThan(10);
  });

  test("shows a fix that needs a decision as comments, below what to decide", () => {
    const off = "add service s 10.0.0.1 HTTP 80 -healthMonitor NO";
    const causes = answer("findings", off).causes.filter(
      ({ rule }) => rule === "health_monitor_off",
    );
    expect(causes.map(({ commands }) => commands)).toEqual([
      [
        expect.stringContaining("# incomplete: leave it if it is a dummy"),
        "# set service s -healthMonitor YES",
      ],
    ]);
  });

  test("gives plan's rows, totals and bare ports", () => {
    const { totals, bare, rows } = answer("plan", GUIDE);
    expect(totals).toMatch(/^\d+ probes, 5 not repeated, 0 disabled$/);
    expect(bare).toMatch(/^12 of 32 members are judged only by a port check: lb_svg_exch2016_smtp/);
    expect(rows.filter(({ runs }) => !runs)).toHaveLength(5);
    expect(rows[0]?.cells).toHaveLength(9);
    expect(rows[0]?.cells[8]).toContain('"GET /owa/healthcheck.htm"');
  });

  test("obeys lint:ignore of the file", () => {
    const off = "add service s 10.0.0.1 HTTP 80 -healthMonitor NO";
    expect(answer("findings", off).causes.map(({ rule }) => rule)).toContain("health_monitor_off");
    expect(answer("findings", `${off} # lint:ignore *`).causes).toEqual([]);
  });

  test("does not count a probe as run when its target is this machine", () => {
    const conf = "add lb monitor m PING -destIP 127.0.0.1\nadd service s 10.0.0.1 HTTP 80\n";
    const { rows } = answer("plan", `${conf}bind service s -monitorName m`);
    expect(rows.map(({ runs }) => runs)).toEqual([false, true]);
    expect(rows[0]?.cells.at(-1)).toBe("destIP 127.0.0.1 is the ADC itself");
  });
});

describe("lint page worker on other input", () => {
  test.each([
    ["nothing", ""],
    ["a letter", "Dear administrator,\nplease find the file attached.\n"],
    ["bytes", "\u0000\u0001PK\u0003\u0004\uFFFD"],
  ])("refuses %s with a reason", (_what, text) => {
    expect([...read(text)]).toMatchObject([
      { kind: "refusal", message: expect.stringContaining("ns.conf") as string },
    ]);
  });

  test("never throws and shows no control characters", () => {
    const words = fc.constantFrom(
      ..."add set bind lb monitor service vserver s m TCP HTTP SSL 80 443 -monitorName -send".split(
        " ",
      ),
      '"\u001b[2J"',
      "\u202e",
      '"<img src=x onerror=alert(1)>"',
      "10.0.0.1",
    );
    const line = fc.array(words, { maxLength: 9 }).map((all) => all.join(" "));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        for (const one of read(lines.join("\n"))) {
          const shown = one.kind === "findings" ? [one.facts, one.causes] : [one];
          expect(JSON.stringify(one.kind === "fixes" ? [] : shown)).not.toMatch(
            /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});
