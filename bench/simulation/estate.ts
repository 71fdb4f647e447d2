import type { Estate } from "../../src/model/estate.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";

/** Four members to a server: IMAP behind a monitor that only sees a port, and three that see more. */
export const SERVICES = {
  imap: { group: "sg_imap", type: "TCP", port: 993, monitor: "mon_port" },
  pop3: { group: "sg_pop3", type: "TCP", port: 110, monitor: "mon_pop3" },
  smtp: { group: "sg_smtp", type: "TCP", port: 25, monitor: "mon_smtp" },
  https: { group: "sg_owa", type: "SSL", port: 443, monitor: "mon_health" },
} as const;
export type ServiceKind = keyof typeof SERVICES;
export const SERVICE_KINDS = Object.keys(SERVICES) as readonly ServiceKind[];

/** What every monitor of the simulated estate is timed by. */
export const TIMING = { intervalMs: 15_000, downTimeMs: 30_000, retries: 3, timeoutMs: 5_000 };
export const POLL_MS = 15_000;

/** An estate of Exchange servers, four members each, read as any ns.conf is. */
export function simulatedEstate(servers: number): Estate {
  const timing = `-interval 15 -downTime 30 -retries 3 -resptimeout 5 -LRTM DISABLED`;
  const names = Array.from(
    { length: servers },
    (_, index) => `ex${String(index + 1).padStart(3, "0")}`,
  );
  const lines = [
    "#NS13.1 Build 37.38",
    `add lb monitor mon_port TCP ${timing}`,
    `add lb monitor mon_pop3 TCP-ECV -recv "+OK The Microsoft Exchange POP3 service is ready." ${timing}`,
    `add lb monitor mon_smtp TCP-ECV -recv "220 " ${timing}`,
    `add lb monitor mon_health HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES ${timing}`,
    ...names.map((name, index) => `add server ${name} 192.0.2.${String(index + 1)}`),
    ...SERVICE_KINDS.flatMap((kind) => {
      const { group, type, port, monitor } = SERVICES[kind];
      return [
        `add serviceGroup ${group} ${type}`,
        `add lb vserver v_${kind} ${type} 0.0.0.0 0`,
        `bind lb vserver v_${kind} ${group}`,
        ...names.map((name) => `bind serviceGroup ${group} ${name} ${String(port)}`),
        `bind serviceGroup ${group} -monitorName ${monitor}`,
      ];
    }),
  ];
  return parseNsConf(`${lines.join("\n")}\n`, { adc: "prod" });
}
