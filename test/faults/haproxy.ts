import { debianProgram } from "../support/debian-program.ts";
import { startHaproxy } from "../support/servers/haproxy.ts";
import { until } from "../support/lab-agent.ts";
import type { CheckName } from "./checks.ts";

/** The same checks in HAProxy's language; those named in TLS are made over TLS. */
const DIRECTIVES: Readonly<Record<CheckName, readonly string[]>> = {
  tcp: [],
  tcps: [],
  http: ["option httpchk GET /health", "http-check expect status 200"],
  "http-ecv": ["option httpchk GET /owa/healthcheck.htm", 'http-check expect string "200 OK"'],
  "https-ecv": ["option httpchk GET /owa/healthcheck.htm", 'http-check expect string "200 OK"'],
  "imap-ecv": ["option tcp-check", 'tcp-check expect string "IMAP4 service is ready."'],
  "pop3-ecv": ["option tcp-check", 'tcp-check expect string "+OK The Microsoft Exchange POP3"'],
  "smtp-ecv": ["option tcp-check", 'tcp-check expect string "220 "'],
  smtp: ["option smtpchk EHLO witness.example.com"],
};
const CONNECT_TIMEOUT_MS = 1_500;
const OVER_TLS: ReadonlySet<CheckName> = new Set(["tcps", "https-ecv"]);

/** HAProxy's opinion of each of these servers after one check of each; null where it is not installed. */
export async function judgeByHaproxy(
  servers: readonly {
    readonly check: CheckName;
    readonly port: number;
    readonly patience: number;
  }[],
): Promise<readonly ("up" | "down")[] | null> {
  if (debianProgram("haproxy", "haproxy") === null) {
    return null;
  }
  const haproxy = await startHaproxy(
    servers.map(({ check, port, patience }, at) => ({
      name: `fault${String(at)}`,
      port,
      directives: [`timeout check ${String(patience)}ms`, ...DIRECTIVES[check]],
      tls: OVER_TLS.has(check),
    })),
    CONNECT_TIMEOUT_MS,
    600_000,
  );
  try {
    const states = await until(
      "HAProxy has checked every server",
      () => haproxy.states(),
      (seen) =>
        [...seen.values()].filter(({ checkStatus }) => /^(?:L[467]|SOCKERR)/.test(checkStatus))
          .length === servers.length,
      90_000,
    );
    return servers.map((_, at) => (states.get(`fault${String(at)}`)?.up === true ? "up" : "down"));
  } finally {
    await haproxy.stop();
  }
}
