import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import {
  labCertificate,
  type CertificateName,
} from "../../../../lab/certificates/lab-certificate.ts";
import { secretForms } from "../../../../src/lib/secret.ts";
import type { Observation } from "../../../../src/model/observation.ts";
import { loginOutcome } from "../../../../src/probes/probe.ts";
import { runTransaction, TRANSACTION_TYPES } from "../../../../src/probes/transactions/registry.ts";
import type { TransactionSpec } from "../../../../src/model/transactions.ts";
import type { ServerProof, TlsSettings } from "../../../../src/model/tls-settings.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { serve, type ScriptedServer } from "../../../support/scripted-server.ts";
import { accountOf, PROBE_A } from "../lab-exchange.ts";
import { CLIENT_TLS, serverTls, transactionSpec } from "../transaction-spec.ts";
import type { Dialogue } from "./hostile-server.ts";
import { IMAP_STARTTLS, POP3_STLS, SMTP_STARTTLS, type StartTls } from "./starttls-server.ts";
import { SUBJECTS, type HostileSubject } from "./subjects.ts";

/** Everything that logs in, each at a server with which it passes when that server has proven who it is. */
const LOGINS = SUBJECTS.filter(
  ({ transaction }) => TRANSACTION_TYPES.get(transaction)?.needsAccount === true,
);

const account = accountOf(PROBE_A);
const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

interface Listener {
  readonly port: number;
  /** What came under TLS, and in the clear before it. */
  readonly heard: () => string;
}

/** Speaks the dialogue behind TLS, on the n-th connection with the n-th certificate, or the last one. */
async function listen(
  dialogue: Dialogue,
  certificates: readonly CertificateName[],
  startTls: StartTls | null = null,
): Promise<Listener> {
  let heard = "";
  const server = await serve((raw) => {
    const name = certificates[Math.min(server.accepted(), certificates.length) - 1] ?? "mail";
    const secureContext = createSecureContext(serverTls(name));
    const secure = (greets: boolean): void => {
      const socket = new TLSSocket(raw, { isServer: true, secureContext });
      socket.on("error", () => undefined);
      if (greets) {
        socket.write(dialogue.greeting);
      }
      converse(socket, dialogue, (request) => {
        socket.write(dialogue.answer(request, server.port));
        return true;
      });
    };
    if (startTls === null) {
      secure(true);
      return;
    }
    raw.write(dialogue.greeting);
    converse(raw, dialogue, (request) => {
      if (startTls.asked.test(request)) {
        raw.write(startTls.yes(request));
        secure(false);
        return false;
      }
      const answer = dialogue.answer(request, server.port);
      raw.write(startTls.offer(answer.toString("latin1")));
      return true;
    });
  });
  servers.push(server);
  return { port: server.port, heard: () => heard };

  function converse(socket: Socket, { cut }: Dialogue, hear: (request: string) => boolean): void {
    let input: Buffer = Buffer.alloc(0);
    function onData(data: Buffer): void {
      heard += data.toString("utf8");
      input = Buffer.concat([input, data]);
      for (let next = cut(input); next !== null; next = cut(input)) {
        input = input.subarray(next.length);
        if (!hear(next.request)) {
          socket.off("data", onData);
          return;
        }
      }
    }
    socket.on("data", onData);
  }
}

interface Meeting {
  readonly seen: Observation;
  readonly heard: string;
}

async function meet(
  subject: HostileSubject,
  certificates: readonly CertificateName[],
  tls: Partial<TlsSettings> = {},
  change: Partial<TransactionSpec> = {},
): Promise<Meeting> {
  const target = await listen(subject.dialogue, certificates);
  const imap = subject.imap === undefined ? null : await listen(subject.imap, certificates);
  const spec = transactionSpec(subject.transaction, {
    security: "implicit",
    tls: { ...CLIENT_TLS, ...tls },
    account,
    ...subject.change,
    ...change,
    options: {
      ...subject.change?.options,
      ...(imap === null ? {} : { imap_port: imap.port }),
    },
  });
  const seen = await runTransaction(
    spec,
    { host: "127.0.0.1", port: target.port, server: null },
    probeContext(8_000),
  );
  return { seen, heard: target.heard() + (imap?.heard() ?? "") };
}

function pinOf(name: CertificateName): string {
  const { fingerprint256 } = new X509Certificate(labCertificate(name).certificate);
  return fingerprint256.replaceAll(":", "").toLowerCase();
}

const PINNED = (name: CertificateName): ServerProof => ({ kind: "pinned", sha256: [pinOf(name)] });

/** The password in no form, no message of NTLM, and no command that begins a login. */
function expectNothingSent(heard: string): void {
  const lower = heard.toLowerCase();
  for (const form of secretForms(PROBE_A.password)) {
    expect(lower).not.toContain(form.toLowerCase());
  }
  expect(heard).not.toMatch(/TlRMTVNTUAA|^authorization:|^(AUTH|USER|PASS) |^\S+ LOGIN /im);
}

