import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HttpAnswerParser } from "../../src/probes/protocols/http-answer.ts";

function parse(text: string, method = "GET", window = 1024) {
  const parser = new HttpAnswerParser(method, window);
  const trouble = parser.feed(Buffer.from(text, "latin1"));
  return { trouble, state: parser.state, answer: parser.answer(), byClose: parser.endsByClose() };
}

describe("an HTTP answer", () => {
  test.each([
    [
      "with a length",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloEXTRA",
      "hello",
      "complete",
    ],
    [
      "in chunks with a trailer",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: y\r\n\r\n",
      "hello",
      "complete",
    ],
    [
      "chunks outrank a length",
      "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "hello",
      "complete",
    ],
    ["until the close", "HTTP/1.0 200 OK\r\n\r\nhello", "hello", "body"],
    ["bare line feeds, no reason", "HTTP/1.1 200\nContent-Length: 5\n\nhello", "hello", "complete"],
    [
      "an empty line behind a bare line feed",
      "HTTP/1.1 200 OK\nContent-Length: 5\n\r\nhello",
      "hello",
      "complete",
    ],
    [
      "a bare empty line behind CR LF",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello",
      "hello",
      "complete",
    ],
    [
      "a folded header",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\nX: a\r\n\tb\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "hello",
      "complete",
    ],
    [
      "an encoding whose name only holds the word",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: x-chunked\r\n\r\nhello",
      "hello",
      "body",
    ],
    [
      "an encoding on top of chunks",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nhello",
      "hello",
      "body",
    ],
    [
      "chunks behind another encoding",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "hello",
      "complete",
    ],
    [
      "after 100 Continue",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "hello",
      "complete",
    ],
    ["cut short", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "hello", "body"],
    ["no content", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "", "complete"],
  ])("%s", (_name, text, body, state) => {
    const parsed = parse(text);
    expect(parsed.trouble).toBeNull();
    expect(parsed.answer.body.toString()).toBe(body);
    expect(parsed.state).toBe(state);
    expect(parsed.byClose).toBe(state === "complete" || text.startsWith("HTTP/1.0"));
  });

  test("HEAD has no body whatever the length says", () => {
    expect(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD").state).toBe("complete");
  });

  test.each([
    ["a banner", "220 mail ready\r\n", /no HTTP answer/],
    ["HTTP/0.9", "<html>hello</html>", /no HTTP answer/],
    ["no status", "HTTP/1.1 OK\r\n\r\n", /not a status line/],
    [
      "lengths that contradict",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      /contradicting/,
    ],
    ["a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", /no number/],
    [
      "a chunk size that is none",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      /not a chunk size/,
    ],
    [
      "a chunk longer than it says",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n",
      /longer than/,
    ],
    ["too many fields", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(2000)}\r\n`, /more than 1000/],
    ["an endless header", `HTTP/1.1 200 OK\r\nA: ${"x".repeat(70_000)}`, /more than 65536/],
  ])("%s is trouble", (_name, text, trouble) => {
    expect(parse(text).trouble).toMatch(trouble);
  });

  test("the window bounds what is kept, not what is read", () => {
    const parsed = parse(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${"x".repeat(5000)}`);
    expect(parsed.answer.body).toHaveLength(1024);
    expect(parsed.state).toBe("complete");
  });

  test("the pieces in which it arrives make no difference", () => {
    const text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\nREST";
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 }), (cuts) => {
        const parser = new HttpAnswerParser("GET", 1024);
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          if (parser.state === "complete") {
            break;
          }
          expect(parser.feed(bytes.subarray(at, at + cut))).toBeNull();
          at = Math.min(bytes.length, at + cut);
        }
        expect(parser.answer().body.toString()).toBe("hello0123456789abcdef");
        expect(parser.takeRest().toString() + bytes.subarray(at).toString()).toBe("REST");
      }),
    );
  });

  test("any bytes end in an answer, in trouble or in more to read, never in an exception", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 12 }), (pieces) => {
        const parser = new HttpAnswerParser("GET", 64);
        parser.feed(Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
        for (const piece of pieces) {
          if (parser.feed(Buffer.from(piece)) !== null) {
            return;
          }
        }
        expect(parser.answer().body.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});

describe("the length of a head", () => {
  const LIMIT = 64 * 1024;
  const headOf = (bytes: number, lineEnd: string): string => {
    const begin = `HTTP/1.1 200 OK${lineEnd}Content-Length: 0${lineEnd}X: `;
    return `${begin}${"x".repeat(bytes - begin.length)}${lineEnd}${lineEnd}`;
  };

  test.each([
    [LIMIT, "\r\n", true],
    [LIMIT + 1, "\r\n", false],
    [LIMIT, "\n", true],
    [LIMIT + 1, "\n", false],
  ])(
    "the length of a head › is bounded alike at %i bytes when packets differ (%j)",
    (bytes, lineEnd, taken) => {
      const whole = Buffer.from(headOf(bytes, lineEnd));
      for (const size of [1, 3, 1_460, 16_384, whole.length]) {
        const parser = new HttpAnswerParser("GET", 1024);
        let trouble: string | null = null;
        for (let at = 0; at < whole.length && trouble === null; at += size) {
          trouble = parser.feed(whole.subarray(at, at + size));
        }
        expect({ size, taken: trouble === null && parser.state === "complete" }).toEqual({
          size,
          taken,
        });
      }
    },
  );
});

test.each([
  ["Close", false],
  ["keep-alive, close", false],
  ["closed-later", true],
  ["upgrade", true],
])("a connection › with %j may be used again: %s", (connection, reusable) => {
  const head = `HTTP/1.1 200 OK\r\nConnection: ${connection}\r\nContent-Length: 0\r\n\r\n`;
  expect(parse(head).answer.reusable).toBe(reusable);
});

test("a folded header › is one field, whatever it holds", () => {
  const { headers } = parse(
    'HTTP/1.1 200 OK\r\n folded status\r\nWWW-Authenticate: Basic\r\n  realm="x"\r\n\t, NTLM\r\nB: c\r\n\r\n',
  ).answer;
  expect(headers.all("www-authenticate")).toEqual(['Basic realm="x" , NTLM']);
  expect(headers.get("b")).toBe("c");
});
