import { afterEach, describe, expect, test } from "vitest";
import type { Observation, Vantage } from "../../../src/model/observation.ts";
import { healthPath } from "../../../src/probes/transactions/web-look.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type {
  AdcFront,
  TransactionName,
  TransactionSpec,
} from "../../../src/model/transactions.ts";
import { probeContract } from "../../support/contract.ts";
import { probeContext } from "../../support/probe-context.ts";
import { serve, type Behaviour, type ScriptedServer } from "../../support/scripted-server.ts";
import { CLIENT_TLS, serverTls, transactionSpec } from "./transaction-spec.ts";

/** Answers the first request with these lines, then closes. */
function answering(head: readonly string[], body = ""): Behaviour {
  const text = `${head.join("\r\n")}\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`;
  return (socket) => {
    let request = "";
    socket.on("data", (data) => {
      request += data.toString("latin1");
      if (request.includes("\r\n\r\n")) {
        request = "";
        socket.write(text);
        socket.end();
      }
    });
  };
}

const IIS = ["Server: Microsoft-IIS/10.0", "X-Powered-By: ASP.NET", "X-FEServer: EX01"];
const EWS_401 = [
  "HTTP/1.1 401 Unauthorized",
  ...IIS,
  "WWW-Authenticate: Negotiate",
  "WWW-Authenticate: NTLM",
];
const HEALTHY = answering(
  ["HTTP/1.1 200 OK", "Content-Type: text/html"],
  "200 OK<br/>EX01.LAB.EXAMPLE.COM",
);

probeContract("https_challenge", {
  run: (target, context) => runTransaction(transactionSpec("https_challenge"), target, context),
  healthy: answering(EWS_401),
});

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const LOGIN_PAGE = ["HTTP/1.1 200 OK", ...IIS];

/** Answers as {@link answering}, and requests of the login page by another head and body. */
function withLoginPage(head: readonly string[], page = LOGIN_PAGE, body = "<form>"): Behaviour {
  return (socket) => {
    socket.once("data", (data) => {
      const isPage = data.toString("latin1").startsWith("GET /owa/auth/logon.aspx");
      const [lines, text] = isPage ? [page, body] : [head, ""];
      const length = `Content-Length: ${String(text.length)}`;
      socket.end(`${[...lines, length].join("\r\n")}\r\n\r\n${text}`);
    });
  };
}

async function look(
  transaction: TransactionName,
  behaviour: Behaviour,
  change: Partial<TransactionSpec> = {},
  vantage: Vantage = "backend",
): Promise<Observation & { readonly server: ScriptedServer }> {
  const server = await serve(behaviour, change.security === "implicit" ? serverTls() : null);
  servers.push(server);
  const seen = await runTransaction(
    transactionSpec(transaction, change),
    { host: "127.0.0.1", port: server.port, server: null },
    probeContext(10_000, { vantage }),
  );
  return { ...seen, server };
}

const AAA_FORM: AdcFront = {
  authentication: "form",
  authenticationHost: "aaa.example.com",
  redirectUrl: null,
};
const AAA_401: AdcFront = { authentication: "401", authenticationHost: null, redirectUrl: null };

