import { HTTP_SEEDS } from "./streams.ts";
import { echoBytes, echoLine, noEcho, type Echo } from "../servers/script.ts";
import type { Dialogue } from "./dialogues.ts";
import { lookProbe, monitorProbe } from "./probes.ts";

const SMTP = [
  "220 EX01.lab.example.com Microsoft ESMTP MAIL Service ready\r\n",
  "250-EX01.lab.example.com Hello [127.0.0.1]\r\n250-SIZE 37748736\r\n250-AUTH NTLM LOGIN\r\n250 CHUNKING\r\n",
  "250 2.1.0 Sender OK\r\n",
  "250 2.0.0 Resetting\r\n",
  "221 2.0.0 Service closing transmission channel\r\n",
];
const IMAP = [
  "* OK The Microsoft Exchange IMAP4 service is ready.\r\n",
  "* CAPABILITY IMAP4 IMAP4rev1 AUTH=NTLM STARTTLS IDLE\r\na1 OK CAPABILITY completed.\r\n",
  "* BYE Logging out\r\na9 OK LOGOUT completed.\r\n",
];
const POP3 = [
  "+OK The Microsoft Exchange POP3 service is ready.\r\n",
  "+OK\r\nTOP\r\nUIDL\r\nSTLS\r\n.\r\n",
  "+OK Microsoft Exchange Server POP3 server signing off.\r\n",
];
const POP3_LOGIN = [
  "+OK The Microsoft Exchange POP3 service is ready.\r\n",
  "+OK\r\n",
  "+OK User successfully logged on.\r\n",
  "+OK Microsoft Exchange Server POP3 server signing off.\r\n",
];
const FTP = [
  "220-Welcome\r\n220 Service ready\r\n",
  "331 Password please\r\n",
  "230 Logged in\r\n",
  "229 Entering Extended Passive Mode (|||6446|)\r\n",
  "probe.txt\r\n",
  "150 Here it comes\r\n226 Done\r\n",
  "221 Bye\r\n",
];
const FTP_WITHOUT_EPSV = [
  ...FTP.slice(0, 3),
  "500 What?\r\n",
  "227 Entering Passive Mode (127,0,0,1,4,1)\r\n",
  ...FTP.slice(4),
];
const MYSQL_GREETING = `J\u0000\u0000\u0000\n8.0.36\u0000\u0008\u0000\u0000\u0000AAAAAAAA\u0000\u00ff\u00ff-\u0002\u0000\u00ff\u00df\u0015${"\u0000".repeat(10)}BBBBBBBBBBBB\u0000mysql_native_password\u0000`;
const LDAP_BIND = "0\u000c\u0002\u0001\u0001a\u0007\n\u0001\u0000\u0004\u0000\u0004\u0000";
const LDAP_DONE = "0\u000c\u0002\u0001\u0002e\u0007\n\u0001\u0000\u0004\u0000\u0004\u0000";
const DNS =
  "\u0000\u0007\u0085\u0080\u0000\u0001\u0000\u0001\u0000\u0000\u0000\u0000\u0004mail\u0007example\u0003com\u0000\u0000\u0001\u0000\u0001\u00c0\u000c\u0000\u0001\u0000\u0001\u0000\u0000\u0000<\u0000\u0004\u00c0\u0000\u0002\n";
const SIP =
  "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
const HEALTH_PAGE =
  "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-FEServer: EX01\r\nContent-Length: 31\r\n\r\n200 OK<br/>EX01.lab.example.com";
const LINES = [
  "\r\n",
  "-",
  "250 ",
  "421 4.3.2 ",
  "{4294967295}",
  "* BYE ",
  "-ERR ",
  ".\r\n",
  "..",
  "(",
];

