import { accountOf, PROBE_A } from "../lab-exchange.ts";
import type { Dialogue } from "./hostile-server.ts";

/** Servers that are well, as small as can be: each transaction passes with its own. */

const { username } = accountOf(PROBE_A);
const { password } = PROBE_A;

function line(input: Buffer): { request: string; length: number } | null {
  const end = input.indexOf(10);
  return end === -1
    ? null
    : { request: input.toString("latin1", 0, end).replace(/\r$/, ""), length: end + 1 };
}

/** A command of IMAP with the literals in it, which are data and no lines. */
function imapCommand(input: Buffer): { request: string; length: number } | null {
  let request = "";
  let at = 0;
  for (;;) {
    const part = line(input.subarray(at));
    if (part === null) {
      return null;
    }
    at += part.length;
    request += part.request;
    const size = /\{(\d+)\+?\}$/.exec(part.request)?.[1];
    if (size === undefined) {
      return { request, length: at };
    }
    at += Number(size);
    request += "<literal>";
  }
}

/** By the server's port, the message that was searched for last: the mailbox holds it, or an old one's. */
const searched = new Map<number, string>();
const OLD_MESSAGE = "5b2fbd9d-9f2b-4d5e-8a56-0d0c61f0a001";

export const IMAP: Dialogue = {
  greeting: "* OK The Microsoft Exchange IMAP4 service is ready.\r\n",
  cut: imapCommand,
  answer(request, port) {
    const [tag = "*", ...rest] = request.split(" ");
    const command = rest
      .slice(0, rest[0]?.toUpperCase() === "UID" ? 2 : 1)
      .join(" ")
      .toUpperCase();
    if (command === "UID SEARCH") {
      searched.set(
        port,
        /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/.exec(request)?.[0] ?? OLD_MESSAGE,
      );
    }
    const data =
      command === "UID FETCH" ? fetched(searched.get(port) ?? OLD_MESSAGE) : IMAP_DATA[command];
    return `${data ?? ""}${tag} OK ${command} completed.\r\n`;
  },
};

/** The message with the header that the round trip compares before it deletes. */
function fetched(id: string): string {
  const header = `X-Adc-Witness: ${id}\r\n\r\n`;
  return (
    '* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000" ' +
    `BODY[HEADER.FIELDS (X-ADC-WITNESS)] {${String(header.length)}}\r\n${header})\r\n`
  );
}

const IMAP_DATA: Readonly<Record<string, string>> = {
  CAPABILITY: "* CAPABILITY IMAP4 IMAP4rev1 UIDPLUS NAMESPACE\r\n",
  NAMESPACE: '* NAMESPACE (("" "/")) NIL NIL\r\n',
  LIST: '* LIST (\\HasNoChildren \\Junk) "/" Junk\r\n* LIST (\\HasNoChildren) "/" INBOX\r\n',
  SELECT: "* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen \\Deleted)\r\n* OK [UIDVALIDITY 1] \r\n",
  EXAMINE: "* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen \\Deleted)\r\n* OK [UIDVALIDITY 1] \r\n",
  "UID SEARCH": "* SEARCH 1\r\n",
  FETCH: '* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000" RFC822.SIZE 77)\r\n',
  "UID EXPUNGE": "* 1 EXPUNGE\r\n",
  LOGOUT: "* BYE Signing off.\r\n",
};

export const POP3: Dialogue = {
  greeting: "+OK The Microsoft Exchange POP3 service is ready.\r\n",
  cut: line,
  answer: (request) =>
    /^CAPA/.test(request)
      ? "+OK\r\nTOP\r\nUIDL\r\nUSER\r\n.\r\n"
      : `+OK ${/^STAT/.test(request) ? "1 77" : "done"}\r\n`,
};

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const SMTP_ANSWERS: readonly (readonly [RegExp, string])[] = [
  [/^EHLO/, "250-ex01.example.com Hello [127.0.0.1]\r\n250-SIZE\r\n250 AUTH LOGIN\r\n"],
  [/^AUTH LOGIN$/, "334 VXNlcm5hbWU6\r\n"],
  [/^AUTH LOGIN ./, "334 UGFzc3dvcmQ6\r\n"],
  [/^MAIL /, "250 2.1.0 Sender OK\r\n"],
  [/^RCPT /, "250 2.1.5 Recipient OK\r\n"],
  [/^RSET/, "250 2.0.0 Resetting\r\n"],
  [/^DATA/, "354 Start mail input\r\n"],
  [/^\.$/, "250 2.6.0 Queued mail for delivery\r\n"],
  [/^QUIT/, "221 2.0.0 Closing\r\n"],
];
/** Requests at which the user name and the password come. */
export const SMTP_USER = new RegExp(`^${escaped(base64(username))}$`);
export const SMTP_PASSWORD = new RegExp(`^${escaped(base64(password))}$`);

export const SMTP: Dialogue = {
  greeting: "220 ex01.example.com Microsoft ESMTP MAIL Service ready\r\n",
  cut: line,
  answer(request) {
    if (SMTP_USER.test(request)) {
      return "334 UGFzc3dvcmQ6\r\n";
    }
    // The lines of a message are no commands, and get no answer.
    return SMTP_PASSWORD.test(request)
      ? "235 2.7.0 Authentication successful\r\n"
      : (SMTP_ANSWERS.find(([pattern]) => pattern.test(request))?.[1] ?? "");
  },
};

function escaped(text: string): string {
  return text.replace(/[+/=]/g, "\\$&");
}

