import { connect as tlsConnect } from "node:tls";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { labCa } from "../../../lab/certificates/lab-certificate.ts";
import { labCaFile } from "../../support/lab-certificate-files.ts";
import { FAULT_NAMES, type FaultName } from "../../../lab/faults/catalogue.ts";
import {
  startFault,
  type FaultOptions,
  type FaultServer,
} from "../../../lab/faults/start-fault.ts";
import { onSilence } from "../../support/on-silence.ts";
import { eventually, hasProgram, openSocket, rawExchange, run } from "../exchange/support.ts";

let server: FaultServer | null = null;

async function start(name: FaultName, options: FaultOptions = { dripMs: 20 }): Promise<number> {
  server = await startFault(name, options);
  return server.port;
}

afterEach(async () => {
  await server?.close();
  server = null;
});

describe("lab faults", () => {
  it("are more than a hundred, named protocol.fault", () => {
    expect(FAULT_NAMES.length).toBeGreaterThan(120);
    expect(
      FAULT_NAMES.filter((name) => !/^(tcp|tls|http|imap|pop3|smtp)\.[a-z0-9_]+$/.test(name)),
    ).toEqual([]);
  });

  it.each(FAULT_NAMES.filter((name) => !["tcp.refused", "tcp.backlog_full"].includes(name)))(
    "%s ends when its client disconnects",
    async (name) => {
      const port = await start(name);
      const socket = await openSocket(port);
      socket.resume();
      socket.write("GET / HTTP/1.1\r\n\r\n");
      await eventually(() => server?.accepted() === 1);
      socket.destroy();
      await eventually(() => server?.open() === 0);
    },
  );
});

describe("lab TCP fault", () => {
  it.each([
    ["tcp.refused", "", "refused"],
    ["tcp.reset_after_accept", "", "reset"],
    ["tcp.close_after_accept", "", "closed"],
    ["tcp.half_close", "", "closed"],
    ["tcp.silent", "", "open"],
    ["tcp.reset_after_data", "", "reset"],
    ["tcp.close_after_data", "", "closed"],
    ["tcp.ssh", "SSH-2.0-OpenSSH_9.2\r\n", "open"],
    ["tcp.echo", "hello\r\n", "open"],
    [
      "tcp.http_answers",
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      "closed",
    ],
  ] as const)("%s behaves as expected", async (name, received, end) => {
    const port = await start(name);
    expect(await rawExchange(port, { send: "hello\r\n", quietMs: 80 })).toEqual({ received, end });
  });

  it.skipIf(process.platform !== "linux")("tcp.backlog_full drops the SYN", async () => {
    const port = await start("tcp.backlog_full");
    const socket = connect({ host: "127.0.0.1", port });
    const outcome = await new Promise((resolve) => {
      socket.once("connect", () => resolve("connected"));
      socket.once("error", () => resolve("error"));
      setTimeout(() => resolve("nothing"), 300);
    });
    socket.destroy();
    expect(outcome).toBe("nothing");
  });

  it.each([
    "tcp.endless_data",
    "tcp.endless_nul",
    "http.endless_body",
    "http.endless_chunks",
    "http.endless_headers",
    "http.endless_status_line",
    "http.continue_forever",
    "imap.endless_greeting",
    "imap.endless_answer",
    "imap.literal_4g",
    "pop3.multi_line_without_end",
    "smtp.endless_greetings",
  ] as const)("%s goes on until the client disconnects", async (name) => {
    const port = await start(name);
    const socket = await openSocket(port);
    socket.write("a NOOP\r\n\r\n");
    let received = 0;
    socket.on("data", (chunk: Buffer) => (received += chunk.length));
    await eventually(() => received > 1_000_000);
    socket.destroy();
    await eventually(() => server?.open() === 0);
  });

  it("tcp.drip sends one byte at a time", async () => {
    const port = await start("tcp.drip");
    const socket = await openSocket(port);
    const sizes: number[] = [];
    socket.on("data", (chunk: Buffer) => sizes.push(chunk.length));
    await eventually(() => sizes.length >= 3);
    socket.destroy();
    expect(sizes.slice(0, 3)).toEqual([1, 1, 1]);
  });

  it("imap.half_close_after_greeting goes on reading", async () => {
    const port = await start("imap.half_close_after_greeting");
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    const ended = new Promise((resolve) => socket.once("end", resolve));
    socket.resume();
    await ended;
    expect(socket.write("still here\r\n")).toBe(true);
    expect(server?.open()).toBe(1);
    socket.destroy();
  });
});

