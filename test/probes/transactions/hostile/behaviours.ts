import type { Play } from "./hostile-server.ts";

export type Protocol = "imap" | "pop3" | "smtp" | "http" | "ldap" | "rpc";

export interface HostileBehaviour {
  readonly name: string;
  readonly play: Play;
  /**
   * What may come of it: `never` good; `maybe` good, where what is sent can be read as an answer; `always` good, since it is
   * only odd. After those that may be good the server goes on answering.
   */
  readonly good: "never" | "maybe" | "always";
  /** The probe must end it by a bound of its own or by its time-out; the latter needs no watch over memory. */
  readonly endless: boolean;
}

const FOUR_GIB = "4294967296";

function endless(
  name: string,
  block: string | Buffer,
  head = "",
  good: "never" | "maybe" = "never",
) {
  const play: Play = (socket) => {
    const bytes = typeof block === "string" ? Buffer.from(block, "latin1") : block;
    const large = Buffer.concat(
      Array.from({ length: Math.ceil((64 * 1024) / bytes.length) }, () => bytes),
    );
    socket.write(Buffer.from(head, "latin1"));
    (function more(): void {
      if (!socket.destroyed) {
        socket.write(large, () => setImmediate(more));
      }
    })();
  };
  return { name, play, good, endless: true } as const;
}

function once(
  name: string,
  say: (healthy: Buffer) => string | Buffer,
  good: HostileBehaviour["good"] = "never",
): HostileBehaviour {
  const play: Play = (socket, healthy) => {
    const text = say(healthy);
    socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
  };
  return { name, play, good, endless: false };
}

/** Every so many milliseconds one byte: a byte a second, in the time scale of these tests. */
function drip(
  name: string,
  everyMs: number,
  bytes: (healthy: Buffer) => Buffer,
  good: "never" | "always",
) {
  const play: Play = (socket, healthy) => {
    const text = bytes(healthy);
    let at = 0;
    (function next(): void {
      if (at < text.length && !socket.destroyed) {
        socket.write(text.subarray(at, (at += 1)), () =>
          everyMs === 0 ? setImmediate(next) : setTimeout(next, everyMs),
        );
      }
    })();
  };
  return { name, play, good, endless: false } as const;
}

const half = (healthy: Buffer): Buffer => healthy.subarray(0, Math.floor(healthy.length / 2));
const cutOff: Play = (socket, healthy) => {
  socket.end(half(healthy));
};
const reset: Play = (socket, healthy) => {
  socket.write(half(healthy), () => socket.resetAndDestroy());
};

/** What can be played on any stream. */
const ANYWHERE: readonly HostileBehaviour[] = [
  endless("bytes without end", "x"),
  endless("NULs without end", "\0"),
  drip("a byte a second", 100, () => Buffer.alloc(600, "x"), "never"),
  drip("its answer in packets of one byte", 0, (healthy) => healthy, "always"),
  once("half an answer, then silence", half),
  { name: "half an answer, then a close", play: cutOff, good: "never", endless: false },
  { name: "half an answer, then a reset", play: reset, good: "never", endless: false },
];

const LATIN1 = "\xe4\xf6\xfc\xff\xfe \xc0\x80 \xed\xa0\x80";
const INJECTED = "zz9 DELETE INBOX";
const literal = (text: string): string => `{${String(text.length)}}\r\n${text}`;

