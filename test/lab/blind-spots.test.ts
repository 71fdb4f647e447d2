import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { measureBlindSpots } from "../../lab/blind-spots/measure.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";

/** A web service on servers of today, and RPC Client Access on the last server of 2010. */
const MIXED = `#NS13.1 Build 37.38
add server ex01 198.51.100.11
add server ex09 198.51.100.19
add lb monitor mon_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES
add lb monitor mon_rpc_port TCP -destPort 22902
add serviceGroup sg_owa SSL
add service svc_rpc_ex09 ex09 TCP *
bind serviceGroup sg_owa ex01 443
bind serviceGroup sg_owa -monitorName mon_owa
bind service svc_rpc_ex09 -monitorName mon_rpc_port
add lb monitor mon_owa_2010 HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES
add serviceGroup sg_owa_2010 SSL
bind serviceGroup sg_owa_2010 ex09 443
bind serviceGroup sg_owa_2010 -monitorName mon_owa_2010
`;

test("measureBlindSpots › uses each server's own version when an estate has two", async () => {
  const estate = parseNsConf(MIXED, { adc: "mixed" });
  const { tables } = await measureBlindSpots({ estate, advised: estate, timeoutMs: 1_000 });
  const rows = tables.flatMap(({ failures, rows: own }) =>
    own.map((row) => ({ ...row, sees: failures.filter((_, at) => row.cells[at] === "fails") })),
  );
  const web = rows.find(({ name }) => name === "mon_owa");
  // A server of 2010 has no health page.
  expect(web).toMatchObject({
    healthy: "passes",
    does: expect.stringMatching(/, Exchange 2016$/) as string,
  });
  expect(web?.sees).toContainEqual(expect.stringMatching(/maintenance|offline/i));
  expect(rows.find(({ name }) => name === "mon_owa_2010")?.healthy).toBe("fails");
});

test("measureBlindSpots › finds in the demo's ns.conf what the README says, with every probe passing when healthy", async () => {
  const demo = parseNsConf(await readFile("lab/demo.conf", "utf8"), { adc: "demo" });
  // Three of its groups, by whose health page its servers are known as Exchange: the others take longer and are alike.
  const services = new Map(
    [...demo.services].filter(([name]) => /^sg_(owa|imaps|pop3)$/.test(name)),
  );
  const estate = { ...demo, services };
  const { tables } = await measureBlindSpots({ estate, advised: estate, timeoutMs: 2_000 });
  const rows = tables.flatMap(({ title, failures, rows: own }) =>
    own.map(({ name, healthy, cells }) => ({
      title,
      name,
      healthy,
      blind: failures.filter((_, at) => cells[at] === "passes"),
    })),
  );
  expect(rows.map(({ name, healthy }) => [name, healthy])).toEqual([
    ["mon_owa", "passes"],
    ["https_challenge", "passes"],
    ["tcp", "passes"],
    ["imap_greeting", "passes"],
    ["mon_pop3_login", "passes"],
    ["pop3_greeting", "passes"],
  ]);
  expect(rows.find(({ name }) => name === "tcp")?.blind).toContainEqual(
    expect.stringMatching(/^accepted, then closed/),
  );
  expect(rows.find(({ name }) => name === "imap_greeting")?.blind).not.toContainEqual(
    expect.stringMatching(/^accepted, then closed/),
  );
});
