import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { AaaOptions } from "../../../lab/adc/aaa/options.ts";
import { startLab, type Lab } from "../../../lab/lab.ts";
import type { Observation } from "../../../src/model/observation.ts";
import { loginOutcome } from "../../../src/probes/probe.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type {
  Account,
  AdcFront,
  TransactionName,
  TransactionSpec,
} from "../../../src/model/transactions.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { probeContext } from "../../support/probe-context.ts";
import { serve } from "../../support/scripted-server.ts";
import { CLIENT_TLS, transactionSpec } from "./transaction-spec.ts";
import { sealed } from "../../support/sealed.ts";

const FORM: AdcFront = {
  authentication: "form",
  authenticationHost: "aaa.example.com",
  redirectUrl: null,
};
const HTTP_401: AdcFront = { authentication: "401", authenticationHost: null, redirectUrl: null };

let lab: Lab;
let defaults: AaaOptions;
beforeAll(async () => {
  lab = await startLab({ scenario: "aaa" });
  const { organisation } = lab;
  defaults = {
    authenticate: (username, password) => {
      const { kind } = organisation.authenticate(username, password, {
        server: "adc",
        protocol: "ldap",
      });
      return kind === "accepted"
        ? { groups: username === "probe-a" ? ["External-OWA"] : [] }
        : null;
    },
    sso: "form",
    secondFactor: false,
    largePostLimitBytes: null,
  };
}, 30_000);
afterAll(async () => {
  await lab.close();
});
afterEach(() => {
  lab.adc.setAaa(defaults);
});

function account(username: string, change: Partial<Account> = {}): Account {
  const found = lab.accounts.find((each) => each.username === username);
  return {
    name: username,
    username,
    password: sealed(found?.password ?? ""),
    address: found?.address ?? null,
    domain: null,
    ...change,
  };
}

function run(
  transaction: TransactionName,
  adc: AdcFront,
  change: Partial<TransactionSpec> = {},
): Promise<Observation> {
  const network = createNetwork({
    connectTo: lab.connectTo,
    unmapped: "refuse",
    now: () => performance.now(),
  });
  return runTransaction(
    transactionSpec(transaction, { security: "implicit", tls: CLIENT_TLS, adc, ...change }),
    { host: "mail.example.com", port: 443, server: null },
    probeContext(10_000, { network, vantage: "vip" }),
  );
}

describe("owa_form behind the AAA form", () => {
  const owa = (who: Account) => run("owa_form", FORM, { path: "/owa/", account: who });

  test("reports aaa_login in looks without an account", async () => {
    expect(await run("https_challenge", FORM, { path: "/owa/" })).toMatchObject({
      outcome: "mismatch",
      reason: "aaa_login",
    });
    expect(await run("health_page", FORM, { path: "/owa/" })).toMatchObject({
      reason: "aaa_login",
    });
  });

  test("passes and hides the credential when AAA and Exchange accept it", async () => {
    const who = account("probe-a");
    const seen = await owa(who);
    expect(`${seen.outcome} ${seen.reason} ${seen.evidence.detail ?? ""}`).toBe(
      "match ok 200 after the login",
    );
    expect(seen.exchangeSeen).toBe(true);
    expect(loginOutcome(seen)).toBe("accepted");
    const told = JSON.stringify(seen);
    const password = who.password.reveal();
    expect(told).not.toContain(password);
    expect(told).not.toContain(new URLSearchParams({ a: password }).toString().slice(2));
    expect(told).not.toMatch(/NSC_TM\w+=[0-9a-f]{8}/);
  });

  test("reports aaa_rejected when AAA rejects the password", async () => {
    const seen = await owa(account("probe-a", { password: sealed("wrong") }));
    expect(seen).toMatchObject({ outcome: "fault", step: "login", reason: "aaa_rejected" });
    expect(loginOutcome(seen)).toBe("rejected");
  });

  test("reports aaa_not_authorized when the account is in no permitted group", async () => {
    const seen = await owa(account("probe-b"));
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "aaa_not_authorized" });
    expect(loginOutcome(seen)).toBe("accepted");
  });

  test("reports second_factor when AAA asks for one", async () => {
    lab.adc.setAaa({ ...defaults, secondFactor: true });
    expect(await owa(account("probe-a"))).toMatchObject({ reason: "second_factor" });
  });

  test("is rejected when the form comes again with 200, and unanswered on an error page", async () => {
    const form = '<form><input name="login"><input type="password" name="passwd"></form>';
    const page = (head: string, body = ""): string =>
      `HTTP/1.1 ${head}\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`;
    for (const [answer, step, reason, outcome] of [
      [page("200 OK", form), "login", "aaa_rejected", "rejected"],
      [page("404 Not Found"), "login", "adc_error_page", "unanswered"],
      [page("502 Bad Gateway"), "login", "adc_error_page", "unanswered"],
    ] as const) {
      const server = await serve((socket) => {
        socket.on("data", (data) => {
          const asked = data.toString("latin1");
          if (asked.startsWith("GET")) {
            socket.write(
              page("302 Found\r\nLocation: /vpn/tmindex.html\r\nSet-Cookie: NSC_TASS=x"),
            );
          } else {
            socket.write(answer);
          }
        });
      });
      const seen = await runTransaction(
        transactionSpec("owa_form", {
          adc: { ...FORM, authenticationHost: null },
          path: "/owa/",
          account: account("probe-a"),
          allowPlaintext: true,
        }),
        { host: "127.0.0.1", port: server.port, server: null },
        probeContext(5_000, { vantage: "vip" }),
      );
      await server.close();
      expect(seen).toMatchObject({ step, reason });
      expect(loginOutcome(seen)).toBe(outcome);
    }
  });

  test("reports sso_not_passed when SSO passes nothing on", async () => {
    lab.adc.setAaa({ ...defaults, sso: "broken" });
    const seen = await owa(account("probe-a"));
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "sso_not_passed" });
    expect(loginOutcome(seen)).toBe("accepted");
  });

  test("sends no credential when the login page is on a host the vserver does not name", async () => {
    const before = lab.organisation.signIns().length;
    const seen = await run(
      "owa_form",
      { ...FORM, authenticationHost: "other.example.com" },
      { path: "/owa/", account: account("probe-a") },
    );
    expect(seen).toMatchObject({ outcome: "fault", step: "response", reason: "aaa_login" });
    expect(loginOutcome(seen)).toBe("not_tried");
    expect(lab.organisation.signIns()).toHaveLength(before);
  });
});

