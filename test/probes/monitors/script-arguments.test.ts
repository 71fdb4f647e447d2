import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planProbes } from "../../../src/agent/plan/plan.ts";
import { BARE_SETTINGS, type PlanSettings } from "../../../src/agent/plan/settings.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { readScriptArguments, monitorUser } from "../../../src/probes/monitors/spec.ts";
import { isSupported, monitorTypeOf } from "../../../src/probes/monitors/registry.ts";
import { monitorSpec } from "../../support/monitor-spec.ts";
import { monitorCredential } from "../../support/sealed.ts";

const LOGIN = monitorCredential({ username: "itest", password: "canary-7f3a" });

/** Why a monitor written so is not repeated, or null. */
function refusal(
  monitor: string,
  own: { readonly login?: boolean; readonly command?: readonly string[] } = {},
): string | null {
  const estate = parseNsConf(
    [
      "add server s1 198.51.100.5",
      "add service svc s1 TCP 636",
      `add lb monitor m ${monitor}`,
      "bind service svc -monitorName m",
    ].join("\n"),
    { adc: "prod" },
  );
  const settings: PlanSettings = {
    ...BARE_SETTINGS,
    monitors: new Map([
      ["m", { credential: own.login === true ? LOGIN : null, command: own.command ?? null }],
    ]),
  };
  const [probe] = planProbes(estate, settings);
  return probe?.action.unsupportedReason ?? null;
}

describe("-scriptName", () => {
  const bindDn = `-baseDN "dc=lab" -bindDN "svc@lab.local"`;
  test.each([
    ["LDAP -scriptName nsldaps.pl", `LDAP -scriptName nsldaps.pl ${bindDn}`],
    ["LDAP -secure NO with a TLS script", `LDAP -scriptName nsldaps.pl -secure NO ${bindDn}`],
    ["POP3 with an own script", "POP3 -scriptName my.pl -userName itest"],
    ["SMTP with an own script", "SMTP -scriptName nssmtp2.pl"],
    ["MYSQL with an own script", "MYSQL -scriptName x.pl -database mail"],
    ["USER with an own script", "USER -scriptName check.pl"],
    ["CITRIX-WI-EXTENDED", "CITRIX-WI-EXTENDED -sitePath /x"],
  ])("is repeated only by a command when the monitor is %s", (_, monitor) => {
    expect(refusal(monitor, { login: true })).toContain(
      "configure monitors.m with a command that replaces it",
    );
    expect(refusal(monitor, { command: ["/bin/true"] })).toBeNull();
  });

  test.each(["LDAP -scriptName NSLDAP.PL", "LDAP"])(
    "needs no command when the script is the firmware's own: %s",
    (monitor) => {
      expect(refusal(`${monitor} ${bindDn}`, { login: true })).toBeNull();
    },
  );

  test("needs no credential when a command replaces a firmware script", () => {
    expect(refusal(`LDAP ${bindDn}`, { command: ["/bin/true"] })).toBeNull();
  });
});

describe("-scriptArgs", () => {
  test.each([
    [
      "nsldap.pl",
      "base=dc=lab,dc=local;bdn=cn=probe,dc=lab;password=x;filter=cn=builtin;attribute=cn",
      {
        baseDn: "dc=lab,dc=local",
        bindDn: "cn=probe,dc=lab",
        filter: "cn=builtin",
        attribute: "cn",
      },
      "cn=probe,dc=lab",
    ],
    ["nsldap.pl", "base=DC=lab;dbn=CN=svc;", { baseDn: "DC=lab", bindDn: "CN=svc" }, "CN=svc"],
    ["NSLDAP.PL", "BASE=DC=lab;DBN=CN=svc", { baseDn: "DC=lab", bindDn: "CN=svc" }, "CN=svc"],
    ["nspop3.pl", "user=itest;password=x", { userName: "itest" }, "itest"],
    ["nspop3.pl", "itest;secret", { userName: "itest" }, "itest"],
    ["nssmtp.pl", "", {}, null],
    ["nsnntp.pl", "microsoft.public.exchange", { group: "microsoft.public.exchange" }, null],
    ["nsnntp.pl", "group=a.b", { group: "a.b" }, null],
    ["nsftp.pl", "file=/pub/x;user=u;password=p", { fileName: "/pub/x", userName: "u" }, "u"],
    [
      "nsmysql.pl",
      "database=mail;user=u;password=p;query=select%20%2a%20from%20t",
      { database: "mail", userName: "u", sqlQuery: "select * from t" },
      "u",
    ],
    ["nsradius.pl", "user=u;password=p;radkey=k;nasid=n", { userName: "u", radNasId: "n" }, "u"],
  ])("yields parameters and user of %s %s", (scriptName, scriptArgs, parameters, user) => {
    const { monitor } = monitorSpec("USER", { scriptName, scriptArgs });
    expect(readScriptArguments(monitor)).toEqual({ kind: "read", parameters });
    expect(monitorUser(monitor)).toBe(user);
  });

  test.each([
    ["nsldap.pl", "bdn=cn=probe;password=x", "holds no base="],
    ["nsldap.pl", "", "holds no base="],
    ["nsldap.pl", "base=dc=lab;scope=one", "is not supported"],
    ["nsldap.pl", "dc=lab,dc=local", "is not supported"],
    ["nsftp.pl", "user=u;password=p", "holds no file="],
    ["nsnntp.pl", "", "holds no group="],
    ["nspop3.pl", "a;b;c", "is not supported"],
    ["nsldap.pl", "base=dc=lab;__proto__=x", "is not supported"],
    ["nsldap.pl", "base=dc=lab;constructor=x", "is not supported"],
  ])(
    "refuses %s %s with a reason in the plan when no command is configured",
    (scriptName, scriptArgs, why) => {
      const args = scriptArgs === "" ? "" : `-scriptArgs "${scriptArgs}"`;
      expect(refusal(`USER -scriptName ${scriptName} ${args}`, { login: true })).toContain(why);
      expect(refusal(`USER -scriptName ${scriptName} ${args}`, { command: ["x"] })).toBeNull();
    },
  );

  test.each([
    ["nspop3.pl", "itest;x"],
    ["nsldap.pl", "base=a;bdn=b;password=x"],
    ["nsmysql.pl", "user=u;password=x"],
    ["nsradius.pl", "user=u;password=x"],
  ])("requires the password from the configuration for %s", (scriptName, written) => {
    expect(refusal(`USER -scriptName ${scriptName} -scriptArgs "${written}"`)).toContain(
      "configure monitors.m",
    );
  });

  test("keeps a named or positional password out of the estate", () => {
    for (const args of ["user=itest;password=canary-7f3a", "itest;canary-7f3a"]) {
      const estate = parseNsConf(
        `add lb monitor m USER -scriptName nspop3.pl -scriptArgs "${args}"`,
        { adc: "prod" },
      );
      const monitor = estate.monitors.get("m");
      expect(monitor?.parameters.password).toBe("clear");
      expect(JSON.stringify([monitor, [...(monitor?.written ?? [])]])).not.toContain("canary");
    }
  });

  test("is read or refused without an exception when the text is arbitrary", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("nsldap.pl", "nspop3.pl", "nsmysql.pl", "nsftp.pl", "other.pl"),
        fc.string({ maxLength: 600, unit: "binary" }),
        (scriptName, scriptArgs) => {
          const spec = monitorSpec("USER", { scriptName, scriptArgs });
          const type = monitorTypeOf(spec.monitor);
          expect(isSupported(type)).toBe(true);
          expect(() => isSupported(type) && type.unsupported(spec)).not.toThrow();
        },
      ),
    );
  });
});
