import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { tokenFileOf } from "../../src/cli/lab-config.ts";
import { debianProgram } from "../support/debian-program.ts";
import { until, withLabAgent } from "../support/lab-agent.ts";
import { maintenanceHour } from "../support/live-state.ts";
import { serve } from "../web/support.ts";
import { ROOT, typedLines } from "./pages.ts";

const curl = debianProgram("curl", "curl");
const run = promisify(execFile);
const text = await readFile(join(ROOT, "docs", "api.md"), "utf8");
const requests = typedLines(text).filter((line) => line.startsWith("curl "));

interface Answered {
  readonly line: string;
  readonly status: string;
}

/** Types the line into a shell, as a reader would, and returns the status that came. */
async function type(line: string, env: Readonly<Record<string, string>>): Promise<Answered> {
  // The stream of events has no end: curl gives up, with its status for a time-out.
  const stream = line.startsWith("curl -sN");
  const command = `${line} -o /dev/null -w '%{http_code}'${stream ? " --max-time 2 || true" : ""}`;
  const { stdout } = await run("sh", ["-c", command], { env: { ...process.env, ...env } });
  return { line, status: stdout };
}

test("docs/api.md › shows a request for every path of the API's schema", async () => {
  const asked = requests.map((line) => {
    const method = /-X (\w+)/.exec(line)?.[1] ?? "GET";
    return `${method} ${/\$URL(\/[^"?]*)/.exec(line)?.[1] ?? ""}`;
  });
  const web = await serve(maintenanceHour());
  const { json } = await web.get("/api/v1/schema.json");
  const { paths } = json as { paths: Record<string, unknown> };
  expect(Object.keys(paths).filter((path) => !asked.includes(path))).toEqual([]);
});

test.skipIf(curl === null)(
  "docs/api.md › is right about the answer of every request it shows",
  async () => {
    await withLabAgent({ scenario: "healthy" }, async ({ url, directory }) => {
      const token = (await readFile(tokenFileOf(directory), "utf8")).trim();
      await until(
        "the agent is ready",
        async () => (await fetch(`${url}/-/ready`)).text(),
        (said) => said.startsWith("ready"),
        240_000,
      );
      const answered: Answered[] = [];
      for (const line of requests) {
        const answer = (): Promise<Answered> => type(line, { URL: url, TOKEN: token });
        // An agent whose process was stalled for a while on a busy machine is rightly not ready, until its probes ran again.
        answered.push(
          line.includes("/-/ready")
            ? await until("ready again", answer, ({ status }) => status === "200", 60_000)
            : await answer(),
        );
      }
      // This agent was started without a file that could be read anew.
      const expected = requests.map((line) => ({
        line,
        status: line.includes("/-/reload") ? "500" : "200",
      }));
      expect(answered).toEqual(expected);
      const strange = await type('curl -s "$URL/probe?target=192.0.2.1:443"', { URL: url });
      expect(strange.status).toBe("403");
      const locked = await type('curl -s -X DELETE "$URL/api/v1/maintenance?name=x"', { URL: url });
      expect(locked.status).toBe("401");
    });
  },
  360_000,
);
