import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FaultName } from "../../../../lab/faults/catalogue.ts";
import { startFault } from "../../../../lab/faults/start-fault.ts";
import type { TransactionSpec } from "../../../../src/model/transactions.ts";
import { missing, type RealServer } from "../../../support/real-servers.ts";
import { startNginx } from "../../../support/servers/nginx.ts";
import { CLIENT_TLS } from "../transaction-spec.ts";
import { lacksPlugin, ours, plugin, title, type Named } from "./opinions.ts";

const IMPLICIT = { security: "implicit", tls: CLIENT_TLS } as const;
const STRICT = {
  security: "implicit",
  tls: { ...CLIENT_TLS, rejectUnauthorized: true },
} as const;
const TLS = ["-S", "--sni"];
const PAGE = ["-s", "200 OK"];
const health = (path: string) => ["-u", path, ...PAGE];
const NO_VERIFICATION = "it reads the page whatever the certificate, unless asked for its age";

interface Case extends Named {
  /** A port of nginx, or a fault of the lab. */
  readonly server: string | { readonly fault: FaultName };
  readonly look: "health_page" | "https_challenge";
  readonly change?: Partial<TransactionSpec>;
  readonly args: readonly string[];
}

const CHALLENGE = { look: "https_challenge", args: ["-u", "/EWS/", "-e", " 401 "] } as const;
const HEALTH = { look: "health_page", args: health("/owa/healthcheck.htm") } as const;

// prettier-ignore
const CASES: readonly Case[] = [
  { what: "the health page", server: "http", ...HEALTH, we: "up", reason: "ok", peer: "up" },
  { what: "the health page over TLS", server: "https", ...HEALTH, change: IMPLICIT, args: [...TLS, ...HEALTH.args], we: "up", reason: "ok", peer: "up" },
  { what: "the health page answers 503", server: "http", look: "health_page", change: { path: "/ecp/" }, args: health("/ecp/healthcheck.htm"), we: "down", reason: "bad_status", peer: "down" },
  { what: "no health page", server: "http", look: "health_page", change: { path: "/rpc/" }, args: health("/rpc/healthcheck.htm"), we: "down", reason: "bad_status", peer: "down" },
  { what: "401 with its schemes", server: "http", ...CHALLENGE, change: { path: "/EWS/" }, we: "up", reason: "ok", peer: "up" },
  { what: "401 over TLS", server: "https", ...CHALLENGE, change: { ...IMPLICIT, path: "/EWS/" }, args: [...TLS, ...CHALLENGE.args], we: "up", reason: "ok", peer: "up" },
  { what: "401 not named by -e", server: "http", ...CHALLENGE, change: { path: "/EWS/" }, args: ["-u", "/EWS/"], we: "up", reason: "ok", peer: "warning", because: "a challenge is a client's error to it, unless -e names it" },
  { what: "401 without any scheme", server: "http", ...CHALLENGE, change: { path: "/front" }, args: ["-u", "/front", "-e", " 401 "], we: "down", reason: "protocol_error", peer: "up", because: "the status line is all it looks at" },
  { what: "the redirect to the login", server: "https", look: "https_challenge", change: { ...IMPLICIT, path: "/owa/" }, args: [...TLS, "-u", "/owa/", "-e", " 302 "], we: "up", reason: "ok", peer: "up" },
  { what: "a page that asks for no login", server: "http", look: "https_challenge", change: { path: "/" }, args: ["-u", "/", "-e", " 401 "], we: "down", reason: "bad_status", peer: "down" },
  { what: "500", server: "http", look: "https_challenge", change: { path: "/broken" }, args: ["-u", "/broken", "-e", " 401 "], we: "down", reason: "bad_status", peer: "down" },
  { what: "closed without an answer", server: "http", look: "https_challenge", change: { path: "/dropped" }, args: ["-u", "/dropped", "-e", " 401 "], we: "down", reason: "closed_without_data", peer: "down" },
  { what: "an expired certificate, verified", server: "expired", ...HEALTH, change: STRICT, args: [...TLS, "-C", "30,14"], we: "down", reason: "certificate_expired", peer: "down" },
  { what: "a valid certificate, by its age", server: "https", ...HEALTH, change: STRICT, args: [...TLS, "-C", "30,14"], we: "up", reason: "ok", peer: "up" },
  { what: "an expired certificate, not verified", server: "expired", ...HEALTH, change: IMPLICIT, args: [...TLS, ...HEALTH.args], we: "up", reason: "ok", peer: "up" },
  { what: "an expired certificate, verified by us alone", server: "expired", ...HEALTH, change: STRICT, args: [...TLS, ...HEALTH.args], we: "down", reason: "certificate_expired", peer: "up", because: NO_VERIFICATION },
  { what: "a certificate for another name, verified by us alone", server: "wrong_name", ...HEALTH, change: STRICT, args: [...TLS, ...HEALTH.args], we: "down", reason: "certificate_name", peer: "up", because: NO_VERIFICATION },
  { what: "TLS at a clear port", server: "http", ...HEALTH, change: IMPLICIT, args: [...TLS, ...HEALTH.args], we: "down", reason: "plaintext_on_tls_port", peer: "down" },
  { what: "a closed port", server: { fault: "tcp.refused" }, ...HEALTH, we: "down", reason: "refused", peer: "down" },
  { what: "no response", server: { fault: "http.silent" }, ...HEALTH, we: "down", reason: "response_timeout", peer: "down" },
  { what: "a reset", server: { fault: "http.reset" }, ...HEALTH, we: "down", reason: "component_offline", peer: "down" },
  { what: "another protocol", server: { fault: "tcp.ssh" }, ...HEALTH, we: "down", reason: "protocol_error", peer: "down" },
  { what: "no response to the handshake", server: { fault: "tls.silent" }, ...HEALTH, change: IMPLICIT, args: [...TLS, ...HEALTH.args], we: "down", reason: "tls_timeout", peer: "down" },
  { what: "no common cipher", server: { fault: "tls.no_common_cipher" }, ...HEALTH, change: IMPLICIT, args: [...TLS, ...HEALTH.args], we: "down", reason: "tls_handshake", peer: "down" },
];

const lacking = missing("nginx", "nginx-light") ?? lacksPlugin("check_http");
describe.skipIf(lacking !== null)("health_page and https_challenge against check_http", () => {
  let nginx: RealServer;
  beforeAll(async () => {
    nginx = await startNginx();
  });
  afterAll(async () => {
    await nginx.stop();
  });

  test.each(CASES.map((row) => [title("check_http", row), row] as const))("%s", async (_, row) => {
    const { server } = row;
    const fault = typeof server === "string" ? null : await startFault(server.fault);
    const port = fault?.port ?? (typeof server === "string" ? nginx.ports[server] : undefined) ?? 0;
    const [us, them] = await Promise.all([
      ours(row.look, port, row.change),
      plugin("check_http", [
        "-I",
        "127.0.0.1",
        "-H",
        "mail.example.com",
        "-p",
        String(port),
        ...row.args,
      ]),
    ]);
    await fault?.close();
    expect({
      we: us.opinion,
      reason: us.observation.reason,
      peer: them.opinion,
      words: them.words,
    }).toEqual({
      we: row.we,
      reason: row.reason,
      peer: row.peer,
      words: them.words,
    });
  });
});
