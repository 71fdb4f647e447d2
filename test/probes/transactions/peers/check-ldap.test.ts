import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labCaFile } from "../../../support/lab-certificate-files.ts";
import type { FaultName } from "../../../../lab/faults/catalogue.ts";
import { startFault } from "../../../../lab/faults/start-fault.ts";
import type { Account, TransactionSpec } from "../../../../src/model/transactions.ts";
import { missing, type RealServer } from "../../../support/real-servers.ts";
import { LDAP_ADMIN, LDAP_BASE, startSlapd } from "../../../support/servers/slapd.ts";
import { CLIENT_TLS } from "../transaction-spec.ts";
import { lacksPlugin, ours, plugin, title, type Named } from "./opinions.ts";
import { sealed } from "../../../support/sealed.ts";

const account = (user: { username: string; password: string }): Account => ({
  name: "itest",
  address: null,
  domain: null,
  username: user.username,
  password: sealed(user.password),
});
const admin = account(LDAP_ADMIN);
const AS_ADMIN = ["-D", LDAP_ADMIN.username, "-P", LDAP_ADMIN.password];
const BASE = ["-3", "-b", LDAP_BASE];
const IMPLICIT = { security: "implicit", tls: CLIENT_TLS } as const;
const STRICT = { security: "implicit", tls: { ...CLIENT_TLS, rejectUnauthorized: true } } as const;
/** libldap verifies by default, name included. */
const TRUSTED = { LDAPTLS_CACERT: labCaFile() };
const UNVERIFIED = { LDAPTLS_REQCERT: "never" };

interface Case extends Named {
  /** A port of slapd, or a fault of the lab. */
  readonly server: string | { readonly fault: FaultName };
  readonly change?: Partial<TransactionSpec>;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const LOGIN = { change: { account: admin }, args: [...BASE, ...AS_ADMIN] };
const TLS_LOGIN = {
  change: { account: admin, ...IMPLICIT },
  args: ["-S", ...LOGIN.args],
  env: UNVERIFIED,
};

// prettier-ignore
const CASES: readonly Case[] = [
  { what: "bind and search", server: "ldap", ...LOGIN, we: "up", reason: "ok", peer: "up" },
  { what: "bind and search over TLS", server: "ldaps", ...TLS_LOGIN, we: "up", reason: "ok", peer: "up" },
  { what: "a certificate for another address, verified by its name", server: "ldaps", ...TLS_LOGIN, change: { account: admin, ...STRICT }, env: TRUSTED, we: "up", reason: "ok", peer: "down", because: "it knows the server by the address it dials alone, and the certificate names none" },
  { what: "a wrong password", server: "ldap", change: { account: account({ ...LDAP_ADMIN, password: "wrong" }) }, args: [...BASE, "-D", LDAP_ADMIN.username, "-P", "wrong"], we: "unknown", reason: "auth_rejected", peer: "down", because: "a rejected login says nothing of the server to us, and everything to it" },
  { what: "a base that is not there", server: "ldap", change: { account: admin, options: { base_dn: "dc=nowhere" } }, args: ["-3", "-b", "dc=nowhere", ...AS_ADMIN], we: "down", reason: "bad_status", peer: "down" },
  { what: "a closed port", server: { fault: "tcp.refused" }, ...LOGIN, we: "down", reason: "refused", peer: "down" },
  { what: "no response", server: { fault: "tcp.silent" }, ...LOGIN, we: "down", reason: "response_timeout", peer: "down" },
  { what: "a close after the bind", server: { fault: "tcp.close_after_data" }, ...LOGIN, we: "down", reason: "closed_without_data", peer: "down" },
  { what: "a reset after the bind", server: { fault: "tcp.reset_after_data" }, ...LOGIN, we: "down", reason: "reset", peer: "down" },
  { what: "another protocol", server: { fault: "tcp.ssh" }, ...LOGIN, we: "down", reason: "protocol_error", peer: "down" },
  { what: "TLS at a clear port", server: "ldap", ...TLS_LOGIN, we: "down", reason: "closed_without_data", peer: "down" },
  { what: "no response to the handshake", server: { fault: "tls.silent" }, ...TLS_LOGIN, we: "down", reason: "tls_timeout", peer: "down" },
];

const lacking = missing("slapd", "slapd") ?? lacksPlugin("check_ldap");
describe.skipIf(lacking !== null)("ldap_bind against check_ldap", () => {
  let slapd: RealServer;
  beforeAll(async () => {
    slapd = await startSlapd();
  });
  afterAll(async () => {
    await slapd.stop();
  });

  test.each(CASES.map((row) => [title("check_ldap", row), row] as const))("%s", async (_, row) => {
    const { server } = row;
    const fault = typeof server === "string" ? null : await startFault(server.fault);
    const port = fault?.port ?? (typeof server === "string" ? slapd.ports[server] : undefined) ?? 0;
    const [us, them] = await Promise.all([
      ours("ldap_bind", port, {
        allowPlaintext: true,
        options: { base_dn: LDAP_BASE },
        ...row.change,
      }),
      plugin("check_ldap", ["-H", "127.0.0.1", "-p", String(port), ...row.args], row.env),
    ]);
    await fault?.close();
    const { words } = them;
    expect({ we: us.opinion, reason: us.observation.reason, peer: them.opinion, words }).toEqual({
      we: row.we,
      reason: row.reason,
      peer: row.peer,
      words,
    });
  });
});
