import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CertificateName } from "../../../lab/certificates/lab-certificate.ts";
import type { Observation } from "../../../src/model/observation.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import { probeContext } from "../../support/probe-context.ts";
import { missing, type RealServer } from "../../support/real-servers.ts";
import { CLIENT_TLS, transactionSpec } from "../transactions/transaction-spec.ts";
import { NTLM_USER } from "./apache-server.ts";
import {
  lacksPython,
  PYTHON,
  startChannelBound,
  startTlsFront,
  type TlsFront,
} from "./channel-bound-server.ts";
import { sealed } from "../../support/sealed.ts";

const needs =
  missing(PYTHON, "python3") ??
  missing("/etc/gss/mech.d/mech.ntlmssp.conf", "gss-ntlmssp") ??
  lacksPython("gssapi", "python3-gssapi") ??
  lacksPython("cryptography", "python3-cryptography");
const noRequests = lacksPython("requests_ntlm", "python3-requests-ntlm");

const USER = `${NTLM_USER.domain}\\${NTLM_USER.username}`;

function run(port: number, password: string, bound = true): Promise<Observation> {
  return runTransaction(
    transactionSpec("oab", {
      security: "implicit",
      tls: CLIENT_TLS,
      path: "/oab.xml",
      options: { auth: "ntlm", channel_binding: bound },
      account: {
        name: "probe-a",
        username: USER,
        password: sealed(password),
        domain: null,
        address: null,
      },
    }),
    { host: "127.0.0.1", port, server: null },
    probeContext(20_000),
  );
}

const REQUESTS_SCRIPT = `
import sys, requests, warnings
from requests_ntlm import HttpNtlmAuth
from cryptography.hazmat.backends import default_backend
default_backend()  # loads OpenSSL's legacy provider, where MD4 is
warnings.simplefilter("ignore")
url, user, password = sys.argv[1:]
print(requests.get(url, auth=HttpNtlmAuth(user, password), verify=False).status_code)
`;

/**
 * The control client: requests_ntlm binds to the certificate that it was shown. curl is none: it knows no channel bindings
 * for NTLM (7.88), and its messages leave out the version, without which gss-ntlmssp cannot decode them. Samba's
 * ntlm_auth (4.17) takes no channel bindings from its caller, so it cannot check any.
 */
async function requests(port: number, password: string): Promise<string> {
  const url = `https://127.0.0.1:${String(port)}/oab.xml`;
  const args = ["-c", REQUESTS_SCRIPT, url, USER, password];
  return (await promisify(execFile)(PYTHON, args)).stdout.trim();
}

const REJECTED = { outcome: "fault", step: "login", reason: "auth_rejected" } as const;

describe.skipIf(needs !== null)("NTLM channel binding checked by gss-ntlmssp", () => {
  let server: RealServer;
  const fronts: Record<string, TlsFront> = {};
  const frontWith = (name: CertificateName): number => fronts[name]?.port ?? 0;
  beforeAll(async () => {
    server = await startChannelBound("mail");
    for (const name of ["mail", "other"] as const) {
      fronts[name] = await startTlsFront(name, server.ports["https"] ?? 0);
    }
  });
  afterAll(async () => {
    await Promise.all(Object.values(fronts).map((front) => front.close()));
    await server.stop();
  });

  test("is accepted when password and server certificate are right", async () => {
    const seen = await run(server.ports["https"] ?? 0, NTLM_USER.password);
    expect(`${seen.outcome} ${seen.evidence.detail ?? ""} ${server.output()}`).toMatch(/^match/);
  });

  test("is rejected when the password is wrong", async () => {
    expect(await run(server.ports["https"] ?? 0, "wrong")).toMatchObject(REJECTED);
  });

  test("is accepted through a TLS front with the server's certificate", async () => {
    expect((await run(frontWith("mail"), NTLM_USER.password)).outcome).toBe("match");
  });

  test("is rejected through a TLS front with another certificate", async () => {
    expect(await run(frontWith("other"), NTLM_USER.password)).toMatchObject(REJECTED);
  });

  test("is not needed through a TLS front with another certificate when disabled", async () => {
    expect((await run(frontWith("other"), NTLM_USER.password, false)).outcome).toBe("match");
  });

  test.skipIf(noRequests !== null)("gives the same results as requests_ntlm", async () => {
    expect(await requests(server.ports["https"] ?? 0, NTLM_USER.password)).toBe("200");
    expect(await requests(frontWith("mail"), NTLM_USER.password)).toBe("200");
    expect(await requests(frontWith("other"), NTLM_USER.password)).toBe("401");
    expect(await requests(server.ports["https"] ?? 0, "wrong")).toBe("401");
  });
});

describe.skipIf(needs !== null)("NTLM certificate hash", () => {
  test.each(["rsa", "sha384", "sha512"] as const)(
    "is accepted by gss-ntlmssp for a certificate of kind %s",
    async (name) => {
      const server = await startChannelBound(name);
      try {
        const seen = await run(server.ports["https"] ?? 0, NTLM_USER.password);
        expect(`${seen.outcome} ${seen.evidence.detail ?? ""} ${server.output()}`).toMatch(
          /^match/,
        );
      } finally {
        await server.stop();
      }
    },
  );
});
