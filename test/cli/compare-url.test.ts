import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { runCompare, type CompareCommand } from "../../src/cli/compare.ts";
import type { CompareJson } from "../../src/web/api/verdicts.ts";
import { maintenanceHour } from "../support/live-state.ts";
import { serve } from "../web/support.ts";
import { commandAnswer } from "../support/command-answer.ts";

/** `compare --url` against an agent that knows this. */
async function ask(
  url: string,
  command: Partial<CompareCommand> = {},
): Promise<{ status: number; out: string }> {
  let out = "";
  const nothing = { tokenFile: null, user: null, passwordFile: null, caFile: null };
  const status = await runCompare(
    {
      config: "/there/is/none.yml",
      server: null,
      waitMs: 0,
      timeoutMs: 5_000,
      strict: false,
      json: false,
      agent: { config: null, url, ...nothing },
      ...command,
    },
    { out: (text) => (out += text), err: () => undefined },
  );
  if (command.json === true) {
    commandAnswer("compare", out);
  }
  return { status, out };
}

test("compare --url › reports the agent's verdicts and exits by them", async () => {
  const { url } = await serve(maintenanceHour());
  const { status, out } = await ask(url, { warningBelow: 90 });
  expect(status).toBe(2);
  expect(out).toMatch(
    /^WITNESS CRITICAL - \d+ of \d+ disagree: svc_imap\/ex02:143 routes_to_maintenance/,
  );
  expect(out).toMatch(/'v_imap'=\d+(\.\d)?%;90:;;0;100/);
  const json = JSON.parse((await ask(url, { json: true, server: "EX0[1]*" })).out) as CompareJson;
  expect(json.rows).toEqual([]);
  const one = JSON.parse((await ask(url, { json: true, server: "ex01" })).out) as CompareJson;
  expect(new Set(one.rows.map(({ server }) => server))).toEqual(new Set(["ex01"]));
  expect(one.vservers.map(({ vserver }) => vserver)).toContain("v_imap");
});

test.each([
  ["nobody listens", "http://127.0.0.1:1", /No agent listens at http:\/\/127\.0\.0\.1:1/],
  ["the address is not a URL", "agent", /not a valid URL/],
])("compare --url › is unknown when %s", async (_why, url, words) => {
  const { status, out } = await ask(url);
  expect(status).toBe(3);
  expect(out).toMatch(/^WITNESS UNKNOWN - /);
  expect(out).toMatch(words);
  expect(JSON.parse((await ask(url, { json: true })).out)).toMatchObject({ status: "UNKNOWN" });
});

test.each<[string, number, string, string]>([
  ["another page", 200, "text/html", "<h1>It works!</h1>"],
  ["JSON of another program", 200, "application/json", '{"status":"success","data":{}}'],
  ["an error", 404, "text/plain", "not found"],
  ["a redirect", 302, "text/html", ""],
])("compare --url › is unknown when the address answers with %s", async (...row) => {
  const [, code, type, body] = row;
  const server = createServer((_request, response) => {
    response.writeHead(code, { "content-type": type, location: "/login" }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { status, out } = await ask(`http://127.0.0.1:${String(port)}`);
  expect([status, out.slice(0, 18)]).toEqual([3, "WITNESS UNKNOWN - "]);
  expect(out).toMatch(/agent/);
});

test("compare --url › asks the agent's own path when the address holds another", async () => {
  const { url } = await serve(maintenanceHour());
  const { status, out } = await ask(`${url}/-/healthy/`);
  // The path is the agent's own, whatever the address holds.
  expect([status, out.slice(0, 16)]).toEqual([2, "WITNESS CRITICAL"]);
});
