import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MonitorParameters } from "../../../src/model/monitor.ts";
import { runMonitor } from "../../../src/probes/monitors/registry.ts";
import type { MonitorSpec } from "../../../src/probes/monitors/spec.ts";
import { LOGIN_TLS, monitorSpec } from "../../support/monitor-spec.ts";
import { probeContext } from "../../support/probe-context.ts";
import { missing, type RealServer } from "../../support/real-servers.ts";
import { startBind } from "../../support/servers/bind.ts";
import { startChrony } from "../../support/servers/chrony.ts";
import { RADIUS_USER, startFreeradius } from "../../support/servers/freeradius.ts";
import { LDAP_ADMIN, LDAP_BASE, startSlapd } from "../../support/servers/slapd.ts";
import { SNMP_COMMUNITY, startSnmpd } from "../../support/servers/snmpd.ts";
import { startVsftpd } from "../../support/servers/vsftpd.ts";
import { monitorCredential, sealed } from "../../support/sealed.ts";

interface Program {
  readonly program: string;
  readonly debianPackage: string;
  readonly start: () => Promise<RealServer>;
}
type Run = (port: string, spec: MonitorSpec, timeoutMs?: number) => ReturnType<typeof runMonitor>;

function withServer(
  name: string,
  { program, debianPackage, start }: Program,
  body: (run: Run) => void,
): void {
  const why = missing(program, debianPackage);
  describe.skipIf(why !== null)(`monitors against ${name} ${why ?? ""}`, () => {
    let server: RealServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.stop());
    body((port, spec, timeoutMs = 5000) => {
      const target = { host: "127.0.0.1", port: server.ports[port] ?? 0, server: null };
      return runMonitor(spec, target, probeContext(timeoutMs));
    });
  });
}

withServer("BIND", { program: "named", debianPackage: "bind9", start: startBind }, (run) => {
  type Row = readonly [parameters: Partial<MonitorParameters>, passed: boolean, reason: string];
  const rows: readonly Row[] = [
    [{ query: "mail.lab.example.com", queryType: "Address" }, true, "ok"],
    [{ query: "mail.lab.example.com", ipAddresses: ["192.0.2.11", "192.0.2.99"] }, true, "ok"],
    [{ query: "web.lab.example.com", ipAddresses: ["192.0.2.10"] }, true, "ok"],
    [{ query: "mail.lab.example.com", ipAddresses: ["192.0.2.99"] }, false, "pattern_missing"],
    [
      { query: "mail.lab.example.com", queryType: "AAAA", ipAddresses: ["2001:DB8:0::25"] },
      true,
      "ok",
    ],
    [{ query: "lab.example.com", queryType: "Zone" }, true, "ok"],
    [{ query: "nobody.lab.example.com" }, false, "bad_status"],
    [{ query: "elsewhere.example.net" }, false, "bad_status"],
  ];
  for (const type of ["DNS", "DNS-TCP"]) {
    test.each(rows)(
      `${type} gives the expected result for %j`,
      async (parameters, passed, reason) => {
        expect(await run("dns", monitorSpec(type, parameters))).toMatchObject({
          passed,
          observation: { reason },
        });
      },
    );
  }
  test("DNS passes a response with an error when reverse is set", async () => {
    const spec = monitorSpec(
      "DNS",
      { query: "nobody.lab.example.com" },
      { monitorChange: { reverse: true } },
    );
    expect(await run("dns", spec)).toMatchObject({ passed: true });
  });
});

withServer("OpenLDAP", { program: "slapd", debianPackage: "slapd", start: startSlapd }, (run) => {
  const credential = monitorCredential(LDAP_ADMIN);
  const bound = { bindDn: LDAP_ADMIN.username, baseDn: LDAP_BASE };
  test.each([
    [LDAP_BASE, "uid=itest", true, "ok"],
    [LDAP_BASE, "uid=nobody", false, "pattern_missing"],
    [`ou=gone,${LDAP_BASE}`, "uid=itest", false, "bad_status"],
  ])(
    "USER with nsldap.pl gives the expected result for base=%s;filter=%s",
    async (base, filter, passed, reason) => {
      const scriptArgs = `base=${base};dbn=${LDAP_ADMIN.username};password=<secret>;filter=${filter};attribute=cn`;
      const spec = monitorSpec("USER", { scriptName: "nsldap.pl", scriptArgs }, { credential });
      expect(await run("ldap", spec)).toMatchObject({ passed, observation: { reason } });
    },
  );

  test.each(["ldap", "ldaps"])(
    "LDAP binds, searches and hides the password over %s",
    async (port) => {
      const tls = port === "ldaps" ? LOGIN_TLS : null;
      const result = await run(
        port,
        monitorSpec(
          "LDAP",
          { ...bound, filter: "(uid=itest)", attribute: "mail" },
          { credential, tls },
        ),
      );
      expect(result).toMatchObject({ passed: true, observation: { outcome: "match" } });
      expect(result.observation.evidence.detail).toBe(`uid=itest,${LDAP_BASE}`);
      expect(result.observation.tls?.protocol ?? null).toBe(tls === null ? null : "TLSv1.3");
      expect(JSON.stringify(result)).not.toContain(LDAP_ADMIN.password);
    },
  );
  test("LDAP finds the root entry when it binds anonymously", async () => {
    expect(await run("ldap", monitorSpec("LDAP", {}))).toMatchObject({ passed: true });
  });
  test("LDAP fails when the filter matches nothing or the base does not exist", async () => {
    const nobody = monitorSpec("LDAP", { ...bound, filter: "(uid=nobody)" }, { credential });
    expect(await run("ldap", nobody)).toMatchObject({
      passed: false,
      observation: { reason: "pattern_missing" },
    });
    const nowhere = monitorSpec("LDAP", { ...bound, baseDn: "dc=nowhere" }, { credential });
    expect(await run("ldap", nowhere)).toMatchObject({
      passed: false,
      observation: { reason: "bad_status" },
    });
  });
  test("LDAP is unknown, not down, when the bind is rejected", async () => {
    const wrong = monitorSpec("LDAP", bound, {
      credential: { ...credential, password: sealed("wrong") },
    });
    expect(await run("ldap", wrong)).toMatchObject({
      passed: null,
      observation: { outcome: "fault", reason: "auth_rejected", step: "login" },
    });
  });
});

