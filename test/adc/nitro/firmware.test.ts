import { describe, expect, onTestFinished, test } from "vitest";
import { documentedFields } from "../../../lab/nitro/documented-rows.ts";
import { startNitroServer, type NitroServer } from "../../../lab/nitro/server.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { pollState } from "../../../src/adc/nitro/poll.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import type { Estate } from "../../../src/model/estate.ts";
import { comparableEstate } from "./comparable-estate.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

/** What the documentation of each changed; what they have in common is what we rely on. */
const FIRMWARE = [
  {
    text: "NS10.5 Build 70.12",
    bulkBindings: false,
    has: ["effectivestate"],
    lacks: ["backuplbmethod", "redirectfromport", "backupvserverstatus"],
  },
  {
    text: "NS11.1 Build 65.22",
    bulkBindings: true,
    has: ["backuplbmethod", "redirectfromport", "backupvserverstatus"],
    lacks: ["sslinterception", "quicprofilename"],
  },
  {
    text: "NS12.1 Build 65.25",
    bulkBindings: true,
    has: ["sslinterception"],
    lacks: ["quicprofilename"],
  },
  {
    text: "NS13.1 Build 59.19",
    bulkBindings: true,
    has: ["quicprofilename"],
    lacks: ["orderthreshold"],
  },
  {
    text: "NS14.1 Build 38.53",
    bulkBindings: true,
    has: ["orderthreshold"],
    lacks: [],
  },
] as const;

const CONF = `
add server ex01 192.0.2.11
add server ex02 192.0.2.12 -state DISABLED
add server ex03 ex03.example.com
add service svc_imap ex01 TCP 143
add serviceGroup sg_web SSL
add lb monitor mon_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES -interval 10
bind serviceGroup sg_web ex01 443
bind serviceGroup sg_web ex02 443
bind serviceGroup sg_web ex03 443
bind serviceGroup sg_web -monitorName mon_owa
add lb vserver v_imap TCP 192.0.2.1 143 -persistenceType SOURCEIP
add lb vserver v_web SSL
add cs vserver cs_web SSL 192.0.2.2 443
add cs policy pol_owa -rule "HTTP.REQ.URL.STARTSWITH(\\"/owa\\")"
bind lb vserver v_imap svc_imap
bind lb vserver v_web sg_web
bind cs vserver cs_web -policyName pol_owa -targetLBVserver v_web -priority 100
bind cs vserver cs_web -lbvserver v_web`;

async function appliance(
  firmware: (typeof FIRMWARE)[number],
): Promise<{ readonly server: NitroServer; readonly estate: Estate }> {
  const estate = parseNsConf(`#${firmware.text}\n${CONF}`, { adc: "prod" });
  const server = await startNitroServer(steadyBackend(estate), {
    ...CREDENTIALS,
    bulkBindings: firmware.bulkBindings,
  });
  onTestFinished(() => server.close());
  return { server, estate };
}

describe.each(FIRMWARE)("appliance of $text", (firmware) => {
  test("import and poll › read all of it, and repeat no query that it refuses", async () => {
    const { server, estate } = await appliance(firmware);
    const codes: string[] = [];
    const client = labClient(server.url, {
      onRequest: ({ code, resource }) =>
        codes.push(...(code === "0" ? [] : [`${resource} ${code}`])),
    });
    onTestFinished(() => client.close());
    const imported = await importEstate(client, { adc: "prod" });
    expect(imported).toMatchObject({ kind: "estate", gaps: [] });
    expect(imported.kind === "estate" && imported.estate.firmware?.text).toBe(firmware.text);
    expect(imported.kind === "estate" && comparableEstate(imported.estate)).toEqual(
      comparableEstate(estate),
    );
    const polled = await pollState(client, estate, null, () => 0);
    expect(polled).toMatchObject({ kind: "state", gaps: [], unknownTexts: [] });
    const states = polled.kind === "state" ? [...polled.state.members.values()] : [];
    expect(states.map(({ server: name, state }) => [name, state])).toEqual([
      ["ex01", "up"],
      ["ex01", "up"],
      ["ex02", "out"],
      ["ex03", "up"],
    ]);
    // Fields that it documents are asked for; bindings in bulk, which 10.5 refuses, are tried once for each.
    const isBulk = (code: string): boolean => code.endsWith("_binding 1090");
    expect(codes.filter((code) => !isBulk(code))).toEqual([]);
    expect(codes.some(isBulk)).toBe(!firmware.bulkBindings);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test("rows › hold what this firmware documents and nothing newer", async () => {
    const { server } = await appliance(firmware);
    const client = labClient(server.url);
    onTestFinished(() => client.close());
    const fields = new Set<string>();
    const documented = new Set<string>();
    const major = Number(/^NS(\d+)/.exec(firmware.text)?.[1]);
    for (const resource of ["lbvserver", "csvserver", "service", "servicegroup", "sslprofile"]) {
      const answer = await client.get({ kind: "config", resource });
      const rows = answer.kind === "rows" ? answer.rows : [];
      rows.flatMap((row) => Object.keys(row)).forEach((field) => fields.add(field));
      documentedFields("config", resource, major)?.forEach((field) => documented.add(field));
    }
    expect(firmware.lacks.filter((field) => fields.has(field) || documented.has(field))).toEqual(
      [],
    );
    expect(firmware.has.filter((field) => !documented.has(field))).toEqual([]);
  });
});
