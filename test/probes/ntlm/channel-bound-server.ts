import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  labCertificate,
  labCertificateFiles,
  type CertificateName,
} from "../../../lab/certificates/lab-certificate.ts";
import { put, startServer, type RealServer } from "../../support/real-servers.ts";
import { NTLM_USER } from "./apache-server.ts";

/** Debian's own: its packages are not seen by another Python that may stand first in the path. */
export const PYTHON = "/usr/bin/python3";

/** Why a script that imports this module cannot run here, or null; under CI that is an error. */
export function lacksPython(module: string, debianPackage: string): string | null {
  if (spawnSync(PYTHON, ["-c", `import ${module}`], { stdio: "ignore" }).status === 0) {
    return null;
  }
  const words = `Python's ${module} is missing: apt-get install ${debianPackage}`;
  if (process.env["CI"] !== undefined && process.env["CI"] !== "") {
    throw new Error(words);
  }
  return words;
}

/** HTTPS with NTLM bound to this certificate. Debian: python3-gssapi, gss-ntlmssp, python3-cryptography. */
export function startChannelBound(certificate: CertificateName): Promise<RealServer> {
  return startServer({
    program: PYTHON,
    ports: ["https"],
    prepare({ directory, ports }) {
      const tls = labCertificateFiles(certificate);
      const { domain, username, password } = NTLM_USER;
      const users = put(directory, "ntlm-users", `${domain}:${username}:${password}\n`);
      const script = join(import.meta.dirname, "channel_bound_server.py");
      return [script, String(ports["https"] ?? 0), tls.certificate, tls.key, users];
    },
  });
}

export interface TlsFront {
  readonly port: number;
  close(): Promise<void>;
}

/** A load balancer that ends TLS with a certificate of its own and encrypts again towards the server. */
export async function startTlsFront(name: CertificateName, upstream: number): Promise<TlsFront> {
  const { certificate: cert, key } = labCertificate(name);
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert, key }, (client) => {
    const behind = connectTls({ host: "127.0.0.1", port: upstream, rejectUnauthorized: false });
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}
