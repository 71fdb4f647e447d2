import { HttpAnswerParser } from "../../../src/probes/protocols/http-answer.ts";
import {
  signsOfGreeting,
  signsOfHealthBody,
  signsOfHeaders,
  signsOfSmtp,
} from "../../../src/model/exchange-signs.ts";
import { mailLoginRefusal, mailRefusalReason } from "../../../src/net/mail-replies.ts";
import {
  challengeSchemes,
  isAdcLogin,
  isExchange,
  judgeChallenge,
  judgeError,
  summary,
  type WebContext,
} from "../../../src/probes/transactions/web-answer.ts";
import { CookieJar } from "../../../src/probes/transactions/web-visit.ts";
import { passivePort } from "../../../src/probes/monitors/ftp.ts";
import type { FuzzTarget } from "../target.ts";

/** Readers of streams in pieces, without a socket. */

export const HTTP_SEEDS = [
  "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-FEServer: EX01\r\nContent-Length: 24\r\n\r\n200 OK\r\nEX01.lab.example",
  'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm="mail"\r\nSet-Cookie: a=b; path=/; secure; HttpOnly\r\nContent-Length: 0\r\n\r\n',
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;x=y\r\nhello\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nX-T: 1\r\n\r\n",
  "HTTP/1.0 302 Found\r\nLocation: https://mail.example.com/owa/auth/logon.aspx?url=x&reason=0\r\nConnection: close\r\n\r\n<html>moved</html>",
  "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nX-Folded: a\r\n b\r\n\r\nThe service is unavailable.",
  "HTTP/1.1 200\nServer: x\n\nbare",
] as const;

const ASKED: WebContext = {
  vantage: "backend",
  spec: {
    adc: null,
    options: { auth_schemes: "Negotiate, NTLM" },
    host: "mail.example.com",
    tls: null,
    exchange: "2016",
  },
};

export function httpTarget(): FuzzTarget {
  return {
    name: "http",
    seeds: HTTP_SEEDS.map((text) => Buffer.from(text)),
    words: [
      "HTTP/1.1 ",
      "Content-Length: ",
      "Transfer-Encoding: chunked\r\n",
      "WWW-Authenticate: ",
      "Set-Cookie: ",
      "Location: ",
      "ffffffff\r\n",
      "0\r\n\r\n",
      "204 ",
      "X-FEServer: ",
    ],
    read: (input) => {
      const parser = new HttpAnswerParser((input[0] ?? 0) % 5 === 0 ? "HEAD" : "GET", 4_096);
      const piece = 1 + (((input.at(-1) ?? 0) * 7 + input.length) % 600);
      for (let at = 0; at < input.length; at += piece) {
        if (parser.feed(input.subarray(at, at + piece)) !== null) {
          return;
        }
      }
      parser.endsByClose();
      if (parser.state === "head") {
        return;
      }
      const answer = parser.answer();
      parser.takeRest();
      summary(answer);
      challengeSchemes(answer);
      isExchange(answer);
      judgeChallenge(answer, ASKED);
      judgeError(answer, ASKED);
      isAdcLogin(answer, null);
      signsOfHealthBody(answer.body.toString("latin1"));
      signsOfHeaders((name) => answer.headers.get(name));
      const jar = new CookieJar();
      jar.keep("mail.example.com", answer);
      jar.header("mail.example.com");
    },
  };
}

/** Lines of the line protocols, one per input, as they are parsed after the reader. */
export function greetingTarget(): FuzzTarget {
  return {
    name: "greeting",
    seeds: [
      "* OK The Microsoft Exchange IMAP4 service is ready. [QQBCAEMA]",
      "* BYE Connection is closed. 13",
      "+OK The Microsoft Exchange POP3 service is ready.",
      "-ERR [SYS/TEMP] Server unavailable. 21",
      "220 EX01.lab.example.com Microsoft ESMTP MAIL Service ready at Tue, 3 Nov 2026 12:00:00 +0100",
      "421 4.3.2 Service not available",
      "421 4.3.2 The maximum number of concurrent connections has exceeded a limit",
      "550 5.7.1 Client was not authenticated",
      "227 Entering Passive Mode (127,0,0,1,4,1)",
      "229 Entering Extended Passive Mode (|||6446|)",
    ].map((text) => Buffer.from(text)),
    words: ["Microsoft", "ESMTP", "5.7.1", "4.3.2", "[", "]", "|||", "(", ")", ","],
    read: (input) => {
      const line = input.toString("utf8");
      signsOfGreeting(line);
      signsOfSmtp(line);
      const code = Number(line.slice(0, 3));
      for (const refusal of [
        { protocol: "smtp", code, text: line },
        { protocol: "imap", text: line },
        { protocol: "pop3", text: line },
      ] as const) {
        mailRefusalReason(refusal, "command");
        mailLoginRefusal(refusal);
      }
      passivePort({ kind: "reply", code, lines: [line], text: line });
    },
  };
}
