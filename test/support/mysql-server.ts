import { constants, createHash, generateKeyPairSync, privateDecrypt } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Behaviour } from "./scripted-server.ts";

export const MYSQL_USER = { username: "witness", password: "mysql-password" };
type Plugin = "mysql_native_password" | "caching_sha2_password";

interface MysqlServerOptions {
  readonly plugin: Plugin;
  readonly switchTo?: Plugin;
  /** Asks for the full exchange of caching_sha2_password. */
  readonly full?: boolean;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Statements received. */
  readonly queries: string[];
}

const NONCE = Buffer.from("abcdefgh01234567WXYZ");
const SECOND_NONCE = Buffer.from("zyxwvuts76543210ABCD");
const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);

/** A MySQL server as far as a login and one statement go; it verifies the proof as the real one does. */
export function mysqlServer(options: MysqlServerOptions): Behaviour {
  return (raw) => {
    let socket: Socket = raw;
    let buffer = Buffer.alloc(0);
    let plugin = options.plugin;
    let nonce = NONCE;
    let state: "login" | "proof" | "sealed" | "ready" = "login";
    let sequence = 0;
    const keys = generateKeyPairSync("rsa", { modulusLength: 1024 });

    say(greeting(plugin, NONCE));
    socket.on("data", arrived);

    function arrived(data: Buffer): void {
      buffer = Buffer.concat([buffer, data]);
      while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUIntLE(0, 3)) {
        const packet = buffer.subarray(4, 4 + buffer.readUIntLE(0, 3));
        sequence = (buffer[3] ?? 0) + 1;
        buffer = buffer.subarray(4 + packet.length);
        handle(packet);
      }
    }
    function handle(packet: Buffer): void {
      if (state === "login" && packet.length === 32 && options.tls !== undefined) {
        raw.off("data", arrived);
        raw.removeAllListeners("data");
        // The client need not wait: its ClientHello may have come with the request.
        raw.pause();
        raw.unshift(buffer);
        buffer = Buffer.alloc(0);
        socket = new TLSSocket(raw, { isServer: true, ...options.tls });
        socket.on("error", () => undefined);
        socket.on("data", arrived);
      } else if (state === "login") {
        const end = packet.indexOf(0, 32);
        const length = packet[end + 1] ?? 0;
        if (options.switchTo !== undefined) {
          plugin = options.switchTo;
          nonce = SECOND_NONCE;
          state = "proof";
          say(
            Buffer.concat([
              Buffer.from([0xfe]),
              Buffer.from(`${plugin}\0`),
              nonce,
              Buffer.from([0]),
            ]),
          );
        } else {
          judge(packet.subarray(end + 2, end + 2 + length));
        }
      } else if (state === "proof") {
        judge(packet);
      } else if (state === "sealed") {
        if (packet.length === 1) {
          say(
            Buffer.concat([
              Buffer.from([1]),
              Buffer.from(keys.publicKey.export({ type: "spki", format: "pem" })),
            ]),
          );
        } else {
          const padding = constants.RSA_PKCS1_OAEP_PADDING;
          const masked = privateDecrypt({ key: keys.privateKey, padding }, packet);
          const plain = Buffer.from(
            masked.map((byte, at) => byte ^ (nonce[at % 20] ?? 0)),
          ).toString();
          accept(plain === `${MYSQL_USER.password}\0`);
        }
      } else if (packet[0] === 3) {
        const sql = packet.toString("utf8", 1);
        options.queries.push(sql);
        say(sql === "BROKEN" ? refusal(1064, "syntax") : OK);
      }
    }
    function judge(proof: Buffer): void {
      const right = proof.equals(expected(plugin, nonce));
      if (right && options.full === true) {
        state = "sealed";
        say(Buffer.from([1, 4]));
      } else {
        if (right && plugin === "caching_sha2_password") {
          say(Buffer.from([1, 3]));
        }
        accept(right);
      }
    }
    function accept(right: boolean): void {
      state = "ready";
      say(right ? OK : refusal(1045, "Access denied"));
    }
    function say(payload: Buffer): void {
      const header = Buffer.alloc(4);
      header.writeUIntLE(payload.length, 0, 3);
      header[3] = sequence;
      sequence += 1;
      socket.write(Buffer.concat([header, payload]));
    }
  };
}

function greeting(plugin: Plugin, nonce: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from("\n8.0.36-test\0"),
    Buffer.from([1, 0, 0, 0]),
    nonce.subarray(0, 8),
    Buffer.from([0, 0xff, 0xff, 45, 2, 0, 0xff, 0xff, 21]),
    Buffer.alloc(10),
    nonce.subarray(8),
    Buffer.from([0]),
    Buffer.from(`${plugin}\0`),
  ]);
}

function refusal(code: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([0xff, code & 0xff, code >> 8]), Buffer.from(`#28000${text}`)]);
}

function expected(plugin: Plugin, nonce: Buffer): Buffer {
  const digest = (name: string, ...parts: (Buffer | string)[]): Buffer =>
    parts.reduce((hash, part) => hash.update(part), createHash(name)).digest();
  const [name, order] = plugin === "mysql_native_password" ? ["sha1", "first"] : ["sha256", "last"];
  const once = digest(name, MYSQL_USER.password);
  const twice = digest(name, once);
  const mask = order === "first" ? digest(name, nonce, twice) : digest(name, twice, nonce);
  return Buffer.from(once.map((byte, at) => byte ^ (mask[at] ?? 0)));
}
