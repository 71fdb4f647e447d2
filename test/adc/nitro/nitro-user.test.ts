import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startNitroServer } from "../../../lab/nitro/server.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { memberKey } from "../../../src/model/adc-state.ts";
import { pollState } from "../../../src/adc/nitro/poll.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

const ROOT = join(import.meta.dirname, "../../..");
const DOCUMENT = readFileSync(join(ROOT, "docs/nitro-user.md"), "utf8");

/** The command policy as written for the command line: its backslashes are doubled there. */
const POLICY = new RegExp(
  (/^add system cmdPolicy \S+ ALLOW "(.*)"$/m.exec(DOCUMENT)?.[1] ?? "").replaceAll("\\\\", "\\"),
  "i",
);
/** The built-in policy of 13.x (NetScaler docs: "Built-in command policies"). */
const READ_ONLY =
  /(^man.*)|(^show\s+(?!system)(?!configstatus)(?!ns ns\.conf)(?!ns savedconfig)(?!ns runningConfig)(?!gslb runningConfig)(?!audit messages)(?!techsupport).*)|(^stat.*)/i;

/** NITRO's resource as the command line calls it; a binding is shown with its parent. */
const COMMANDS: Readonly<Record<string, string>> = {
  nsversion: "ns version",
  nsconfig: "ns config",
  nsip: "ns ip",
  nsacl: "ns acl",
  nsacl6: "ns acl6",
  nssimpleacl: "ns simpleacl",
  nssimpleacl6: "ns simpleacl6",
  hanode: "HA node",
  server: "server",
  service: "service",
  servicegroup: "serviceGroup",
  netprofile: "netProfile",
  ipset: "ipset",
  lbparameter: "lb parameter",
  lbmonitor: "lb monitor",
  lbvserver: "lb vserver",
  lbpersistentsessions: "lb persistentSessions",
  csparameter: "cs parameter",
  csvserver: "cs vserver",
  cspolicy: "cs policy",
  csaction: "cs action",
  sslparameter: "ssl parameter",
  tmsessionparameter: "tm sessionParameter",
  sslprofile: "ssl profile",
  sslcertkey: "ssl certKey",
  sslvserver: "ssl vserver",
  sslservice: "ssl service",
  sslservicegroup: "ssl serviceGroup",
  authenticationvserver: "authentication vserver",
  authenticationauthnprofile: "authentication authnProfile",
  authorizationpolicy: "authorization policy",
  rewritepolicy: "rewrite policy",
  rewriteaction: "rewrite action",
  responderpolicy: "responder policy",
  responderaction: "responder action",
  responderglobal: "responder global",
  tmtrafficpolicy: "tm trafficPolicy",
  tmtrafficaction: "tm trafficAction",
  cachepolicy: "cache policy",
  feopolicy: "feo policy",
  cmppolicy: "cmp policy",
  appfwpolicy: "appfw policy",
  appfwglobal: "appfw global",
  tmglobal: "tm global",
  aaagroup: "aaa group",
  aaauser: "aaa user",
  tmsessionpolicy: "tm sessionPolicy",
  tmsessionaction: "tm sessionAction",
  tmformssoaction: "tm formSSOAction",
  authenticationpolicy: "authentication policy",
  authenticationldappolicy: "authentication ldapPolicy",
  authenticationldapaction: "authentication ldapAction",
  authenticationnegotiatepolicy: "authentication negotiatePolicy",
  authenticationnegotiateaction: "authentication negotiateAction",
  gslbsite: "gslb site",
  gslbvserver: "gslb vserver",
  gslbservice: "gslb service",
  gslbservicegroup: "gslb serviceGroup",
};

/** A member that leaves a vserver with source-bound persistence: only there are entries asked for. */
const LEAVING = `
add server ex_leaving 192.0.2.99
add service svc_leaving ex_leaving SSL_BRIDGE 443
add lb vserver v_leaving SSL_BRIDGE 192.0.2.98 443 -persistenceType SOURCEIP
bind lb vserver v_leaving svc_leaving
`;

/** Everything of GSLB that is asked for. */
const GSLB = `
add gslb site dc1 LOCAL 192.0.2.50
add gslb service gs1 192.0.2.98 SSL 443 -siteName dc1
add gslb serviceGroup gg SSL -siteName dc1
bind gslb serviceGroup gg 192.0.2.97 443
add gslb vserver g SSL
bind gslb vserver g -serviceName gs1
`;

/** Everything that an import and a poll with statistics ask for, as commands. */
async function commandsAsked(): Promise<string[]> {
  const text = readFileSync(join(ROOT, "test/fixtures/ns.conf/exchange-2016.conf"), "utf8");
  const estate = parseNsConf(`${text}${LEAVING}${GSLB}`, { adc: "prod" });
  const backend = steadyBackend(estate);
  backend.set.members.set(memberKey("svc_leaving", "ex_leaving", 443), { state: "OUT OF SERVICE" });
  const server = await startNitroServer(backend, CREDENTIALS);
  onTestFinished(() => server.close());
  const client = labClient(server.url);
  await importEstate(client, { adc: "prod" });
  await pollState(client, estate, null, () => 0, {
    wantsConnections: () => true,
    ownAddresses: [],
  });
  await client.close();
  const gets = server.requests.filter(({ method }) => method === "GET");
  return gets.map(({ path }) => {
    const [, kind, resource = "", name] =
      /^\/nitro\/v1\/(config|stat)\/([a-z]+)(?:_[a-z_]+)?(?:\/([^?]+))?/.exec(path) ?? [];
    const command = COMMANDS[resource] ?? `(unknown resource ${resource})`;
    return `${kind === "stat" ? "stat" : "show"} ${command}${name === undefined ? "" : ` ${name}`}`;
  });
}

describe("documented command policy", () => {
  test("allows every command that is asked for, as read-only does", async () => {
    const commands = [...new Set(await commandsAsked())];
    expect(commands.length).toBeGreaterThan(30);
    expect(commands.filter((command) => !POLICY.test(command))).toEqual([]);
    expect(commands.filter((command) => !READ_ONLY.test(command))).toEqual([]);
  });

  test.each([
    "show ns runningConfig",
    "show ns ns.conf",
    "show ns savedconfig",
    "show system user",
    "show system cmdPolicy",
    "show techsupport",
    "show audit messages",
    "show ssl certKeyX",
    "show vpn vserver",
    "add lb vserver v HTTP",
    "set lb vserver v",
    "rm server ex01",
    "disable server ex01",
    "enable service svc",
    "unbind serviceGroup sg ex01 443",
    "stat system",
    "shell",
    "save ns config",
    "reboot",
    "clear ns config full",
  ])("refuses %s", (command) => {
    expect(POLICY.test(command)).toBe(false);
  });
});
