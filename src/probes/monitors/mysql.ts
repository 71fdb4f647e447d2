import { constants, createHash, publicEncrypt } from "node:crypto";
import { DATA_BEFORE_TLS, protocolError, type ExchangeError } from "../../net/exchange-error.ts";
import { MessageReader } from "../../net/line-reader.ts";
import type { Connection } from "../../net/connection.ts";
import { startTls, dial } from "../../net/dial.ts";
import { disclose, type Disclosure } from "../../net/server-proof.ts";
import type { Sealed } from "../../lib/secret.ts";
import type { TlsSettings } from "../../model/tls-settings.ts";
import type { Observation } from "../../model/observation.ts";
import type { FailureReason } from "../../model/reasons.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { probeWithLogin, needsCredential, type MonitorSpec, type MonitorType } from "./spec.ts";

/** A refusal, with MySQL's error number. */
interface MysqlRefusal {
  readonly kind: "refusal";
  readonly code: number;
  readonly text: string;
}

export interface MysqlAccepted {
  readonly kind: "accepted";
}

export interface MysqlLogin {
  readonly username: string;
  readonly password: Sealed;
  readonly database: string | null;
  readonly tls: TlsSettings | null;
}

const CLIENT = {
  longPassword: 0x1,
  connectWithDb: 0x8,
  protocol41: 0x200,
  ssl: 0x800,
  secureConnection: 0x8000,
  pluginAuth: 0x80000,
};
const MAX_PACKET_BYTES = 64 * 1024;
const HEADER_BYTES = 4;
const UTF8MB4 = 45;

interface Greeting {
  readonly kind: "greeting";
  readonly version: string;
  readonly nonce: Buffer;
  readonly plugin: string;
}

