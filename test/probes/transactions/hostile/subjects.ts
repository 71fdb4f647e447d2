import type { TransactionName, TransactionSpec } from "../../../../src/model/transactions.ts";
import type { Protocol } from "./behaviours.ts";
import * as served from "./dialogues.ts";
import type { Dialogue, Stage } from "./hostile-server.ts";

/** A transaction, a server with which it passes, and the answers it waits for. */
export interface HostileSubject {
  readonly name: string;
  readonly transaction: TransactionName;
  readonly protocol: Protocol;
  readonly dialogue: Dialogue;
  /** Of a second server, where the transaction asks two: its port is the option `imap_port`. */
  readonly imap?: Dialogue;
  readonly change?: Partial<TransactionSpec>;
  readonly stages: readonly Stage[];
}

const GREETING: Stage = { name: "greeting", at: "greeting" };

/** What our own dialogue asks an IMAP server before imapflow goes on. */
const IMAP_OPENING: readonly Stage[] = [
  GREETING,
  { name: "CAPABILITY", at: / CAPABILITY$/, time: 1 },
];
const ANY_REQUEST: Stage = { name: "the answer", at: /^/ };
/** A page that asks for Basic first. */
const LOGIN_STAGES: readonly Stage[] = [
  { name: "the challenge", at: /^(?![^]*\nauthorization:)/i },
  { name: "the page", at: /\nauthorization:/i },
];
const NTLM_STAGES: readonly Stage[] = [
  { name: "the offer", at: /^(?![^]*\nauthorization:)/i },
  { name: "the challenge", at: /\nauthorization: ntlm TlRMTVNTUAAB/i },
  { name: "the page", at: /\nauthorization: ntlm TlRMTVNTUAAD/i },
];

const XML = ["Content-Type: text/xml"];
const EWS_FOLDER =
  '<m:GetFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>';
const MAPI_PAGE = "<h1>MAPI/HTTP Connectivity Endpoint</h1> Cafe: EX01.example.com Mailbox: MBX01";

