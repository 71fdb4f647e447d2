import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { startNitroServer } from "../../../lab/nitro/server.ts";
import { withBudget } from "../../../src/adc/nitro/budget.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { pullRows } from "../../../src/adc/nitro/rows.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

const SERVERS = { kind: "config", resource: "server" } as const;

describe("withBudget", () => {
  async function client() {
    const estate = parseNsConf("add server a 192.0.2.1\nadd server b 192.0.2.2", { adc: "a" });
    const server = await startNitroServer(steadyBackend(estate), CREDENTIALS);
    const one = labClient(server.url);
    onTestFinished(async () => {
      await one.close();
      await server.close();
    });
    return one;
  }

  test("passes answers on as long as their rows fit in the budget", async () => {
    const bounded = withBudget(await client(), { rows: 4, weight: 1_000_000 });
    const kinds = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const answer = await bounded.get(SERVERS);
      kinds.push(answer.kind === "failed" ? answer.code : answer.kind);
    }
    expect(kinds).toEqual(["rows", "rows", "too_large", "too_large"]);
  });

  test("counts characters against the budget as well", async () => {
    const bounded = withBudget(await client(), { rows: 1_000, weight: 100 });
    expect(await bounded.get(SERVERS)).toMatchObject({
      kind: "failed",
      code: "too_large",
      message: expect.stringContaining("server last") as unknown,
    });
  });
});

/** An appliance that answers every question with so many empty rows. */
async function clientOf(count: number) {
  const rows = `[${"{},".repeat(count - 1)}{}]`;
  const server = createServer((request, response) => {
    const resource = /\/(\w+)(?:\?|$)/.exec(request.url ?? "")?.[1] ?? "";
    const body =
      request.method === "POST"
        ? '{"errorcode":0,"message":"Done","severity":"NONE","sessionid":"s"}'
        : `{"errorcode":0,"message":"Done","severity":"NONE","${resource}":${rows}}`;
    request.resume();
    response.setHeader("content-type", "application/json");
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = labClient(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return client;
}

test("import › fails and says why when an appliance answers without end", async () => {
  expect(await importEstate(await clientOf(30_000), { adc: "a" })).toMatchObject({
    kind: "failed",
    code: "too_large",
    message: expect.stringMatching(/more than 400000 rows or 128 MiB in all/) as unknown,
  });
});

test("pullRows › takes more rows than a call takes arguments when one answer holds them", async () => {
  const pulled = await pullRows(await clientOf(200_000), SERVERS, []);
  expect(pulled.kind === "rows" && pulled.rows.length).toBe(200_000);
});
