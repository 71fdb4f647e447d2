import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AaaOptions } from "../../../lab/adc/aaa/options.ts";
import { demoConf } from "../../../lab/demo-conf.ts";
import { startLab, type Lab } from "../../../lab/lab.ts";
import { scenario } from "../../../lab/scenarios.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { TransactionName, TransactionSpec } from "../../../src/model/transactions.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { probeContext } from "../../support/probe-context.ts";
import { sealed } from "../../support/sealed.ts";

let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ scenario: "aaa" });
});

afterAll(async () => {
  await lab.close();
});

/** One transaction through the content switch of a lab, as the agent would run it. */
async function climb(
  through: Lab,
  transaction: TransactionName,
  path: string,
  username: string,
  change: Partial<TransactionSpec> = {},
): Promise<string> {
  const account = through.accounts.find((each) => each.username === username);
  if (account === undefined) {
    throw new Error(`no account ${username}`);
  }
  const spec: TransactionSpec = {
    transaction,
    security: "implicit",
    tls: {
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      serverName: "mail.example.com",
      expectedNames: ["mail.example.com"],
      ca: through.ca,
      rejectUnauthorized: false,
      legacy: false,
      // The lab's certificate does not hold every name that these tests give the login.
      proof: { kind: "unverified" },
    },
    host: "mail.example.com",
    path,
    allowPlaintext: false,
    expect: "works",
    exchange: "2016",
    adc: {
      authentication: path.startsWith("/owa") ? "form" : "401",
      authenticationHost: "aaa.example.com",
      redirectUrl: null,
    },
    options: {},
    ...change,
    account: {
      ...account,
      name: username,
      username: change.account?.username ?? account.username,
      password: change.account?.password ?? sealed(account.password),
    },
  };
  const network = createNetwork({
    connectTo: through.connectTo,
    unmapped: "refuse",
    now: () => performance.now(),
  });
  const observation = await runTransaction(
    spec,
    { host: "192.0.2.10", port: 443, server: null },
    probeContext(10_000, { network, vantage: "vip" }),
  );
  return observation.reason;
}

/** Changes what AAA does for the time of one question. */
async function withAaa<T>(change: Partial<AaaOptions>, ask: () => Promise<T>): Promise<T> {
  lab.changeAaa(change);
  try {
    return await ask();
  } finally {
    lab.changeAaa({ sso: "form", secondFactor: false, largePostLimitBytes: null });
  }
}

const wrong = {
  account: {
    name: "x",
    username: "probe-a",
    address: null,
    password: sealed("wrong"),
    domain: null,
  },
};

describe("transactions behind the lab ADC's AAA", () => {
  test("owa_form reaches Outlook on the web through form login and single sign-on", async () => {
    expect(await climb(lab, "owa_form", "/owa/", "probe-a")).toBe("ok");
  });

  test("owa_form logs in by account name, mail address and domain name", async () => {
    const known = lab.accounts.find(({ username }) => username === "probe-a");
    const password = sealed(known?.password ?? "");
    const names = ["probe-a", known?.address ?? "", `${known?.domain ?? ""}\\probe-a`];
    const reasons: string[] = [];
    for (const username of names) {
      const account = { name: "x", username, address: null, password, domain: null };
      reasons.push(await climb(lab, "owa_form", "/owa/", "probe-a", { account }));
    }
    expect(new Set(names).size).toBe(3);
    expect(reasons).toEqual(["ok", "ok", "ok"]);
  });

  test("owa_form reports aaa_rejected when the password is wrong", async () => {
    expect(await climb(lab, "owa_form", "/owa/", "probe-a", wrong)).toBe("aaa_rejected");
  });

  test("owa_form reports aaa_not_authorized when the account is in no permitted group", async () => {
    expect(await climb(lab, "owa_form", "/owa/", "probe-b")).toBe("aaa_not_authorized");
  });

  test("owa_form reports sso_not_passed when single sign-on is broken", async () => {
    const reason = await withAaa({ sso: "broken" }, () =>
      climb(lab, "owa_form", "/owa/", "probe-a"),
    );
    expect(reason).toBe("sso_not_passed");
  });

  test("owa_form reports second_factor when AAA asks for one", async () => {
    const reason = await withAaa({ secondFactor: true }, () =>
      climb(lab, "owa_form", "/owa/", "probe-a"),
    );
    expect(reason).toBe("second_factor");
  });

  test("eas_options reaches ActiveSync through 401-based AAA", async () => {
    expect(await climb(lab, "eas_options", "/Microsoft-Server-ActiveSync", "probe-a")).toBe("ok");
  });

  test("owa_form reports sso_not_passed when the ADC lacks the guide's traffic policy", async () => {
    const { conf } = scenario("aaa");
    const without = demoConf().replace(/^bind lb vserver v_owa -policyName tmp_owa.*$/m, "");
    const other = await startLab({ confText: conf?.(without) ?? without });
    try {
      expect(await climb(other, "owa_form", "/owa/", "probe-a")).toBe("sso_not_passed");
    } finally {
      await other.close();
    }
  });

  test("owa_form reports aaa_no_target when the login host is outside the mail domain", async () => {
    const { conf } = scenario("aaa");
    const confText = (conf?.(demoConf()) ?? "").replaceAll("aaa.example.com", "login.example.net");
    const other = await startLab({ confText });
    try {
      const adc = {
        authentication: "form",
        authenticationHost: "login.example.net",
        redirectUrl: null,
      } as const;
      expect(await climb(other, "owa_form", "/owa/", "probe-a", { adc })).toBe("aaa_no_target");
    } finally {
      await other.close();
    }
  });
});

describe("ews_folder behind 401-based AAA", () => {
  test("passes a small request and loses a padded one when large bodies are limited", async () => {
    const confText = `${demoConf()}set lb vserver v_ews -authn401 ON -authnVsName aaa_exchange\n`;
    const other = await startLab({
      confText,
      aaa: { largePostLimitBytes: 10_240 },
    });
    try {
      for (const server of other.servers.values()) {
        await server.set("ews", { kind: "auth_schemes", schemes: ["Basic"] });
      }
      const small = await climb(other, "ews_folder", "/ews/exchange.asmx", "probe-a", {
        options: { padding_bytes: 0 },
      });
      expect(small).toBe("ok");
      const padded = await climb(other, "ews_folder", "/ews/exchange.asmx", "probe-a", {
        options: { padding_bytes: 65_536 },
      });
      expect(padded).not.toBe("ok");
    } finally {
      await other.close();
    }
  });
});