function httpRequest(input: Buffer): { request: string; length: number } | null {
  const end = input.indexOf("\r\n\r\n");
  if (end === -1) {
    return null;
  }
  const head = input.toString("latin1", 0, end + 4);
  const size = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  const length = end + 4 + size;
  return input.length < length ? null : { request: input.toString("latin1", 0, length), length };
}

export type Page = (request: string) => string;

export function http(page: Page): Dialogue {
  return { greeting: "", cut: httpRequest, answer: page };
}

export function response(status: string, headers: readonly string[], body = ""): string {
  return [
    `HTTP/1.1 ${status}`,
    "X-FEServer: EX01",
    ...headers,
    `Content-Length: ${String(body.length)}`,
    "",
    body,
  ].join("\r\n");
}

/** Asks for Basic, and answers who brings it. */
export function behindBasic(headers: readonly string[], body = "", status = "200 OK"): Dialogue {
  return http((request) =>
    /^authorization: basic /im.test(request)
      ? response(status, headers, body)
      : response("401 Unauthorized", ['WWW-Authenticate: Basic realm="ex01"']),
  );
}

/** MS-NLMP 4.2.4.3. */
const CHALLENGE =
  "TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgACAAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA=";

/** NTLM's two steps, on whose second everybody is let in. */
export function behindNtlm(headers: readonly string[], body: string): Dialogue {
  return http((request) => {
    const token = /^authorization: ntlm (\S+)/im.exec(request)?.[1];
    if (token === undefined) {
      return response("401 Unauthorized", ["WWW-Authenticate: NTLM"]);
    }
    return Buffer.from(token, "base64")[8] === 1
      ? response("401 Unauthorized", [`WWW-Authenticate: NTLM ${CHALLENGE}`])
      : response("200 OK", headers, body);
  });
}

/** Outlook on the web's own form. */
export const OWA = http((request) => {
  if (/^POST \/owa\/auth\.owa/.test(request)) {
    return response("302 Found", ["Location: /owa/", "Set-Cookie: cadata=x; path=/"]);
  }
  return /^cookie: .*cadata=x/im.test(request)
    ? response("200 OK", [], "<html>mailbox</html>")
    : response("302 Found", ["Location: /owa/auth/logon.aspx?url=x"]);
});

/** The ADC's form in front of the mailbox. */
const AAA_PAGE =
  '<form action="/cgi/tmlogin"><input type="text" name="login"><input type="password" name="passwd"></form>';

export const OWA_BEHIND_AAA = http((request) => {
  const fromAdc = (...headers: string[]): string =>
    `HTTP/1.1 302 Found\r\n${headers.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`;
  if (/^POST \/cgi\/(?:tm)?login/.test(request)) {
    return fromAdc("Location: /owa/", "Set-Cookie: NSC_TMAS=x; path=/");
  }
  if (/^GET \/vpn\/tmindex\.html/.test(request)) {
    return response("200 OK", ["Content-Type: text/html"], AAA_PAGE);
  }
  return /^cookie: .*NSC_TMAS=x/im.test(request)
    ? response("200 OK", [], "<html>mailbox</html>")
    : fromAdc("Location: /vpn/tmindex.html", "Set-Cookie: NSC_TASS=x; path=/");
});

function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ""), "hex");
}

export const LDAP: Dialogue = {
  greeting: "",
  cut(input) {
    const [tag, first = 0] = input;
    const wide = first >= 0x80 ? first & 0x7f : 0;
    if (tag === undefined || input.length < 2 + wide) {
      return null;
    }
    const length = 2 + wide + (wide === 0 ? first : input.readUIntBE(2, wide));
    return input.length < length
      ? null
      : { request: input.toString("latin1", 2 + wide, length), length };
  },
  // The message id stands first, then the operation (RFC 4511 section 4.1.1).
  answer(request) {
    const id = request.charCodeAt(2).toString(16).padStart(2, "0");
    const done = (tag: string): string => `300c 0201${id} ${tag} 07 0a0100 0400 0400`;
    switch (request[3]) {
      case "\x60":
        return hex(done("61"));
      case "\x63":
        return hex(
          `300b 0201${id} 64 06 0402${Buffer.from("cn").toString("hex")} 3000 ${done("65")}`,
        );
      default:
        return "";
    }
  },
};
export const LDAP_BIND = /^[^]{3}\x60/;
export const LDAP_SEARCH = /^[^]{3}\x63/;

/** An endpoint mapper that names its own port, and EMSMDB there. */
export const RPC: Dialogue = {
  greeting: "",
  cut(input) {
    const length = input.length < 16 ? Infinity : input.readUInt16LE(8);
    return input.length < length ? null : { request: input.toString("latin1", 0, length), length };
  },
  answer(request, port) {
    if (request[2] === "\x0b") {
      return hex(`05000c03 10000000 3c00 0000 01000000 d016 d016 78560000 0400 31333500 0000
        01000000 0000 0000 045d888aeb1cc9119fe808002b104860 02000000`);
    }
    const towers = hex(`${"00".repeat(20)} 01000000 01000000 00000000 01000000 97e70000
      4b000000 4b000000 0500 1300 0d 00dbf1a447ca6710b31f00dd010662da 0000 0200 5100
      1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000 0100 0b 0200 0100
      0100 07 0200 ${port.toString(16).padStart(4, "0")} 0100 09 0400 7f000001 bf 00000000`);
    const packet = Buffer.concat([
      hex("05000203 10000000 0000 0000 02000000 00000000 0000 0000"),
      towers,
    ]);
    packet.writeUInt16LE(packet.length, 8);
    return packet;
  },
};
export const RPC_BIND = /^\x05\x00\x0b/;
export const RPC_REQUEST = /^\x05\x00\x00/;
