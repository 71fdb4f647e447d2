import { chmodSync, mkdirSync } from "node:fs";
import { labCertificateFiles } from "../../support/lab-certificate-files.ts";
import { put, startServer, type RealServer } from "../../support/real-servers.ts";
import { startPostfixAs } from "../../support/servers/postfix.ts";

export const SUBMISSION_USER = { username: "itest@mail.example.com", password: "s3cret of itest" };

export interface SubmissionServers {
  /** Ports `smtp` (submission, STARTTLS) and `imaps` of one mailbox. */
  readonly ports: Readonly<Record<"submission" | "imaps", number>>;
  /** What the mailbox's server wrote to its log, for failure messages. */
  output(): string;
  stop(): Promise<void>;
}

/**
 * Postfix that takes mail after AUTH and hands it to Dovecot over LMTP; Dovecot checks the passwords of both and serves the
 * mailbox. Needs root. Debian: postfix, dovecot-imapd, dovecot-lmtpd.
 */
export async function startSubmission(): Promise<SubmissionServers> {
  const dovecot = await startMailbox();
  let postfix: RealServer;
  try {
    postfix = await startRelay(dovecot.ports["auth"] ?? 0, dovecot.ports["lmtp"] ?? 0);
  } catch (error) {
    await dovecot.stop();
    throw error;
  }
  return {
    ports: { submission: postfix.ports["submission"] ?? 0, imaps: dovecot.ports["imaps"] ?? 0 },
    output: () => dovecot.output(),
    async stop() {
      await postfix.stop();
      await dovecot.stop();
    },
  };
}

function startMailbox(): Promise<RealServer> {
  return startServer({
    program: "dovecot",
    ports: ["imaps", "auth", "lmtp"],
    prepare({ directory, ports }) {
      const tls = labCertificateFiles("mail");
      const { username, password } = SUBMISSION_USER;
      put(directory, "passwd", `${username}:{PLAIN}${password}::::::\n`);
      mkdirSync(`${directory}/mail`);
      chmodSync(`${directory}/mail`, 0o777);
      const file = put(
        directory,
        "dovecot.conf",
        `
base_dir = ${directory}/run
state_dir = ${directory}/state
instance_name = witness-submission
protocols = imap lmtp
listen = 127.0.0.1
log_path = /dev/stderr
ssl = yes
ssl_cert = <${tls.certificate}
ssl_key = <${tls.key}
auth_mechanisms = plain login
mail_location = maildir:${directory}/mail/%u
passdb {
  driver = passwd-file
  args = ${directory}/passwd
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/tmp
}
namespace inbox {
  inbox = yes
  mailbox Junk {
    auto = create
    special_use = \\Junk
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${String(ports["imaps"] ?? 0)}
    ssl = yes
  }
}
service auth {
  inet_listener {
    port = ${String(ports["auth"] ?? 0)}
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${String(ports["lmtp"] ?? 0)}
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

function startRelay(authPort: number, lmtpPort: number): Promise<RealServer> {
  return startPostfixAs({
    ports: ["submission"],
    main: `mydestination =
virtual_mailbox_domains = mail.example.com
virtual_transport = lmtp:inet:127.0.0.1:${String(lmtpPort)}
virtual_mailbox_maps =
mynetworks =
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${String(authPort)}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
`,
    master: (ports) => `127.0.0.1:${String(ports["submission"] ?? 0)} inet n - n - - smtpd
lmtp unix - - n - - lmtp
`,
  });
}
