import { describe, expect, test } from "vitest";
import type { Condition, LabProtocol } from "../../../lab/exchange/condition.ts";
import { loginOutcome } from "../../../src/probes/probe.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { TransactionName, TransactionSpec } from "../../../src/model/transactions.ts";
import { probeContext } from "../../support/probe-context.ts";
import { serve } from "../../support/scripted-server.ts";
import {
  accountOf,
  exchangeBench,
  PROBE_A,
  sharedBench,
  type ExchangeBench,
} from "./lab-exchange.ts";
import { CLIENT_TLS, transactionSpec } from "./transaction-spec.ts";
import { sealed } from "../../support/sealed.ts";

const bench = sharedBench();

const account = accountOf(PROBE_A);
const implicit = { security: "implicit", tls: CLIENT_TLS, account } as const;
const run = (
  name: TransactionName,
  change: Partial<TransactionSpec> = {},
  context: Parameters<ExchangeBench["run"]>[2] = {},
) => bench.run(443, transactionSpec(name, { ...implicit, ...change }), context);

const WEB: readonly (readonly [TransactionName, LabProtocol, string])[] = [
  ["owa_form", "owa", "200 after the login"],
  ["eas_options", "eas", "ActiveSync 2.5,12.0,12.1,14.0,14.1,16.0,16.1"],
  ["ews_folder", "ews", "GetFolder inbox: NoError; also with a body of 65536 bytes"],
  ["autodiscover", "autodiscover", "settings of the mailbox"],
  ["mapi_endpoint", "mapi", "front end ex01.lab.example.com, mailbox server mbx01.lab.example.com"],
  ["oab", "oab", "logged in; the directory itself returns 403"],
  ["rpc_echo", "rpc", "echo of 20 bytes"],
];

describe.each(WEB)("%s", (name, directory, detail) => {
  test("logs in once and hides password, tokens and cookies", async () => {
    const before = bench.organisation.signIns().length;
    const seen = await run(name);
    expect(seen).toMatchObject({
      outcome: "match",
      step: "transaction",
      exchangeSeen: true,
      tls: { verification: "ok" },
    });
    expect(seen.evidence.detail).toBe(detail);
    expect(seen.servedBy).toMatch(/^ex01(\.lab\.example\.com)?$/);
    expect(loginOutcome(seen)).toBe("accepted");
    const signIns = bench.organisation.signIns().slice(before);
    expect(signIns).toHaveLength(1);
    expect(signIns[0]).toMatchObject({ accepted: true, protocol: "http" });
    const told = JSON.stringify(seen);
    for (const secret of [
      PROBE_A.password,
      encodeURIComponent(PROBE_A.password),
      new URLSearchParams({ a: PROBE_A.password }).toString().slice(2),
      Buffer.from(`LAB\\probe-a:${PROBE_A.password}`).toString("base64"),
      "TlRMTVNTUAADAAAA",
    ]) {
      expect(told).not.toContain(secret);
    }
    expect(told).not.toMatch(/cadata\w*=(?!<secret>|;)[^;\\]{8}/);
  });

  test("reports auth_rejected after one try when the password is wrong", async () => {
    const before = bench.organisation.signIns().length;
    const seen = await run(name, { account: accountOf(PROBE_A, { password: sealed("wrong") }) });
    expect(seen).toMatchObject({ outcome: "fault", step: "login", reason: "auth_rejected" });
    expect(loginOutcome(seen)).toBe("rejected");
    expect(bench.organisation.signIns()).toHaveLength(before + 1);
  });

  test("reports backend_unavailable with an accepted login when the back end is dead", async () => {
    await bench.server.set(directory, { kind: "dead_backend" });
    const seen = await run(name);
    expect(seen).toMatchObject({
      outcome: "mismatch",
      step: "transaction",
      reason: "backend_unavailable",
    });
    expect(loginOutcome(seen)).toBe("accepted");
  });

  test.each<readonly [string, Condition, string]>([
    ["a stopped application pool", { kind: "app_pool_stopped" }, "service_not_active"],
    ["another page", { kind: "http_answer", status: 200, body: "hi" }, "bad_status"],
    ["an error page", { kind: "http_answer", status: 500, body: "oops" }, "bad_status"],
  ])("sends no credential when the server answers with %s", async (_, condition, reason) => {
    const before = bench.organisation.signIns().length;
    await bench.server.set(directory, condition);
    const seen = await run(name);
    expect(seen).toMatchObject({ outcome: "mismatch", step: "response", reason });
    expect(loginOutcome(seen)).toBe("not_tried");
    expect(bench.organisation.signIns()).toHaveLength(before);
  });
});

