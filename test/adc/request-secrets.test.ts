import { expect, test } from "vitest";
import { redactRequest, requestSecrets } from "../../src/adc/request-secrets.ts";

const basic = (words: string): string => Buffer.from(words).toString("base64");

test.each([
  [
    "Basic in a header",
    `Host: x\r\nAuthorization: Basic ${basic("LAB\\svc:Pa:ss")}\r\n`,
    ["basic", "LAB\\svc", "Pa:ss"],
  ],
  [
    "Proxy-Authorization",
    `proxy-authorization: basic ${basic("svc:pw-1")}`,
    ["basic", "svc", "pw-1"],
  ],
  [
    "a form",
    "POST /owa/auth.owa HTTP/1.1\r\nHost: x\r\n\r\ndestination=x&username=LAB%5Csvc&password=p%2B1+x",
    ["form", "LAB\\svc", "p+1 x"],
  ],
  ["a query", "GET /login?user=svc&passwd=secret1", ["form", "svc", "secret1"]],
  ["a URL's user", "GET http://svc:secret1@ex01/ HTTP/1.1", ["form", "svc", "secret1"]],
  ["POP3 and FTP", "USER svc\r\nPASS two words\r\nQUIT\r\n", ["pop3", "svc", "two words"]],
  ["IMAP", 'a1 CAPABILITY\r\na2 LOGIN "svc" "pw 1"\r\n', ["imap", "svc", "pw 1"]],
  [
    "IMAP's AUTHENTICATE",
    `a1 AUTHENTICATE PLAIN ${basic("\0svc\0pw-1")}\r\n`,
    ["imap", "svc", "pw-1"],
  ],
  ["SMTP's PLAIN", `EHLO x\r\nAUTH PLAIN ${basic("\0svc\0pw-1")}\r\n`, ["smtp", "svc", "pw-1"]],
  [
    "SMTP's LOGIN",
    `EHLO x\r\nAUTH LOGIN\r\n${basic("svc")}\r\n${basic("pw-1")}\r\n`,
    ["smtp", "svc", "pw-1"],
  ],
] as const)(
  "requestSecrets › reads and redacts the login of a request from %s",
  (_what, text, expected) => {
    const { login, secrets } = requestSecrets(text);
    expect([login?.scheme, login?.username, login?.password]).toEqual(expected);
    const shown = redactRequest(text);
    for (const secret of [expected[2], basic(expected[2]), ...secrets]) {
      expect(shown).not.toContain(secret);
    }
    expect(secrets).toContain(expected[2]);
  },
);

test.each([
  ["a bearer's token", "Authorization: Bearer abc.def", "abc.def"],
  ["a cookie", "Cookie: sid=1234567", "1234567"],
  ["a key", "X-Api-Key: k-123456", "k-123456"],
  ["a member of JSON", '{"client_secret": "s-123456"}', "s-123456"],
  ["a token in a query", "GET /x?access_token=t-123456", "t-123456"],
])("requestSecrets › redacts %s without taking it for a login", (_what, text, secret) => {
  const read = requestSecrets(text);
  expect(read.login).toBeNull();
  expect(read.secrets.join(" ")).toContain(secret);
  expect(redactRequest(text)).not.toContain(secret);
});

test.each([
  "GET /owa/healthcheck.htm",
  "HEAD /",
  "Host: mail.example.com\r\nAccept: text/html; q=0.9\r\n",
  "EHLO monitor\r\n",
  "a1 CAPABILITY\r\n",
  "GET /?pass=&x=1",
  "GET /passwords/",
])("requestSecrets › leaves a request without a secret as it stands: %j", (text) => {
  expect(requestSecrets(text)).toEqual({ login: null, secrets: [] });
  expect(redactRequest(text)).toBe(text);
});