/** Every monitor and look that talks to a server, with the responses of real servers. */
export const DIALOGUES: readonly Dialogue[] = [
  tcp("smtp", [SMTP, SMTP.slice(0, 2), ["421 4.3.2 Service not active\r\n"]], monitorProbe("SMTP")),
  tcp("smtp-look", [SMTP], lookProbe("smtp_mail_from")),
  tcp("imap-look", [IMAP, ["* PREAUTH hi\r\n"]], lookProbe("imap_greeting")),
  tcp("pop3", [POP3_LOGIN, POP3], monitorProbe("POP3")),
  tcp("pop3-look", [POP3, ["-ERR busy\r\n"]], lookProbe("pop3_greeting")),
  tcp(
    "nntp",
    [["200 news ready\r\n", "211 1 1 1 misc\r\n", "205 bye\r\n"]],
    monitorProbe("NNTP", { group: "misc" }),
  ),
  tcp("ftp", [FTP, FTP_WITHOUT_EPSV], monitorProbe("FTP")),
  tcp(
    "ftp-extended",
    [FTP, FTP_WITHOUT_EPSV],
    monitorProbe("FTP-EXTENDED", { fileName: "probe.txt" }),
  ),
  tcp(
    "tcp-ecv",
    [IMAP, SMTP],
    monitorProbe("TCP-ECV", { send: "x\r\n", recv: "service is ready" }),
  ),
  tcp("http-ecv", http(), monitorProbe("HTTP-ECV", { send: "GET /", recv: "200 OK" })),
  tcp("http-monitor", http(), monitorProbe("HTTP", { httpRequest: "GET /" })),
  tcp("https-look", http(), lookProbe("https_challenge", "/owa/")),
  tcp(
    "health-look",
    [["", HEALTH_PAGE], ...http()],
    lookProbe("health_page", "/owa/healthcheck.htm"),
  ),
  tcp(
    "rtsp",
    [["", "RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS\r\n\r\n"]],
    monitorProbe("RTSP"),
  ),
  tcp("sip-tcp", [["", SIP]], monitorProbe("SIP-TCP")),
  tcp(
    "mysql",
    [
      [
        MYSQL_GREETING,
        "\u0007\u0000\u0000\u0002\u0000\u0000\u0000\u0002\u0000\u0000\u0000",
        "\u0001\u0000\u0000\u0001\u0001\u0017\u0000\u0000\u0002\u0003def\u0000\u0000\u0000\u00011\u0000\u000c?\u0000\u0001\u0000\u0000\u0000\u0008\u0081\u0000\u0000\u0000\u0000\u0005\u0000\u0000\u0003\u00fe\u0000\u0000\u0002\u0000\u0002\u0000\u0000\u0004\u00011\u0005\u0000\u0000\u0005\u00fe\u0000\u0000\u0002\u0000",
      ],
      ["\u0017\u0000\u0000\u0000\u00ff\u0010\u0004Too many connections"],
    ],
    monitorProbe("MYSQL", { sqlQuery: "SELECT 1" }),
  ),
  tcp("ldap", [["", LDAP_BIND, LDAP_DONE]], monitorProbe("LDAP", { baseDn: "dc=lab" })),
  tcp(
    "dns-tcp",
    [["", `\u0000\u0032${DNS}`]],
    monitorProbe("DNS-TCP", { query: "mail.example.com", queryType: "Address" }),
    echoBytes(2, 2, 2),
  ),
  udp(
    "dns-udp",
    [[DNS]],
    monitorProbe("DNS", { query: "mail.example.com", queryType: "Address" }),
    echoBytes(0, 0, 2),
  ),
  udp("dns-look", [[DNS]], lookProbe("dns_lookup"), echoBytes(0, 0, 2)),
  udp("sip-udp", [[SIP]], monitorProbe("SIP-UDP"), echoLine("Call-ID: ")),
  udp("udp-ecv", [["pong"]], monitorProbe("UDP-ECV", { send: "ping", recv: "pong" })),
  udp(
    "ntp",
    [[`$\u0001\u0000\u00e9${"\u0000".repeat(8)}GPS\u0000${"\u00e9\u0001\u0002\u0003".repeat(8)}`]],
    lookProbe("ntp_time"),
    echoBytes(40, 24, 8),
  ),
];

function tcp(
  name: string,
  seeds: readonly (readonly string[])[],
  probe: Dialogue["probe"],
  echo: Echo = noEcho,
): Dialogue {
  return { name, transport: "tcp", seeds, words: LINES, echo, probe };
}

function udp(
  name: string,
  seeds: readonly (readonly string[])[],
  probe: Dialogue["probe"],
  echo: Echo = noEcho,
): Dialogue {
  return { name, transport: "udp", seeds, words: LINES, echo, probe };
}

/** A client of HTTP speaks first. */
function http(): readonly (readonly string[])[] {
  return HTTP_SEEDS.map((answer) => ["", answer]);
}