/** The client side of MySQL's protocol, for a login and one statement (MySQL docs: "Client/Server Protocol"). */
export class MysqlSession {
  readonly #connection: Connection;
  readonly #messages: MessageReader;
  #sequence = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#messages = new MessageReader(connection, packetLength);
  }

  /**
   * Reads the greeting and logs in. A server that refuses immediately (too many connections, blocked host) does so in the
   * greeting.
   */
  async logIn(
    login: MysqlLogin,
  ): Promise<
    MysqlAccepted | MysqlRefusal | ExchangeError | Extract<Disclosure, { kind: "withheld" }>
  > {
    const first = await this.#read();
    this.#connection.run.phase("banner");
    if (!Buffer.isBuffer(first)) {
      return first;
    }
    const greeting = readGreeting(first);
    if (greeting.kind !== "greeting") {
      return greeting;
    }
    this.#connection.run.transcript.note(`MySQL ${greeting.version}, ${greeting.plugin}`);
    const capabilities =
      CLIENT.longPassword |
      CLIENT.protocol41 |
      CLIENT.secureConnection |
      CLIENT.pluginAuth |
      (login.database === null ? 0 : CLIENT.connectWithDb) |
      (login.tls === null ? 0 : CLIENT.ssl);
    const head = Buffer.alloc(32);
    head.writeUInt32LE(capabilities, 0);
    head.writeUInt32LE(MAX_PACKET_BYTES, 4);
    head[8] = UTF8MB4;
    if (login.tls !== null) {
      if (this.#messages.pending > 0) {
        return DATA_BEFORE_TLS;
      }
      this.#write(head, "TLS please\n");
      const secured = await startTls(this.#connection, login.tls);
      if (secured.kind === "failed") {
        return secured.why;
      }
    }
    const password = disclose(this.#connection, login.password, login.tls === null);
    if (password.kind === "withheld") {
      return password;
    }
    const proof = passwordProof(greeting.plugin, password.text, greeting.nonce);
    const reply = Buffer.concat([
      head,
      Buffer.from(`${login.username}\0`),
      Buffer.from([proof.length]),
      proof,
      Buffer.from(login.database === null ? "" : `${login.database}\0`),
      Buffer.from(`${greeting.plugin}\0`),
    ]);
    this.#connection.run.login = "unanswered";
    this.#write(reply, `login ${login.username}\n`);
    return this.#finishLogin(password.text, login.tls !== null, greeting.nonce);
  }

  /** Runs one statement; rows are not read. */
  async query(sql: string): Promise<MysqlAccepted | MysqlRefusal | ExchangeError> {
    this.#sequence = 0;
    this.#write(Buffer.from(`\u0003${sql}`), `${sql}\n`);
    const packet = await this.#read();
    if (!Buffer.isBuffer(packet)) {
      return packet;
    }
    return packet[0] === 0xff ? readError(packet) : { kind: "accepted" };
  }

  quit(): void {
    this.#sequence = 0;
    this.#write(Buffer.from([1]), "quit\n");
  }

  async #finishLogin(
    password: string,
    encrypted: boolean,
    firstNonce: Buffer,
  ): Promise<MysqlAccepted | MysqlRefusal | ExchangeError> {
    let nonce = firstNonce;
    for (let round = 0; round < 6; round += 1) {
      const packet = await this.#read();
      if (!Buffer.isBuffer(packet)) {
        return packet;
      }
      if (packet[0] === 0x00) {
        return { kind: "accepted" };
      }
      if (packet[0] === 0xff) {
        return readError(packet);
      }
      if (packet[0] === 0xfe) {
        // The account uses another plugin than the server's default.
        const end = packet.indexOf(0, 1);
        const plugin = packet.toString("latin1", 1, end === -1 ? packet.length : end);
        nonce = first20Bytes(packet.subarray(end + 1));
        this.#write(passwordProof(plugin, password, nonce), `${plugin}\n`);
      } else if (packet[0] === 0x01 && packet[1] === 0x04) {
        const secret = Buffer.from(`${password}\0`);
        this.#write(encrypted ? secret : Buffer.from([2]), "full authentication\n");
      } else if (packet[0] === 0x01 && packet[1] !== 0x03) {
        const sealed = encryptPassword(password, nonce, packet.subarray(1).toString());
        if (sealed === null) {
          return protocolError("no public key, although one was requested");
        }
        this.#write(sealed, "sealed password\n");
      } else if (packet[0] !== 0x01) {
        return protocolError(`unknown packet ${packet[0]}`);
      }
    }
    return protocolError("too many login packets");
  }

  #write(payload: Buffer, shown: string): void {
    const header = Buffer.from([
      payload.length & 0xff,
      (payload.length >> 8) & 0xff,
      0,
      this.#sequence,
    ]);
    this.#sequence = (this.#sequence + 1) & 0xff;
    this.#connection.write(Buffer.concat([header, payload]), shown);
  }

  async #read(): Promise<Buffer | ExchangeError> {
    const message = await this.#messages.next();
    if (message.kind !== "message") {
      return message;
    }
    this.#sequence = ((message.data[3] ?? 0) + 1) & 0xff;
    return message.data.subarray(HEADER_BYTES);
  }
}

function packetLength(received: Buffer): number | null | ExchangeError {
  if (received.length < HEADER_BYTES) {
    return null;
  }
  const length = received.readUIntLE(0, 3);
  return length > MAX_PACKET_BYTES || length === 0
    ? protocolError("not a MySQL packet")
    : HEADER_BYTES + length;
}

function readGreeting(packet: Buffer): Greeting | MysqlRefusal | ExchangeError {
  if (packet[0] === 0xff) {
    return readError(packet);
  }
  const end = packet.indexOf(0, 1);
  if (packet[0] !== 10 || end === -1 || packet.length < end + 32) {
    return protocolError("not a MySQL greeting");
  }
  const first = packet.subarray(end + 5, end + 13);
  const length = packet[end + 21] ?? 0;
  const second = packet.subarray(end + 32, end + 32 + Math.max(13, length - 8));
  const name = packet.subarray(end + 32 + second.length);
  const stop = name.indexOf(0);
  return {
    kind: "greeting",
    version: packet.toString("latin1", 1, end),
    nonce: first20Bytes(Buffer.concat([first, second])),
    plugin: name.toString("latin1", 0, stop === -1 ? name.length : stop) || "mysql_native_password",
  };
}

/** The nonce has 20 bytes, followed by a terminator. */
function first20Bytes(nonce: Buffer): Buffer {
  return nonce.subarray(0, 20);
}

