import type { MonitorSpec } from "../../src/probes/monitors/spec.ts";
import { monitorSpec, PLAIN_TLS } from "../support/monitor-spec.ts";

/** The monitors that the faults are tried on, as an estate with Exchange has them. */
export const CHECKS = {
  tcp: monitorSpec("TCP"),
  tcps: monitorSpec("TCP", {}, { tls: PLAIN_TLS }),
  http: monitorSpec("HTTP", { httpRequest: "GET /health" }),
  "http-ecv": monitorSpec("HTTP-ECV", { send: "GET /owa/healthcheck.htm", recv: "200 OK" }),
  "https-ecv": monitorSpec(
    "HTTP-ECV",
    { send: "GET /owa/healthcheck.htm", recv: "200 OK" },
    { tls: PLAIN_TLS },
  ),
  "imap-ecv": monitorSpec("TCP-ECV", { send: null, recv: "IMAP4 service is ready." }),
  "pop3-ecv": monitorSpec("TCP-ECV", { send: null, recv: "+OK The Microsoft Exchange POP3" }),
  "smtp-ecv": monitorSpec("TCP-ECV", { send: null, recv: "220 " }),
  smtp: monitorSpec("SMTP"),
} as const satisfies Readonly<Record<string, MonitorSpec>>;
export type CheckName = keyof typeof CHECKS;
