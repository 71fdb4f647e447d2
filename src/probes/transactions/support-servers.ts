import { dial } from "../../net/dial.ts";
import { bindMeaning, LDAP_RESULT, LdapSession, parseFilter } from "../protocols/ldap-session.ts";
import { disclose } from "../../net/server-proof.ts";
import { refusedLogin } from "./line-session.ts";
import type { TransactionType } from "../probe.ts";
import {
  askDnsByTcp,
  askDnsByUdp,
  dnsQuestion,
  canonicalAddress,
  DNS_TYPES,
  RCODES,
  type DnsType,
} from "../protocols/dns-message.ts";
import { randomBytes } from "node:crypto";
import { askUdp } from "../../net/udp.ts";

/**
 * Binds to a directory with the account (its `username` as DN, `DOMAIN\user` or user principal name) and reads the root DSE.
 * With `base_dn`, it searches there for `filter`, which must match an entry. Supports implicit TLS (636), but not the
 * StartTLS operation.
 */
export const ldapBind: TransactionType = {
  transaction: "ldap_bind",
  needsAccount: true,
  transport: "tcp",
  probe: async (run, spec, target, account) => {
    const filter = String(spec.options["filter"] ?? "(objectClass=*)");
    if (parseFilter(filter) === null || spec.security === "starttls") {
      return run.fault("transaction", "not_configured", "not possible over LDAP");
    }
    const dialled = await dial(run, target, {
      tls: spec.security === "implicit" ? spec.tls : null,
    });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const password = disclose(dialled.connection, account.password, spec.allowPlaintext);
    if (password.kind === "withheld") {
      return password.observation;
    }
    const session = new LdapSession(dialled.connection);
    run.login = "unanswered";
    const bound = await session.bind(account.username, password.text);
    run.phase("login");
    if (bound.kind !== "result") {
      return run.fail("login", bound);
    }
    const meaning = bindMeaning(bound.code);
    run.login = meaning.login;
    if (meaning.reason !== null) {
      const words = `bind: result ${String(bound.code)} ${bound.message}`.trimEnd();
      return refusedLogin(run, meaning, words).observation;
    }
    const baseDn = spec.options["base_dn"];
    const found = await session.search({
      baseDn: typeof baseDn === "string" ? baseDn : "",
      scope: typeof baseDn === "string" ? "sub" : "base",
      filter,
      attributes: ["1.1"],
      sizeLimit: 1,
    });
    run.phase("transaction");
    if (found.kind !== "result") {
      return run.fail("transaction", found);
    }
    session.unbind();
    const answered =
      found.code === LDAP_RESULT.success || found.code === LDAP_RESULT.sizeLimitExceeded;
    if (!answered) {
      const words = `search: result ${String(found.code)} ${found.message}`.trimEnd();
      return run.mismatch("transaction", "bad_status", words);
    }
    return found.entries.length === 0
      ? run.mismatch("transaction", "pattern_missing", "the search found no entry")
      : run.match("transaction", "bound, and an entry was read");
  },
};

/**
 * Probes a directory without an account by reading the root DSE, which RFC 4512 section 5.1 opens to everybody. A directory
 * that requires a login refuses the probe, which proves no failure.
 */
export const ldapRoot: TransactionType = {
  transaction: "ldap_root",
  needsAccount: false,
  transport: "tcp",
  probe: async (run, spec, target) => {
    if (spec.security === "starttls") {
      return run.fault("starttls", "not_configured", "LDAP StartTLS is not supported");
    }
    const tls = spec.security === "implicit" ? spec.tls : null;
    const dialled = await dial(run, target, { tls });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const session = new LdapSession(dialled.connection);
    const found = await session.search({
      baseDn: "",
      scope: "base",
      filter: "(objectClass=*)",
      attributes: ["1.1"],
      sizeLimit: 1,
    });
    run.responseTimeMs = run.phase("first_byte");
    if (found.kind !== "result") {
      return run.fail("response", found);
    }
    session.unbind();
    const words = `root: result ${String(found.code)} ${found.message}`.trimEnd();
    if (found.code === LDAP_RESULT.success || found.code === LDAP_RESULT.sizeLimitExceeded) {
      return run.match("response", words);
    }
    return SERVER_FAULT_CODES.has(found.code)
      ? run.mismatch("response", "backend_unavailable", words)
      : run.fault("response", "policy_refused", words);
  },
};

/** Result codes for a fault of the directory (RFC 4511 appendix A): busy, unavailable, other. */
const SERVER_FAULT_CODES: ReadonlySet<number> = new Set([51, 52, 80]);

/** Maximum number of addresses kept of one response; a GSLB name has a few sites. */
const MAX_ADDRESSES = 32;

/**
 * Sends a query to a name server: `query` (default the host), `type` (default A), over `transport` (default udp). The
 * response must contain one of the addresses in `expected`, a list separated by commas. Without it, one record of the type is
 * enough; for SOA any successful response is, because for a name within a zone the record is in another section (RFC 2308).
 * The observation includes the response.
 */
