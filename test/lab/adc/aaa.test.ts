import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AaaOptions } from "../../../lab/adc/aaa/options.ts";
import { startLab, type Lab } from "../../../lab/lab.ts";
import { curl, type CurlAnswer } from "./support/curl.ts";
import { missing } from "../../support/real-servers.ts";

const lacking = missing("curl", "curl");

let lab: Lab;
let jarDirectory: string;
let jar: string;
let defaults: AaaOptions;

beforeAll(async () => {
  lab = await startLab({ scenario: "aaa" });
  jarDirectory = await mkdtemp(join(tmpdir(), "adc-aaa-"));
  const organisation = lab.organisation;
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
});

afterAll(async () => {
  await lab.close();
  await rm(jarDirectory, { recursive: true });
});

let runs = 0;
beforeEach(() => {
  runs += 1;
  jar = join(jarDirectory, `${String(runs)}.txt`);
});
afterEach(() => {
  lab.adc.setAaa(defaults);
});

/** One request by a browser: its cookies are kept, both names lead to the VIP, redirects are not followed. */
function browser(url: string, ...options: readonly string[]): Promise<CurlAnswer> {
  const vip = lab.connectTo["mail.example.com:443"] ?? "";
  const names = ["mail.example.com", "aaa.example.com"].flatMap((name) => [
    "--connect-to",
    `${name}:443:${vip}`,
  ]);
  return curl(...names, "--cookie-jar", jar, "--cookie", jar, ...options, url);
}

function location(answer: CurlAnswer): string {
  return /^location: (.*)$/im.exec(answer.headers)?.[1]?.trim() ?? "";
}

async function logIn(username: string, password: string): Promise<CurlAnswer> {
  await browser("https://mail.example.com/owa/");
  return browser(
    "https://aaa.example.com/cgi/tmlogin",
    "--data-urlencode",
    `login=${username}`,
    "--data-urlencode",
    `passwd=${password}`,
  );
}

function account(username: string): { username: string; password: string } {
  const found = lab.accounts.find((each) => each.username === username);
  return { username, password: found?.password ?? "" };
}

describe.skipIf(lacking !== null)("lab AAA form login", () => {
  test("redirects to the login page with NSC_TASS and nothing from Exchange when there is no session", async () => {
    const answer = await browser("https://mail.example.com/owa/?x=1");
    expect(answer.status).toBe(302);
    expect(location(answer)).toBe("https://aaa.example.com/logon/LogonPoint/tmindex.html");
    expect(answer.headers).toMatch(/^Set-Cookie: NSC_TASS=/m);
    expect(answer.headers).not.toMatch(/X-FEServer|Microsoft-IIS/i);
    expect((await browser(location(answer))).body).toContain('action="/cgi/tmlogin"');
    expect((await browser("https://mail.example.com/owa/healthcheck.htm")).status).toBe(302);
  });

  test("signs the user on at Exchange and opens the mailbox when the login is accepted", async () => {
    const { username, password } = account("probe-a");
    const accepted = await logIn(username, password);
    expect(accepted.status).toBe(302);
    expect(location(accepted)).toBe("https://mail.example.com/owa/");
    expect(await readFile(jar, "utf8")).toContain("NSC_TMAS");
    const toForm = await browser("https://mail.example.com/owa/");
    expect(location(toForm)).toContain("/owa/auth/logon.aspx");
    const signedOn = await browser(new URL(location(toForm), "https://mail.example.com").href);
    expect(signedOn.status).toBe(302);
    expect(signedOn.headers).toMatch(/cadata/i);
    const inbox = await browser("https://mail.example.com/owa/");
    expect(inbox.status).toBe(200);
    expect(inbox.headers).toMatch(/X-FEServer/i);
  });

  test("rejects a wrong password without a sign-in at Exchange", async () => {
    const before = lab.organisation.signIns().length;
    const answer = await logIn("probe-a", "wrong");
    expect(location(answer)).toContain("/logon/LogonPoint/tmindex.html");
    expect(lab.organisation.signIns().slice(before)).toMatchObject([
      { server: "adc", accepted: false },
    ]);
    expect((await browser("https://mail.example.com/owa/")).status).toBe(302);
  });

  test("answers that the user is not privileged when in no permitted group", async () => {
    const { username, password } = account("probe-b");
    await logIn(username, password);
    const answer = await browser("https://mail.example.com/owa/");
    expect(answer).toMatchObject({ status: 403 });
    expect(answer.body).toContain("Error: Not a privileged User.");
  });

  test("finds no target URL when the login page was opened directly", async () => {
    const { username, password } = account("probe-a");
    const answer = await browser(
      "https://aaa.example.com/cgi/tmlogin",
      "--data-urlencode",
      `login=${username}`,
      "--data-urlencode",
      `passwd=${password}`,
    );
    expect(answer.body).toContain("Target URL not found for redirect after successful login");
  });

  test("ends at Exchange's own login page when single sign-on is broken", async () => {
    lab.adc.setAaa({ ...defaults, sso: "broken" });
    const { username, password } = account("probe-a");
    await logIn(username, password);
    const toForm = await browser("https://mail.example.com/owa/");
    const page = await browser(new URL(location(toForm), "https://mail.example.com").href);
    expect(page.status).toBe(200);
    expect(page.headers).toMatch(/X-FEServer/i);
    expect(page.headers).not.toMatch(/cadata=[^;]/i);
  });

  test("asks for a second factor when one is required", async () => {
    lab.adc.setAaa({ ...defaults, secondFactor: true });
    const { username, password } = account("probe-a");
    expect((await logIn(username, password)).body).toContain("/cgi/dlge");
    expect((await browser("https://mail.example.com/owa/")).status).toBe(302);
  });
});

describe.skipIf(lacking !== null)("lab AAA 401 login", () => {
  const url = "https://mail.example.com/Microsoft-Server-ActiveSync";

  test("challenges first, then passes the credential on", async () => {
    const challenge = await browser(url, "--request", "OPTIONS");
    expect(challenge.status).toBe(401);
    expect(challenge.headers).toMatch(/WWW-Authenticate: Basic/);
    expect(challenge.headers).not.toMatch(/X-FEServer/i);
    const { username, password } = account("probe-a");
    const answer = await browser(url, "--request", "OPTIONS", "--user", `${username}:${password}`);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatch(/MS-ASProtocolVersions/i);
    expect((await browser(url, "--request", "OPTIONS", "--user", "probe-a:wrong")).status).toBe(
      401,
    );
  });

  test("closes without a response when a large body exceeds the limit", async () => {
    lab.adc.setAaa({ ...defaults, largePostLimitBytes: 10_240 });
    const { username, password } = account("probe-a");
    const post = (bytes: number): Promise<CurlAnswer> =>
      browser(url, "--user", `${username}:${password}`, "--data", "x".repeat(bytes));
    expect((await post(1_000)).status).not.toBe(0);
    const lost = await post(20_000);
    expect(lost).toMatchObject({ status: 0, exit: 52 });
  });

  test("leaves other virtual directories open", async () => {
    const answer = await browser("https://mail.example.com/EWS/Exchange.asmx");
    expect(answer.status).toBe(401);
    expect(answer.headers).toMatch(/X-FEServer/i);
  });
});