describe("https_challenge at the server", () => {
  test("sends a client's request and keeps cookies out of the evidence", async () => {
    const seen = await look(
      "https_challenge",
      withLoginPage([
        "HTTP/1.1 302 Found",
        ...IIS,
        "Location: https://mail.example.com/owa/auth/logon.aspx?url=x&reason=0",
        "Set-Cookie: ClientId=AAAABBBBCCCCDDDD; path=/",
      ]),
      { path: "/owa/", security: "implicit", tls: CLIENT_TLS },
    );
    expect(seen).toMatchObject({
      outcome: "match",
      step: "response",
      servedBy: "ex01",
      exchangeSeen: true,
      tls: { verification: "ok" },
    });
    expect(seen.server.received()).toContain(
      "GET /owa/ HTTP/1.1\r\nHost: mail.example.com\r\nUser-Agent: adc-witness\r\nAccept: */*\r\nConnection: close\r\n\r\n",
    );
    expect(seen.evidence.transcript).toContain("Set-Cookie: ClientId=<secret>; path=/");
    expect(seen.evidence.transcript).not.toContain("AAAABBBB");
  });

  test.each<readonly [string, readonly string[], string, string]>([
    ["EWS asks for a login", EWS_401, "", "ok"],
    [
      "Exchange 2010 asks for a login, without X-FEServer",
      ["HTTP/1.1 401 Unauthorized", "Server: Microsoft-IIS/7.5", "WWW-Authenticate: Basic realm=x"],
      "",
      "ok",
    ],
    [
      "Exchange 2010 redirects to its login",
      [
        "HTTP/1.1 302 Found",
        "Server: Microsoft-IIS/7.5",
        "Location: https://mail/owa/auth/logon.aspx?url=1",
      ],
      "",
      "ok",
    ],
    [
      "a relative redirect to the login",
      ["HTTP/1.1 302 Found", "Location: /owa/auth/logon.aspx"],
      "",
      "ok",
    ],
    [
      "a directory redirects to another",
      ["HTTP/1.1 302 Found", ...IIS, "Location: /ecp/"],
      "",
      "ok",
    ],
    [
      "a redirect to itself",
      ["HTTP/1.1 302 Found", ...IIS, "Location: /owa/"],
      "",
      "redirect_loop",
    ],
    ["the login page itself", ["HTTP/1.1 200 OK", ...IIS], "<form>", "ok"],
    [
      "the back end is gone",
      ["HTTP/1.1 503 Service Unavailable", ...IIS, "X-CasErrorCode: BackEndGone"],
      "",
      "backend_unavailable",
    ],
    ["the back end is late", ["HTTP/1.1 504 Gateway Timeout", ...IIS], "", "backend_unavailable"],
    [
      "the directory fails",
      ["HTTP/1.1 500 Error", ...IIS, "X-CasErrorCode: ServerLocatorError"],
      "",
      "backend_unavailable",
    ],
    [
      "OWA's error page",
      ["HTTP/1.1 302 Found", ...IIS, "Location: /owa/auth/errorFE.aspx?httpCode=500"],
      "",
      "backend_unavailable",
    ],
    [
      "the application pool is stopped",
      ["HTTP/1.1 503 Service Unavailable", "Server: Microsoft-HTTPAPI/2.0"],
      "<h2>Service Unavailable</h2>",
      "service_not_active",
    ],
    [
      "the directory is missing",
      ["HTTP/1.1 404 Not Found", "Server: Microsoft-IIS/10.0"],
      "",
      "bad_status",
    ],
    ["a page of something else", ["HTTP/1.1 200 OK", "Server: nginx"], "<h1>Hi</h1>", "bad_status"],
    ["a redirect of something else", ["HTTP/1.1 302 Found", "Location: /app"], "", "bad_status"],
    ["401 without a scheme", ["HTTP/1.1 401 Unauthorized", ...IIS], "", "protocol_error"],
    [
      "clear text where TLS is required",
      ["HTTP/1.1 403 Forbidden", "Server: Microsoft-IIS/10.0"],
      "",
      "ssl_required",
    ],
    [
      "403.4 in words",
      ["HTTP/1.1 403 Forbidden"],
      "403.4 - Forbidden: SSL is required",
      "ssl_required",
    ],
    ["403 for another reason", ["HTTP/1.1 403 Forbidden"], "IP address rejected", "bad_status"],
  ])("classifies the response: %s", async (_, head, body, reason) => {
    const server = body === "" ? withLoginPage(head) : answering(head, body);
    const seen = await look("https_challenge", server, { path: "/owa/" });
    expect(seen).toMatchObject({ outcome: reason === "ok" ? "match" : "mismatch", reason });
  });

  const TO_LOGIN = [
    "HTTP/1.1 302 Found",
    ...IIS,
    "Location: /owa/auth/logon.aspx?url=https%3a%2f%2fmail.example.com%2fowa%2f&reason=0",
  ];
  test.each<readonly [string, readonly string[], string, string]>([
    ["exists", LOGIN_PAGE, "<form>", "ok"],
    ["is empty", LOGIN_PAGE, "", "pattern_missing"],
    ["is missing", ["HTTP/1.1 404 Not Found", ...IIS], "gone", "bad_status"],
    ["fails", ["HTTP/1.1 500 Error", ...IIS], "Something went wrong", "backend_unavailable"],
    ["redirects back", ["HTTP/1.1 302 Found", ...IIS, "Location: /owa/"], "", "redirect_loop"],
    ["redirects to another login page", TO_LOGIN, "", "ok"],
    [
      "redirects to the error page",
      ["HTTP/1.1 302 Found", ...IIS, "Location: /owa/auth/errorFE.aspx?httpCode=500"],
      "",
      "backend_unavailable",
    ],
    [
      "redirects to a login elsewhere",
      ["HTTP/1.1 302 Found", "Location: https://adfs.example.com/adfs/ls/?wa=wsignin1.0"],
      "",
      "ok",
    ],
  ])(
    "classifies the login page that OWA redirects to when it %s",
    async (_, page, body, reason) => {
      const seen = await look("https_challenge", withLoginPage(TO_LOGIN, [...page], body), {
        path: "/owa/",
      });
      expect(seen).toMatchObject({ outcome: reason === "ok" ? "match" : "mismatch", reason });
      expect(seen.server.accepted()).toBe(2);
    },
  );

  test("does not request the login page through a VIP", async () => {
    const broken = withLoginPage(TO_LOGIN, ["HTTP/1.1 500 Error", ...IIS], "Something went wrong");
    const seen = await look("https_challenge", broken, { path: "/owa/" }, "vip");
    expect(seen).toMatchObject({ outcome: "match", reason: "ok" });
    expect(seen.server.accepted()).toBe(1);
  });

  test("reports auth_schemes_differ when an expected scheme is not offered", async () => {
    const expecting = (schemes: string): Promise<Observation> =>
      look("https_challenge", answering(EWS_401), { options: { auth_schemes: schemes } });
    expect(await expecting("NTLM, Negotiate")).toMatchObject({
      outcome: "match",
      authSchemes: "negotiate, ntlm",
    });
    expect(await expecting("NTLM,Basic")).toMatchObject({
      outcome: "mismatch",
      reason: "auth_schemes_differ",
    });
  });

  /** A server that offers OAuth to who shows an empty token, or does not know of it. */
  function offering(oauth: boolean): Behaviour {
    return (socket) => {
      socket.once("data", (data) => {
        const shows = data.toString("latin1").includes("\r\nAuthorization: Bearer\r\n");
        const bearer = oauth && shows ? ['WWW-Authenticate: Bearer client_id="x"'] : [];
        socket.end(`${[...EWS_401, ...bearer, "Content-Length: 0"].join("\r\n")}\r\n\r\n`);
      });
    };
  }

  test.each<[string, boolean, Vantage, string, number]>([
    ["is listed when Exchange offers it", true, "backend", "bearer, negotiate, ntlm", 2],
    ["is not listed when Exchange does not offer it", false, "backend", "negotiate, ntlm", 2],
    ["is not requested through a VIP", true, "vip", "negotiate, ntlm", 1],
  ])("OAuth, offered to an empty token alone, %s", async (_, oauth, vantage, schemes, asked) => {
    const seen = await look("https_challenge", offering(oauth), {}, vantage);
    expect(seen).toMatchObject({ outcome: "match", authSchemes: schemes });
    expect(seen.server.accepted()).toBe(asked);
  });

  test("requests OAuth with an empty token once in ten minutes", async () => {
    const server = await serve(offering(true));
    servers.push(server);
    let at = 0;
    const context = { ...probeContext(10_000, { vantage: "backend" }), monotonic: () => at };
    const target = { host: "127.0.0.1", port: server.port, server: null };
    const asked: number[] = [];
    for (at of [0, 599_000, 600_000, 700_000]) {
      const before = server.accepted();
      const seen = await runTransaction(transactionSpec("https_challenge"), target, context);
      expect(seen.authSchemes).toBe("bearer, negotiate, ntlm");
      asked.push(server.accepted() - before);
    }
    expect(asked).toEqual([2, 1, 2, 1]);
  });

  test("reads several schemes from one header line", async () => {
    const seen = await look(
      "https_challenge",
      answering([
        "HTTP/1.1 401 Unauthorized",
        'WWW-Authenticate: Basic realm="a, b", Negotiate, NTLM',
      ]),
      { options: { auth_schemes: "basic, negotiate, ntlm" } },
    );
    expect(seen.outcome).toBe("match");
    expect(seen.authSchemes).toBe("basic, negotiate, ntlm");
  });

  test("reports closed_without_data when closed after the request", async () => {
    const seen = await look("https_challenge", (socket) => {
      socket.once("data", () => socket.end());
    });
    expect(seen).toMatchObject({
      outcome: "failed",
      step: "response",
      reason: "closed_without_data",
    });
  });
});

