import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explainRule, runLint, type LintOptions } from "../../src/cli/lint.ts";
import { commandAnswer } from "../support/command-answer.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "adc-witness-lint-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const OPTIONS: LintOptions = {
  format: "text",
  matrix: false,
  severity: "info",
  rules: [],
  object: null,
  config: null,
  strict: false,
  writeFixes: null,
};

async function run(text: string | null, options: Partial<LintOptions> = {}) {
  const file = join(directory, text === null ? "missing.conf" : "ns.conf");
  if (text !== null) {
    await writeFile(file, text);
  }
  let out = "";
  let err = "";
  const status = await runLint(
    file,
    { ...OPTIONS, ...options },
    { out: (part) => (out += part), err: (part) => (err += part) },
  );
  if (options.format === "json") {
    commandAnswer("lint", out);
  }
  return { status, out, err };
}

const CLEAN =
  "add service s 10.0.0.1 HTTP 80\nbind service s -monitorName m\nadd lb monitor m HTTP-ECV -recv ok\n";
const OFF = "add service s 10.0.0.1 HTTP 80 -healthMonitor NO\n";

describe("lint findings", () => {
  test("end with status 0 and a message when nothing is found", async () => {
    expect(await run(CLEAN)).toEqual({ status: 0, out: "nothing found\n", err: "" });
    expect(await run(CLEAN, { format: "json" })).toEqual({
      status: 0,
      out: `${JSON.stringify({ error: null, findings: [], notes: [], passed_over: 0 }, null, 1)}\n`,
      err: "",
    });
  });

  test("end with status 1 and list objects, lines and the commands that fix them", async () => {
    const { status, out } = await run(OFF);
    expect(status).toBe(1);
    expect(out).toContain("error: s (line 1): -healthMonitor NO");
    expect(out).toMatch(
      /\n {4}# incomplete: leave it if it is a dummy .*\n {4}# set service s -healthMonitor YES\n/,
    );
    expect((await run(OFF.replace("-healthMonitor NO", ""))).out).toContain(
      '# incomplete: fill in the placeholders in angle brackets; then remove "# " before each command\n    # add lb monitor',
    );
  });

  test("are plain JSON, with old and new keys", async () => {
    const { status, out } = await run(`${OFF}add service t 10.0.0.2 HTTP 80\n`, { format: "json" });
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      findings: [
        {
          rule: "health_monitor_off",
          severity: "error",
          line: 1,
          object: "s",
          objects: [{ name: "s", line: 1 }],
          fix: "set service s -healthMonitor YES",
          commands: ["set service s -healthMonitor YES"],
          complete: false,
          incomplete: expect.stringMatching(/^leave it if it is a dummy/) as string,
        },
        { rule: "tcp_only", severity: "warning", line: 2, object: "t", complete: false },
      ],
    });
  });

  test("are one for each cause, the worst first, with a summary when there are many", async () => {
    const services = Array.from(
      { length: 30 },
      (_, n) => `add service s${String(n)} 10.0.0.1 TCP ${String(9000 + n)} -healthMonitor NO`,
    );
    const { out } = await run(services.join("\n"));
    expect(out.match(/healthMonitor NO:/g)).toHaveLength(1);
    expect(out).toContain("s11 (line 12) and 18 more");
    const mixed = [
      ...services,
      "add lb vserver v SSL 10.0.0.1 443",
      "add service a 10.0.0.1 HTTPS 1",
      "add service b 10.0.0.9 HTTP 80",
      "bind service b -monitorName http",
      "add service c 10.0.0.9 TCP 993",
      "add service d 10.0.0.9 TCP 143",
    ];
    const [first] = (
      await run(
        [...mixed, "add cs vserver cs HTTP 10.0.0.5 80", "bind cs vserver cs -lbvserver v"].join(
          "\n",
        ),
      )
    ).out.split("\n");
    expect(first).toMatch(/^error +30 +health_monitor_off +-healthMonitor NO/);
  });

  test("of information only end with status 0, and with 1 when strict is set", async () => {
    const note = "#NS13.1 Build 37.38\nadd lb monitor m TCP\n";
    expect((await run(note)).status).toBe(0);
    expect((await run(note, { strict: true })).status).toBe(1);
  });
});

