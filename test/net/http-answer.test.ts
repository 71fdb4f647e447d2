import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HttpAnswerParser } from "../../src/probes/protocols/http-answer.ts";

function parse(text: string, method = "GET", window = 1024) {
  const parser = new HttpAnswerParser(method, window);
  const trouble = parser.feed(Buffer.from(text, "latin1"));
  return { trouble, state: parser.state, answer: parser.answer(), byClose: parser.endsByClose() };
}

describe("HttpAnswerParser", () => {
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
      "chunks beside a length",
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
      "an encoding named x-chunked",
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
  ])("parses a response: %s", (_name, text, body, state) => {
    const parsed = parse(text);
    expect(parsed.trouble).toBeNull();
    expect(parsed.answer.body.toString()).toBe(body);
    expect(parsed.state).toBe(state);
    expect(parsed.byClose).toBe(state === "complete" || text.startsWith("HTTP/1.0"));
  });

  test("expects no body for HEAD whatever the length says", () => {
    expect(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD").state).toBe("complete");
  });

  test.each([
    ["a banner", "220 mail ready\r\n", /not an HTTP response/],
    ["HTTP/0.9", "<html>hello</html>", /not an HTTP response/],
    ["a missing status", "HTTP/1.1 OK\r\n\r\n", /not a status line/],
    [
      "lengths that contradict",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      /conflicting/,
    ],
    ["an invalid length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", /not a number/],
    [
      "an invalid chunk size",
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
  ])("rejects %s", (_name, text, trouble) => {
    expect(parse(text).trouble).toMatch(trouble);
  });

  test("keeps only the window of a longer body", () => {
    const parsed = parse(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${"x".repeat(5000)}`);
    expect(parsed.answer.body).toHaveLength(1024);
    expect(parsed.state).toBe("complete");
  });

  test("gives the same result when the response arrives in any pieces", () => {
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

  test("never throws when the bytes are arbitrary", () => {
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

describe("HttpAnswerParser head limit", () => {
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
  ])("is the same at %i bytes for every packet size with line end %j", (bytes, lineEnd, taken) => {
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
  });
});

test.each([
  ["Close", false],
  ["keep-alive, close", false],
  ["closed-later", true],
  ["upgrade", true],
])("HttpAnswerParser › reads Connection: %j as reusable: %s", (connection, reusable) => {
  const head = `HTTP/1.1 200 OK\r\nConnection: ${connection}\r\nContent-Length: 0\r\n\r\n`;
  expect(parse(head).answer.reusable).toBe(reusable);
});

test("HttpAnswerParser › joins a folded header into one field", () => {
  const { headers } = parse(
    'HTTP/1.1 200 OK\r\n folded status\r\nWWW-Authenticate: Basic\r\n  realm="x"\r\n\t, NTLM\r\nB: c\r\n\r\n',
  ).answer;
  expect(headers.all("www-authenticate")).toEqual(['Basic realm="x" , NTLM']);
  expect(headers.get("b")).toBe("c");
});
