import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labCaFile } from "../../../support/lab-certificate-files.ts";
import type { FaultName } from "../../../../lab/faults/catalogue.ts";
import { startFault } from "../../../../lab/faults/start-fault.ts";
import type { TransactionName, TransactionSpec } from "../../../../src/model/transactions.ts";
import { missing, type RealServer } from "../../../support/real-servers.ts";
import { startBind } from "../../../support/servers/bind.ts";
import { startBlackboxExporter } from "../../../support/servers/blackbox-exporter.ts";
import { startDovecot } from "../../../support/servers/dovecot.ts";
import { startNginx } from "../../../support/servers/nginx.ts";
import { postfixNeeds, startPostfix } from "../../../support/servers/postfix.ts";
import { CLIENT_TLS } from "../transaction-spec.ts";
import { ours, TIMEOUT_S, title, type Named, type Opinion } from "./opinions.ts";

const TLS = `tls_config: { ca_file: "${labCaFile()}", server_name: mail.example.com }`;
const NO_VERIFICATION = "tls_config: { insecure_skip_verify: true }";
const GREETING = { imap: "^\\\\* OK", pop3: "^\\\\+OK", smtp: "^220 " };
const dns = (query: string, extra = ""): string =>
  `{ prober: dns, dns: { query_name: ${query}, query_type: A${extra} } }`;
const http = (status: number, extra: string): string =>
  `{ prober: http, http: { valid_status_codes: [${String(status)}], follow_redirects: false, headers: { Host: mail.example.com }, ${extra} } }`;
const talk = (tls: string, ...turns: readonly string[]): string =>
  `{ prober: tcp, tcp: { query_response: [${turns.join(", ")}], ${tls} } }`;

/** The same exchanges in blackbox_exporter's language, as far as it can say them. */
const MODULES = {
  dns_mail: dns("mail.lab.example.com"),
  dns_expected: dns(
    "mail.lab.example.com",
    ', validate_answer_rrs: { fail_if_not_matches_regexp: [".*192\\\\.0\\\\.2\\\\.99"] }',
  ),
  dns_nowhere: dns("no.lab.example.com"),
  imap: talk(
    TLS,
    `{ expect: "${GREETING.imap}" }`,
    '{ send: "a1 CAPABILITY" }',
    '{ expect: "^a1 OK" }',
  ),
  imap_starttls: talk(
    TLS,
    `{ expect: "${GREETING.imap}" }`,
    '{ send: "a1 STARTTLS" }',
    '{ expect: "^a1 OK" }',
    "{ starttls: true }",
    '{ send: "a2 CAPABILITY" }',
    '{ expect: "^a2 OK" }',
  ),
  pop3_stls: talk(
    TLS,
    `{ expect: "${GREETING.pop3}" }`,
    '{ send: "STLS" }',
    '{ expect: "^\\\\+OK" }',
    "{ starttls: true }",
    '{ send: "CAPA" }',
    '{ expect: "^\\\\+OK" }',
  ),
  smtp_starttls: talk(
    TLS,
    `{ expect: "${GREETING.smtp}" }`,
    '{ send: "EHLO witness\\r" }',
    '{ expect: "^250-STARTTLS" }',
    '{ send: "STARTTLS\\r" }',
    '{ expect: "^220 " }',
    "{ starttls: true }",
    '{ send: "EHLO witness\\r" }',
    '{ expect: "^250 " }',
    '{ send: "MAIL FROM:<>\\r" }',
    '{ expect: "^250 " }',
    '{ send: "QUIT\\r" }',
  ),
  smtp_greeting: talk(TLS, `{ expect: "${GREETING.smtp}" }`),
  http_health: http(200, `fail_if_body_not_matches_regexp: ["200 OK"], ${NO_VERIFICATION}`),
  http_health_verified: http(200, `fail_if_body_not_matches_regexp: ["200 OK"], ${TLS}`),
  http_401: http(401, NO_VERIFICATION),
} as const;

const IMPLICIT = { security: "implicit", tls: CLIENT_TLS } as const;
const START = { security: "starttls", tls: CLIENT_TLS } as const;
const STRICT = { security: "implicit", tls: { ...CLIENT_TLS, rejectUnauthorized: true } } as const;
const START_STRICT = { ...STRICT, security: "starttls" } as const;
const LOOK = "healthcheck.htm";