describe("https_challenge at a VIP", () => {
  test.each<readonly [string, readonly string[], AdcFront | null, string]>([
    [
      "AAA's redirect, known by its cookie",
      [
        "HTTP/1.1 302 Object Moved",
        "Location: /vpn/tmindex.html",
        "Set-Cookie: NSC_TASS=aHR0cHM6Ly9tYWls; Path=/",
      ],
      null,
      "aaa_login",
    ],
    [
      "AAA's redirect, known by its host",
      ["HTTP/1.1 302 Object Moved", "Location: https://AAA.example.com/"],
      AAA_FORM,
      "aaa_login",
    ],
    [
      "AAA's newer login page",
      [
        "HTTP/1.1 302 Object Moved",
        "Location: https://x.example.com/logon/LogonPoint/tmindex.html",
      ],
      null,
      "aaa_login",
    ],
    [
      "401-based AAA",
      ["HTTP/1.1 401 Unauthorized", "WWW-Authenticate: Basic realm=x"],
      AAA_401,
      "aaa_login",
    ],
    ["Exchange's own 401 behind 401-based AAA", EWS_401, AAA_401, "ok"],
    [
      "a persistence cookie, which is not AAA's",
      [...EWS_401, "Set-Cookie: NSC_wt_pxb=ffffffff0909; path=/"],
      null,
      "ok",
    ],
    ["no service is up", ["HTTP/1.1 503 Service Unavailable"], null, "adc_no_service"],
    ["the ADC's own error", ["HTTP/1.1 502 Bad Gateway"], null, "adc_error_page"],
    ["a page of the ADC", ["HTTP/1.1 200 OK"], null, "adc_error_page"],
    [
      "the back end is gone behind it",
      ["HTTP/1.1 503 Service Unavailable", ...IIS],
      null,
      "backend_unavailable",
    ],
  ])("classifies the response: %s", async (_, head, adc, reason) => {
    const seen = await look("https_challenge", answering(head), { adc }, "vip");
    expect(seen).toMatchObject({ outcome: reason === "ok" ? "match" : "mismatch", reason });
  });

  test("matches the configured redirect alone", async () => {
    const adc: AdcFront = {
      authentication: "none",
      authenticationHost: null,
      redirectUrl: "https://mail.example.com",
    };
    const to = (location: string): Behaviour =>
      answering(["HTTP/1.1 302 Object Moved", `Location: ${location}`]);
    const right = await look(
      "https_challenge",
      to("https://mail.example.com/owa/"),
      { adc, path: "/owa/" },
      "vip",
    );
    expect(right.outcome).toBe("match");
    for (const elsewhere of ["https://elsewhere/", "https://mail.example.com.elsewhere/"]) {
      const wrong = await look("https_challenge", to(elsewhere), { adc }, "vip");
      expect(wrong).toMatchObject({ outcome: "mismatch", reason: "bad_status" });
    }
  });

  test.each([
    ["/owa", "/owa/"],
    ["/owa", "http://mail.example.com/owa"],
    ["http://mail.example.com/owa", "/owa/"],
  ])("matches a configured redirect to %s when it comes as %s", async (redirectUrl, location) => {
    const adc: AdcFront = { authentication: "none", authenticationHost: null, redirectUrl };
    const head = ["HTTP/1.1 302 Found", `Location: ${location}`];
    expect((await look("https_challenge", answering(head), { adc }, "vip")).outcome).toBe("match");
  });

  test.each([
    [
      "IIS' own 403.4",
      ["HTTP/1.1 403 Forbidden", "Server: Microsoft-IIS/10.0"],
      "403.4 SSL is required",
    ],
    ["IIS' 403 without a body", ["HTTP/1.1 403 Forbidden", "Server: Microsoft-IIS/10.0"], ""],
    [
      "a redirect to clear text",
      ["HTTP/1.1 302 Found", "Location: http://mail.example.com/owa/", ...IIS],
      "",
    ],
  ])(
    "reports ssl_required when an ADC offloads TLS from a server that requires it: %s",
    async (_, head, body) => {
      const adc: AdcFront = { authentication: "none", authenticationHost: null, redirectUrl: null };
      const change = { security: "implicit", tls: CLIENT_TLS, adc, path: "/" } as const;
      const seen = await look("https_challenge", answering(head, body), change, "vip");
      expect(seen).toMatchObject({ outcome: "mismatch", reason: "ssl_required" });
    },
  );
});