export const SUBJECTS: readonly HostileSubject[] = [
  {
    name: "imap_greeting",
    transaction: "imap_greeting",
    protocol: "imap",
    dialogue: served.IMAP,
    stages: [...IMAP_OPENING, { name: "LOGOUT", at: / LOGOUT$/, late: true }],
  },
  {
    name: "imap_login",
    transaction: "imap_login",
    protocol: "imap",
    dialogue: served.IMAP,
    change: { options: { fetch_newest: true } },
    stages: [
      ...IMAP_OPENING,
      { name: "imapflow's CAPABILITY", at: / CAPABILITY$/, time: 2 },
      { name: "LOGIN", at: / LOGIN / },
      { name: "EXAMINE", at: / EXAMINE / },
      { name: "FETCH", at: / FETCH / },
      { name: "LOGOUT", at: / LOGOUT$/, late: true },
    ],
  },
  {
    name: "pop3_greeting",
    transaction: "pop3_greeting",
    protocol: "pop3",
    dialogue: served.POP3,
    stages: [GREETING, { name: "CAPA", at: /^CAPA/ }, { name: "QUIT", at: /^QUIT/, late: true }],
  },
  {
    name: "pop3_login",
    transaction: "pop3_login",
    protocol: "pop3",
    dialogue: served.POP3,
    stages: [
      GREETING,
      { name: "CAPA", at: /^CAPA/ },
      { name: "USER", at: /^USER / },
      { name: "PASS", at: /^PASS / },
      { name: "STAT", at: /^STAT/ },
      { name: "QUIT", at: /^QUIT/, late: true },
    ],
  },
  {
    name: "smtp_greeting",
    transaction: "smtp_greeting",
    protocol: "smtp",
    dialogue: served.SMTP,
    stages: [GREETING, { name: "EHLO", at: /^EHLO/ }, { name: "QUIT", at: /^QUIT/, late: true }],
  },
  {
    name: "smtp_mail_from",
    transaction: "smtp_mail_from",
    protocol: "smtp",
    dialogue: served.SMTP,
    stages: [
      GREETING,
      { name: "EHLO", at: /^EHLO/ },
      { name: "MAIL", at: /^MAIL/ },
      { name: "RSET", at: /^RSET/ },
      { name: "QUIT", at: /^QUIT/, late: true },
    ],
  },
  {
    name: "smtp_submission",
    transaction: "smtp_submission",
    protocol: "smtp",
    dialogue: served.SMTP,
    stages: [
      GREETING,
      { name: "EHLO", at: /^EHLO/ },
      { name: "AUTH", at: /^AUTH/ },
      { name: "user name", at: served.SMTP_USER },
      { name: "password", at: served.SMTP_PASSWORD },
      { name: "MAIL", at: /^MAIL/ },
      { name: "QUIT", at: /^QUIT/, late: true },
    ],
  },
  {
    name: "mail_round_trip, by nodemailer",
    transaction: "mail_round_trip",
    protocol: "smtp",
    dialogue: served.SMTP,
    imap: served.IMAP,
    stages: [
      GREETING,
      { name: "EHLO", at: /^EHLO/ },
      { name: "AUTH", at: /^AUTH/ },
      { name: "password", at: served.SMTP_PASSWORD },
      { name: "MAIL", at: /^MAIL/ },
      { name: "RCPT", at: /^RCPT/ },
      { name: "DATA", at: /^DATA/ },
      { name: "the message", at: /^\.$/ },
    ],
  },
  {
    name: "mail_round_trip, by imapflow",
    transaction: "mail_round_trip",
    protocol: "imap",
    dialogue: served.SMTP,
    imap: served.IMAP,
    stages: [
      { ...GREETING, server: "imap" },
      { name: "LOGIN", server: "imap", at: / LOGIN / },
      { name: "LIST", server: "imap", at: / LIST "" "?\*/ },
      { name: "SELECT", server: "imap", at: / SELECT / },
      { name: "SEARCH", server: "imap", at: / UID SEARCH / },
      { name: "FETCH", server: "imap", at: / UID FETCH / },
      { name: "STORE", server: "imap", at: / UID STORE / },
      { name: "EXPUNGE", server: "imap", at: / UID EXPUNGE / },
      { name: "LOGOUT", server: "imap", at: / LOGOUT$/, late: true },
    ],
  },
  {
    name: "https_challenge",
    transaction: "https_challenge",
    protocol: "http",
    dialogue: served.http(() => served.response("401 Unauthorized", ["WWW-Authenticate: NTLM"])),
    stages: [ANY_REQUEST],
  },
  {
    name: "web_answer",
    transaction: "web_answer",
    protocol: "http",
    dialogue: served.http(() => served.response("200 OK", [], "welcome")),
    stages: [{ ...ANY_REQUEST, headOnly: true }],
  },
  {
    name: "health_page",
    transaction: "health_page",
    protocol: "http",
    dialogue: served.http(() => served.response("200 OK", [], "200 OK<br/>EX01.EXAMPLE.COM")),
    stages: [ANY_REQUEST],
  },
  {
    name: "owa_form",
    transaction: "owa_form",
    protocol: "http",
    dialogue: served.OWA,
    stages: [
      { name: "the first page", at: /^GET (?![^]*cadata=x)/ },
      { name: "the form", at: /^POST/ },
      { name: "the mailbox", at: /^GET [^]*cadata=x/ },
    ],
  },
  {
    name: "owa_form behind AAA",
    transaction: "owa_form",
    protocol: "http",
    dialogue: served.OWA_BEHIND_AAA,
    change: { adc: { authentication: "form", authenticationHost: null, redirectUrl: null } },
    stages: [
      { name: "the first page", at: /^GET (?!\/vpn)(?![^]*NSC_TMAS=x)/ },
      { name: "the login page", at: /^GET \/vpn/ },
      { name: "the form", at: /^POST/ },
      { name: "the mailbox", at: /^GET [^]*NSC_TMAS=x/ },
    ],
  },
  {
    name: "eas_options",
    transaction: "eas_options",
    protocol: "http",
    dialogue: served.behindBasic(["MS-ASProtocolVersions: 14.1,16.1"]),
    stages: LOGIN_STAGES,
  },
  {
    name: "ews_folder",
    transaction: "ews_folder",
    protocol: "http",
    dialogue: served.behindBasic(XML, EWS_FOLDER),
    change: { options: { padding_bytes: 64 * 1024 } },
    stages: [
      ...LOGIN_STAGES.slice(0, 1),
      { name: "the small body's page", at: /\nauthorization:(?![^]*xxxx)/i },
      { name: "the padded body's page", at: /xxxx/ },
    ],
  },
  {
    name: "autodiscover",
    transaction: "autodiscover",
    protocol: "http",
    dialogue: served.behindBasic(XML, "<Autodiscover><Response><Account></Account></Response>"),
    stages: LOGIN_STAGES,
  },
  {
    name: "mapi_endpoint, by NTLM",
    transaction: "mapi_endpoint",
    protocol: "http",
    dialogue: served.behindNtlm(["Content-Type: text/html"], MAPI_PAGE),
    stages: NTLM_STAGES,
  },
  {
    name: "oab",
    transaction: "oab",
    protocol: "http",
    dialogue: served.behindBasic(XML, "<OAB><OAL id='1'/></OAB>"),
    change: { path: "/OAB/1/oab.xml" },
    stages: LOGIN_STAGES,
  },
  {
    name: "rpc_echo",
    transaction: "rpc_echo",
    protocol: "http",
    dialogue: served.behindBasic(["Content-Type: application/rpc"], "x".repeat(20)),
    stages: LOGIN_STAGES,
  },
  {
    name: "ldap_bind",
    transaction: "ldap_bind",
    protocol: "ldap",
    dialogue: served.LDAP,
    stages: [
      { name: "the bind's result", at: served.LDAP_BIND },
      { name: "the search's result", at: served.LDAP_SEARCH },
    ],
  },
  {
    name: "ldap_root",
    transaction: "ldap_root",
    protocol: "ldap",
    dialogue: served.LDAP,
    stages: [{ name: "the search's result", at: served.LDAP_SEARCH }],
  },
  {
    name: "rpc_endpoint_map",
    transaction: "rpc_endpoint_map",
    protocol: "rpc",
    dialogue: served.RPC,
    stages: [
      { name: "the mapper's bind", at: served.RPC_BIND, connection: 1 },
      { name: "the towers", at: served.RPC_REQUEST },
      { name: "EMSMDB's bind", at: served.RPC_BIND, connection: 2 },
    ],
  },
];
