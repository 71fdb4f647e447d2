import type { Step } from "./fault.ts";

/** A minimal healthy server: TLS faults come before it, and other faults interrupt it. */
export type HealthyProtocol = "http" | "imap" | "pop3" | "smtp";

export const HEALTHY: Readonly<Record<HealthyProtocol, readonly Step[]>> = {
  http: [
    { await: "head" },
    { send: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n200 OK" },
    { end: "close" },
  ],
  imap: [{ send: "* OK The Microsoft Exchange IMAP4 service is ready.\r\n" }, { talk: answerImap }],
  pop3: [{ send: "+OK The Microsoft Exchange POP3 service is ready.\r\n" }, { talk: answerPop3 }],
  smtp: [
    { send: "220 fault.lab.example.com Microsoft ESMTP MAIL Service ready\r\n" },
    { talk: answerSmtp },
  ],
};

export function answerImap(line: string): string {
  const [tag = "*", name = ""] = line.split(" ");
  switch (name.toUpperCase()) {
    case "CAPABILITY":
      return `* CAPABILITY IMAP4 IMAP4rev1 UIDPLUS ID IDLE\r\n${tag} OK CAPABILITY completed.\r\n`;
    case "EXAMINE":
    case "SELECT":
      return `* 0 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 1] UIDVALIDITY value\r\n${tag} OK ${name} completed.\r\n`;
    case "LOGOUT":
      return `* BYE Signing off.\r\n${tag} OK LOGOUT completed.\r\n`;
    default:
      return `${tag} OK ${name} completed.\r\n`;
  }
}

export function answerPop3(line: string): string {
  switch (line.split(" ")[0]?.toUpperCase()) {
    case "CAPA":
      return "+OK\r\nTOP\r\nUIDL\r\nUSER\r\n.\r\n";
    case "STAT":
      return "+OK 0 0\r\n";
    default:
      return "+OK\r\n";
  }
}

export function answerSmtp(line: string): string {
  switch (line.split(" ")[0]?.toUpperCase()) {
    case "EHLO":
      return "250-fault.lab.example.com Hello [127.0.0.1]\r\n250 SIZE 37748736\r\n";
    case "MAIL":
      return "250 2.1.0 Sender OK\r\n";
    case "QUIT":
      return "221 2.0.0 Service closing transmission channel\r\n";
    default:
      return "250 2.0.0 OK\r\n";
  }
}
