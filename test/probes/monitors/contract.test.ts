import type { Socket } from "node:net";
import { labCertificate } from "../../../lab/certificates/lab-certificate.ts";
import { runMonitor } from "../../../src/probes/monitors/registry.ts";
import type { MonitorSpec } from "../../../src/probes/monitors/spec.ts";
import type { ProbeContext, Target } from "../../../src/net/probe-context.ts";
import { probeContract, type ContractSubject } from "../../support/contract.ts";
import { monitorSpec, PLAIN_TLS } from "../../support/monitor-spec.ts";
import { mysqlServer, MYSQL_USER } from "../../support/mysql-server.ts";
import { conversation } from "../../support/scripted-server.ts";
import { monitorCredential } from "../../support/sealed.ts";

function runOf(spec: MonitorSpec): ContractSubject["run"] {
  return async (target: Target, context: ProbeContext) =>
    (await runMonitor(spec, target, context)).observation;
}

function page(text: string): (socket: Socket) => void {
  return (socket) => {
    let asked = "";
    socket.on("data", (data) => {
      asked += data.toString();
      if (asked.endsWith("\r\n\r\n")) {
        asked = "";
        socket.write(
          `HTTP/1.1 200 OK\r\nX-FEServer: EX01\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
        );
      }
    });
  };
}

const { certificate: cert, key } = labCertificate("mail");
const tls = { cert, key };
const healthBody = "200 OK<br/>EX01.EXAMPLE.COM";
const smtpServer = conversation("220 ex01.example.com ready\r\n", [
  [/^EHLO /, "250-ex01.example.com Hello\r\n250 SIZE\r\n"],
  [/^QUIT/, "221 bye\r\n"],
]);
const pop3Server = conversation("+OK ready\r\n", [[/^(USER|PASS|QUIT)/, "+OK\r\n"]]);
const credential = monitorCredential({ username: "itest", password: "pw" });

probeContract("TCP", {
  run: runOf(monitorSpec("TCP")),
  healthy: () => undefined,
  connectionIsEnough: true,
});
probeContract("TCP, ended by RST", {
  run: runOf(monitorSpec("TCP", {}, { closeMode: "RESET" })),
  healthy: () => undefined,
  connectionIsEnough: true,
});
probeContract("TCP, secure", {
  run: runOf(monitorSpec("TCP", {}, { tls: PLAIN_TLS })),
  healthy: () => undefined,
  tls,
  connectionIsEnough: true,
});
probeContract("TCP-ECV", {
  run: runOf(monitorSpec("TCP-ECV", { send: null, recv: "service is ready" })),
  healthy: (socket) => socket.write("* OK The service is ready.\r\n"),
});
probeContract("TCP-ECV that sends", {
  run: runOf(monitorSpec("TCP-ECV", { send: "hello\r\n", recv: "world" })),
  healthy: conversation("", [[/^hello$/, "world\r\n"]]),
});
probeContract("TCP-ECV, secure", {
  run: runOf(monitorSpec("TCP-ECV", { send: null, recv: "service is ready" }, { tls: PLAIN_TLS })),
  healthy: (socket) => socket.write("* OK The service is ready.\r\n"),
  tls,
});
probeContract("HTTP", { run: runOf(monitorSpec("HTTP")), healthy: page("") });
probeContract("HTTP, secure", {
  run: runOf(monitorSpec("HTTP", {}, { tls: PLAIN_TLS })),
  healthy: page(""),
  tls,
});
probeContract("HTTP-ECV", {
  run: runOf(monitorSpec("HTTP-ECV", { send: "GET /owa/healthcheck.htm", recv: "200 OK" })),
  healthy: page(healthBody),
});
probeContract("HTTP-ECV, secure", {
  run: runOf(
    monitorSpec(
      "HTTP-ECV",
      { send: "GET /owa/healthcheck.htm", recv: "200 OK" },
      { tls: PLAIN_TLS },
    ),
  ),
  healthy: page(healthBody),
  tls,
});
probeContract("SMTP", { run: runOf(monitorSpec("SMTP")), healthy: smtpServer });
probeContract("SMTP, secure", {
  run: runOf(monitorSpec("SMTP", {}, { tls: PLAIN_TLS })),
  healthy: smtpServer,
  tls,
});
probeContract("POP3", {
  run: runOf(monitorSpec("POP3", {}, { credential })),
  healthy: pop3Server,
});

probeContract("DNS-TCP", {
  run: runOf(monitorSpec("DNS-TCP", { query: "example.com" })),
  healthy: (socket) => {
    socket.on("data", (query: Buffer) => {
      const answer = Buffer.from(query);
      answer.writeUInt16BE(0x8180, 4);
      socket.write(answer);
    });
  },
});
probeContract("NNTP", {
  run: runOf(monitorSpec("NNTP", { group: "local.test" })),
  healthy: conversation("200 ready\r\n", [
    [/^GROUP/, "211 0 0 0 local.test\r\n"],
    [/^QUIT/, "205 bye\r\n"],
  ]),
});
probeContract("RTSP", {
  run: runOf(monitorSpec("RTSP")),
  healthy: conversation("", [[/^OPTIONS/, "RTSP/1.0 200 OK\r\n\r\n"]]),
});
probeContract("SIP-TCP", {
  run: runOf(monitorSpec("SIP-TCP")),
  healthy: conversation("", [[/^OPTIONS/, "SIP/2.0 200 OK\r\n\r\n"]]),
});
probeContract("LDAP", {
  run: runOf(monitorSpec("LDAP")),
  healthy: (socket) => {
    let seen = 0;
    socket.on("data", (data: Buffer) => {
      seen += 1;
      // A bind response, then the end of a search, both with result 0 (RFC 4511).
      const kind = seen === 1 ? 0x61 : 0x65;
      if (data[5] !== 0x42) {
        socket.write(Buffer.from([0x30, 12, 2, 1, seen, kind, 7, 10, 1, 0, 4, 0, 4, 0]));
      }
    });
  },
});
probeContract("MYSQL", {
  run: runOf(
    monitorSpec("MYSQL", { sqlQuery: "SELECT 1" }, { credential: monitorCredential(MYSQL_USER) }),
  ),
  healthy: (socket) => mysqlServer({ plugin: "mysql_native_password", queries: [] })(socket),
});
