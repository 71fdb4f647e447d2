import { afterEach, describe, expect, test } from "vitest";
import type { Observation } from "../../../../src/model/observation.ts";
import { runTransaction, TRANSACTION_TYPES } from "../../../../src/probes/transactions/registry.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { serve, type ScriptedServer } from "../../../support/scripted-server.ts";
import { sealed } from "../../../support/sealed.ts";
import { findCanary } from "../../../security/canary.ts";
import { accountOf, PROBE_A } from "../lab-exchange.ts";
import { transactionSpec } from "../transaction-spec.ts";
import type { Protocol } from "./behaviours.ts";
import type { Dialogue } from "./hostile-server.ts";
import { SUBJECTS, type HostileSubject } from "./subjects.ts";

/** The password of the dialogues themselves, and one with everything that some encoding treats in its own way. */
const PASSWORDS = [PROBE_A.password, String.raw`Zw"itt\er & <Spatz> 'ß' 100%+x/y=`] as const;

const ENCODINGS: readonly (readonly [string, (text: string) => string])[] = [
  ["unchanged", (text) => text],
  ["in capitals", (text) => text.toUpperCase()],
  ["in base64", (text) => Buffer.from(text).toString("base64")],
  ["URL-encoded", (text) => encodeURIComponent(text)],
  ["as JSON", (text) => JSON.stringify(text)],
  [
    "in HTML",
    (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;"),
  ],
  ["in hexadecimal digits", (text) => Buffer.from(text).toString("hex")],
  ["form-decoded", (text) => decodeURIComponent(text.replaceAll("+", " "))],
];

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

type Answer = (request: string, healthy: string, echo: string) => string;

/** With the command in it, the sound answer, and the refusal of a login. */
const ANSWERS: Readonly<Partial<Record<Protocol, { sound: Answer; refusal: Answer }>>> = {
  imap: {
    sound: (_request, healthy, echo) => `* OK ${echo}\r\n${healthy}`,
    refusal: (request, healthy, echo) =>
      / (LOGIN|AUTHENTICATE) /.test(request)
        ? `${request.split(" ")[0] ?? ""} NO ${echo}\r\n`
        : healthy,
  },
  pop3: {
    sound: (_request, healthy, echo) => healthy.replace(/^\+OK(?! \d)/, `+OK ${echo}`),
    refusal: (request, healthy, echo) => (/^PASS /.test(request) ? `-ERR ${echo}\r\n` : healthy),
  },
  smtp: {
    sound: (request, healthy, echo) =>
      isSmtpPassword(request, healthy)
        ? `235 ${echo}\r\n`
        : healthy.replace(/^(250|235) /, `$1 ${echo} `),
    refusal: (request, healthy, echo) =>
      isSmtpPassword(request, healthy) ? `535 5.7.3 ${echo}\r\n` : healthy,
  },
  http: {
    sound: (_request, healthy, echo) =>
      healthy
        .replace("X-FEServer: EX01", namesOf(echo))
        .replace(/\r\n\r\n/, `\r\nX-Echo: ${echo}$&`),
    refusal: (request, _healthy, echo) =>
      `HTTP/1.1 ${/^authorization:|passw/im.test(request) ? "500" : "401"} ${echo}\r\n${namesOf(echo)}\r\n` +
      `WWW-Authenticate: Basic realm="${echo}"\r\nContent-Length: 0\r\n\r\n`,
  },
};

/** The dialogue knows one password only. */
function isSmtpPassword(request: string, healthy: string): boolean {
  return healthy.startsWith("235") || (healthy === "" && /^[A-Za-z0-9+/]{8,}=*$/.test(request));
}

function namesOf(echo: string): string {
  return [
    `X-FEServer: ${echo}`,
    `X-CalculatedBETarget: ${echo}`,
    `Set-Cookie: echo=${echo}; path=/`,
  ].join("\r\n");
}

async function repeating(
  { cut, greeting, answer }: Dialogue,
  reply: Answer,
  encode: (text: string) => string,
): Promise<ScriptedServer> {
  let last = "";
  const server = await serve((socket) => {
    let input: Buffer = Buffer.alloc(0);
    // What was heard on the connection before is repeated too.
    socket.write(Buffer.from(greeting.replace(/\r\n$/, ` ${last}\r\n`), "utf8"));
    socket.on("data", (data) => {
      input = Buffer.concat([input, data]);
      for (let next = cut(input); next !== null; next = cut(input)) {
        input = input.subarray(next.length);
        const text = Buffer.from(next.request, "latin1").toString("utf8");
        const line = text.split(/[\r\n]+/).join(" ");
        const echo = safely(encode, line).slice(0, 1_500);
        last = echo.slice(-300);
        socket.write(
          Buffer.from(
            reply(next.request, answer(next.request, server.port).toString("latin1"), echo),
          ),
        );
      }
    });
  });
  servers.push(server);
  return server;
}

function safely(encode: (text: string) => string, text: string): string {
  try {
    return encode(text);
  } catch {
    // Not every command is an encoded form.
    return text;
  }
}

async function converse(
  subject: HostileSubject,
  password: string,
  kind: "sound" | "refusal",
  encode: (text: string) => string,
): Promise<Observation> {
  const replies = ANSWERS[subject.protocol];
  const reply: Answer = replies?.[kind] ?? ((_request, healthy) => healthy);
  const target = await repeating(subject.dialogue, reply, encode);
  const imap =
    subject.imap === undefined
      ? null
      : await repeating(subject.imap, ANSWERS.imap?.[kind] ?? reply, encode);
  return runTransaction(
    transactionSpec(subject.transaction, {
      account: accountOf(PROBE_A, { password: sealed(password) }),
      allowPlaintext: true,
      ...subject.change,
      options: {
        ...subject.change?.options,
        ...(imap === null ? {} : { imap_port: imap.port }),
      },
    }),
    { host: "127.0.0.1", port: target.port, server: null },
    probeContext(1_500),
  );
}

const LOGINS = SUBJECTS.filter(
  ({ transaction, protocol }) =>
    TRANSACTION_TYPES.get(transaction)?.needsAccount === true && ANSWERS[protocol] !== undefined,
);

describe.each(LOGINS)("$name", (subject) => {
  test.each(ENCODINGS)("shows no password when the server echoes it %s", async (_how, encode) => {
    for (const kind of ["sound", "refusal"] as const) {
      for (const password of PASSWORDS) {
        const seen = await converse(subject, password, kind, encode);
        const canaries = [{ what: "the password", value: password }];
        expect(findCanary(canaries, texts(seen))).toBeNull();
      }
    }
  });
});

/** Everything that metrics, pages, logs and answers of the API are made of, as text and as JSON. */
function texts(seen: Observation): string {
  const { evidence, servedBy, backendServer, authSchemes } = seen;
  return [
    JSON.stringify(seen),
    evidence.transcript,
    evidence.detail,
    servedBy,
    backendServer,
    authSchemes,
  ].join("\n");
}
