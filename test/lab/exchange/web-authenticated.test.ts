import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { labCaFile } from "../../support/lab-certificate-files.ts";
import type { ExchangeServer, Organisation } from "../../../lab/exchange/exchange-server.ts";
import {
  ACCOUNT,
  hasProgram,
  httpsRequest,
  newOrganisation,
  portOf,
  rawExchange,
  run,
  SECOND_ACCOUNT,
  startServer,
  type HttpsResult,
} from "./support.ts";

let organisation: Organisation;
let server: ExchangeServer;

beforeEach(async () => {
  organisation = newOrganisation();
  server = await startServer({ organisation });
  await server.set("https", { kind: "auth_schemes", schemes: ["Basic"] });
});

afterEach(() => server.close());

interface RequestOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** With Basic, which the tests' beforeEach has switched on everywhere. */
function ask(
  path: string,
  options: RequestOptions = {},
  account: { address: string; password: string } = ACCOUNT,
) {
  const token = Buffer.from(`${account.address}:${account.password}`).toString("base64");
  const headers = { Authorization: `Basic ${token}`, ...options.headers };
  return httpsRequest(portOf(server, 443), path, { ...options, headers });
}

function getFolder(folder: string, paddingBytes = 0): RequestOptions {
  return {
    method: "POST",
    headers: { "Content-Type": "text/xml; charset=utf-8" },
    body:
      '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"' +
      ' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"' +
      ' xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">' +
      `<!--${" ".repeat(paddingBytes)}-->` +
      '<soap:Header><t:RequestServerVersion Version="Exchange2010"/></soap:Header><soap:Body><m:GetFolder>' +
      "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>" +
      `<m:FolderIds><t:DistinguishedFolderId Id="${folder}"/></m:FolderIds></m:GetFolder></soap:Body></soap:Envelope>`,
  };
}

describe("lab EWS", () => {
  const path = "/EWS/Exchange.asmx";

  it.each([0, 65_536])("answers GetFolder with %i bytes of padding", async (padding) => {
    const { status, headers, body } = await ask(path, getFolder("inbox", padding));
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/xml; charset=utf-8");
    expect(body).toContain('ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>');
    expect(headers["x-calculatedbetarget"]).toBe("ex01.lab.example.com");
    expect(headers["x-feserver"]).toBe("EX01");
  });

  it("reports unknown folders, unknown operations and invalid XML", async () => {
    expect((await ask(path, getFolder("nonsense"))).body).toContain("ErrorFolderNotFound");
    const other = { ...getFolder("inbox"), body: "<s:Envelope><s:Body/></s:Envelope>" };
    expect((await ask(path, other)).body).toContain("ErrorInvalidRequest");
    const garbage = await ask(path, { method: "POST", body: "{}" });
    expect([garbage.status, garbage.body.includes("ErrorSchemaValidation")]).toEqual([500, true]);
  });

  it("fails only for mailboxes of a dismounted database, at every front end", async () => {
    organisation.setMounted("DB01", false);
    const second = await startServer({ organisation, name: "ex02" });
    await second.set("ews", { kind: "auth_schemes", schemes: ["Basic"] });
    expect((await ask(path, getFolder("inbox"))).body).toContain("ErrorMailboxStoreUnavailable");
    expect((await ask(path, getFolder("inbox"), SECOND_ACCOUNT)).body).toContain("NoError");
    const first = server;
    server = second;
    const { headers, body } = await ask(path, getFolder("inbox"));
    expect(body).toContain("ErrorMailboxStoreUnavailable");
    expect(headers["x-feserver"]).toBe("EX02");
    expect(headers["x-calculatedbetarget"]).toBe("ex01.lab.example.com");
    await first.close();
  });

  it("follows a database to another server", async () => {
    organisation.activate("DB01", "ex03.lab.example.com");
    const { headers } = await ask(path, getFolder("inbox"));
    expect(headers["x-calculatedbetarget"]).toBe("ex03.lab.example.com");
  });
});

