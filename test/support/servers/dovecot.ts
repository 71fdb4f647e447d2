import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { labCertificateFiles } from "../lab-certificate-files.ts";
import { put, startServer, testUser, type RealServer } from "../real-servers.ts";

export const DOVECOT_USER = { username: "itest", password: "s3cret-of-itest" };
/** Dovecot greets with Exchange's own words, as an administrator may make it. */
export const IMAP_GREETING = "The Microsoft Exchange IMAP4 service is ready.";

/**
 * Dovecot with IMAP and POP3, in clear and over TLS, and one account; `proxied`: every listener awaits a PROXY header.
 * Debian: dovecot-imapd, dovecot-pop3d.
 */
export function startDovecot({ proxied = false } = {}): Promise<RealServer> {
  const awaits = `haproxy = ${proxied ? "yes" : "no"}`;
  return startServer({
    program: "dovecot",
    ports: ["imap", "imaps", "pop3", "pop3s"],
    prepare({ directory, ports }) {
      const tls = labCertificateFiles("mail");
      const user = testUser();
      const root = user === "root";
      const owner = root ? "nobody" : user;
      put(directory, "passwd", `${DOVECOT_USER.username}:{PLAIN}${DOVECOT_USER.password}::::::\n`);
      mkdirSync(join(directory, "mail"));
      // Mail is written by another user than the one who starts the server.
      chmodSync(join(directory, "mail"), 0o777);
      const file = put(
        directory,
        "dovecot.conf",
        `
base_dir = ${directory}/run
state_dir = ${directory}/state
instance_name = witness-test
protocols = imap pop3
listen = 127.0.0.1
haproxy_trusted_networks = 127.0.0.0/8
log_path = /dev/stderr
default_internal_user = ${root ? "dovecot" : user}
default_internal_group = ${root ? "dovecot" : ""}
default_login_user = ${root ? "dovenull" : user}
login_greeting = ${IMAP_GREETING}
disable_plaintext_auth = no
auth_mechanisms = plain login
ssl = yes
ssl_cert = <${tls.certificate}
ssl_key = <${tls.key}
mail_location = maildir:${directory}/mail/%u
passdb {
  driver = passwd-file
  args = ${directory}/passwd
}
userdb {
  driver = static
  args = uid=${owner} gid=${root ? "nogroup" : owner} home=/tmp
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${ports["imap"] ?? 0}
    ${awaits}
  }
  inet_listener imaps {
    port = ${ports["imaps"] ?? 0}
    ssl = yes
    ${awaits}
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = ${ports["pop3"] ?? 0}
    ${awaits}
  }
  inet_listener pop3s {
    port = ${ports["pop3s"] ?? 0}
    ssl = yes
    ${awaits}
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`,
      );
      return ["-F", "-c", file];
    },
  });
}
