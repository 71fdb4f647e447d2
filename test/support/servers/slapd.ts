import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { labCaFile, labCertificateFiles } from "../lab-certificate-files.ts";
import { findProgram, put, startServer, type RealServer } from "../real-servers.ts";

export const LDAP_BASE = "dc=example,dc=com";
export const LDAP_ADMIN = { username: `cn=admin,${LDAP_BASE}`, password: "ldap-admin-secret" };

/** OpenLDAP with one small directory, in clear and over TLS. Debian: slapd. */
export function startSlapd(): Promise<RealServer> {
  return startServer({
    program: "slapd",
    ports: ["ldap", "ldaps"],
    prepare({ directory, ports }) {
      const tls = labCertificateFiles("mail");
      mkdirSync(`${directory}/db`);
      const config = put(
        directory,
        "slapd.conf",
        `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${directory}/slapd.pid
TLSCACertificateFile ${labCaFile()}
TLSCertificateFile ${tls.certificate}
TLSCertificateKeyFile ${tls.key}
database mdb
suffix "${LDAP_BASE}"
rootdn "${LDAP_ADMIN.username}"
rootpw ${LDAP_ADMIN.password}
directory ${directory}/db
access to * by anonymous auth by users read
`,
        0o600,
      );
      const ldif = put(
        directory,
        "base.ldif",
        `dn: ${LDAP_BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: uid=itest,${LDAP_BASE}
objectClass: inetOrgPerson
uid: itest
cn: itest
sn: itest
mail: itest@example.com
`,
      );
      execFileSync(findProgram("slapadd") ?? "slapadd", ["-f", config, "-l", ldif]);
      const urls = `ldap://127.0.0.1:${ports["ldap"] ?? 0} ldaps://127.0.0.1:${ports["ldaps"] ?? 0}`;
      return ["-h", urls, "-f", config, "-d", "0"];
    },
  });
}