describe("lab TLS fault", () => {
  function handshake(port: number): Promise<string> {
    return new Promise((resolve) => {
      let said = "";
      let secured = false;
      const socket = tlsConnect({
        host: "127.0.0.1",
        port,
        ca: labCa(),
        servername: "mail.example.com",
      });
      onSilence(socket, 300, () => {
        resolve(secured ? `silence ${said}` : "timeout");
        socket.destroy();
      });
      socket.once("secureConnect", () => {
        secured = true;
        socket.write("GET / HTTP/1.1\r\n\r\n");
      });
      socket.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
      socket.once("end", () => {
        if (secured) {
          resolve(`ended ${said.slice(0, 12)}`);
        }
      });
      socket.once("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? error.message);
        socket.destroy();
      });
    });
  }

  it.each([
    ["tls.reset", "ECONNRESET"],
    ["tls.close", "ECONNRESET"],
    ["tls.silent", "timeout"],
    ["tls.garbage", "ERR_SSL_WRONG_VERSION_NUMBER"],
    ["tls.plaintext_http", "ERR_SSL_WRONG_VERSION_NUMBER"],
    ["tls.plaintext_banner", "ERR_SSL_WRONG_VERSION_NUMBER"],
    ["tls.plaintext_bye", "ERR_SSL_WRONG_VERSION_NUMBER"],
    ["tls.alert_handshake_failure", "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"],
    ["tls.alert_protocol_version", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"],
    ["tls.alert_internal_error", "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"],
    ["tls.alert_unrecognized_name", "ERR_SSL_TLSV1_UNRECOGNIZED_NAME"],
    ["tls.expired", "CERT_HAS_EXPIRED"],
    ["tls.not_yet_valid", "CERT_NOT_YET_VALID"],
    ["tls.other_name", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["tls.self_signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["tls.only_1_0", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"],
    ["tls.only_1_1", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"],
    ["tls.only_1_2", "ended HTTP/1.1 200"],
    ["tls.only_1_3", "ended HTTP/1.1 200"],
    ["tls.no_common_cipher", "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"],
    ["tls.client_certificate_demanded", "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"],
    ["tls.client_certificate_demanded_1_3", "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"],
    ["tls.reset_after_handshake", "ECONNRESET"],
    ["tls.close_after_handshake", "ended"],
    ["tls.silent_after_handshake", "silence"],
    ["tls.renegotiation", "ended HTTP/1.1 200"],
  ] as const)("%s gives Node's client %s", async (name, outcome) => {
    const port = await start(name);
    expect((await handshake(port)).trim()).toBe(outcome);
  });

  it("serves another protocol when configured", async () => {
    const port = await start("tls.only_1_2", { healthy: "imap" });
    expect(await handshake(port)).toMatch(/^silence \* OK The Microsoft Exchange IMAP4/);
  });

  it("combines with another fault behind a good handshake", async () => {
    const port = await start("imap.bye", { behindTls: true });
    expect(await handshake(port)).toBe("ended * BYE Connec");
  });

  it.skipIf(!hasProgram("openssl", "openssl"))(
    "gives openssl the expected keys and versions",
    async () => {
      const client = async (name: FaultName, ...args: string[]) => {
        const port = await start(name);
        const connectTo = ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", labCaFile()];
        const { output } = await run("openssl", [...connectTo, ...args]);
        await server?.close();
        return output;
      };
      expect(await client("tls.weak_key")).toContain("EE certificate key too weak");
      expect(await client("tls.only_1_0", "-cipher", "DEFAULT:@SECLEVEL=0")).toContain(
        "Protocol  : TLSv1\n",
      );
      expect(await client("tls.client_certificate_demanded")).toContain("alert handshake failure");
      expect(await client("tls.expired")).toContain(
        "Verify return code: 10 (certificate has expired)",
      );
    },
  );
});

describe.skipIf(!hasProgram("curl", "curl"))("lab HTTP fault", () => {
  const CURL_TIMED_OUT = 28;
  const OK = "200 OK";

  it.each([
    ["http.silent", 28, ""],
    ["http.close", 52, ""],
    ["http.reset", 56, ""],
    ["http.reset_mid_headers", 56, ""],
    ["http.reset_mid_body", 56, OK],
    ["http.close_mid_body", 18, OK],
    ["http.silent_mid_body", 28, OK],
    ["http.length_too_small", 0, "200"],
    ["http.length_4g", 28, ""],
    ["http.chunked", 0, OK],
    ["http.chunk_size_garbage", 56, ""],
    ["http.chunk_4g", 28, OK],
    ["http.chunks_without_end", 18, OK],
    ["http.drip_headers", 28, ""],
    ["http.gzip", 0, "200 OK<br/>EX01.LAB.EXAMPLE.COM"],
    ["http.gzip_lies", 61, ""],
    ["http.continue_first", 0, OK],
    ["http.early_hints_first", 0, OK],
    ["http.version_0_9", 1, ""],
    ["http.version_1_0", 0, OK],
    ["http.bare_lf", 0, OK],
    ["http.no_reason", 0, OK],
    ["http.nul_in_header", 8, ""],
    ["http.folded_header", 0, OK],
    ["http.no_content", 0, ""],
    ["http.error_with_200", 0, "error 200 OK<br/>EX01."],
    ["http.redirect_loop", 47, ""],
    ["http.fragmented", 0, OK],
    ["http.answers_before_request", 0, OK],
  ] as const)("%s gives curl exit status %i", async (name, status, body) => {
    const port = await start(name, { dripMs: 200 });
    const { status: exit, output } = await run("curl", [
      "--silent",
      "--compressed",
      "--location",
      "--max-time",
      // Long enough to see that nothing more comes; what ends by itself may take its time.
      status === CURL_TIMED_OUT ? "0.5" : "15",
      `http://127.0.0.1:${port}/`,
    ]);
    expect({ exit, body: output.slice(0, Math.max(body.length, 1)) }).toEqual({
      exit: status,
      body,
    });
  });
});

describe("lab IMAP, POP3 or SMTP fault", () => {
  it.each([
    ["imap.reset_mid_greeting", /^\* OK $/, "reset"],
    ["imap.silent_after_greeting", /^\* OK .*ready\.\r\n$/, "open"],
    ["imap.close_after_command", /^\* OK .*ready\.\r\n$/, "closed"],
    ["imap.wrong_tag", /\r\nXYZ123 OK done\.\r\n$/, "open"],
    ["imap.bad_to_everything", /\r\na BAD Command Error\. 12\r\n$/, "open"],
    ["imap.bare_lf", /^\* OK [^\r]*\n\* CAPABILITY[^\r]*\na OK CAPABILITY completed\.\n$/, "open"],
    ["imap.preauth", /^\* PREAUTH /, "open"],
    [
      "imap.fragmented_greeting",
      /ready\.\r\n\* CAPABILITY [^]*a OK CAPABILITY completed\.\r\n$/,
      "open",
    ],
    ["pop3.err", /^-ERR BYE Connection refused\r\n$/, "closed"],
    ["pop3.err_to_everything", /\r\n-ERR Protocol error\. 19\r\n$/, "open"],
    ["pop3.latin1_greeting", /^\+OK Gr\xfc\xdfe /, "open"],
    ["smtp.multi_line_greeting", /^220-.*\r\n220-.*\r\n220 ready\r\n/, "open"],
    ["smtp.greeting_without_last_line", /^220-.*\r\n220-please wait\r\n$/, "open"],
    ["smtp.no_service", /^554 /, "closed"],
  ] as const)("%s behaves as expected", async (name, received, end) => {
    const port = await start(name);
    const result = await rawExchange(port, { send: "a CAPABILITY\r\n", quietMs: 120 });
    expect(result.received).toMatch(received);
    expect(result.end).toBe(end);
  });

  it("smtp.not_active answers 421 at MAIL FROM", async () => {
    const port = await start("smtp.not_active");
    const { received } = await rawExchange(port, { send: "EHLO x\r\nMAIL FROM:<>\r\n" });
    expect(received).toMatch(/\r\n250 SIZE\r\n421 4\.3\.2 Service not active\r\n$/);
  });

  it("pop3.dot_stuffed stuffs its dots", async () => {
    const port = await start("pop3.dot_stuffed");
    const { received } = await rawExchange(port, { send: "LIST\r\n", until: /\r\n\.\r\n$/ });
    expect(received).toContain("+OK\r\n..\r\n..leading dot\r\nno dot\r\n.\r\n");
  });
});
