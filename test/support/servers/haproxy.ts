import { put, startServer, type RealServer } from "../real-servers.ts";

export interface HaproxyCheck {
  readonly name: string;
  readonly port: number;
  /** Directives of the backend: `option httpchk …`, `tcp-check expect …`. */
  readonly directives: readonly string[];
  /** Whether the check speaks TLS. */
  readonly tls: boolean;
}

export interface HaproxyState {
  readonly up: boolean;
  /** HAProxy's own word: L4OK, L7STS, SOCKERR …; "* " before it while the next check is under way */
  readonly checkStatus: string;
}

/** HAProxy as a health checker of these servers; its verdicts are read from the statistics page. Debian: haproxy. */
export async function startHaproxy(
  checks: readonly HaproxyCheck[],
  timeoutMs: number,
  everyMs = 2_000,
): Promise<RealServer & { states(): Promise<ReadonlyMap<string, HaproxyState>> }> {
  const server = await startServer({
    program: "haproxy",
    ports: ["stats"],
    prepare({ directory, ports }) {
      const backends = checks.map(
        ({ name, port, directives, tls }) => `
backend ${name}
  ${directives.join("\n  ")}
  server s 127.0.0.1:${port} check inter ${everyMs}ms fall 1 rise 1${tls ? " check-ssl verify none" : ""}
`,
      );
      const file = put(
        directory,
        "haproxy.cfg",
        `
global
  maxconn 200
  spread-checks 0
  max-spread-checks 2s
  ssl-server-verify none
defaults
  mode tcp
  timeout connect ${timeoutMs}ms
  timeout check ${timeoutMs}ms
  timeout client 5s
  timeout server 5s
frontend stats
  mode http
  bind 127.0.0.1:${ports["stats"] ?? 0}
  stats enable
  stats uri /
${backends.join("")}
`,
      );
      return ["-db", "-f", file];
    },
  });
  return {
    ...server,
    async states() {
      const response = await fetch(`http://127.0.0.1:${server.ports["stats"] ?? 0}/;csv`);
      return parseStates(await response.text());
    },
  };
}

function parseStates(csv: string): ReadonlyMap<string, HaproxyState> {
  const [header = "", ...lines] = csv.split("\n");
  const columns = header.replace(/^# /, "").split(",");
  const [status, checkStatus] = [columns.indexOf("status"), columns.indexOf("check_status")];
  const states = new Map<string, HaproxyState>();
  for (const line of lines) {
    const fields = line.split(",");
    if (fields[1] === "s" && fields[0] !== undefined) {
      states.set(fields[0], {
        up: (fields[status] ?? "").startsWith("UP"),
        checkStatus: fields[checkStatus] ?? "",
      });
    }
  }
  return states;
}
