import { createHash } from "node:crypto";
import {
  labCertificateFiles,
  type CertificateName,
} from "../../../lab/certificates/lab-certificate.ts";
import { put, startServer, type RealServer } from "../../support/real-servers.ts";

export const NTLM_USER = { domain: "LAB", username: "probe-a", password: "pass word & 100%" };

/** Apache with mod_auth_gssapi and gss-ntlmssp: NTLM by an implementation that is not ours, over TLS and in clear. */
export function startApache(certificate: CertificateName = "mail"): Promise<RealServer> {
  return startServer({
    // The module reads the name of its user file from the environment.
    program: "env",
    ports: ["http", "https"],
    prepare({ directory, ports }) {
      const tls = labCertificateFiles(certificate);
      const { domain, username, password } = NTLM_USER;
      put(directory, "ntlm-users", `${domain}:${username}:${password}\n`);
      put(directory, "html/oab.xml", "<OAB><OAL id='1'/></OAB>\n");
      put(directory, "html/basic/oab.xml", "<OAB><OAL id='1'/></OAB>\n");
      const digest = createHash("sha1").update(password).digest("base64");
      put(directory, "basic-users", `${username}:{SHA}${digest}\n`);
      const modules = [
        "mpm_prefork",
        "authn_core",
        "authz_core",
        "authz_user",
        "auth_gssapi",
        "auth_basic",
        "authn_file",
        "ssl",
        "socache_shmcb",
        "headers",
      ].map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
      const file = put(
        directory,
        "apache.conf",
        `
ServerRoot ${directory}
ServerName mail.example.com
PidFile ${directory}/apache.pid
DefaultRuntimeDir ${directory}
Mutex file:${directory} default
Listen 127.0.0.1:${String(ports["http"] ?? 0)}
Listen 127.0.0.1:${String(ports["https"] ?? 0)}
${modules.join("\n")}
ErrorLog ${directory}/error.log
LogLevel info auth_gssapi:debug
DocumentRoot ${directory}/html
StartServers 1
MinSpareServers 1
MaxSpareServers 2
KeepAlive On
Header always set X-FEServer APACHE
<VirtualHost 127.0.0.1:${String(ports["https"] ?? 0)}>
  SSLEngine on
  SSLCertificateFile ${tls.certificate}
  SSLCertificateKeyFile ${tls.key}
</VirtualHost>
<Location />
  AuthType GSSAPI
  AuthName witness
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound On
  Require valid-user
</Location>
<Location /basic>
  AuthType Basic
  AuthName witness
  AuthBasicProvider file
  AuthUserFile ${directory}/basic-users
</Location>
`,
      );
      return [`NTLM_USER_FILE=${directory}/ntlm-users`, "apache2", "-D", "FOREGROUND", "-f", file];
    },
  });
}