interface Case extends Named {
  readonly server: readonly [string, string] | FaultName;
  readonly look: TransactionName;
  readonly change?: Partial<TransactionSpec>;
  readonly module: keyof typeof MODULES;
  /** Of a page; makes the target a URL. */
  readonly url?: readonly ["http" | "https", string];
}

const MAIL = { options: { query: "mail.lab.example.com" } };
const GREETS_ONLY = "its dialogue ends with the greeting, as most are written";

// prettier-ignore
const CASES: readonly Case[] = [
  { what: "a name that is there", server: ["bind", "dns"], look: "dns_lookup", change: MAIL, module: "dns_mail", we: "up", reason: "ok", peer: "up" },
  { what: "none of the expected addresses", server: ["bind", "dns"], look: "dns_lookup", change: { options: { ...MAIL.options, expected: "192.0.2.99" } }, module: "dns_expected", we: "down", reason: "pattern_missing", peer: "down" },
  { what: "a name that is not there", server: ["bind", "dns"], look: "dns_lookup", change: { options: { query: "no.lab.example.com" } }, module: "dns_nowhere", we: "down", reason: "bad_status", peer: "down" },
  { what: "no name server", server: "tcp.refused", look: "dns_lookup", change: MAIL, module: "dns_mail", we: "down", reason: "refused", peer: "down" },
  { what: "IMAP", server: ["dovecot", "imap"], look: "imap_greeting", module: "imap", we: "up", reason: "ok", peer: "up" },
  { what: "IMAP with STARTTLS", server: ["dovecot", "imap"], look: "imap_greeting", change: START, module: "imap_starttls", we: "up", reason: "ok", peer: "up" },
  { what: "IMAP asked at the POP3 port", server: ["dovecot", "pop3"], look: "imap_greeting", module: "imap", we: "down", reason: "banner_mismatch", peer: "down" },
  { what: "IMAP silent", server: "tcp.silent", look: "imap_greeting", module: "imap", we: "down", reason: "banner_timeout", peer: "down" },
  { what: "IMAP closed without a greeting", server: "tcp.close_after_accept", look: "imap_greeting", module: "imap", we: "down", reason: "closed_without_data", peer: "down" },
  { what: "IMAP silent after its greeting", server: "imap.silent_after_greeting", look: "imap_greeting", module: "imap", we: "down", reason: "response_timeout", peer: "down" },
  { what: "IMAP without STARTTLS", server: "imap.customised_greeting", look: "imap_greeting", change: START, module: "imap_starttls", we: "down", reason: "tls_handshake", peer: "down" },
  { what: "POP3 with STLS", server: ["dovecot", "pop3"], look: "pop3_greeting", change: START, module: "pop3_stls", we: "up", reason: "ok", peer: "up" },
  { what: "SMTP up to MAIL FROM, with STARTTLS", server: ["postfix", "smtp"], look: "smtp_mail_from", change: START_STRICT, module: "smtp_starttls", we: "up", reason: "ok", peer: "up" },
  { what: "SMTP without STARTTLS", server: "smtp.customised_greeting", look: "smtp_mail_from", change: START, module: "smtp_starttls", we: "down", reason: "tls_handshake", peer: "down" },
  { what: "SMTP silent after its greeting", server: "smtp.silent_after_greeting", look: "smtp_mail_from", module: "smtp_greeting", we: "down", reason: "response_timeout", peer: "up", because: GREETS_ONLY },
  { what: "SMTP closes after its greeting", server: "smtp.close_after_greeting", look: "smtp_mail_from", module: "smtp_greeting", we: "down", reason: "closed_without_data|protocol_error|reset", peer: "up", because: GREETS_ONLY },
  { what: "the health page over TLS, verified", server: ["nginx", "https"], look: "health_page", change: STRICT, module: "http_health_verified", url: ["https", `owa/${LOOK}`], we: "up", reason: "ok", peer: "up" },
  { what: "the health page answers 503", server: ["nginx", "http"], look: "health_page", change: { path: "/ecp/" }, module: "http_health", url: ["http", `ecp/${LOOK}`], we: "down", reason: "bad_status", peer: "down" },
  { what: "an expired certificate, verified", server: ["nginx", "expired"], look: "health_page", change: STRICT, module: "http_health_verified", url: ["https", `owa/${LOOK}`], we: "down", reason: "certificate_expired", peer: "down" },
  { what: "an expired certificate, not verified", server: ["nginx", "expired"], look: "health_page", change: IMPLICIT, module: "http_health", url: ["https", `owa/${LOOK}`], we: "up", reason: "ok", peer: "up" },
  { what: "a certificate for another name, verified", server: ["nginx", "wrong_name"], look: "health_page", change: STRICT, module: "http_health_verified", url: ["https", `owa/${LOOK}`], we: "down", reason: "certificate_name", peer: "down" },
  { what: "401 with its schemes", server: ["nginx", "http"], look: "https_challenge", change: { path: "/EWS/" }, module: "http_401", url: ["http", "EWS/"], we: "up", reason: "ok", peer: "up" },
  { what: "401 without any scheme", server: ["nginx", "http"], look: "https_challenge", change: { path: "/front" }, module: "http_401", url: ["http", "front"], we: "down", reason: "protocol_error", peer: "up", because: "the status is all it is asked to look at" },
  { what: "a reset HTTP connection", server: "http.reset", look: "health_page", module: "http_health", url: ["http", `owa/${LOOK}`], we: "down", reason: "component_offline", peer: "down" },
  { what: "TLS at a clear port", server: ["nginx", "http"], look: "health_page", change: IMPLICIT, module: "http_health", url: ["https", `owa/${LOOK}`], we: "down", reason: "plaintext_on_tls_port", peer: "down" },
];