export const dnsLookup: TransactionType = {
  transaction: "dns_lookup",
  needsAccount: false,
  transport: "udp",
  probe: async (run, spec, target) => {
    const name = String(spec.options["query"] ?? spec.host);
    const type = dnsType(String(spec.options["type"] ?? "A"));
    const question = type === null ? null : dnsQuestion(name, type);
    if (question === null) {
      return run.fault("send", "not_configured", `not a valid DNS query: ${name}`);
    }
    const answer =
      spec.options["transport"] === "tcp"
        ? await askDnsByTcp(run, target, question, null)
        : await askDnsByUdp(run, target, question);
    if (answer.kind === "failed") {
      return run.fail(answer.step, answer.why);
    }
    if (answer.kind !== "dns") {
      return run.fail("response", answer);
    }
    run.responseTimeMs = run.phase("first_byte");
    run.answered = [...answer.addresses, ...answer.aliases].slice(0, MAX_ADDRESSES);
    const expected = addressList(spec.options["expected"]);
    const isBareSoa = type === "SOA" && expected.length === 0;
    if (isBareSoa && RCODES[answer.rcode] === "REFUSED") {
      return run.fault("response", "policy_refused", "REFUSED: not for this client");
    }
    if (answer.rcode !== 0) {
      return run.mismatch("response", "bad_status", RCODES[answer.rcode] ?? "an error");
    }
    const shown = answer.addresses.slice(0, MAX_ADDRESSES).join(", ");
    const found = shown || `${String(answer.matching)} records`;
    const good =
      expected.length === 0
        ? answer.matching > 0 || isBareSoa
        : answer.addresses.some((address) => expected.includes(address));
    return good
      ? run.match("response", found)
      : run.mismatch("response", "pattern_missing", `answers ${found}`);
  },
};

function dnsType(text: string): DnsType | null {
  const type = text.toUpperCase();
  return Object.keys(DNS_TYPES).find((known): known is DnsType => known === type) ?? null;
}

function addressList(value: string | number | boolean | undefined): readonly string[] {
  return typeof value === "string"
    ? value
        .split(",")
        .map((address) => canonicalAddress(address.trim()))
        .filter((address) => address !== "")
    : [];
}

/** Seconds between 1900 and 1970. */
const NTP_EPOCH_S = 2_208_988_800;
const PACKET_BYTES = 48;

/**
 * Queries a time server (RFC 5905, client mode, version 4). The server must be synchronised; with `max_offset_ms`, its clock
 * must also agree with the agent's within that many milliseconds.
 */
export const ntpTime: TransactionType = {
  transaction: "ntp_time",
  needsAccount: false,
  transport: "udp",
  probe: async (run, spec, target) => {
    // A random transmit timestamp serves as a cookie: the server returns it as the originate timestamp.
    const cookie = randomBytes(8);
    const payload = Buffer.alloc(PACKET_BYTES);
    payload[0] = 0x23;
    cookie.copy(payload, 40);
    const sentAt = run.context.now();
    const answer = await askUdp(run, target, {
      payload,
      shown: "NTP client request",
      accept: (data) => data.length >= PACKET_BYTES && data.subarray(24, 32).equals(cookie),
    });
    if (answer.kind === "failed") {
      return run.fail(answer.step, answer.why);
    }
    if (answer.kind !== "datagram") {
      return run.fail("response", answer);
    }
    const receivedAt = run.context.now();
    run.responseTimeMs = run.phase("first_byte");
    const { data } = answer;
    const leap = (data[0] ?? 0) >> 6;
    const stratum = data[1] ?? 0;
    if (leap === 3 || stratum === 0 || stratum >= 16) {
      const kiss = stratum === 0 ? ` (${data.toString("latin1", 12, 16).replace(/\0/g, "")})` : "";
      return run.mismatch(
        "response",
        "bad_status",
        `not synchronised, stratum ${String(stratum)}${kiss}`,
      );
    }
    const offsetMs = (ntpTimeMs(data, 32) - sentAt + (ntpTimeMs(data, 40) - receivedAt)) / 2;
    const words = `stratum ${String(stratum)}, offset ${offsetMs.toFixed(0)} ms`;
    const limit = spec.options["max_offset_ms"];
    return typeof limit === "number" && Math.abs(offsetMs) > limit
      ? run.mismatch("response", "bad_status", `${words}, more than ${String(limit)} ms`)
      : run.match("response", words);
  },
};

/** A timestamp of the first era, in milliseconds since 1970; after 2036 the next era begins at zero. */
function ntpTimeMs(data: Buffer, at: number): number {
  const seconds = data.readUInt32BE(at);
  const era = seconds < 0x8000_0000 ? 2 ** 32 : 0;
  return (seconds + era - NTP_EPOCH_S + data.readUInt32BE(at + 4) / 2 ** 32) * 1000;
}
