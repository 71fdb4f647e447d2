import { randomUUID } from "node:crypto";
import type { LabAccount } from "../organisation.ts";
import type { ServiceContext } from "../service-context.ts";
import { answer, type LabAnswer, type LabRequest } from "./http-exchange.ts";

/** /mapi/emsmdb and /mapi/nspi: the page that names front end and mailbox server, and PING (MS-OXCMAPIHTTP). */
export async function mapiHttp(
  request: LabRequest,
  account: LabAccount,
  context: ServiceContext,
): Promise<LabAnswer> {
  const endpoint = /^\/mapi\/(emsmdb|nspi)\/?$/i.exec(request.path)?.[1]?.toLowerCase();
  if (endpoint === undefined) {
    return answer(404, [["X-CasErrorCode", "EndpointNotFound"]]);
  }
  switch (request.method.toUpperCase()) {
    case "GET":
      return answer(
        200,
        [["Content-Type", "text/html"]],
        connectivityPage(endpoint, account, context),
      );
    case "POST":
      await request.body();
      return post(request);
    default:
      return answer(405);
  }
}

function connectivityPage(endpoint: string, account: LabAccount, context: ServiceContext): string {
  const rows = [
    ["Version", "15.1.2507.6"],
    ["Vdir Path", `/mapi/${endpoint}/`],
    ["User", `${account.domain}\\${account.username}`],
    ["UPN", account.address],
    ["SID", "S-1-5-21-1004336348-1177238915-682003330-1142"],
    ["Organization", context.organisation.acceptedDomains[0] ?? ""],
    ["Authentication", "NTLM"],
    ["Cafe", context.fqdn.toUpperCase()],
    ["Mailbox", context.organisation.mailboxServer(account).toUpperCase()],
    ["Created", new Date().toUTCString()],
  ];
  return (
    "<html>\r\n<head>\r\n<title>Exchange MAPI/HTTP Connectivity Endpoint</title>\r\n</head>\r\n<body>\r\n" +
    "<p>Exchange MAPI/HTTP Connectivity Endpoint</p>\r\n" +
    rows.map(([name, value]) => `<p>${name}: ${value}</p>\r\n`).join("") +
    "</body>\r\n</html>"
  );
}

function post(request: LabRequest): LabAnswer {
  const query = new URLSearchParams(request.query);
  if (query.get("mailboxId") === null && query.get("useMailboxOfAuthenticatedUser") !== "true") {
    return answer(400, [["X-CasErrorCode", "MailboxGuidWithDomainNotFound"]]);
  }
  const requestId = request.header("x-requestid");
  const type = request.header("x-requesttype");
  const headers = (code: number): (readonly [string, string])[] => [
    ["Content-Type", code === 0 ? "application/mapi-http" : "text/html"],
    ["X-RequestType", type ?? ""],
    ["X-ResponseCode", String(code)],
    ["X-RequestId", requestId ?? randomUUID()],
    ["X-ServerApplication", "Exchange/15.01.2507.006"],
  ];
  if (requestId === null) {
    return answer(200, headers(7)); // missing header
  }
  return type?.toUpperCase() === "PING"
    ? answer(200, headers(0), "PROCESSING\r\nDONE\r\nX-ElapsedTime: 0\r\nX-StartTime: 0\r\n\r\n")
    : answer(200, headers(5)); // invalid request type
}