describe("AAA login form", () => {
  const html = (body: string) => ({ status: "200 OK", body });
  const xml = (result: string, more = "") =>
    html(
      `<?xml version="1.0"?><AuthenticateResponse><Status>success</Status><Result>${result}</Result>${more}</AuthenticateResponse>`,
    );
  const credential = (id: string, type: string) =>
    `<Credential><ID>${id}</ID><Type>${type}</Type></Credential>`;
  const requirements = (...credentials: readonly string[]) =>
    xml(
      "more-info-required",
      `<StateContext>abc</StateContext><AuthenticationRequirements><PostBack>/nf/auth/doAuthentication.do</PostBack>${credentials.join("")}</AuthenticationRequirements>`,
    );
  const USER = credential("login", "username");
  const PASSWORD = credential("passwd", "password");
  const BACK = {
    status: "302 Found\r\nLocation: /owa/\r\nSet-Cookie: NSC_TMAS=deadbeef",
    body: "",
  };
  /** What an ADC since 13.1-63 says to a form that no browser sends. */
  const STRANGER = {
    status: "302 Found\r\nLocation: /vpn/index.html\r\nSet-Cookie: NSC_VPNERR=4001",
    body: "",
  };
  const saying = (code: string, page = BACK) => ({
    ...page,
    status: `${page.status}\r\nSet-Cookie: NSC_VPNERR=${code};Path=/;Secure`,
  });
  const label = (text: string, type: string) =>
    `<Label><Text>${text}</Text><Type>${type}</Type></Label>`;
  const nFactor = (answer: { readonly status: string; readonly body: string }): Played => ({
    login: "/logon/LogonPoint/tmindex.html",
    page: html("script"),
    posts: { "/nf/auth/doAuthentication.do": answer },
  });
  const TO_LOGIN = { status: "302 Found\r\nLocation: /vpn/index.html", body: "" };
  const classic = (answer: { readonly status: string; readonly body: string }): Played => ({
    login: "/vpn/tmindex.html",
    page: html("script"),
    posts: { "/cgi/login": answer },
  });
  const FORM_AT = (action: string, fields: string) =>
    html(`<form method="POST" action="${action}">${fields}</form>`);
  const TWO = '<input type="text" name="login"><input type="password" name="passwd">';

  interface Played {
    readonly login: string;
    readonly page: { readonly status: string; readonly body: string };
    readonly posts: Readonly<Record<string, { readonly status: string; readonly body: string }>>;
  }

  async function play({ login, page, posts }: Played) {
    const posted: string[] = [];
    const server = await serve((socket) => {
      let text = "";
      socket.on("data", (data) => {
        text += data.toString("latin1");
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
        const end = text.indexOf("\r\n\r\n");
        if (end < 0 || text.length < end + 4 + length) {
          return;
        }
        const [method = "", path = ""] = text.split(" ");
        const sent = `${path} ${text.slice(end + 4)}`;
        const cookie = text.includes("NSC_TMAS=deadbeef");
        const isBrowser = /^origin: http:\/\/mail\.example\.com\r$/im.test(text);
        text = "";
        const challenge = { status: `302 Found\r\nLocation: ${login}`, body: "" };
        const mailbox = { status: "200 OK\r\nX-FEServer: EX01", body: "inbox" };
        const answer =
          method === "POST"
            ? isBrowser
              ? posts[path]
              : STRANGER
            : path === "/owa/"
              ? cookie
                ? mailbox
                : challenge
              : page;
        if (method === "POST") {
          posted.push(sent);
        }
        const { status, body } = answer ?? { status: "404 Not Found", body: "" };
        socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`);
      });
    });
    const seen = await runTransaction(
      transactionSpec("owa_form", {
        adc: { ...FORM, authenticationHost: null },
        path: "/owa/",
        account: account("probe-a", { password: sealed("geheim") }),
        allowPlaintext: true,
      }),
      { host: "127.0.0.1", port: server.port, server: null },
      probeContext(5_000, { vantage: "vip" }),
    );
    await server.close();
    return { posted, seen };
  }

  test.each<[string, Played, string, readonly string[]]>([
    [
      "its own action, field names and hidden fields",
      {
        login: "/logon/LogonPoint/tmindex.html",
        page: FORM_AT(
          "/cgi/anything?a=1&amp;b=2",
          '<input type="hidden" name="state" value="x1"><input name="user" type="text"><input type="password" name="pin">',
        ),
        posts: { "/cgi/anything?a=1&b=2": BACK },
      },
      "match ok",
      ["/cgi/anything?a=1&b=2 state=x1&user=probe-a&pin=geheim"],
    ],
    [
      "the classic path when the page holds no form",
      { login: "/vpn/tmindex.html", page: html("script"), posts: { "/cgi/login": BACK } },
      "match ok",
      ["/cgi/login login=probe-a&passwd=geheim"],
    ],
    [
      "nFactor's default path when neither page nor requirements name one",
      {
        login: "/logon/LogonPoint/tmindex.html",
        page: html("script"),
        posts: { "/nf/auth/doAuthentication.do": BACK },
      },
      "match ok",
      [
        "/nf/auth/getAuthenticationRequirements.do ",
        "/nf/auth/doAuthentication.do login=probe-a&passwd=geheim&savecredentials=false&nsg-x1-logon-button=Log+On&StateContext=",
      ],
    ],
    [
      "nFactor's path when requirements and redirect come as XML",
      {
        login: "/logon/LogonPoint/tmindex.html",
        page: html("script"),
        posts: {
          "/nf/auth/getAuthenticationRequirements.do": requirements(USER, PASSWORD),
          "/nf/auth/doAuthentication.do": {
            ...xml("success", "<RedirectURL>/owa/</RedirectURL>"),
            status: "200 OK\r\nSet-Cookie: NSC_TMAS=deadbeef",
          },
        },
      },
      "match ok",
      [
        "/nf/auth/getAuthenticationRequirements.do ",
        "/nf/auth/doAuthentication.do login=probe-a&passwd=geheim&savecredentials=false&nsg-x1-logon-button=Log+On&StateContext=abc",
      ],
    ],
    [
      "nFactor's path, rejected when it asks for both again",
      {
        login: "/logon/LogonPoint/tmindex.html",
        page: html("script"),
        posts: { "/nf/auth/doAuthentication.do": requirements(USER, PASSWORD) },
      },
      "fault aaa_rejected",
      ["/nf/auth/getAuthenticationRequirements.do ", expect.stringContaining("geheim")],
    ],
    [
      "nFactor's path, with a second factor when it asks for a code",
      {
        login: "/logon/LogonPoint/tmindex.html",
        page: html("script"),
        posts: { "/nf/auth/doAuthentication.do": requirements(credential("passwd1", "passcode")) },
      },
      "mismatch second_factor",
      ["/nf/auth/getAuthenticationRequirements.do ", expect.stringContaining("geheim")],
    ],
    [
      "nowhere when the first page asks for a second secret",
      {
        login: "/vpn/tmindex.html",
        page: FORM_AT("/cgi/login", `${TWO}<input type="password" name="passwd1">`),
        posts: {},
      },
      "mismatch second_factor",
      [],
    ],
    [
      "nowhere when the login is an identity provider's",
      {
        login: "/vpn/tmindex.html",
        page: {
          status: "302 Found\r\nLocation: https://idp.example.net/saml2?SAMLRequest=x",
          body: "",
        },
        posts: { "/cgi/login": saying("4001", TO_LOGIN) },
      },
      "fault aaa_login",
      [],
    ],
    [
      "nowhere when a page redirects itself to an identity provider",
      {
        login: "/vpn/tmindex.html",
        page: FORM_AT(
          "https://idp.example.net/saml2",
          '<input type="hidden" name="SAMLRequest" value="x">',
        ),
        posts: { "/cgi/login": saying("4001", TO_LOGIN) },
      },
      "fault aaa_login",
      [],
    ],
    [
      "nowhere when the form leads to another host",
      {
        login: "/vpn/tmindex.html",
        page: FORM_AT("https://evil.example.net/cgi/login", TWO),
        posts: {},
      },
      "fault aaa_login",
      [],
    ],
  ])("is posted to the expected place: %s", async (_what, played, ends, posts) => {
    const { posted, seen } = await play(played);
    expect(`${seen.outcome} ${seen.reason}`).toBe(ends);
    expect(posted).toEqual(posts);
    expect(JSON.stringify(seen)).not.toContain("geheim");
  });

  test.each<[string, Played, string, string]>([
    ["success, with a number beside it", classic(saying("3")), "match ok", "accepted"],
    ["a wrong password", classic(saying("4001", TO_LOGIN)), "fault aaa_rejected", "rejected"],
    ["a locked account", classic(saying("4015", TO_LOGIN)), "fault aaa_rejected", "rejected"],
    [
      "an authentication server that does not answer: the password is not wrong",
      classic(saying("4003", TO_LOGIN)),
      "mismatch adc_error_page",
      "unanswered",
    ],
    [
      "an authentication server that does not answer, by nFactor",
      nFactor(requirements(label("errorMessageLabel4005", "nsg-l20n-error"), USER, PASSWORD)),
      "mismatch adc_error_page",
      "unanswered",
    ],
    [
      "a wrong password by nFactor, which asks for that alone again",
      nFactor(requirements(label("errorMessageLabel4001", "nsg-l20n-error"), PASSWORD)),
      "fault aaa_rejected",
      "rejected",
    ],
    [
      "a customised message for a wrong password",
      nFactor(requirements(label("Nein.", "l20n-error"), PASSWORD)),
      "fault aaa_rejected",
      "rejected",
    ],
    ["an expired password", nFactor(xml("update-credentials")), "fault aaa_rejected", "rejected"],
  ])(
    "gives the expected reason and login outcome when AAA answers: %s",
    async (_what, played, ends, login) => {
      const { seen } = await play(played);
      expect([`${seen.outcome} ${seen.reason}`, loginOutcome(seen)]).toEqual([ends, login]);
    },
  );
});

describe("eas_options behind AAA 401", () => {
  const eas = (who: Account) =>
    run("eas_options", HTTP_401, { path: "/Microsoft-Server-ActiveSync", account: who });

  test("passes when AAA passes the login on", async () => {
    const seen = await eas(account("probe-a"));
    expect(`${seen.outcome} ${seen.reason} ${seen.evidence.detail ?? ""}`).toMatch(/^match ok/);
  });

  test("reports aaa_rejected when AAA rejects the password", async () => {
    const seen = await eas(account("probe-a", { password: sealed("wrong") }));
    expect(seen).toMatchObject({ outcome: "fault", step: "login", reason: "aaa_rejected" });
  });
});

test("eas_options behind AAA 401 › reports sso_not_passed when other schemes are asked for after the login", async () => {
  const asks = (...schemes: readonly string[]): string =>
    `HTTP/1.1 401 Unauthorized\r\n${schemes.map((scheme) => `WWW-Authenticate: ${scheme}\r\n`).join("")}Content-Length: 0\r\n\r\n`;
  for (const [again, reason, login] of [
    [["Negotiate", "NTLM"], "sso_not_passed", "accepted"],
    [['Basic realm="mail"'], "aaa_rejected", "rejected"],
  ] as const) {
    const server = await serve((socket) => {
      socket.on("data", (data) => {
        const isLogin = /^authorization:/im.test(data.toString("latin1"));
        socket.write(isLogin ? asks(...again) : asks('Basic realm="mail"'));
      });
    });
    const seen = await runTransaction(
      transactionSpec("eas_options", {
        adc: HTTP_401,
        account: account("probe-a"),
        allowPlaintext: true,
      }),
      { host: "127.0.0.1", port: server.port, server: null },
      probeContext(5_000, { vantage: "vip" }),
    );
    await server.close();
    expect([seen.reason, loginOutcome(seen)]).toEqual([reason, login]);
  }
});

describe("https_challenge with expect: blocked", () => {
  const blocked = { expect: "blocked" } as const;

  test("matches when the path is behind the login", async () => {
    expect(await run("https_challenge", FORM, { path: "/owa/", ...blocked })).toMatchObject({
      outcome: "match",
      reason: "ok",
    });
  });

  test("fails when Exchange answers the path", async () => {
    const none: AdcFront = { authentication: "none", authenticationHost: null, redirectUrl: null };
    const seen = await run("https_challenge", none, { path: "/EWS/Exchange.asmx", ...blocked });
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "bad_status" });
    expect(seen.evidence.detail).toMatch(/^reachable, but must be blocked/);
  });
});