describe("lint filters", () => {
  test("select by severity, rule and object", async () => {
    const two = `${OFF}add service t 10.0.0.2 TCP 143\n`;
    expect((await run(two, { severity: "error" })).out).not.toContain("tcp_only");
    expect((await run(two, { rules: ["tcp_only"] })).out).not.toContain("health_monitor_off");
    expect((await run(two, { object: "T*" })).out).not.toContain("health_monitor_off");
  });

  test("find nothing when the object has no finding", async () => {
    const two = `${OFF}add server calm 10.0.0.2\n`;
    expect(await run(two, { object: "calm" })).toEqual({
      status: 0,
      out: "nothing found\n",
      err: "",
    });
  });

  test.each(["nobody", "s?", "q*", ""])(
    "are an error when no object matches %j",
    async (object) => {
      const { status, out, err } = await run(OFF, { object });
      expect({ status, out }).toEqual({ status: 3, out: "" });
      expect(err).toMatch(/: it has no object .*\n$/);
      const told = await run(OFF, { object, format: "json" });
      expect([told.status, JSON.parse(told.out)]).toEqual([3, { error: told.err.trimEnd() }]);
    },
  );

  test("apply before strict counts", async () => {
    const note = "#NS13.1 Build 37.38\nadd lb monitor m TCP\n";
    for (const [options, expected] of [
      [{ strict: true }, 1],
      [{ strict: true, severity: "warning" }, 0],
      [{ strict: true, rules: ["tcp_only"] }, 0],
      [{ strict: true, object: "m" }, 1],
    ] as const) {
      expect((await run(note, options)).status).toBe(expected);
    }
    expect((await run(OFF, { strict: true })).status).toBe(1);
  });

  test("are a usage error when the rule does not exist", async () => {
    expect(await run(OFF, { rules: ["tcp_olny"] })).toMatchObject({ status: 3, out: "" });
  });

  test.each([
    [
      "in the object's comment",
      OFF.replace("NO", 'NO -comment "lint:ignore health_monitor_off, tcp_only"'),
    ],
    ["at the end of its line", OFF.replace("NO", "NO # lint:ignore *")],
    ["for the whole file", `# lint:ignore health_monitor_off,tcp_only\n${OFF}`],
  ])("obey lint:ignore %s", async (_name, text) => {
    expect(await run(text)).toMatchObject({ status: 0, out: "nothing found\n" });
  });
});

describe("lint ignores of the configuration", () => {
  const configured = async (ignore: string) => {
    const config = join(directory, "adc-witness.yml");
    await writeFile(join(directory, "ns.conf"), OFF);
    await writeFile(config, `adcs: [{ name: a, ns_conf: ns.conf }]\nlint: { ignore: ${ignore} }\n`);
    return run(OFF, { config });
  };

  test.each([
    ["a rule of one object", "[{ rule: health_monitor_off, objects: [s] }, { rule: tcp_only }]"],
    ["every rule, by a pattern", '[{ rule: "*", objects: ["S*"] }]'],
  ])("suppress %s", async (_what, ignore) => {
    expect(await configured(ignore)).toEqual({ status: 0, out: "nothing found\n", err: "" });
  });

  test("do not suppress another object's finding nor report an unknown rule", async () => {
    const { status, out, err } = await configured(
      "[{ rule: health_monitor_off, objects: [t] }, { rule: no_rule }]",
    );
    expect(status).toBe(1);
    expect(out).toContain("(health_monitor_off)");
    expect(err).toBe("");
  });

  test("end the command with an error when the configuration cannot be read", async () => {
    expect(await configured("[{}]")).toMatchObject({ status: 3, out: "" });
  });
});

