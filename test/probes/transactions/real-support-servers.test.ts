import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Observation } from "../../../src/model/observation.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { Account, TransactionName, TransactionSpec } from "../../../src/model/transactions.ts";
import { probeContext } from "../../support/probe-context.ts";
import { missing, type RealServer } from "../../support/real-servers.ts";
import { startBind } from "../../support/servers/bind.ts";
import { startChrony } from "../../support/servers/chrony.ts";
import { DOVECOT_USER, startDovecot } from "../../support/servers/dovecot.ts";
import { LDAP_ADMIN, LDAP_BASE, startSlapd } from "../../support/servers/slapd.ts";
import { CLIENT_TLS, transactionSpec } from "./transaction-spec.ts";
import { sealed } from "../../support/sealed.ts";

function account(user: { username: string; password: string }): Account {
  const { username, password } = user;
  const address = "itest@example.com";
  return { name: "itest", address, domain: null, username, password: sealed(password) };
}

function run(
  port: number | undefined,
  transaction: TransactionName,
  change: Partial<TransactionSpec> = {},
  timeoutMs = 10_000,
): Promise<Observation> {
  return runTransaction(
    transactionSpec(transaction, change),
    { host: "127.0.0.1", port: port ?? 0, server: null },
    probeContext(timeoutMs),
  );
}

/** Exit status and output of one of the monitoring plug-ins. */
async function plugin(name: string, ...args: string[]): Promise<{ code: number; text: string }> {
  try {
    const { stdout } = await promisify(execFile)(`/usr/lib/nagios/plugins/${name}`, args);
    return { code: 0, text: stdout };
  } catch (error) {
    const { code, stdout } = error as { code?: number; stdout?: string };
    return { code: code ?? -1, text: stdout ?? "" };
  }
}
const noPlugins = missing("/usr/lib/nagios/plugins/check_imap", "monitoring-plugins");

const noDovecot = missing("dovecot", "dovecot-imapd dovecot-pop3d");
describe.skipIf(noDovecot !== null)("mail logins against Dovecot", () => {
  let dovecot: RealServer;
  beforeAll(async () => {
    dovecot = await startDovecot();
  }, 30_000);
  afterAll(async () => {
    await dovecot.stop();
  });

  const user = account(DOVECOT_USER);
  const wrong = account({ ...DOVECOT_USER, password: "wrong" });
  const implicit = { security: "implicit", tls: CLIENT_TLS } as const;
  const startTls = { security: "starttls", tls: CLIENT_TLS } as const;
  const clear = { allowPlaintext: true } as const;
  const ways = [
    ["imap_login", "imaps", "TLS", implicit],
    ["imap_login", "imap", "STARTTLS", startTls],
    ["imap_login", "imap", "in the clear", clear],
    ["pop3_login", "pop3s", "TLS", implicit],
    ["pop3_login", "pop3", "STLS", startTls],
    ["pop3_login", "pop3", "in the clear", clear],
  ] as const;

  test.each(ways)(
    "%s accepts the right and rejects the wrong password on %s, %s",
    async (transaction, name, _, change) => {
      const port = dovecot.ports[name];
      expect(await run(port, transaction, { ...change, account: user })).toMatchObject({
        outcome: "match",
        step: "transaction",
      });
      expect(await run(port, transaction, { ...change, account: wrong })).toMatchObject({
        outcome: "fault",
        step: "login",
        reason: "auth_rejected",
      });
    },
  );

  test("imap_login fails at step tls when the certificate must be trusted and is not", async () => {
    const strict = { ...CLIENT_TLS, ca: null, rejectUnauthorized: true };
    const seen = await run(dovecot.ports["imaps"], "imap_login", {
      security: "implicit",
      tls: strict,
      account: user,
    });
    expect(seen).toMatchObject({ step: "tls", reason: "certificate_untrusted" });
  });

  test.skipIf(noPlugins !== null).each([
    ["check_imap", "imap_greeting", "imap", []],
    ["check_imap", "imap_greeting", "imaps", ["-S"]],
    ["check_pop", "pop3_greeting", "pop3", []],
    ["check_pop", "pop3_greeting", "pop3s", ["-S"]],
  ] as const)("%s agrees with %s on %s", async (name, transaction, portName, args) => {
    const port = dovecot.ports[portName];
    const tls = args.length > 0 ? implicit : {};
    const peer = await plugin(name, "-H", "127.0.0.1", "-p", String(port), ...args);
    expect(peer.code).toBe(0);
    expect((await run(port, transaction, tls)).outcome).toBe("match");
    // Against the other protocol's port both fail.
    const other = dovecot.ports[portName.startsWith("imap") ? "pop3" : "imap"];
    const refused = await plugin(name, "-H", "127.0.0.1", "-p", String(other));
    expect(refused.code).not.toBe(0);
    expect((await run(other, transaction)).outcome).toBe("mismatch");
  });
});

