import { Resolver } from "node:dns/promises";
import { Client } from "ldapts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { labCa } from "../../../lab/certificates/lab-certificate.ts";
import { startDirectoryServer, type DirectoryServer } from "../../../lab/exchange/directory.ts";
import type { Organisation } from "../../../lab/exchange/exchange-server.ts";
import { ACCOUNT, hasProgram, newOrganisation, run } from "./support.ts";

let organisation: Organisation;
let server: DirectoryServer;

beforeEach(async () => {
  organisation = newOrganisation();
  server = await startDirectoryServer({
    name: "dc01",
    fqdn: "dc01.lab.example.com",
    organisation,
    certificate: "adc",
    zone: [
      { name: "mail.example.com", type: "A", data: "192.0.2.10" },
      { name: "mail.example.com", type: "AAAA", data: "2001:db8::a" },
      { name: "example.com", type: "MX", data: "10 mail.example.com" },
      { name: "www.example.com", type: "CNAME", data: "mail.example.com" },
      { name: "_autodiscover._tcp.example.com", type: "SRV", data: "0 0 443 mail.example.com" },
      { name: "10.2.0.192.in-addr.arpa", type: "PTR", data: "mail.example.com" },
      { name: "example.com", type: "TXT", data: "v=spf1 -all" },
    ],
  });
});

afterEach(() => server.close());

function portOf(wellKnown: number): number {
  return server.endpoint(wellKnown)?.port ?? 0;
}

