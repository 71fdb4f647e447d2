import type { Socket } from "node:net";
import { labCertificate } from "../../../lab/certificates/lab-certificate.ts";
import { runMonitor } from "../../../src/probes/monitors/run-monitor.ts";
import type { MonitorSpec } from "../../../src/probes/monitors/spec.ts";
import type { ProbeContext, Target } from "../../../src/probes/probe.ts";
import { probeContract, type ContractSubject } from "../../support/contract.ts";
import { monitorSpec, PLAIN_TLS } from "../../support/monitor-spec.ts";
import { conversation } from "../../support/scripted-server.ts";

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
const credential = { username: "itest", password: "pw", secret: null };

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