const OF_PROTOCOL: Readonly<Record<Protocol, readonly HostileBehaviour[]>> = {
  imap: [
    endless("untagged lines without end", "* OK again\r\n"),
    endless("folders without end", `* LIST (\\HasNoChildren) "/" "Inbox/${"x".repeat(80)}"\r\n`),
    endless("search results without end", `* SEARCH${" 4294967295".repeat(50)}\r\n`),
    endless(
      "messages without end",
      '* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000")\r\n',
    ),
    endless("capabilities without end", " X-CAPABILITY", "* CAPABILITY IMAP4rev1"),
    endless("answers to nobody's command", "zz OK done\r\n"),
    endless("a literal of 4 GiB", "x", `* LIST () "/" {${FOUR_GIB}}\r\n`),
    once("a literal of 4 GiB announced, then silence", () => `* LIST () "/" {${FOUR_GIB}}\r\n`),
    once("a literal of 10^30 bytes", () => `* LIST () "/" {1${"0".repeat(30)}}\r\n`),
    once("lists nested 100,000 deep", () => `* LIST ${"(".repeat(100_000)}\r\n`),
    once(
      "another charset",
      (healthy) => `* OK ${LATIN1}\r\n${healthy.toString("latin1")}`,
      "maybe",
    ),
    once("NULs in a line", (healthy) => `* OK \0\0\0\r\n${healthy.toString("latin1")}`, "maybe"),
    once(
      "commands in a folder's name",
      (healthy) =>
        `* LIST (\\Junk) "/" ${literal(`Junk\r\n${INJECTED}\r\n`)}\r\n` +
        `* LIST (\\Junk) "/" ${literal(`Junk\0${INJECTED}`)}\r\n` +
        `* NAMESPACE ((${literal(`x\r\n${INJECTED}\r\n`)} "/")) NIL NIL\r\n${healthy.toString("latin1")}`,
      "maybe",
    ),
  ],
  pop3: [
    endless("answers without end", "+OK again\r\n", "", "maybe"),
    endless("capabilities without end", "X-CAPABILITY\r\n", "+OK\r\n", "maybe"),
    endless("an error without end", "x", "-ERR "),
    endless("an answer without end", "x", "+OK "),
    once("another charset", () => `+OK ${LATIN1}\r\n`, "maybe"),
    once("NULs in a line", () => "+OK \0\0\0\r\n", "maybe"),
    once("4 GiB as a number", () => `+OK ${FOUR_GIB}0 ${FOUR_GIB}\r\n`, "maybe"),
    once("commands in an answer", () => "+OK ready\rDELE 1\rQUIT\r\n", "maybe"),
  ],
  smtp: [
    endless("one reply without end", "250-again\r\n", "250-hello\r\n"),
    endless("one greeting without end", "220-again\r\n", "220-hello\r\n"),
    endless("replies without end", "250 again\r\n", "", "maybe"),
    endless("challenges without end", "334 VXNlcm5hbWU6\r\n", "", "maybe"),
    endless("a line without end", "x", "250 "),
    once(
      "another charset",
      (healthy) => `${healthy.toString("latin1").trimEnd()} ${LATIN1}\r\n`,
      "maybe",
    ),
    once(
      "NULs in a line",
      (healthy) => `${healthy.toString("latin1").trimEnd()} \0\0\0\r\n`,
      "maybe",
    ),
    once(
      "4 GiB as a size",
      () => `250-ex01\r\n250-SIZE ${FOUR_GIB}0000000000\r\n250 AUTH LOGIN\r\n`,
      "maybe",
    ),
    once(
      "commands in an answer",
      (healthy) => `${healthy.toString("latin1").trimEnd()}\rRCPT TO:<x@x>\r\n`,
      "maybe",
    ),
  ],
  http: [
    endless("a header without end", "x", "HTTP/1.1 200 OK\r\nX-Header: "),
    endless("headers without end", "X-Header: again\r\n", "HTTP/1.1 200 OK\r\n"),
    endless("interim answers without end", "HTTP/1.1 100 Continue\r\n\r\n"),
    endless("a body of 4 GiB", "x", `HTTP/1.1 200 OK\r\nContent-Length: ${FOUR_GIB}\r\n\r\n`),
    endless("a body until the close", "x", "HTTP/1.1 200 OK\r\n\r\n"),
    endless(
      "chunks without end",
      "1\r\nx\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    endless(
      "a chunk of 4 GiB",
      "x",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\n",
    ),
    endless(
      "trailers without end",
      "X-Trailer: again\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    ),
    endless("answers without end", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "", "maybe"),
    endless(
      "a challenge of 4 GiB",
      "x",
      `HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\nContent-Length: ${FOUR_GIB}\r\n\r\n`,
      "maybe",
    ),
    once(
      "a body of 4 GiB announced, then silence",
      () => `HTTP/1.1 200 OK\r\nContent-Length: ${FOUR_GIB}\r\n\r\n`,
    ),
    once("another charset", (healthy) => withHeader(healthy, `X-Header: ${LATIN1}`), "always"),
    once("NULs in a header", (healthy) => withHeader(healthy, "X-Header: \0\0\0"), "maybe"),
    once(
      "headers in cookies and redirects",
      (healthy) =>
        withHeader(
          healthy,
          "Set-Cookie: evil=1\rX-Injected: cookie\r\nSet-Cookie: nul=1\0X-Injected: nul\r\nLocation: /owa/?\rX-Injected: location\0",
        ),
      "maybe",
    ),
    once(
      "10,000 cookies",
      (healthy) =>
        withHeader(
          healthy,
          Array.from({ length: 10_000 }, (_, at) => `Set-Cookie: c${String(at)}=1`).join("\r\n"),
        ),
      "maybe",
    ),
  ],
  ldap: [
    endless("entries without end", ldap(0x64, [...octets(0x04, "cn=again"), 0x30, 0])),
    endless(
      "large entries without end",
      ldap(0x64, [...octets(0x04, "x".repeat(60_000)), 0x30, 0]),
    ),
    endless("references without end", ldap(0x73, octets(0x04, "ldap://127.0.0.1/"))),
    endless("a message of 4 GiB", "x", "\x30\x84\xff\xff\xff\xff\x02\x01\x01"),
    once(
      "a message of 4 GiB announced, then silence",
      () => "\x30\x84\xff\xff\xff\xff\x02\x01\x01",
    ),
    once("lengths that lie", () => hex("300c 020101 61840fffffff 0a0100")),
    once("an indefinite length", () => hex("3080 020101 6180 0000 0000")),
    once("another charset, NULs and line ends", () =>
      ldap(0x61, [0x0a, 1, 80, ...octets(0x04, ""), ...octets(0x04, `${LATIN1}\0\r\nzz`)]),
    ),
  ],
  rpc: [
    endless(
      "fragments without end",
      hex("05000203 10000000 1800 0000 01000000 00000000 0000 0000"),
    ),
    endless(
      "a fragment of 64 KB",
      "x",
      "\x05\x00\x0c\x03\x10\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00",
    ),
    once("a fragment without content", () => hex("05000c03 10000000 1000 0000 01000000")),
    once("a count of 2^32 towers", () =>
      Buffer.concat([
        hex("05000203 10000000 4000 0000 02000000 28000000 0000 0000"),
        Buffer.alloc(40, 0xff),
      ]),
    ),
  ],
};

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

function withHeader(healthy: Buffer, header: string): string {
  return healthy.toString("latin1").replace("\r\n", `\r\n${header}\r\n`);
}

/** An LDAP message with id 2, or 1 for the answer to a bind. */
function ldap(tag: number, content: readonly number[]): Buffer {
  const operation = Buffer.concat([
    Buffer.from([tag, ...length(content.length)]),
    Buffer.from(content),
  ]);
  const id = [0x02, 1, tag === 0x61 ? 1 : 2];
  return Buffer.concat([
    Buffer.from([0x30, ...length(id.length + operation.length), ...id]),
    operation,
  ]);
}

function octets(tag: number, text: string): number[] {
  return [tag, ...length(text.length), ...Buffer.from(text, "latin1")];
}

function length(bytes: number): number[] {
  return bytes < 0x80 ? [bytes] : [0x82, bytes >> 8, bytes & 0xff];
}

/** Everything that can be done to a client of this protocol. */
export function behavioursOf(protocol: Protocol): readonly HostileBehaviour[] {
  return [...ANYWHERE, ...OF_PROTOCOL[protocol]];
}

/** What no request may ever begin with, or hold as a line of its own. */
export const INJECTIONS = /^(zz9 DELETE|X-Injected:|DELE 1|RCPT TO:<x@x>)/m;