describe("Extended Protection", () => {
  test.each([
    ["require", true, "match"],
    ["require", false, "fault"],
    ["allow", true, "match"],
    ["allow", false, "match"],
  ] as const)("in mode %s with channel binding %s ends as %s", async (mode, binding, outcome) => {
    await bench.server.set("mapi", { kind: "extended_protection", mode });
    const seen = await run("mapi_endpoint", { options: { channel_binding: binding } });
    expect(seen.outcome).toBe(outcome);
  });

  test.each(["mail", "rsa", "sha384", "sha512"] as const)(
    "accepts the channel binding of a certificate of kind %s",
    async (name) => {
      await bench.server.set("https", { kind: "certificate", name });
      await bench.server.set("ews", { kind: "extended_protection", mode: "require" });
      expect((await run("ews_folder")).outcome).toBe("match");
    },
  );
});

describe("ews_folder authentication", () => {
  test("uses Negotiate when NTLM is not offered by name", async () => {
    await bench.server.set("ews", { kind: "auth_schemes", schemes: ["Negotiate"] });
    expect((await run("ews_folder")).outcome).toBe("match");
  });

  test("uses Basic when configured", async () => {
    await bench.server.set("ews", { kind: "auth_schemes", schemes: ["NTLM", "Basic"] });
    expect((await run("ews_folder", { options: { auth: "basic" } })).outcome).toBe("match");
  });

  test("sends no credential when the configured scheme is not offered", async () => {
    const before = bench.organisation.signIns().length;
    const seen = await run("ews_folder", { options: { auth: "basic" } });
    expect(seen).toMatchObject({ step: "response", reason: "scheme_unsupported" });
    expect(bench.organisation.signIns()).toHaveLength(before);
  });
});

describe("eas_options login outcome", () => {
  const CHALLENGE =
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n';
  const [NO_SERVICE, STOPPED, ERROR_PAGE, SORRY_PAGE, BEHIND] = [
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 503 Service Unavailable\r\nServer: Microsoft-HTTPAPI/2.0\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nSorry",
    "HTTP/1.1 503 Service Unavailable\r\nX-FEServer: EX01\r\nContent-Length: 0\r\n\r\n",
  ];

  test.each([
    ["no service up at the ADC", NO_SERVICE, "login", "adc_no_service", "not_tried"],
    ["a stopped application pool", STOPPED, "login", "service_not_active", "not_tried"],
    ["an error page of the ADC", ERROR_PAGE, "login", "adc_error_page", "unanswered"],
    ["a maintenance page", SORRY_PAGE, "login", "pattern_missing", "unanswered"],
    [
      "an unavailable back end reported by Exchange",
      BEHIND,
      "transaction",
      "backend_unavailable",
      "accepted",
    ],
  ] as const)(
    "follows from the response to the credential: %s",
    async (_what, answer, step, reason, outcome) => {
      const server = await serve((socket) => {
        let text = "";
        socket.on("data", (data) => {
          text += data.toString("latin1");
          for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
            socket.write(/^Authorization:/im.test(text.slice(0, end)) ? answer : CHALLENGE);
            text = text.slice(end + 4);
          }
        });
      });
      const seen = await runTransaction(
        transactionSpec("eas_options", { account, allowPlaintext: true }),
        { host: "127.0.0.1", port: server.port, server: null },
        probeContext(5_000, { vantage: "vip" }),
      );
      await server.close();
      expect(seen).toMatchObject({ outcome: "mismatch", step, reason });
      expect(loginOutcome(seen)).toBe(outcome);
    },
  );
});