const noSlapd = missing("slapd", "slapd");
describe.skipIf(noSlapd !== null)("LDAP transactions against OpenLDAP", () => {
  let slapd: RealServer;
  beforeAll(async () => {
    slapd = await startSlapd();
  }, 30_000);
  afterAll(async () => {
    await slapd.stop();
  });
  const admin = account(LDAP_ADMIN);

  test.each([
    ["ldaps", { security: "implicit", tls: CLIENT_TLS }],
    ["ldap", {}],
  ] as const)("ldap_root on %s reads the root entry without an account", async (name, change) => {
    expect(await run(slapd.ports[name], "ldap_root", change)).toMatchObject({
      outcome: "match",
      step: "response",
    });
  });

  test.each([
    ["ldaps", { security: "implicit", tls: CLIENT_TLS }],
    ["ldap", { allowPlaintext: true }],
  ] as const)(
    "ldap_bind on %s reports a match, a missing entry and a rejected password",
    async (name, change) => {
      const port = slapd.ports[name];
      const options = { base_dn: LDAP_BASE };
      expect(await run(port, "ldap_bind", { ...change, account: admin, options })).toMatchObject({
        outcome: "match",
        step: "transaction",
      });
      const nobody = { base_dn: LDAP_BASE, filter: "(cn=nobody-here)" };
      expect(
        await run(port, "ldap_bind", { ...change, account: admin, options: nobody }),
      ).toMatchObject({ outcome: "mismatch", reason: "pattern_missing" });
      const wrong = account({ ...LDAP_ADMIN, password: "wrong" });
      expect(await run(port, "ldap_bind", { ...change, account: wrong })).toMatchObject({
        outcome: "fault",
        step: "login",
        reason: "auth_rejected",
      });
    },
  );
});

const noBind = missing("named", "bind9");
describe.skipIf(noBind !== null)("dns_lookup against BIND", () => {
  let bind: RealServer;
  beforeAll(async () => {
    bind = await startBind();
  }, 30_000);
  afterAll(async () => {
    await bind.stop();
  });

  test.each<readonly [Record<string, string>, string, string]>([
    [{ query: "mail.lab.example.com" }, "match", "ok"],
    [{ query: "mail.lab.example.com", expected: "192.0.2.99, 192.0.2.11" }, "match", "ok"],
    [{ query: "mail.lab.example.com", expected: "192.0.2.99" }, "mismatch", "pattern_missing"],
    [{ query: "mail.lab.example.com", type: "AAAA", expected: "2001:DB8:0::25" }, "match", "ok"],
    [{ query: "lab.example.com", type: "SOA" }, "match", "ok"],
    [{ query: "mail.lab.example.com", type: "SOA" }, "match", "ok"],
    [{ query: "example.net", type: "SOA" }, "fault", "policy_refused"],
    [{ query: "lab.example.com", type: "MX" }, "mismatch", "pattern_missing"],
    [{ query: "nothing.lab.example.com" }, "mismatch", "bad_status"],
    [{ query: "example.net" }, "mismatch", "bad_status"],
    [{ query: "mail.lab.example.com", type: "TXT" }, "fault", "not_configured"],
  ])("looks up %j with outcome %s", async (options, outcome, reason) => {
    expect(await run(bind.ports["dns"], "dns_lookup", { options })).toMatchObject({
      outcome,
      reason,
    });
  });

  test.each<readonly [Record<string, string>, readonly string[]]>([
    [{ query: "mail.lab.example.com" }, ["192.0.2.10", "192.0.2.11"]],
    [{ query: "web.lab.example.com" }, ["192.0.2.10", "192.0.2.11", "mail.lab.example.com"]],
    [{ query: "web.lab.example.com", type: "CNAME" }, ["mail.lab.example.com"]],
    [{ query: "mail.lab.example.com", type: "AAAA" }, ["2001:db8::25"]],
    [{ query: "nothing.lab.example.com" }, []],
  ])("reports %j alike over UDP and TCP", async (options, told) => {
    for (const transport of ["udp", "tcp"]) {
      const seen = await run(bind.ports["dns"], "dns_lookup", {
        options: { ...options, transport },
      });
      expect([...(seen.answered ?? [])].sort()).toEqual(told);
    }
  });

  test("reports refused when the port is closed", async () => {
    expect(await run(1, "dns_lookup", { options: { query: "a" } }, 1500)).toMatchObject({
      outcome: "refused",
    });
  });
});

const noChrony = missing("chronyd", "chrony");
describe.skipIf(noChrony !== null)("ntp_time against chrony", () => {
  let chrony: RealServer;
  beforeAll(async () => {
    chrony = await startChrony();
  }, 30_000);
  afterAll(async () => {
    await chrony.stop();
  });

  test("reports stratum and offset when the offset is within its limit", async () => {
    const seen = await run(chrony.ports["ntp"], "ntp_time", { options: { max_offset_ms: 1000 } });
    expect(seen).toMatchObject({ outcome: "match" });
    expect(seen.evidence.detail).toMatch(/^stratum \d+, offset -?\d+ ms$/);
  });

  test("reports bad_status when the clock is an hour off", async () => {
    const seen = await runTransaction(
      transactionSpec("ntp_time", { options: { max_offset_ms: 1000 } }),
      { host: "127.0.0.1", port: chrony.ports["ntp"] ?? 0, server: null },
      probeContext(5000, { now: () => Date.now() + 3_600_000 }),
    );
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "bad_status" });
  });
});
