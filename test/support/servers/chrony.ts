import { put, startServer, testUser, type RealServer } from "../real-servers.ts";
import { listensOnUdp } from "../udp-ready.ts";

/** chrony serving its own clock as time, without touching it. Debian: chrony. */
export function startChrony(): Promise<RealServer> {
  return startServer({
    program: "chronyd",
    ports: ["ntp"],
    answers: (ports) => listensOnUdp(ports["ntp"] ?? 0),
    prepare({ directory, ports }) {
      const file = put(
        directory,
        "chrony.conf",
        `port ${ports["ntp"] ?? 0}
bindaddress 127.0.0.1
allow 127.0.0.1
local stratum 8
cmdport 0
bindcmdaddress /
pidfile ${directory}/pid
`,
      );
      return ["-d", "-x", "-U", "-u", testUser(), "-f", file];
    },
  });
}
