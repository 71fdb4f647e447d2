import { put, startServer, type RealServer } from "../real-servers.ts";
import { listensOnUdp } from "../udp-ready.ts";

export const RADIUS_USER = {
  username: "itest",
  password: "radius-password",
  secret: "radius-shared",
};

/** FreeRADIUS with one user and PAP; it demands a Message-Authenticator. Debian: freeradius. */
export function startFreeradius(): Promise<RealServer> {
  return startServer({
    program: "freeradius",
    ports: ["radius"],
    answers: (ports) => listensOnUdp(ports["radius"] ?? 0),
    prepare({ directory, ports }) {
      put(directory, "dictionary", "$INCLUDE /usr/share/freeradius/dictionary\n");
      put(
        directory,
        "users",
        `${RADIUS_USER.username} Cleartext-Password := "${RADIUS_USER.password}"\n`,
      );
      put(
        directory,
        "radiusd.conf",
        `
prefix = /usr
libdir = /usr/lib/freeradius
logdir = ${directory}
run_dir = ${directory}
pidfile = ${directory}/radiusd.pid
max_requests = 256
log { destination = stdout }
security {
  reject_delay = 0
  status_server = no
}
thread pool {
  start_servers = 1
  max_servers = 2
  min_spare_servers = 1
  max_spare_servers = 2
}
modules {
  pap {
  }
  files {
    usersfile = ${directory}/users
  }
}
client loopback {
  ipaddr = 127.0.0.1
  secret = ${RADIUS_USER.secret}
  require_message_authenticator = yes
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${ports["radius"] ?? 0}
  }
  authorize {
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
}
`,
      );
      return ["-f", "-l", "stdout", "-d", directory];
    },
  });
}
