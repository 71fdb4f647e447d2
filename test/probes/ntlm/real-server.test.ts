import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Observation } from "../../../src/model/observation.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import { missing, type RealServer } from "../../support/real-servers.ts";
import { probeContext } from "../../support/probe-context.ts";
import { CLIENT_TLS, transactionSpec } from "../transactions/transaction-spec.ts";
import { NTLM_USER, startApache } from "./apache-server.ts";
import { sealed } from "../../support/sealed.ts";

const needs =
  missing("apache2", "apache2") ??
  missing("/usr/lib/apache2/modules/mod_auth_gssapi.so", "libapache2-mod-auth-gssapi") ??
  missing("/etc/gss/mech.d/mech.ntlmssp.conf", "gss-ntlmssp");

describe.skipIf(needs !== null)("NTLM against Apache with gss-ntlmssp", () => {
  let apache: RealServer;
  beforeAll(async () => {
    apache = await startApache();
  }, 30_000);
  afterAll(async () => {
    await apache.stop();
  });

  function run(
    password: string,
    scheme: "ntlm" | "negotiate",
    secure = true,
  ): Promise<Observation> {
    return runTransaction(
      transactionSpec("oab", {
        ...(secure
          ? { security: "implicit", tls: CLIENT_TLS }
          : { security: "none", allowPlaintext: true }),
        path: "/oab.xml",
        options: { auth: scheme },
        account: {
          name: "probe-a",
          username: `${NTLM_USER.domain}\\${NTLM_USER.username}`,
          password: sealed(password),
          domain: null,
          address: null,
        },
      }),
      {
        host: "127.0.0.1",
        port: apache.ports[secure ? "https" : "http"] ?? 0,
        server: null,
      },
      probeContext(10_000),
    );
  }

  test.each([
    ["ntlm", true],
    ["negotiate", true],
    ["ntlm", false],
  ] as const)("%s logs in with the right password (TLS %s)", async (scheme, secure) => {
    const seen = await run(NTLM_USER.password, scheme, secure);
    expect(
      `${seen.outcome} ${seen.evidence.detail ?? ""} ${readFileSync(`${apache.directory}/error.log`, "utf8").slice(-1500)}`,
    ).toMatch(/^match/);
  });

  test.each([
    [NTLM_USER.password, "match", "ok"],
    ["wrong", "fault", "auth_rejected"],
  ])("Basic with password %j ends as %s", async (password, outcome, reason) => {
    const seen = await runTransaction(
      transactionSpec("oab", {
        security: "implicit",
        tls: CLIENT_TLS,
        path: "/basic/oab.xml",
        account: {
          name: "probe-a",
          username: NTLM_USER.username,
          password: sealed(password),
          domain: null,
          address: null,
        },
      }),
      { host: "127.0.0.1", port: apache.ports["https"] ?? 0, server: null },
      probeContext(10_000),
    );
    expect(seen).toMatchObject({ outcome, reason });
  });

  test("ntlm reports auth_rejected when the password is wrong", async () => {
    expect(await run("wrong", "ntlm")).toMatchObject({
      outcome: "fault",
      step: "login",
      reason: "auth_rejected",
    });
  });
});