const lacking =
  missing("prometheus-blackbox-exporter", "prometheus-blackbox-exporter") ??
  missing("named", "bind9") ??
  missing("dovecot", "dovecot-imapd dovecot-pop3d") ??
  missing("nginx", "nginx-light") ??
  missing("/usr/lib/postfix/sbin/master", "postfix") ??
  postfixNeeds();
describe.skipIf(lacking !== null)("transactions against blackbox_exporter", () => {
  let blackbox: RealServer;
  const servers: Record<string, RealServer> = {};
  beforeAll(async () => {
    blackbox = await startBlackboxExporter(MODULES);
    servers["bind"] = await startBind();
    servers["dovecot"] = await startDovecot();
    servers["nginx"] = await startNginx();
    servers["postfix"] = await startPostfix();
  }, 120_000);
  afterAll(async () => {
    await Promise.all([blackbox, ...Object.values(servers)].map((server) => server.stop()));
  });

  async function theirs(
    module: string,
    target: string,
  ): Promise<{ opinion: Opinion; log: string }> {
    const query = new URLSearchParams({ module, target, debug: "true" });
    const response = await fetch(
      `http://127.0.0.1:${String(blackbox.ports["web"] ?? 0)}/probe?${query.toString()}`,
      { headers: { "X-Prometheus-Scrape-Timeout-Seconds": String(TIMEOUT_S) } },
    );
    const log = await response.text();
    return { opinion: /^probe_success 1$/m.test(log) ? "up" : "down", log };
  }

  test.each(CASES.map((row) => [title("blackbox_exporter", row), row] as const))(
    "%s",
    async (_, row) => {
      const { server, url } = row;
      const fault = typeof server === "string" ? await startFault(server) : null;
      const port =
        fault?.port ??
        (typeof server === "string" ? 0 : (servers[server[0]]?.ports[server[1]] ?? 0));
      const place = `127.0.0.1:${String(port)}`;
      const [us, them] = await Promise.all([
        ours(row.look, port, row.change),
        theirs(row.module, url === undefined ? place : `${url[0]}://${place}/${url[1]}`),
      ]);
      await fault?.close();
      const { log } = them;
      expect({ we: us.opinion, peer: them.opinion, log }).toEqual({
        we: row.we,
        peer: row.peer,
        log,
      });
      expect(row.reason.split("|")).toContain(us.observation.reason);
    },
  );
});
