import { put, startServer, type RealServer } from "../real-servers.ts";
import { listensOnUdp } from "../udp-ready.ts";

export const SNMP_COMMUNITY = "witness-community";

/** Net-SNMP's agent for one community. Debian: snmpd. */
export function startSnmpd(): Promise<RealServer> {
  return startServer({
    program: "snmpd",
    ports: ["snmp"],
    answers: (ports) => listensOnUdp(ports["snmp"] ?? 0),
    env: { MIBS: "" },
    prepare({ directory, ports }) {
      const file = put(
        directory,
        "snmpd.conf",
        `rocommunity ${SNMP_COMMUNITY} 127.0.0.1
sysName ex01.example.com
[snmp] persistentDir ${directory}
`,
      );
      return [
        "-f",
        "-Lo",
        "-C",
        "-c",
        file,
        "-p",
        `${directory}/pid`,
        `udp:127.0.0.1:${ports["snmp"] ?? 0}`,
      ];
    },
  });
}