describe("lab web server with an unavailable back end", () => {
  it("serves health page and challenge but answers requests with 503 and X-FEServer when dead", async () => {
    await server.set("https", [
      { kind: "dead_backend" },
      { kind: "auth_schemes", schemes: ["Basic"] },
    ]);
    const plain = (path: string) => httpsRequest(portOf(server, 443), path);
    expect((await plain("/ews/healthcheck.htm")).status).toBe(200);
    expect((await plain("/ews/exchange.asmx")).status).toBe(401);
    const { status, headers } = await ask("/ews/exchange.asmx", getFolder("inbox"));
    expect(status).toBe(503);
    expect(headers["x-feserver"]).toBe("EX01");
    expect(headers["x-caserrorcode"]).toBe("ServerUnavailable");
  });

  it("answers 504 after its time when hung", async () => {
    await server.set("eas", [
      { kind: "hung_backend", afterMs: 120 },
      { kind: "auth_schemes", schemes: ["Basic"] },
    ]);
    const start = performance.now();
    const { status } = await ask("/Microsoft-Server-ActiveSync", { method: "OPTIONS" });
    expect(status).toBe(504);
    expect(performance.now() - start).toBeGreaterThan(110);
  });
});

describe("lab MAPI over HTTP", () => {
  it("names front end and mailbox server", async () => {
    organisation.activate("DB01", "ex02.lab.example.com");
    const { status, body } = await ask("/mapi/emsmdb/");
    expect(status).toBe(200);
    expect(body).toContain("Exchange MAPI/HTTP Connectivity Endpoint");
    expect(body).toContain("<p>Cafe: EX01.LAB.EXAMPLE.COM</p>");
    expect(body).toContain("<p>Mailbox: EX02.LAB.EXAMPLE.COM</p>");
  });

  it("answers PING only when a mailbox is given", async () => {
    const headers = { "X-RequestType": "PING", "X-RequestId": "{1}:1" };
    const ping = await ask("/mapi/emsmdb/?useMailboxOfAuthenticatedUser=true", {
      method: "POST",
      headers,
    });
    expect(ping.headers["x-responsecode"]).toBe("0");
    expect(ping.headers["content-type"]).toBe("application/mapi-http");
    expect(ping.body).toContain("DONE\r\n");
    const none = await ask("/mapi/emsmdb/", { method: "POST", headers });
    expect(none.status).toBe(400);
    expect(none.headers["x-caserrorcode"]).toBe("MailboxGuidWithDomainNotFound");
  });

  it("does not exist on 2010", async () => {
    const old = await startServer({ organisation, version: "2010" });
    expect((await httpsRequest(portOf(old, 443), "/mapi/emsmdb/")).status).toBe(404);
    await old.close();
  });
});

describe("lab Autodiscover", () => {
  const path = "/Autodiscover/Autodiscover.xml";
  const OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

  function pox(address: string, schema: string): RequestOptions {
    return {
      method: "POST",
      body:
        '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>' +
        `<EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>${schema}</AcceptableResponseSchema>` +
        "</Request></Autodiscover>",
    };
  }

  it("leads Outlook to the offline address book", async () => {
    const { body } = await ask(path, pox(ACCOUNT.address, OUTLOOK));
    const url = /<OABUrl>(.*?)<\/OABUrl>/.exec(body)?.[1] ?? "";
    expect(url).toMatch(/^https:\/\/mail\.example\.com\/OAB\/.+\/$/);
    const book = await ask(`${new URL(url).pathname}oab.xml`);
    expect([book.status, book.body.includes("<OAL ")]).toEqual([200, true]);
    expect((await ask("/OAB/")).status).toBe(403);
  });

  it("leads phones to ActiveSync and reports its errors", async () => {
    const mobile =
      "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";
    expect((await ask(path, pox(ACCOUNT.address, mobile))).body).toContain(
      "<Type>MobileSync</Type><Url>https://mail.example.com/Microsoft-Server-ActiveSync</Url>",
    );
    expect((await ask(path, pox("nobody@lab.example.com", OUTLOOK))).body).toContain(
      "<ErrorCode>500</ErrorCode>",
    );
    expect((await ask(path)).body).toContain("<ErrorCode>600</ErrorCode>");
  });
});