const STRANGERS: readonly (readonly [
  what: string,
  certificate: CertificateName,
  tls: Partial<TlsSettings>,
  reason: string,
])[] = [
  ["self-signed", "self_signed", {}, "certificate_untrusted"],
  ["of an issuer the system does not know", "mail", { ca: null }, "certificate_untrusted"],
  ["expired", "expired", {}, "certificate_expired"],
  ["not yet valid", "not_yet_valid", {}, "certificate_not_yet_valid"],
  ["for another name", "wrong_name", {}, "certificate_name"],
  ["valid and no expected name is known", "mail", { expectedNames: [] }, "certificate_name"],
  [
    "for the address and no expected name is known",
    "adc",
    { expectedNames: [] },
    "certificate_name",
  ],
  ["valid but not the pinned one", "mail", { proof: PINNED("other") }, "pinned_certificate"],
];

describe.each(LOGINS)("$name", (subject) => {
  test("logs in when the certificate verifies and matches", async () => {
    const { seen } = await meet(subject, ["mail"]);
    expect(`${seen.outcome} ${seen.reason} ${seen.evidence.detail ?? ""}`).toMatch(/^match/);
  });

  test.each(STRANGERS)(
    "sends no credential when the certificate is %s",
    async (_what, name, tls, reason) => {
      const { seen, heard } = await meet(subject, [name], tls);
      expect(seen).toMatchObject({ outcome: "fault", reason, step: "tls" });
      expect(loginOutcome(seen)).toBe("not_tried");
      expectNothingSent(heard);
      expect(seen.evidence.detail).toContain(`fingerprint_sha256: ${pinOf(name)}`);
    },
  );

  test("logs in when a self-signed certificate is pinned", async () => {
    const { seen } = await meet(subject, ["self_signed"], { proof: PINNED("self_signed") });
    expect(`${seen.outcome} ${seen.reason} ${seen.evidence.detail ?? ""}`).toMatch(/^match/);
  });

  test("logs in with any certificate when verify is false", async () => {
    const proof: ServerProof = { kind: "unverified" };
    const { seen } = await meet(subject, ["self_signed"], { proof });
    expect(seen.outcome).toBe("match");
  });

  test("sends no credential when the next connection presents another certificate", async () => {
    // Either it needs no second connection, or that one gets nothing.
    for (const tls of [{}, { proof: PINNED("mail") }]) {
      const { seen, heard } = await meet(subject, ["mail", "self_signed"], tls);
      if (seen.outcome !== "match") {
        expect(seen).toMatchObject({ outcome: "fault", step: "tls" });
        expect(seen.reason).toMatch(/^(certificate_untrusted|pinned_certificate)$/);
        expect(loginOutcome(seen)).toBe("not_tried");
        expectNothingSent(heard);
      }
    }
  });
});

describe.each([
  ["imap_login", IMAP_STARTTLS],
  ["pop3_login", POP3_STLS],
  ["smtp_submission", SMTP_STARTTLS],
] as const)("%s over STARTTLS", (transaction, protocol) => {
  async function upgrade(
    certificates: readonly CertificateName[],
    offered: boolean,
    tls: Partial<TlsSettings> = {},
    change: Partial<TransactionSpec> = {},
  ): Promise<Meeting> {
    const stripped: StartTls = { ...protocol, offer: (answer) => answer };
    const listener = await listen(protocol.dialogue, certificates, offered ? protocol : stripped);
    const seen = await runTransaction(
      transactionSpec(transaction, {
        security: "starttls",
        tls: { ...CLIENT_TLS, ...tls },
        account,
        ...change,
      }),
      { host: "127.0.0.1", port: listener.port, server: null },
      probeContext(8_000),
    );
    return { seen, heard: listener.heard() };
  }

  test("logs in when the certificate verifies or is pinned", async () => {
    expect((await upgrade(["mail"], true)).seen.outcome).toBe("match");
    const pinned = await upgrade(["self_signed"], true, { proof: PINNED("self_signed") });
    expect(pinned.seen.outcome).toBe("match");
  });

  test.each(STRANGERS)(
    "sends no credential when the certificate is %s",
    async (_what, name, tls, reason) => {
      const { seen, heard } = await upgrade([name], true, tls);
      expect(seen).toMatchObject({ outcome: "fault", reason, step: "starttls" });
      expect(loginOutcome(seen)).toBe("not_tried");
      expectNothingSent(heard);
    },
  );

  test("sends no credential in clear text when STARTTLS is stripped", async () => {
    if (transaction === "pop3_login") {
      // STLS is asked for whether it is offered or not; this server says yes to it all the same.
      return;
    }
    const { seen, heard } = await upgrade(["mail"], false);
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "tls_handshake" });
    expect(loginOutcome(seen)).toBe("not_tried");
    expectNothingSent(heard);
  });

  test("sends no credential when STARTTLS or the certificate changes for the login connection", async () => {
    const second = await upgrade(["mail", "self_signed"], true);
    if (second.seen.outcome !== "match") {
      expect(second.seen).toMatchObject({ outcome: "fault", reason: "certificate_untrusted" });
      expectNothingSent(second.heard);
    }
    let offers = 0;
    // Offered to the look, and to no connection after it.
    const once: StartTls = {
      ...protocol,
      offer: (answer) => {
        const offered = protocol.offer(answer);
        offers += offered === answer ? 0 : 1;
        return offers > 1 ? answer : offered;
      },
    };
    const listener = await listen(protocol.dialogue, ["mail"], once);
    const seen = await runTransaction(
      transactionSpec(transaction, { security: "starttls", tls: CLIENT_TLS, account }),
      { host: "127.0.0.1", port: listener.port, server: null },
      probeContext(8_000),
    );
    if (seen.outcome !== "match") {
      expectNothingSent(listener.heard());
    }
  });
});
