import { chownSync, mkdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { labCertificateFiles } from "../lab-certificate-files.ts";
import { put, startServer, type RealServer } from "../real-servers.ts";

/** Why Postfix cannot run here, or null: it changes users, so it needs root. */
export function postfixNeeds(): string | null {
  return process.getuid?.() === 0 ? null : "Postfix runs its parts as other users and needs root";
}

/** Postfix's SMTP server in clear, and over TLS at once. Needs root. Debian: postfix. */
export function startPostfix(): Promise<RealServer> {
  return startPostfixAs({
    ports: ["smtp", "smtps"],
    main: `mydestination = mail.example.com
mynetworks = 127.0.0.0/8
smtpd_banner = ex01.example.com Microsoft ESMTP MAIL Service ready
`,
    master: (ports) => `127.0.0.1:${ports["smtp"] ?? 0} inet n - n - - smtpd
  -o smtpd_tls_security_level=may
127.0.0.1:${ports["smtps"] ?? 0} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
discard unix - - n - - discard
local unix - n n - - local
`,
  });
}

/** Postfix with what a test adds to main.cf and master.cf: its listeners by name of port, and what becomes of mail. */
export function startPostfixAs(own: {
  readonly ports: readonly string[];
  readonly main: string;
  readonly master: (ports: Readonly<Record<string, number>>) => string;
}): Promise<RealServer> {
  return startServer({
    program: "/usr/lib/postfix/sbin/master",
    ports: own.ports,
    prepare({ directory, ports }) {
      const tls = labCertificateFiles("mail");
      for (const name of ["queue", "data"]) {
        mkdirSync(`${directory}/${name}`);
      }
      const owner = Number(execFileSync("id", ["-u", "postfix"], { encoding: "utf8" }));
      chownSync(`${directory}/data`, owner, owner);
      put(
        directory,
        "main.cf",
        `
compatibility_level = 3.6
queue_directory = ${directory}/queue
data_directory = ${directory}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.com
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file_prefixes = ${directory}
maillog_file = ${directory}/mail.log
smtpd_tls_cert_file = ${tls.certificate}
smtpd_tls_key_file = ${tls.key}
alias_maps =
alias_database =
local_recipient_maps =
${own.main}`,
      );
      put(
        directory,
        "master.cf",
        `
${own.master(ports)}postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
`,
      );
      // Makes the queue's directories; its warnings about their owner do not matter here.
      execFileSync("postfix", ["-c", directory, "check"], { stdio: "ignore" });
      return ["-d", "-c", directory];
    },
  });
}