function readError(packet: Buffer): MysqlRefusal {
  const code = packet.length >= 3 ? packet.readUInt16LE(1) : 0;
  return { kind: "refusal", code, text: packet.toString("utf8", 3).replace(/^#.{5}/, "") };
}

function passwordProof(plugin: string, password: string, nonce: Buffer): Buffer {
  if (password === "") {
    return Buffer.alloc(0);
  }
  if (plugin === "caching_sha2_password") {
    const once = hash("sha256", Buffer.from(password));
    return xor(once, hash("sha256", hash("sha256", once), nonce));
  }
  const once = hash("sha1", Buffer.from(password));
  return xor(once, hash("sha1", nonce, hash("sha1", once)));
}

function encryptPassword(password: string, nonce: Buffer, key: string): Buffer | null {
  try {
    const plain = Buffer.from(`${password}\0`);
    const masked = Buffer.from(plain.map((byte, at) => byte ^ (nonce[at % nonce.length] ?? 0)));
    return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, masked);
  } catch {
    return null;
  }
}

function hash(algorithm: string, ...parts: readonly Buffer[]): Buffer {
  const digest = createHash(algorithm);
  for (const part of parts) {
    digest.update(part);
  }
  return digest.digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));
}

const ERROR = {
  accessDenied: 1045,
  databaseDenied: 1044,
  tooManyConnections: 1040,
  hostBlocked: 1129,
  hostNotAllowed: 1130,
  shutdown: 1053,
};

/**
 * MYSQL: logs in to `database` and runs `sqlQuery`; an accepted statement passes, and rows are ignored. The probe never stops
 * after the greeting, because servers count that as a failed connection and block a host after too many. The ADC runs
 * nsmysql.pl from its NSIP. NetScaler docs: "MySQL monitors".
 */
export const mysqlMonitor: MonitorType = {
  type: "MYSQL",
  probe: probeWithLogin(async (run, credential, spec, target) => {
    const dialled = await dial(run, target, { tls: null });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const session = new MysqlSession(dialled.connection);
    const login = await session.logIn({
      username: credential.username,
      password: credential.password,
      database: spec.monitor.parameters.database,
      tls: spec.tls,
    });
    if (login.kind === "withheld") {
      return login.observation;
    }
    if (login.kind === "refusal") {
      return refused(run, login);
    }
    if (login.kind !== "accepted") {
      return run.fail("banner", login);
    }
    run.login = "accepted";
    run.phase("login");
    return runQuery(run, session, spec);
  }),
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 3306,
  unsupported: needsCredential,
};

async function runQuery(
  run: ProbeRun,
  session: MysqlSession,
  spec: MonitorSpec,
): Promise<Observation> {
  const { sqlQuery } = spec.monitor.parameters;
  if (sqlQuery !== null && sqlQuery !== "") {
    const answer = await session.query(sqlQuery);
    if (answer.kind === "refusal") {
      return run.mismatch("response", "bad_status", `${answer.code} ${answer.text}`);
    }
    if (answer.kind !== "accepted") {
      return run.fail("response", answer);
    }
  }
  run.phase("transaction");
  run.responseTimeMs = run.elapsedMs();
  session.quit();
  return run.match("response");
}

function refused(run: ProbeRun, answer: MysqlRefusal): Observation {
  const words = `${answer.code} ${answer.text}`;
  if (answer.code === ERROR.accessDenied || answer.code === ERROR.databaseDenied) {
    run.login = "rejected";
    return run.fault("login", "auth_rejected", words);
  }
  const reason = BEFORE_PASSWORD_CHECK.get(answer.code);
  if (reason !== undefined && run.login !== null) {
    run.login = "not_tried";
  }
  return run.mismatch("banner", reason ?? "bad_status", words);
}

/** Errors that precede the password check, even if the password was already sent. */
const BEFORE_PASSWORD_CHECK: ReadonlyMap<number, FailureReason> = new Map<number, FailureReason>([
  [ERROR.tooManyConnections, "throttled"],
  [ERROR.hostBlocked, "source_limit"],
  [ERROR.hostNotAllowed, "policy_refused"],
  [ERROR.shutdown, "service_not_active"],
]);