describe("web logins with an unavailable mailbox", () => {
  test("ews_folder reports backend_unavailable with an accepted login when the store is dismounted", async () => {
    bench.organisation.setMounted("DB01", false);
    const seen = await run("ews_folder");
    expect(seen).toMatchObject({
      step: "transaction",
      reason: "backend_unavailable",
      backendServer: "mbx01.lab.example.com",
      channelBound: true,
    });
    expect(seen.evidence.detail).toBe("ErrorMailboxStoreUnavailable");
    expect(loginOutcome(seen)).toBe("accepted");
  });

  test("owa_form reports backend_unavailable when OWA redirects to its error page", async () => {
    bench.organisation.setMounted("DB01", false);
    expect(await run("owa_form")).toMatchObject({
      step: "transaction",
      reason: "backend_unavailable",
    });
  });

  test("ews_folder reports backend_unavailable when the back end hangs", async () => {
    await bench.server.set("ews", { kind: "hung_backend", afterMs: 200 });
    expect(await run("ews_folder")).toMatchObject({ reason: "backend_unavailable" });
  });
});

describe("web logins", () => {
  test.each(["ntlm", "negotiate", "basic"])(
    "ews_folder sends a padded body by %s",
    async (auth) => {
      await bench.server.set("ews", {
        kind: "auth_schemes",
        schemes: ["NTLM", "Negotiate", "Basic"],
      });
      const before = bench.organisation.signIns().length;
      const seen = await run("ews_folder", { options: { auth, padding_bytes: 60_000 } });
      expect(`${seen.outcome} ${seen.evidence.detail ?? ""}`).toBe(
        "match GetFolder inbox: NoError; also with a body of 60000 bytes",
      );
      expect(
        bench.organisation
          .signIns()
          .slice(before)
          .every(({ accepted }) => accepted),
      ).toBe(true);
    },
  );

  test("ews_folder sends no padded body when padding_bytes is 0", async () => {
    const seen = await run("ews_folder", { options: { padding_bytes: 0 } });
    expect(seen.evidence.detail).toBe("GetFolder inbox: NoError");
  });

  test("oab reads the manifest when its path is configured", async () => {
    const path = "/OAB/2b3c7f1e-6a52-4c0d-9a57-0d7f3c1f6a10/oab.xml";
    const seen = await run("oab", { path });
    expect(seen.evidence.detail).toBe("the manifest of the offline address book");
  });

  test("autodiscover reports bad_status when the mailbox is unknown", async () => {
    const stranger = accountOf(PROBE_A, { address: "nobody@lab.example.com" });
    const seen = await run("autodiscover", { account: stranger });
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "bad_status" });
    expect(seen.evidence.detail).toContain("error 500");
  });

  test("autodiscover is not configured when the account has no mail address", async () => {
    const seen = await run("autodiscover", { account: accountOf(PROBE_A, { address: null }) });
    expect(seen).toMatchObject({ outcome: "fault", reason: "not_configured" });
  });

  test("owa_form and eas_options log in over clear text when Exchange 2010 is behind an offloading ADC", async () => {
    const old = await exchangeBench({ version: "2010" });
    const clear = { account, allowPlaintext: true, exchange: "2010" } as const;
    const owa = await old.run(80, transactionSpec("owa_form", clear));
    const eas = await old.run(80, transactionSpec("eas_options", clear));
    await old.close();
    expect([owa.outcome, eas.outcome]).toEqual(["match", "match"]);
  });

  test.each(["2010", "2016"] as const)(
    "owa_form reports backend_unavailable when another front end refuses the proxy, by the page of Exchange %s",
    async (version) => {
      const old = await exchangeBench({ version });
      await old.server.set("owa", { kind: "proxy_refused" });
      const clear = { account, allowPlaintext: true, exchange: version } as const;
      const secure = { ...clear, security: "implicit", tls: CLIENT_TLS } as const;
      const seen =
        version === "2010"
          ? await old.run(80, transactionSpec("owa_form", clear))
          : await old.run(443, transactionSpec("owa_form", secure));
      await old.close();
      expect(seen).toMatchObject({
        outcome: "mismatch",
        step: "transaction",
        reason: "backend_unavailable",
      });
      expect(seen.evidence.detail).toContain(
        "The proxy CAS failed to authenticate to the second CAS",
      );
      expect(loginOutcome(seen)).toBe("accepted");
    },
  );
});
