import fc from "fast-check";
import { expect, test } from "vitest";
import { ACL_FIELDS } from "../../src/adc/acls.ts";
import type { Fields } from "../../src/adc/fields.ts";
import {
  GSLB_BINDING_FIELDS,
  GSLB_DOMAIN_FIELDS,
  GSLB_PUBLIC_FIELDS,
  GSLB_SITE_FIELDS,
  GSLB_VSERVER_FIELDS,
} from "../../src/adc/gslb-fields.ts";
import { MONITOR_FIELDS, MONITOR_PARAMETER_FIELDS } from "../../src/adc/monitor-defaults.ts";
import { buildEstate } from "../../src/adc/nitro/import.ts";
import { createPacer } from "../../src/lib/pacing.ts";
import {
  NET_PROFILE_FIELDS,
  GROUP_FIELDS,
  MEMBER_FIELDS,
  MONITOR_BINDING_FIELDS,
  SERVER_FIELDS,
  SERVICE_FIELDS,
  AUTHENTICATION_FIELDS,
  CS_VSERVER_FIELDS,
  LB_VSERVER_FIELDS,
  PERSISTENCE_FIELDS,
} from "../../src/adc/vserver-fields.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { writeWord } from "../../src/adc/nsconf/statements.ts";
import {
  BACKEND_TLS_FIELDS,
  CLIENT_AUTH_FIELDS,
  SSL_PROFILE_FIELDS,
  SSL_PROFILE_REFERENCE_FIELDS,
  TLS_VERSION_FIELDS,
} from "../../src/adc/tls-fields.ts";
import { comparableEstate } from "./nitro/comparable-estate.ts";
import { rowsOf } from "./nitro/rows-of.ts";

/** A short slice by default; `FUZZ_RUNS=100000` is the long form. */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 300);

/** Values that fit one kind of field and not another, at its edges and beyond. */
const VALUES = [
  ..."0 1 2 3 5 30 32 100 101 127 128 254 255 443 1440 1441 4094 20939 20940 20941".split(" "),
  ..."65534 65535 65536 4294967294 4294967296 -1 1e-300 Infinity NaN 1.5 *".split(" "),
  ..."YES no ON Off ENABLED disabled maybe FIN reset NONE none V1 V2 V3 BackEnd FrontEnd".split(
    " ",
  ),
  ..."10.1.0.0-10.1.0.9 25-30 MANDATORY 192.0.2.9 2001:db8::9 0.0.0.0 :: mail.example.com 200 301-302 302-301 200,403".split(
    " ",
  ),
  ..."SOURCEIP COOKIEINSERT RULE LEASTCONNECTION prof1 m1 lb1".split(" "),
  "GET /owa/healthcheck.htm",
  "user=probe;base=dc=example",
  'Host: mail.example.com\r\nX-A: "b"\r\n',
];
const value = fc.constantFrom(...VALUES);
const unit = fc.constantFrom("", "", " SEC", " MSEC", " MIN", " HOURS");

/** Any options of a table, each with a value that may or may not fit. */
function options(...tables: readonly Fields[]): fc.Arbitrary<string> {
  const fields = tables.flatMap((table) => Object.values(table));
  const one = fc
    .tuple(fc.constantFrom(...fields), value, unit)
    .map(([field, text, after]) =>
      field.type.read([]) === true
        ? `-${field.option}`
        : `-${field.option} ${writeWord(text)}${field.unit === null ? "" : after}`,
    );
  return fc
    .uniqueArray(one, { maxLength: 8, selector: (written) => written.split(" ")[0] })
    .map((written) => written.map(withPassword).join(" "));
}

/** NITRO never tells whether a user has a password: whoever logs in is taken to have one. */
function withPassword(option: string): string {
  return option.startsWith("-userName ") ? `${option} -password secret` : option;
}

const monitorType = fc.constantFrom(
  ..."TCP HTTP TCP-ECV HTTP-ECV PING DNS POP3 LDAP USER RADIUS SIP-UDP SNMP HTTP-INLINE".split(" "),
);
const port = fc.constantFrom("25", "443", "*");
const isGlobal = (written: string): boolean => !/-stateupdate/i.test(written);