describe("lint output", () => {
  test("holds no control character of the file and keeps every finding on its line", async () => {
    const { out } = await run(
      'add service "s\u001b[31mEVIL\u202e" 10.0.0.1 HTTP 80\nadd lb monitor m HTTP -httpRequest "HEAD /\u009b[2J"\nbind service "s\u001b[31mEVIL\u202e" -monitorName m\n',
    );
    expect(out.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(out).not.toContain("    bind service");
  });

  test("is valid SARIF and JUnit", async () => {
    const sarif = JSON.parse((await run(OFF, { format: "sarif" })).out) as {
      runs: { results: { ruleId: string }[]; tool: { driver: { rules: { id: string }[] } } }[];
    };
    const [sarifRun] = sarif.runs;
    expect(sarifRun?.results.map(({ ruleId }) => ruleId)).toEqual(["health_monitor_off"]);
    expect(sarifRun?.tool.driver.rules.map(({ id }) => id)).toContain("tcp_only");
    const junit = (await run(`${OFF}add lb monitor "a<&\u0001" TCP\n`, { format: "junit" })).out;
    expect(junit).toContain('tests="2" failures="1"');
    expect(junit).toContain("a&lt;&amp;?");
    expect(junit).toContain("\n# set service s -healthMonitor YES");
    expect(sarifRun?.results[0]).toMatchObject({
      properties: { commands: ["set service s -healthMonitor YES"], complete: false },
    });
  });

  test("explains a rule with --explain, as JSON too", async () => {
    let out = "";
    const output = { out: (part: string) => (out += part), err: String };
    expect(await explainRule("tcp_only", "text", output)).toBe(0);
    expect(out).toContain("Only a TCP handshake decides");
    expect(await explainRule("nothing", "text", output)).toBe(3);
    out = "";
    expect(await explainRule("tcp_only", "json", output)).toBe(0);
    expect(commandAnswer("lint", out)).toMatchObject({ rule: "tcp_only", severity: "warning" });
  });

  test("writes complete fixes with --write-fixes, and their undo beside them", async () => {
    const writeFixes = join(directory, "fixes.txt");
    const undecided = [
      OFF,
      "add lb vserver v HTTP 0.0.0.0 0\nbind lb vserver v s\n",
      "add cs vserver c HTTP 10.0.0.9 80 -redirectURL https://a.example\nbind cs vserver c -lbvserver v\n",
      'add lb monitor m HTTP-ECV -send "GET /" -recv ok -state DISABLED\n',
      'add lb monitor n HTTP-ECV -send "GET /" -recv ok\n',
      "bind service s -monitorName m\nbind service s -monitorName n -monState DISABLED\n",
    ].join("");
    const { out } = await run(`${undecided}add service t 10.0.0.2 TCP 143\n`, { writeFixes });
    expect(out.match(/# incomplete: (?:leave|enable) it if /g)).toHaveLength(4);
    expect(await readFile(writeFixes, "utf8")).toBe(
      'add lb monitor t_deep TCP-ECV -recv "* OK" -interval 15 -resptimeout 6\n' +
        "bind service t -monitorName t_deep\n",
    );
    expect(await readFile(`${writeFixes}.undo`, "utf8")).toBe(
      "unbind service t -monitorName t_deep\n" + "rm lb monitor t_deep TCP-ECV\n",
    );
    expect((await run(OFF, { writeFixes: join(directory, "no", "such", "place") })).status).toBe(3);
  });
});

describe("lint of unreadable input", () => {
  test.each([
    ["a missing file", null],
    ["a file of something else", "%PDF-1.4\nbinary \u0000 things\n"],
    ["an empty file", ""],
  ])("ends with status 3 for %s", async (_name, text) => {
    const { status, out, err } = await run(text, { format: "json" });
    expect([status, JSON.parse(out)]).toEqual([3, { error: err.trimEnd() }]);
    expect(err).not.toBe("");
  });
});
