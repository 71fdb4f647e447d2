import { put, startServer, testUser, type RealServer } from "../real-servers.ts";

/** vsftpd for anonymous users, with one file. Debian: vsftpd. */
export function startVsftpd(): Promise<RealServer> {
  return startServer({
    program: "vsftpd",
    ports: ["ftp"],
    prepare({ directory, ports }) {
      put(directory, "pub/health.txt", "all is well\n");
      const file = put(
        directory,
        "vsftpd.conf",
        `listen=YES
background=NO
listen_address=127.0.0.1
listen_port=${ports["ftp"] ?? 0}
run_as_launching_user=YES
ftp_username=${testUser()}
anonymous_enable=YES
local_enable=NO
no_anon_password=NO
anon_root=${directory}/pub
banned_email_file=
secure_chroot_dir=${directory}/pub
pasv_enable=YES
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
syslog_enable=NO
vsftpd_log_file=${directory}/log
`,
        0o600,
      );
      return [file];
    },
  });
}