describe("lab OWA form", () => {
  function post(password: string, port = portOf(server, 443)): Promise<HttpsResult> {
    return httpsRequest(port, "/owa/auth.owa", {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        destination: "https://mail.example.com/owa/",
        flags: "4",
        forcedownlevel: "0",
        username: "LAB\\probe-a",
        password,
        isUtf8: "1",
      }).toString(),
    });
  }

  function cookies({ headers }: HttpsResult): string {
    return (headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0]).join("; ");
  }

  it("sets cookies that open the mailbox when the password is right", async () => {
    const { status, headers, ...rest } = await post(ACCOUNT.password);
    expect(status).toBe(302);
    expect(headers["location"]).toBe("https://mail.example.com/owa/");
    const cookie = cookies({ status, headers, ...rest });
    expect(cookie.replace(/=[^;]*/g, "")).toBe("cadata; cadataTTL; cadataKey; cadataIV; cadataSig");
    const page = await httpsRequest(portOf(server, 443), "/owa/", { headers: { Cookie: cookie } });
    expect([page.status, page.headers["x-beserver"]]).toEqual([200, "EX01"]);
    expect(page.headers["x-owa-version"]).toBe("15.1.2507.6");
  });

  it("redirects with reason=2 when the password is wrong", async () => {
    const { status, headers } = await post("wrong");
    expect(status).toBe(302);
    expect(headers["location"]).toMatch(/\/owa\/auth\/logon\.aspx\?url=.*&reason=2$/);
  });

  it("redirects to no other host", async () => {
    const { headers } = await httpsRequest(portOf(server, 443), "/owa/auth.owa", {
      method: "POST",
      body: `destination=https%3A%2F%2Fevil.example%2F&username=probe-a&password=${ACCOUNT.password}`,
    });
    expect(headers["location"]).toBe("https://mail.example.com/owa/");
  });

  it("returns to the login at a second server only when its certificate differs", async () => {
    const cookie = cookies(await post(ACCOUNT.password));
    const second = await startServer({ organisation, name: "ex02" });
    const open = async () =>
      (await httpsRequest(portOf(second, 443), "/owa/", { headers: { Cookie: cookie } })).status;
    expect(await open()).toBe(200);
    await second.set("https", { kind: "certificate", name: "other" });
    expect(await open()).toBe(302);
    await second.close();
  });

  it("accepts the login and then shows the error page when the mailbox is unavailable", async () => {
    organisation.setMounted("DB01", false);
    const answer = await post(ACCOUNT.password);
    expect(answer.headers["location"]).toBe("https://mail.example.com/owa/");
    const page = await httpsRequest(portOf(server, 443), "/owa/", {
      headers: { Cookie: cookies(answer) },
    });
    expect(page.headers["location"]).toBe(
      "https://mail.example.com/owa/auth/errorFE.aspx?httpCode=500",
    );
  });
});

describe("lab RPC over HTTP", () => {
  const authorization = `Basic ${Buffer.from(`${ACCOUNT.address}:${ACCOUNT.password}`).toString("base64")}`;

  function echo(authorized: boolean): string {
    return (
      "RPC_OUT_DATA /rpc/rpcproxy.dll?mailbox@lab.example.com:6001 HTTP/1.1\r\nHost: mail.example.com\r\n" +
      (authorized ? `Authorization: ${authorization}\r\n` : "") +
      "Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
  }

  it("echoes on a clear-text port when the ADC offloads TLS", async () => {
    const old = await startServer({ organisation, version: "2010" });
    const { received } = await rawExchange(portOf(old, 80), { send: echo(true) });
    const [head = "", body = ""] = received.split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 200 Success\r\n/);
    expect(head).toContain("Content-Type: application/rpc");
    expect(Buffer.from(body, "latin1").toString("hex")).toBe(
      "0500140310000000140000000000000040000000",
    );
    const refused = await rawExchange(portOf(old, 80), { send: echo(false) });
    expect(refused.received).toMatch(/^HTTP\/1\.1 401 /);
    await old.close();
  });

  it.skipIf(!hasProgram("curl", "curl"))("echoes to curl over TLS with NTLM", async () => {
    await server.set("https", { kind: "healthy" });
    const { status, output } = await run("curl", [
      "--silent",
      "--http1.1",
      "--cacert",
      labCaFile(),
      "--connect-to",
      `mail.example.com:443:127.0.0.1:${portOf(server, 443)}`,
      "--ntlm",
      "--user",
      `LAB\\probe-a:${ACCOUNT.password}`,
      "--request",
      "RPC_OUT_DATA",
      "--header",
      "Content-Length: 0",
      "--output",
      "/dev/null",
      "--write-out",
      "%{http_code} %{size_download} %{content_type}",
      "https://mail.example.com/rpc/rpcproxy.dll?mailbox@lab.example.com:6001",
    ]);
    expect({ status, output }).toEqual({ status: 0, output: "200 20 application/rpc" });
  });

  it("answers 404 when no destination is given", async () => {
    const { status, headers } = await ask("/rpc/rpcproxy.dll");
    expect([status, headers["x-caserrorcode"]]).toEqual([404, "EndpointNotFound"]);
  });
});
