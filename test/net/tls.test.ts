import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { TLSSocket, type TlsOptions } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { distinguishedName, issueCertificate } from "../../lab/certificates/issue.ts";
import {
  labAuthority,
  labCa,
  labCertificate,
  type CertificateName,
} from "../../lab/certificates/lab-certificate.ts";
import { neededChain, type Observation } from "../../src/model/observation.ts";
import { dial, startTls } from "../../src/net/dial.ts";
import { LineReader } from "../../src/net/line-reader.ts";
import { observe } from "../../src/net/probe-run.ts";
import type { TlsSettings } from "../../src/model/tls-settings.ts";
import { until } from "../support/contract.ts";
import { PLAIN_TLS } from "../support/monitor-spec.ts";
import { probeContext } from "../support/probe-context.ts";
import { serve, type Behaviour, type ScriptedServer } from "../support/scripted-server.ts";

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

function certificate(name: CertificateName, more: TlsOptions = {}): TlsOptions {
  const { certificate: cert, key } = labCertificate(name);
  return { cert, key, ...more };
}

async function handshake(
  behaviour: Behaviour,
  tls: TlsOptions | null,
  settings: Partial<TlsSettings> = {},
  now = Date.now,
  timeoutMs = 10_000,
): Promise<Observation> {
  const server = await serve(behaviour, tls);
  servers.push(server);
  return observe(probeContext(timeoutMs, { now }), async (run) => {
    const target = { host: "127.0.0.1", port: server.port, server: null };
    const dialled = await dial(run, target, { tls: { ...PLAIN_TLS, ...settings } });
    return dialled.kind === "failed" ? run.fail(dialled.step, dialled.why) : run.match("tls");
  });
}
const nothing = (): void => undefined;
const trusting = { ca: labCa(), expectedNames: ["mail.example.com"] };

