import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startNitroServer, type NitroServerOptions } from "../../../lab/nitro/server.ts";
import type { Estate } from "../../../src/model/estate.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { comparableEstate } from "./comparable-estate.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

const LAB_FIRMWARE = { major: 13, minor: 1, text: "NS13.1 Build 37.38" };
const FIXTURES = join(import.meta.dirname, "../../fixtures/ns.conf");

async function importedFrom(
  estate: Estate,
  options: Partial<NitroServerOptions> = {},
): Promise<Estate> {
  const server = await startNitroServer(steadyBackend(estate), { ...CREDENTIALS, ...options });
  onTestFinished(() => server.close());
  const client = labClient(server.url);
  const result = await importEstate(client, { adc: "prod" });
  await client.close();
  expect(server.openSessions()).toBe(0);
  if (result.kind !== "estate") {
    throw new Error(`${result.kind} ${result.code}: ${result.message}`);
  }
  return result.estate;
}

describe.each(readdirSync(FIXTURES).filter((name) => name.endsWith(".conf")))("%s", (name) => {
  // An appliance always tells its firmware; a fixture without a header is given the lab's own.
  const parsed = parseNsConf(readFileSync(join(FIXTURES, name), "utf8"), { adc: "prod" });
  const estate = { ...parsed, firmware: parsed.firmware ?? LAB_FIRMWARE };

  test("is the same estate over NITRO as from ns.conf", async () => {
    const imported = await importedFrom(estate);
    expect(comparableEstate(imported)).toEqual(comparableEstate(estate));
  });

  test("is the same estate when firmware has no bulk bindings", async () => {
    const imported = await importedFrom(estate, { bulkBindings: false });
    expect(comparableEstate(imported)).toEqual(comparableEstate(estate));
  });
});

test.each([true, false])(
  "client certificates › are imported for services, groups and monitors, issuers are not (bulk bindings: %s)",
  async (bulkBindings) => {
    const text = [
      "add service s 192.0.2.1 SSL 443",
      "add service t 192.0.2.2 SSL 443",
      "add serviceGroup g SSL",
      "add lb monitor m HTTP -secure YES",
      "add ssl certKey mine -cert mine.pem -key mine.key",
      "bind ssl service s -certkeyName mine",
      "bind ssl service t -certkeyName issuer -CA",
      "bind ssl serviceGroup g -certkeyName ours",
      "bind lb monitor m -certkeyName mine",
    ];
    const estate = parseNsConf(text.join("\n"), { adc: "prod" });
    const imported = await importedFrom({ ...estate, firmware: LAB_FIRMWARE }, { bulkBindings });
    for (const { services, monitors } of [estate, imported]) {
      const shown = [...services.values()].map(
        ({ name, clientCertificate = null }) => `${name} ${String(clientCertificate)}`,
      );
      expect(shown.sort()).toEqual(["g ours", "s mine", "t null"]);
      expect(monitors.get("m")?.written.get("certkeyname")).toEqual(["mine"]);
    }
  },
);

test("import › leaves out an overlong name and reports its row", async () => {
  const estate = parseNsConf(
    "add lb monitor m HTTP\nadd server ex01 192.0.2.1\nadd ns acl a DENY",
    { adc: "prod" },
  );
  const [monitor] = estate.monitors.values();
  const [server] = estate.servers.values();
  const [acl] = estate.acls.values();
  if (monitor === undefined || server === undefined || acl === undefined) {
    throw new Error("nothing was read");
  }
  const name = "n".repeat(60_000);
  const imported = await importedFrom({
    ...estate,
    monitors: new Map([...estate.monitors, [name, { ...monitor, name }]]),
    servers: new Map([...estate.servers, [name, { ...server, name }]]),
    acls: new Map([...estate.acls, [name, { ...acl, name }]]),
  });
  expect([...imported.servers.keys()]).toEqual(["ex01"]);
  expect([...imported.acls.keys()]).toEqual(["a"]);
  expect([...imported.monitors.keys()]).not.toContain(name);
  expect(
    imported.diagnostics.map(({ severity, rule, object }) => `${severity} ${rule} ${object}`),
  ).toEqual(
    expect.arrayContaining([
      "error unreadable_value lbmonitor",
      "error unreadable_value nsacl",
      "error unreadable_value server",
    ]),
  );
});