withServer("vsftpd", { program: "vsftpd", debianPackage: "vsftpd", start: startVsftpd }, (run) => {
  const credential = monitorCredential({ username: "anonymous", password: "itest@example.com" });
  test("FTP passes when login and data connection work", async () => {
    expect(await run("ftp", monitorSpec("FTP", {}))).toMatchObject({
      passed: true,
      observation: { outcome: "match", step: "transaction" },
    });
  });
  test("FTP-EXTENDED passes when the file exists and fails when it does not", async () => {
    const there = monitorSpec("FTP-EXTENDED", { fileName: "health.txt" }, { credential });
    expect(await run("ftp", there)).toMatchObject({ passed: true });
    const gone = monitorSpec("FTP-EXTENDED", { fileName: "nothing.txt" }, { credential });
    expect(await run("ftp", gone)).toMatchObject({
      passed: false,
      observation: { reason: "bad_status" },
    });
  });
  test("FTP is unknown when the login is rejected", async () => {
    const stranger = monitorCredential({ username: "stranger", password: "x" });
    const spec = monitorSpec("FTP", { userName: "stranger" }, { credential: stranger });
    expect(await run("ftp", spec)).toMatchObject({
      passed: null,
      observation: { reason: "auth_rejected" },
    });
  });
});

withServer(
  "FreeRADIUS",
  { program: "freeradius", debianPackage: "freeradius", start: startFreeradius },
  (run) => {
    test("RADIUS passes and hides password and secret when the login is accepted", async () => {
      const result = await run(
        "radius",
        monitorSpec("RADIUS", {}, { credential: monitorCredential(RADIUS_USER) }),
      );
      expect(result).toMatchObject({ passed: true, observation: { outcome: "match" } });
      expect(JSON.stringify(result)).not.toContain(RADIUS_USER.password);
      expect(JSON.stringify(result)).not.toContain(RADIUS_USER.secret);
    });
    test("RADIUS is unknown when rejected, and passes when respCodes expect a rejection", async () => {
      const password = "a password of more than sixteen bytes";
      const credential = monitorCredential({ ...RADIUS_USER, password });
      expect(await run("radius", monitorSpec("RADIUS", {}, { credential }))).toMatchObject({
        passed: null,
        observation: { outcome: "fault", reason: "auth_rejected" },
      });
      const wanted = monitorSpec("RADIUS", { respCodes: [{ from: 2, to: 3 }] }, { credential });
      expect(await run("radius", wanted)).toMatchObject({ passed: true });
    });
    test("RADIUS times out when the shared secret differs", async () => {
      const credential = monitorCredential({ ...RADIUS_USER, secret: "another" });
      expect(await run("radius", monitorSpec("RADIUS", {}, { credential }), 1_000)).toMatchObject({
        observation: { outcome: "timeout" },
      });
    });
  },
);

withServer("snmpd", { program: "snmpd", debianPackage: "snmpd", start: startSnmpd }, (run) => {
  const credential = monitorCredential({ username: "", password: "", secret: SNMP_COMMUNITY });
  const uptime = "1.3.6.1.2.1.1.3.0";
  const name = ".1.3.6.1.2.1.1.5.0";
  test.each([
    ["V1", { snmpOid: name }, true, "ok"],
    ["V2", { snmpOid: name, snmpThreshold: "ex01.example.com" }, true, "ok"],
    ["V2", { snmpOid: name, snmpThreshold: "ex02.example.com" }, false, "pattern_missing"],
    ["V2", { snmpOid: uptime, snmpThreshold: "4294967295" }, true, "ok"],
    ["V2", { snmpOid: uptime, snmpThreshold: "-1" }, false, "pattern_missing"],
    ["V1", { snmpOid: "1.3.6.1.4.1.99999.1" }, false, "bad_status"],
    ["V2", { snmpOid: "1.3.6.1.4.1.99999.1" }, false, "bad_status"],
  ] as const)(
    "SNMP %s gives the expected result for %j",
    async (snmpVersion, parameters, passed, reason) => {
      const spec = monitorSpec("SNMP", { ...parameters, snmpVersion }, { credential });
      expect(await run("snmp", spec)).toMatchObject({ passed, observation: { reason } });
    },
  );
});

withServer("chrony", { program: "chronyd", debianPackage: "chrony", start: startChrony }, (run) => {
  test("UDP-ECV passes when mode and stratum of an NTP response match and fails when they do not", async () => {
    const send = `\\x23${"\\x00".repeat(47)}`;
    const spec = monitorSpec("UDP-ECV", { send, recv: "\\x24\\x08" });
    expect(await run("ntp", spec)).toMatchObject({
      passed: true,
      observation: { outcome: "match" },
    });
    const other = monitorSpec("UDP-ECV", { send, recv: "\\x24\\x01" });
    expect(await run("ntp", other, 3_000)).toMatchObject({
      passed: false,
      observation: { reason: "pattern_missing" },
    });
  });
});