describe("TLS verification", () => {
  type Row = readonly [CertificateName, Partial<TlsSettings>, string, string];
  test.each<Row>([
    ["mail", trusting, "ok", "ok"],
    ["mail", {}, "untrusted", "certificate_untrusted"],
    ["self_signed", trusting, "untrusted", "certificate_untrusted"],
    ["expired", trusting, "expired", "certificate_expired"],
    ["not_yet_valid", trusting, "not_yet_valid", "certificate_not_yet_valid"],
    ["wrong_name", trusting, "name", "certificate_name"],
  ])(
    "is recorded for certificate %s, and fails the handshake only when enforced (row %$)",
    async (name, settings, verification, reason) => {
      const seen = await handshake(nothing, certificate(name), settings);
      expect(seen).toMatchObject({ outcome: "match", tls: { verification } });
      expect(seen.tls?.chain[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(seen.tls?.chain[0]?.thumbprint).toMatch(/^[0-9A-F]{40}$/);
      expect(seen.tls?.chain[0]?.notAfter).toBeGreaterThan(0);
      const strict = await handshake(nothing, certificate(name), {
        ...settings,
        rejectUnauthorized: true,
      });
      expect(strict.reason).toBe(reason);
      expect(strict.tls).toMatchObject({ verification });
      expect(strict.tls?.chain.length).toBeGreaterThan(0);
    },
  );

  test.each([
    ["expired", "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", 1],
    ["not valid yet", "2100-01-01T00:00:00Z", "2110-01-01T00:00:00Z", 1],
    ["current", "2020-01-01T00:00:00Z", "2110-01-01T00:00:00Z", 0],
  ])(
    "succeeds when the server also sends an authority that is %s",
    async (_how, from, to, unneeded) => {
      // The lab's authority, signed by another root that is no longer trusted: a cross-signature.
      const key = createPrivateKey(labAuthority().key);
      const keys = { privateKey: key, publicKey: createPublicKey(key) };
      const cross = issueCertificate({
        subject: distinguishedName("adc-witness lab CA", "adc-witness lab"),
        keys,
        issuer: {
          subject: distinguishedName("Old Root"),
          keys: generateKeyPairSync("ec", { namedCurve: "P-256" }),
        },
        names: [],
        authority: true,
        notBefore: new Date(from),
        notAfter: new Date(to),
      });
      const mail = labCertificate("mail");
      const { tls, outcome } = await handshake(
        nothing,
        { cert: `${mail.certificate}${cross}`, key: mail.key },
        trusting,
      );
      expect(outcome).toBe("match");
      expect(tls?.verification).toBe("ok");
      expect(tls?.chain.length).toBeGreaterThan(1);
      expect(tls?.unneeded ?? []).toHaveLength(unneeded);
      const needed = tls === null ? [] : neededChain(tls);
      expect(needed).toHaveLength((tls?.chain.length ?? 0) - unneeded);
      // When nothing verifies, an outdated certificate is reported as before.
      const untrusting = await handshake(nothing, {
        cert: `${mail.certificate}${cross}`,
        key: mail.key,
      });
      expect(untrusting.tls?.verification).toBe(
        unneeded === 0 ? "untrusted" : from < "2026" ? "expired" : "not_yet_valid",
      );
    },
  );

  test("uses the probe's own clock", async () => {
    const late = (): number => Date.parse("2200-01-01");
    const seen = await handshake(nothing, certificate("mail"), trusting, late);
    expect(seen.tls?.verification).toBe("expired");
  });

  test("records key type and signature algorithm", async () => {
    const seen = await handshake(nothing, certificate("rsa"), trusting);
    expect(seen.tls?.chain[0]).toMatchObject({ key: "rsa 2048", signature: "ecdsa-with-SHA256" });
    expect(seen.tls?.chain[0]?.names).toContain("ex01.example.com");
  });

  test("sends SNI only when a name is configured", async () => {
    const names: (string | false)[] = [];
    const behaviour = (socket: Socket): unknown =>
      names.push(
        socket instanceof TLSSocket
          ? (socket as TLSSocket & { servername: string | false }).servername
          : false,
      );
    await handshake(behaviour, certificate("mail"));
    await handshake(behaviour, certificate("mail"), { serverName: "mail.example.com" });
    await until(() => names.length === 2);
    expect(names).toEqual([false, "mail.example.com"]);
  });
});

describe("TLS handshake failure", () => {
  type Row = readonly [
    name: string,
    Behaviour,
    TlsOptions | null,
    Partial<TlsSettings>,
    reasons: string[],
  ];
  test.each<Row>([
    [
      "a closing message in clear text",
      (socket) => socket.end("* BYE Connection is closed. 14\r\n"),
      null,
      {},
      ["plaintext_on_tls_port"],
    ],
    [
      "an HTTP answer",
      (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      null,
      {},
      ["plaintext_on_tls_port"],
    ],
    ["closed at once", (socket) => socket.end(), null, {}, ["closed_without_data"]],
    ["reset at once", (socket) => socket.resetAndDestroy(), null, {}, ["reset"]],
    ["no response", nothing, null, {}, ["tls_timeout"]],
    [
      "closed inside the first record",
      (socket) => socket.end(Buffer.from([0x16, 3, 3, 0, 100, 2])),
      null,
      {},
      ["tls_handshake"],
    ],
    [
      "the server is too new",
      nothing,
      certificate("mail", { minVersion: "TLSv1.3" }),
      { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" },
      ["tls_protocol"],
    ],
    [
      "the server is too old",
      nothing,
      certificate("rsa", { minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "ALL:@SECLEVEL=0" }),
      {},
      ["tls_protocol"],
    ],
    [
      "no cipher in common",
      nothing,
      certificate("mail", { maxVersion: "TLSv1.2", ciphers: "AES128-SHA" }),
      { maxVersion: "TLSv1.2" },
      ["tls_handshake"],
    ],
  ])("has the expected reason: %s", async (_name, behaviour, tls, settings, reasons) => {
    const limitMs = reasons.includes("tls_timeout") ? 1_500 : 10_000;
    const seen = await handshake(behaviour, tls, settings, Date.now, limitMs);
    expect(reasons).toContain(seen.reason);
    if (seen.reason !== "ok") {
      expect(seen.step).toBe("tls");
      expect(seen.tls?.protocol ?? null).toBeNull();
    }
  });

  test("does not occur at an old server when legacy settings permit TLS 1.0", async () => {
    const old = certificate("rsa", {
      minVersion: "TLSv1",
      maxVersion: "TLSv1",
      ciphers: "ALL:@SECLEVEL=0",
    });
    const seen = await handshake(nothing, old, {
      minVersion: "TLSv1",
      maxVersion: "TLSv1",
      legacy: true,
    });
    expect(seen).toMatchObject({ outcome: "match", tls: { protocol: "TLSv1" } });
  });

  test("still records the server's certificate when TLS 1.2 demands a client certificate", async () => {
    const demanding = certificate("mail", {
      ca: labCa(),
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion: "TLSv1.2",
    });
    const seen = await handshake(nothing, demanding, trusting);
    expect(seen).toMatchObject({ step: "tls", reason: "tls_handshake" });
    expect(seen.tls?.verification).toBe("unverified");
    expect(seen.tls?.chain[0]?.names).toContain("mail.example.com");
  });

  test("shows after the handshake when TLS 1.3 demands a client certificate", async () => {
    const demanding = certificate("mail", {
      ca: labCa(),
      requestCert: true,
      minVersion: "TLSv1.3",
    });
    const server = await serve(nothing, demanding);
    servers.push(server);
    const seen = await observe(probeContext(), async (run) => {
      const target = { host: "127.0.0.1", port: server.port, server: null };
      const dialled = await dial(run, target, { tls: PLAIN_TLS });
      if (dialled.kind === "failed") {
        return run.fail(dialled.step, dialled.why);
      }
      const first = await dialled.connection.read();
      return first.kind === "data" ? run.match("banner") : run.fail("banner", first);
    });
    expect(seen).toMatchObject({ outcome: "failed", step: "banner", reason: "tls_handshake" });
  });
});

test("TLS connection › ends with an alert when the probe has what it wants", async () => {
  const server = await serve(
    (socket) => {
      socket.write("220 ready\r\n");
    },
    certificate("mail", { maxVersion: "TLSv1.2" }),
  );
  servers.push(server);
  const sent: Buffer[] = [];
  const relay = createServer((client) => {
    const behind = connect(server.port, "127.0.0.1");
    client.on("data", (data) => sent.push(data)).pipe(behind);
    behind.pipe(client);
    behind.on("error", nothing);
    client.on("error", nothing).on("close", () => relay.close());
  }).listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo;
  await observe(probeContext(10_000), async (run) => {
    const target = { host: "127.0.0.1", port, server: null };
    const dialled = await dial(run, target, { tls: PLAIN_TLS });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    await dialled.connection.read();
    return run.match("banner");
  });
  await once(relay, "close");
  const types: number[] = [];
  const bytes = Buffer.concat(sent);
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    types.push(bytes.readUInt8(at));
  }
  // RFC 5246 section 6.2.1: 22 is a handshake, 21 an alert.
  expect([types[0], types.at(-1)]).toEqual([22, 21]);
});

describe("startTls", () => {
  test("continues the conversation and records the TLS facts", async () => {
    const { cert, key } = certificate("mail");
    const server = await serve((socket) => {
      socket.write("220 ready\r\n");
      socket.once("data", () => {
        socket.write("220 go ahead\r\n", () => {
          socket.removeAllListeners("data");
          const secure = new TLSSocket(socket, { isServer: true, cert, key });
          secure.on("error", () => undefined);
          secure.once("data", (data: Buffer) => secure.end(`secret ${data.toString()}`));
        });
      });
    });
    servers.push(server);
    const seen = await observe(probeContext(), async (run) => {
      const target = { host: "127.0.0.1", port: server.port, server: null };
      const dialled = await dial(run, target, { tls: null });
      if (dialled.kind === "failed") {
        return run.fail(dialled.step, dialled.why);
      }
      const { connection } = dialled;
      const clear = new LineReader(connection);
      await clear.line();
      connection.write("STARTTLS\r\n");
      await clear.line();
      const secured = await startTls(connection, PLAIN_TLS);
      if (secured.kind === "failed") {
        return run.fail(secured.step, secured.why);
      }
      connection.write("EHLO\r\n");
      const line = await new LineReader(connection).line();
      return line.kind === "line" ? run.match("response", line.text) : run.fail("response", line);
    });
    expect(seen).toMatchObject({ outcome: "match", tls: { protocol: "TLSv1.3" } });
    expect(seen.evidence.detail).toBe("secret EHLO");
    expect(seen.phases.starttls).toBeGreaterThan(0);
  });
});
