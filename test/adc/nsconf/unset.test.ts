import { describe, expect, test } from "vitest";
import type { Field, Fields } from "../../../src/adc/fields.ts";
import { MONITOR_FIELDS, MONITOR_PARAMETER_FIELDS } from "../../../src/adc/monitor-defaults.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import {
  CS_PARAMETER_FIELDS,
  LB_PARAMETER_FIELDS,
  NET_PROFILE_FIELDS,
  SESSION_PARAMETER_FIELDS,
  SSL_PARAMETER_FIELDS,
  GROUP_FIELDS,
  SERVICE_FIELDS,
  AUTHENTICATION_FIELDS,
  CS_VSERVER_FIELDS,
  LB_VSERVER_FIELDS,
  PERSISTENCE_FIELDS,
} from "../../../src/adc/vserver-fields.ts";
import { BACKEND_TLS_FIELDS, TLS_VERSION_FIELDS } from "../../../src/adc/tls-fields.ts";
import type { Estate } from "../../../src/model/estate.ts";

/** An object of the command line: how it is added, by which words it is set, its options, and where the estate keeps it. */
type Row = [object: string, add: string, name: string, fields: Fields, of: (e: Estate) => unknown];

const OBJECTS: readonly Row[] = [
  ["service", "s 10.0.0.1 HTTP 80", "s", SERVICE_FIELDS, (e) => e.services.get("s")],
  [
    "serviceGroup",
    "s HTTP",
    "s",
    { ...SERVICE_FIELDS, noDefaultMonitor: GROUP_FIELDS.noDefaultMonitor },
    (e) => e.services.get("s"),
  ],
  [
    "serviceGroup",
    "s HTTP -autoScale DNS\nbind serviceGroup s web.example.com",
    "s",
    { memberPort: GROUP_FIELDS.memberPort },
    (e) => e.services.get("s"),
  ],
  ["server", "s 10.0.0.1", "s", { comment: SERVICE_FIELDS.comment }, (e) => e.servers.get("s")],
  ...["TCP", "HTTP", "HTTP-ECV", "RADIUS", "SIP-UDP", "DNS", "POP3", "USER"].map((type): Row => [
    "lb monitor",
    `m ${type}`,
    `m ${type}`,
    { ...MONITOR_FIELDS, ...MONITOR_PARAMETER_FIELDS },
    (e) => e.monitors.get("m"),
  ]),
  [
    "lb vserver",
    "v SSL 10.0.0.2 443",
    "v",
    { ...LB_VSERVER_FIELDS, ...PERSISTENCE_FIELDS, ...AUTHENTICATION_FIELDS },
    (e) => e.lbVservers.get("v"),
  ],
  [
    "cs vserver",
    "v SSL 10.0.0.2 443",
    "v",
    { ...CS_VSERVER_FIELDS, ...AUTHENTICATION_FIELDS },
    (e) => e.csVservers.get("v"),
  ],
  [
    "ssl profile",
    "p -sslProfileType BackEnd",
    "p",
    { ...TLS_VERSION_FIELDS, ...BACKEND_TLS_FIELDS },
    (e) => e.sslProfiles.get("p"),
  ],
  ["netProfile", "n", "n", NET_PROFILE_FIELDS, (e) => e.netProfiles.get("n")],
];

/** Of the whole ADC: nothing to add, and nothing to name. */
const PARAMETERS: readonly Row[] = [
  ["lb parameter", "", "", LB_PARAMETER_FIELDS, ({ parameters }) => parameters],
  ["cs parameter", "", "", CS_PARAMETER_FIELDS, ({ parameters }) => parameters],
  ["ssl parameter", "", "", SSL_PARAMETER_FIELDS, ({ parameters }) => parameters],
  ["tm sessionParameter", "", "", SESSION_PARAMETER_FIELDS, ({ parameters }) => parameters],
];

/** Given once with the object, and part of which one it is. */
const NEVER_UNSET: ReadonlySet<string> = new Set(["td", "range"]);

const SAMPLES =
  "YES NO ENABLED DISABLED ON OFF 10.0.0.9 7 DNS RESET FIN A AAAA V1 V2 DENY ROUNDROBIN word".split(
    " ",
  );

/** A word that the option takes and that is not its default. */
function sampleOf({ option, type, default: fallback }: Field<unknown>): string {
  const found = SAMPLES.find((word) => {
    const value = type.read([word]);
    return value !== undefined && JSON.stringify(value) !== JSON.stringify(fallback);
  });
  if (found === undefined) {
    throw new Error(`no sample for -${option}`);
  }
  return found;
}

function read(lines: readonly string[]): Estate {
  return parseNsConf(lines.filter((line) => line !== "").join("\n"), { adc: "a" });
}

describe("unset", () => {
  test.each([...OBJECTS, ...PARAMETERS])(
    "brings the default of every option of %s %s back",
    (object, added, name, fields, of) => {
      const add = added === "" ? "" : `add ${object} ${added}`;
      const options = Object.values(fields).filter(({ key }) => !NEVER_UNSET.has(key));
      const untouched = of(read([add, `unset ${object} ${name}`]));
      for (const one of options) {
        const set = `set ${object} ${name} -${one.option} ${sampleOf(one)}`;
        const changed = read([add, set]);
        expect(of(changed), set).not.toEqual(untouched);
        const back = read([add, set, `unset ${object} ${name} -${one.option}`]);
        // What a global parameter was set to stands in the estate; never having been set does not.
        const expected = object === "tm sessionParameter" ? of(back) : untouched;
        expect(of(back), `unset ${object} ${name} -${one.option}`).toEqual(expected);
        expect(back.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
      }
      expect(options.length).toBeGreaterThan(0);
    },
  );

  test("brings the default of a session parameter back and leaves the others", () => {
    const { parameters } = read([
      "set tm sessionParameter -SSO ON -defaultAuthorizationAction DENY",
      "unset tm sessionParameter -defaultAuthorizationAction",
    ]);
    expect(parameters).toMatchObject({ sessionSso: true, sessionDeniesByDefault: false });
  });

  test("leaves a policy without its action", () => {
    const { policies } = read([
      "add cs action a -targetLBVserver v",
      "add cs policy p -rule true -action a",
      "unset cs policy p -action",
    ]);
    expect(policies.get("p")).toMatchObject({ rule: "true", action: null });
  });

  test("makes a built-in monitor the firmware's again", () => {
    const { monitors } = read([
      "set lb monitor http HTTP -interval 30 -httpRequest x -respCode 404",
      "unset lb monitor http HTTP -interval -httpRequest -respCode",
      "add service s 10.0.0.1 HTTP 80",
      "bind service s -monitorName http",
    ]);
    expect(monitors.get("http")).toMatchObject({
      builtIn: true,
      intervalMs: 5_000,
      parameters: { httpRequest: "HEAD /", respCodes: [{ from: 200, to: 200 }] },
    });
  });
});
