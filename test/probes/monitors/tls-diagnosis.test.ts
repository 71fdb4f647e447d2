import { createSecureContext, TLSSocket, type TlsOptions } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { labCertificate } from "../../../lab/certificates/lab-certificate.ts";
import { runMonitor } from "../../../src/probes/monitors/registry.ts";
import type { TlsSettings } from "../../../src/model/tls-settings.ts";
import { monitorSpec, PLAIN_TLS } from "../../support/monitor-spec.ts";
import { probeContext } from "../../support/probe-context.ts";
import { serve, type Behaviour, type ScriptedServer } from "../../support/scripted-server.ts";

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const { certificate: cert, key } = labCertificate("rsa");
const OLD: TlsOptions = { cert, key, minVersion: "TLSv1", ciphers: "ALL:@SECLEVEL=0" };
const nothing = (): void => undefined;

async function against(
  behaviour: Behaviour,
  tls: TlsOptions | null,
  settings: Partial<TlsSettings>,
  diagnosticNames: readonly string[] = [],
) {
  const server = await serve(behaviour, tls);
  servers.push(server);
  const spec = monitorSpec("TCP", {}, { tls: { ...PLAIN_TLS, ...settings }, diagnosticNames });
  const target = { host: "127.0.0.1", port: server.port, server: null };
  const context = probeContext(10_000);
  const run = () => runMonitor(spec, target, context);
  return { server, result: await run(), again: run };
}
const tls10: Partial<TlsSettings> = { minVersion: "TLSv1", maxVersion: "TLSv1", legacy: true };

describe("TLS handshake diagnosis", () => {
  test("names both version ranges when the monitor offers only TLS 1.0 and the server has it off", async () => {
    const { result } = await against(nothing, { cert, key, minVersion: "TLSv1.2" }, tls10);
    expect(result).toMatchObject({
      passed: false,
      observation: { reason: "tls_protocol", step: "tls" },
    });
    expect(result.observation.evidence.detail).toContain(
      "the server speaks TLSv1.2, TLSv1.3, the monitor TLSv1: the server refuses the monitor's older versions",
    );
  });

  test("names both version ranges when the server offers only TLS 1.0", async () => {
    const { result } = await against(nothing, { ...OLD, maxVersion: "TLSv1" }, {});
    expect(result).toMatchObject({ observation: { reason: "tls_protocol" } });
    expect(result.observation.evidence.detail).toContain(
      "the server speaks TLSv1, the monitor TLSv1.2, TLSv1.3: the monitor refuses the server's older versions",
    );
  });

  test("reports tls_protocol when the server resets on an unwanted version, as Windows does", async () => {
    // Judges the ClientHello itself: without the extension of supported versions it is no TLS 1.3, and is cut off.
    const picky: Behaviour = (socket) => {
      socket.removeAllListeners("data");
      socket.once("data", (hello: Buffer) => {
        if (!hello.includes(Buffer.from([0x00, 0x2b]))) {
          socket.resetAndDestroy();
          return;
        }
        socket.pause();
        socket.unshift(hello);
        new TLSSocket(socket, { isServer: true, cert, key }).on("error", nothing);
      });
    };
    const { result } = await against(picky, null, tls10);
    expect(result).toMatchObject({ passed: false, observation: { reason: "tls_protocol" } });
    expect(result.observation.evidence.detail).toContain(
      "the server speaks TLSv1.3, the monitor TLSv1",
    );
  });

  test("names the SNI that works when the server requires a server name", async () => {
    const context = createSecureContext({ cert, key });
    const byName: TlsOptions = {
      SNICallback: (name, done) =>
        name === "mail.example.com" ? done(null, context) : done(new Error("no such name")),
    };
    const { result } = await against(nothing, byName, {}, [
      "other.example.com",
      "mail.example.com",
    ]);
    expect(result).toMatchObject({ passed: false, observation: { reason: "tls_handshake" } });
    expect(result.observation.evidence.detail).toContain("works with SNI mail.example.com");
  });

  test("says that old ciphers work when the server offers only those", async () => {
    const camellia = {
      cert,
      key,
      maxVersion: "TLSv1.2",
      ciphers: "ECDHE-RSA-CAMELLIA128-SHA256",
    } as const;
    const { result } = await against(nothing, camellia, { maxVersion: "TLSv1.2" });
    expect(result).toMatchObject({ passed: false, observation: { reason: "tls_handshake" } });
    expect(result.observation.evidence.detail).toContain("works with old ciphers");
  });

  test("reports plaintext_on_tls_port with the server's text when the port speaks clear text", async () => {
    const { result } = await against(
      (socket) => socket.end("* BYE Connection is closed. 14\r\n"),
      null,
      {},
    );
    expect(result).toMatchObject({
      passed: false,
      observation: { reason: "plaintext_on_tls_port" },
    });
    expect(result.observation.evidence.detail).toContain("* BYE Connection is closed. 14");
  });

  test("keeps the original reason when every attempt is accepted and closed", async () => {
    const { result, server } = await against((socket) => socket.end(), null, {}, [
      "mail.example.com",
    ]);
    expect(["closed_without_data", "reset"]).toContain(result.observation.reason);
    expect(server.accepted()).toBeGreaterThan(4);
  });

  test("is not repeated at the next probe, nor run after a success", async () => {
    const failing = await against(nothing, { cert, key, minVersion: "TLSv1.2" }, tls10);
    const before = failing.server.accepted();
    const second = await failing.again();
    expect(second.observation.evidence.detail).toContain("the server speaks TLSv1.2");
    expect(failing.server.accepted() - before).toBeLessThanOrEqual(1);
    const good = await against(nothing, { cert, key }, {});
    expect(good.result.passed).toBe(true);
    expect(good.server.accepted()).toBeLessThanOrEqual(1);
  });
});