describe("health_page", () => {
  test("reports the name of the server that answered", async () => {
    const seen = await look("health_page", HEALTHY, { path: "/owa/" });
    expect(seen).toMatchObject({
      outcome: "match",
      servedBy: "ex01.lab.example.com",
      exchangeSeen: true,
    });
    expect(seen.server.received()).toMatch(/^GET \/owa\/healthcheck\.htm HTTP\/1\.1\r\n/);
  });

  test("reports component_offline when the request is aborted", async () => {
    for (const cut of ["end", "resetAndDestroy"] as const) {
      const seen = await look("health_page", (socket) => {
        socket.once("data", () => socket[cut]());
      });
      expect(seen).toMatchObject({
        outcome: "failed",
        step: "response",
        reason: "component_offline",
      });
    }
  });

  test("reports protocol_error when the response breaks off", async () => {
    const seen = await look("health_page", (socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n200"));
    });
    expect(seen).toMatchObject({ outcome: "failed", reason: "protocol_error" });
  });

  test.each<readonly [string, readonly string[], string, string]>([
    ["another page", ["HTTP/1.1 200 OK"], "<html>200 OK</html>", "pattern_missing"],
    ["the ADC's login", ["HTTP/1.1 302 Found", "Location: /vpn/tmindex.html"], "", "aaa_login"],
    [
      "a login that is not Exchange's",
      ["HTTP/1.1 401 Unauthorized", "WWW-Authenticate: Basic realm=x"],
      "",
      "aaa_login",
    ],
    [
      "no health page (2010)",
      ["HTTP/1.1 404 Not Found", "Server: Microsoft-IIS/7.5"],
      "",
      "bad_status",
    ],
    [
      "application pool stopped",
      ["HTTP/1.1 503 Unavailable", "Server: Microsoft-HTTPAPI/2.0"],
      "",
      "service_not_active",
    ],
    ["clear text", ["HTTP/1.1 403 Forbidden"], "", "ssl_required"],
  ])("classifies the response: %s", async (_, head, body, reason) => {
    const seen = await look("health_page", answering(head, body));
    expect(seen).toMatchObject({ outcome: "mismatch", step: "response", reason });
  });

  test.each([
    [null, "/owa/healthcheck.htm"],
    ["/owa/", "/owa/healthcheck.htm"],
    ["/EWS/Exchange.asmx", "/EWS/healthcheck.htm"],
    ["/mapi/emsmdb/", "/mapi/healthcheck.htm"],
    ["/Microsoft-Server-ActiveSync", "/Microsoft-Server-ActiveSync/healthcheck.htm"],
    ["/ecp/HealthCheck.htm", "/ecp/HealthCheck.htm"],
  ])("reads path %s as %s", (path, expected) => {
    expect(healthPath(path)).toBe(expected);
  });
});