describe("lab LDAP server", () => {
  const BASE = "DC=lab,DC=example,DC=com";

  function client(secure: boolean): Client {
    return new Client({
      url: secure ? `ldaps://127.0.0.1:${portOf(636)}` : `ldap://127.0.0.1:${portOf(389)}`,
      timeout: 20_000,
      connectTimeout: 20_000,
      tlsOptions: secure ? { ca: labCa() } : undefined,
    } as ConstructorParameters<typeof Client>[0]);
  }

  it.each([
    ["in clear text", false],
    ["over TLS", true],
  ])("binds and searches %s", async (_name, secure) => {
    const ldap = client(secure);
    await ldap.bind(`CN=probe-a,CN=Users,${BASE}`, ACCOUNT.password);
    const { searchEntries } = await ldap.search(BASE, {
      scope: "sub",
      filter: "(&(objectClass=user)(mail=probe-a@*))",
      attributes: ["mail", "sAMAccountName"],
    });
    expect(searchEntries).toEqual([
      {
        dn: `CN=probe-a,CN=Users,${BASE}`,
        mail: "probe-a@lab.example.com",
        sAMAccountName: "probe-a",
      },
    ]);
    await ldap.unbind();
  });

  it("speaks StartTLS", async () => {
    const ldap = client(false);
    await ldap.startTLS({ ca: labCa(), host: "localhost", servername: "localhost" });
    await ldap.bind(ACCOUNT.address, ACCOUNT.password);
    await ldap.unbind();
  });

  it("refuses a wrong password as Active Directory does and records it", async () => {
    await expect(client(false).bind("LAB\\probe-a", "wrong")).rejects.toMatchObject({
      code: 49,
      message: expect.stringContaining("AcceptSecurityContext error, data 52e") as string,
    });
    expect(organisation.signIns()).toMatchObject([{ protocol: "ldap", accepted: false }]);
  });

  it("shows its root entry and no more without a bind", async () => {
    const ldap = client(false);
    const { searchEntries } = await ldap.search("", { scope: "base", attributes: ["dnsHostName"] });
    expect(searchEntries).toEqual([{ dn: "", dnsHostName: "dc01.lab.example.com" }]);
    await expect(ldap.search(BASE, { scope: "sub" })).rejects.toMatchObject({ code: 1 });
    await ldap.unbind();
  });

  it("can be set unavailable and stopped", async () => {
    await server.setLdap({ kind: "dead_backend" });
    await expect(client(false).bind(ACCOUNT.address, ACCOUNT.password)).rejects.toMatchObject({
      code: 52,
    });
    await server.setLdap({ kind: "stopped" });
    await expect(client(false).bind("", "")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it.skipIf(!hasProgram("ldapsearch", "ldap-utils"))("answers ldapsearch", async () => {
    const { status, output } = await run("ldapsearch", [
      "-x",
      "-LLL",
      "-H",
      `ldap://127.0.0.1:${portOf(389)}`,
      "-D",
      ACCOUNT.address,
      "-w",
      ACCOUNT.password,
      "-b",
      BASE,
      "(|(sAMAccountName=probe-a)(!(objectClass=*)))",
      "mail",
    ]);
    expect({ status, output }).toEqual({
      status: 0,
      output: `dn: CN=probe-a,CN=Users,${BASE}\nmail: probe-a@lab.example.com\n\n`,
    });
  });

  it.skipIf(!hasProgram("/usr/lib/nagios/plugins/check_ldap", "monitoring-plugins"))(
    "answers check_ldap",
    async () => {
      const args = ["-H", "127.0.0.1", "-p", String(portOf(389)), "-b", BASE, "-3"];
      const login = ["-D", ACCOUNT.address, "-P"];
      const check = (password: string) =>
        run("/usr/lib/nagios/plugins/check_ldap", [...args, ...login, password]);
      expect((await check(ACCOUNT.password)).status).toBe(0);
      expect((await check("wrong")).status).toBe(2);
    },
  );
});

describe("lab DNS server", () => {
  /** Short patience only where silence is what is expected: elsewhere a busy machine may be slow. */
  function resolver(timeout = 5_000): Resolver {
    const dns = new Resolver({ timeout, tries: 1 });
    dns.setServers([`127.0.0.1:${portOf(53)}`]);
    return dns;
  }

  it("answers what the zone holds", async () => {
    const dns = resolver();
    expect(await dns.resolve4("Mail.example.com")).toEqual(["192.0.2.10"]);
    expect(await dns.resolve6("mail.example.com")).toEqual(["2001:db8::a"]);
    expect(await dns.resolve4("www.example.com")).toEqual(["192.0.2.10"]);
    expect(await dns.resolveMx("example.com")).toEqual([
      { exchange: "mail.example.com", priority: 10 },
    ]);
    expect(await dns.resolveTxt("example.com")).toEqual([["v=spf1 -all"]]);
    expect(await dns.reverse("192.0.2.10")).toEqual(["mail.example.com"]);
    expect(await dns.resolveSrv("_autodiscover._tcp.example.com")).toEqual([
      { name: "mail.example.com", port: 443, priority: 0, weight: 0 },
    ]);
    await expect(dns.resolve4("nowhere.example.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(dns.resolve4("example.com")).rejects.toMatchObject({ code: "ENODATA" });
  });

  it.each([
    ["nxdomain", "ENOTFOUND"],
    ["servfail", "ESERVFAIL"],
    ["refused", "EREFUSED"],
    ["silent", "ETIMEOUT"],
    ["wrong_id", "ETIMEOUT"],
    ["stopped", "ECONNREFUSED"],
  ] as const)("in state %s gives a client %s", async (kind, code) => {
    await server.setDns({ kind });
    const patience = code === "ETIMEOUT" ? 300 : 5_000;
    await expect(resolver(patience).resolve4("mail.example.com")).rejects.toMatchObject({ code });
    await server.setDns({ kind: "healthy" });
    expect(await resolver().resolve4("mail.example.com")).toEqual(["192.0.2.10"]);
  });

  it("answers every second query when flapping", async () => {
    await server.setDns({ kind: "flapping" });
    const dns = resolver();
    await dns.resolve4("mail.example.com");
    await expect(dns.resolve4("mail.example.com")).rejects.toMatchObject({ code: "ESERVFAIL" });
    await dns.resolve4("mail.example.com");
    expect(server.queries()).toBe(3);
  });

  it.skipIf(!hasProgram("dig", "bind9-dnsutils"))(
    "answers dig, also over TCP after truncation",
    async () => {
      const dig = (...args: string[]) =>
        run("dig", ["+short", "+tries=1", "@127.0.0.1", "-p", String(portOf(53)), ...args]);
      expect((await dig("example.com", "MX")).output).toBe("10 mail.example.com.\n");
      expect((await dig("+tcp", "mail.example.com")).output).toBe("192.0.2.10\n");
      await server.setDns({ kind: "truncate" });
      expect((await dig("mail.example.com")).output).toContain("192.0.2.10\n");
      expect((await dig("+ignore", "mail.example.com")).output).toBe("");
    },
  );
});

describe.skipIf(!hasProgram("/usr/lib/nagios/plugins/check_ntp_time", "monitoring-plugins"))(
  "lab NTP server against check_ntp_time",
  () => {
    const check = () =>
      run("/usr/lib/nagios/plugins/check_ntp_time", [
        "-H",
        "127.0.0.1",
        "-p",
        String(portOf(123)),
        "-w",
        "1",
        "-c",
        "60",
        "-t",
        "3",
      ]);

    it("is OK when healthy", async () => {
      const { status, output } = await check();
      expect(status).toBe(0);
      expect(output).toMatch(/NTP OK: Offset -?(0\.0\d+|[\d.]+e-\d+) secs/);
    });

    it("is critical when its clock is an hour ahead", async () => {
      await server.setNtp({ kind: "offset", offsetMs: 3_600_000 });
      const { status, output } = await check();
      expect(status).toBe(2);
      expect(output).toMatch(/Offset (3600|3599\.9)/);
    });

    it.each(["unsynchronised", "stopped", "silent"] as const)("is not OK when %s", async (kind) => {
      await server.setNtp({ kind });
      expect((await check()).status).not.toBe(0);
    });
  },
);