const configuration = fc
  .record({
    server: options(SERVER_FIELDS),
    service: options(SERVICE_FIELDS),
    group: options(SERVICE_FIELDS, GROUP_FIELDS),
    netProfile: options(NET_PROFILE_FIELDS),
    member: options(MEMBER_FIELDS),
    monitors: fc.array(fc.tuple(monitorType, options(MONITOR_FIELDS, MONITOR_PARAMETER_FIELDS)), {
      minLength: 1,
      maxLength: 3,
    }),
    binding: options(MONITOR_BINDING_FIELDS),
    profile: options(
      SSL_PROFILE_FIELDS,
      BACKEND_TLS_FIELDS,
      TLS_VERSION_FIELDS,
      CLIENT_AUTH_FIELDS,
    ),
    vserverSsl: options(TLS_VERSION_FIELDS, CLIENT_AUTH_FIELDS, SSL_PROFILE_REFERENCE_FIELDS),
    acl: options(ACL_FIELDS.acl),
    acl6: options(ACL_FIELDS.acl6),
    simpleAcl: options(ACL_FIELDS.simpleacl),
    simpleAcl6: options(ACL_FIELDS.simpleacl6),
    defaultProfile: fc.constantFrom(
      "",
      "set ssl parameter -defaultProfile ENABLED\nset ssl profile ns_default_ssl_profile_backend -tls1 DISABLED -tls13 ENABLED",
    ),
    ssl: options(BACKEND_TLS_FIELDS, TLS_VERSION_FIELDS, SSL_PROFILE_REFERENCE_FIELDS),
    lb: options(LB_VSERVER_FIELDS, PERSISTENCE_FIELDS, AUTHENTICATION_FIELDS),
    cs: options(CS_VSERVER_FIELDS, AUTHENTICATION_FIELDS),
    gslbSite: options(GSLB_SITE_FIELDS),
    gslbService: options(SERVICE_FIELDS, GSLB_PUBLIC_FIELDS),
    gslbMember: options(GSLB_PUBLIC_FIELDS, GSLB_BINDING_FIELDS),
    gslbBinding: options(GSLB_BINDING_FIELDS),
    gslbVserver: options(GSLB_VSERVER_FIELDS),
    gslbDomain: options(GSLB_DOMAIN_FIELDS),
    csParameter: fc.constantFrom("", "set cs parameter -stateupdate ENABLED"),
    port,
  })
  // The global parameter wins over a vserver's own DISABLED in NITRO, which shows no difference to the default.
  .filter(({ cs, csParameter }) => csParameter === "" || isGlobal(cs))
  .map((one) =>
    [
      "#NS13.1 Build 37.38",
      `add server ex01 192.0.2.1 ${one.server}`,
      `add service svc ex01 SSL 443 ${one.service}`,
      `add serviceGroup sg SSL ${one.group}`,
      `bind serviceGroup sg ex01 ${one.port} ${one.member}`,
      ...one.monitors.map(
        ([type, written], index) => `add lb monitor m${String(index + 1)} ${type} ${written}`,
      ),
      `bind serviceGroup sg -monitorName m1 ${one.binding}`,
      `add ssl profile prof1 ${one.profile}`,
      `set ssl serviceGroup sg ${one.ssl}`,
      "add service plain ex01 TCP 993",
      one.defaultProfile,
      `add ns acl a1 DENY ${one.acl}`,
      `add ns acl6 a1 DENY ${one.acl6}`,
      `add ns simpleacl a1 DENY ${one.simpleAcl}`,
      `add ns simpleacl6 a1 DENY ${one.simpleAcl6}`,
      'add appfw policy waf "CLIENT.IP.SRC.EQ(192.0.2.9)" APPFW_BLOCK',
      "add responder policy rp CLIENT.IP.SRC.EQ(192.0.2.9) DROP",
      "bind responder global rp 10 END -type REQ_DEFAULT",
      "bind appfw global waf 20 END -type REQ_DEFAULT",
      "add authentication vserver aaa SSL 192.0.2.70 443 -AuthenticationDomain example.com",
      'add tm sessionAction sso -SSO ON -ssoDomain "the lab" -defaultAuthorizationAction ALLOW -kcdAccount kcd',
      "add tm sessionPolicy sso ns_true sso",
      "add authentication ldapAction ad -serverIP 192.0.2.71",
      "add authentication ldapPolicy by_ldap ns_true ad",
      "add authentication negotiateAction kerberos -domain EXAMPLE -NTLMPath /x",
      "add authentication negotiatePolicy by_kerberos ns_true kerberos",
      "add authentication Policy by_form -rule true -action ad",
      "bind authentication vserver aaa -policy sso -priority 100",
      "bind authentication vserver aaa -policy by_ldap -priority 110",
      "bind authentication vserver aaa -policy by_kerberos -priority 120",
      "bind tm global -policyName sso",
      "add authorization policy all true ALLOW",
      "bind aaa group staff -policy all -priority 10",
      "bind aaa group staff -userName itest",
      `add netProfile net1 ${one.netProfile}`,
      "add ipset pool",
      "bind ipset pool 192.0.2.50 192.0.2.51 2001:db8::50",
      "add netProfile net2 -srcIP pool",
      `add lb vserver lb1 SSL 192.0.2.10 443 ${one.lb}`,
      `bind lb vserver lb1 sg`,
      `set ssl vserver lb1 ${one.vserverSsl}`,
      `add cs vserver cs1 SSL 192.0.2.11 443 ${one.cs}`,
      `bind cs vserver cs1 -lbvserver lb1`,
      `add gslb site dc1 ${one.gslbSite}`,
      "add gslb site dc2 REMOTE 192.0.2.60",
      `add gslb service svc 192.0.2.11 SSL 443 ${one.gslbService} -siteName dc1`,
      "add gslb service named -cnameEntry mail2.example.com -siteName dc2",
      "bind gslb service svc -viewName inside 10.0.0.11",
      `bind gslb service svc -monitorName m1 ${one.binding}`,
      "add gslb serviceGroup gg SSL -siteName dc2",
      `bind gslb serviceGroup gg 192.0.2.12 443 ${one.gslbMember}`,
      "bind gslb serviceGroup gg -monitorName m1",
      `add gslb vserver mail SSL ${one.gslbVserver}`,
      `bind gslb vserver mail -domainName mail.example.com ${one.gslbDomain}`,
      `bind gslb vserver mail -serviceName svc ${one.gslbBinding}`,
      "bind gslb vserver mail -serviceGroupName gg",
      one.csParameter,
    ].join("\n"),
  );

test("both readers › make the same estate of any configuration", async () => {
  await fc.assert(
    fc.asyncProperty(configuration, async (text) => {
      const written = parseNsConf(text, { adc: "a" });
      const told = await buildEstate("a", rowsOf(written), createPacer());
      expect(comparableEstate(told)).toEqual(comparableEstate(written));
    }),
    { numRuns: RUNS },
  );
}, 3_600_000);

test("NITRO reader › reports nothing when the estate it reads is in range", async () => {
  await fc.assert(
    fc.asyncProperty(configuration, async (text) => {
      const told = await buildEstate("a", rowsOf(parseNsConf(text, { adc: "a" })), createPacer());
      expect(told.diagnostics).toEqual([]);
    }),
    { numRuns: RUNS },
  );
}, 3_600_000);