describe("web_answer", () => {
  test.each([
    [["HTTP/1.1 200 OK", "Server: nginx"], "match ok", "serves"],
    [["HTTP/1.1 302 Found", "Location: /login"], "match ok", "serves"],
    [["HTTP/1.1 401 Unauthorized", "WWW-Authenticate: Basic"], "match ok", "challenges"],
    [["HTTP/1.1 403 Forbidden"], "fault policy_refused", "refuses"],
    [["HTTP/1.1 404 Not Found"], "fault policy_refused", "refuses"],
    [["HTTP/1.1 500 Oops"], "mismatch bad_status", "broken"],
    [
      ["HTTP/1.1 503 Service Unavailable", "Server: Microsoft-HTTPAPI/2.0"],
      "mismatch service_not_active",
      "broken",
    ],
  ])("classifies %j as %s", async (head, ends, told) => {
    const server = await serve(answering(head));
    servers.push(server);
    const seen = await runTransaction(
      transactionSpec("web_answer", { path: "/shop" }),
      { host: "127.0.0.1", port: server.port, server: null },
      probeContext(2_000),
    );
    expect(`${seen.outcome} ${seen.reason}`).toBe(ends);
    expect(seen.evidence.detail).toContain(told);
    expect(seen.exchangeSeen).toBe(false);
  });

  test("is a fault when TLS fails and failed when a clear-text connection closes", async () => {
    const run = async (behaviour: Behaviour, change: Partial<TransactionSpec>) => {
      const server = await serve(behaviour);
      servers.push(server);
      const seen = await runTransaction(
        transactionSpec("web_answer", change),
        { host: "127.0.0.1", port: server.port, server: null },
        probeContext(2_000),
      );
      return seen.outcome;
    };
    const closing: Behaviour = (socket) => {
      socket.end();
    };
    expect(await run(closing, { security: "implicit", tls: CLIENT_TLS })).toBe("fault");
    expect(await run(closing, {})).toBe("failed");
  });

  test("recognises Exchange by its headers", async () => {
    const server = await serve(answering(EWS_401));
    servers.push(server);
    const seen = await runTransaction(
      transactionSpec("web_answer"),
      { host: "127.0.0.1", port: server.port, server: null },
      probeContext(2_000),
    );
    expect(seen).toMatchObject({ outcome: "match", exchangeSeen: true });
  });
});

describe("https_challenge redirected to another login", () => {
  test.each([
    "https://login.microsoftonline.com/common/oauth2/authorize?redirect_uri=https%3a%2f%2fmail.example.com%2fowa%2f&client_id=00000002-0000-0ff1-ce00-000000000000",
    "https://adfs.example.com/adfs/ls/?wa=wsignin1.0&wtrealm=https%3a%2f%2fmail.example.com%2fowa%2f",
  ])("matches with and without Exchange's headers: %s", async (location) => {
    for (const headers of [IIS, []]) {
      const server = await serve(
        answering(["HTTP/1.1 302 Found", ...headers, `Location: ${location}`]),
      );
      servers.push(server);
      const seen = await runTransaction(
        transactionSpec("https_challenge", { path: "/owa/" }),
        { host: "127.0.0.1", port: server.port, server: null },
        probeContext(2_000),
      );
      expect(seen).toMatchObject({ outcome: "match", reason: "ok" });
    }
  });
});
