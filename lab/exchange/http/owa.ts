import type { VirtualDirectory } from "../condition.ts";
import type { ProtocolState } from "../protocol-state.ts";
import { type ServiceContext, logIn } from "../service-context.ts";
import { backEndFailure } from "./back-end.ts";
import { answer, hostOf, type LabAnswer, type LabRequest } from "./http-exchange.ts";
import { clearedCookies, issueCookies, readCookies } from "./owa-cookies.ts";

const HTML = ["Content-Type", "text/html; charset=utf-8"] as const;

/** /owa and /ecp with forms-based authentication. */
export async function outlookWebApp(
  request: LabRequest,
  directory: VirtualDirectory,
  state: ProtocolState,
  context: ServiceContext,
): Promise<LabAnswer> {
  const path = request.path.toLowerCase();
  const isGet = request.method.toUpperCase() === "GET";
  if (path === "/owa/auth.owa") {
    return request.method.toUpperCase() === "POST"
      ? logOn(request, context)
      : toLogon(request, context, "/owa/", 0);
  }
  if (path === "/owa/logoff.owa" || path === "/owa/auth/logoff.aspx") {
    return toLogon(request, context, "/owa/", 1);
  }
  if (path.startsWith("/owa/auth/")) {
    return isGet ? authPage(path, context) : answer(405);
  }
  const account = readCookies(request, context);
  if (account !== null) {
    return mailboxPage(request, directory, account, state, context);
  }
  return isGet && request.header("x-requested-with") === null
    ? toLogon(request, context, request.path, 0, directory === "ecp")
    : answer(440, [HTML, ["Connection", "close"]], "440 Login Timeout");
}

/** In the wording of Outlook Web App; its details are shown on a click. */
const PROXY_REFUSED =
  "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Outlook Web App</h1>" +
  "<div>Outlook Web App isn't available.</div><div id=dtls>Request<br>Url: https://mail.example.com/owa/<br>" +
  "Exception<br>\r\nException type: Microsoft.Exchange.Clients.Owa.Core.OwaProxyException<br>\r\n" +
  "Exception message: The proxy CAS failed to authenticate to the second CAS (it returned a 401)<br>\r\n" +
  "Call stack</div></body></html>";

/** The response for a signed-in user: the application, proxied from the mailbox server. */
async function mailboxPage(
  request: LabRequest,
  directory: VirtualDirectory,
  account: NonNullable<ReturnType<typeof readCookies>>,
  state: ProtocolState,
  context: ServiceContext,
): Promise<LabAnswer> {
  const { organisation } = context;
  if (state.proxyRefused) {
    return answer(200, [HTML], PROXY_REFUSED);
  }
  const target = organisation.mailboxServer(account);
  const failed = await backEndFailure(state);
  if (failed !== null || !organisation.mounted(account)) {
    const code = failed?.kind === "answer" ? failed.status : 500;
    const location = `${origin(request, context)}/owa/auth/errorFE.aspx?httpCode=${code}`;
    const cause = failed === null ? "MailboxOfflineException" : "HttpProxyException";
    return answer(302, [
      ["Location", location],
      ["X-OWA-Error", cause],
      ["X-Auth-Error", cause],
      ["X-BEServer", short(target)],
    ]);
  }
  return answer(
    200,
    [
      HTML,
      ["X-CalculatedBETarget", target],
      ["X-BEServer", short(target)],
      ["X-OWA-Version", owaVersion(context)],
      [
        "Set-Cookie",
        `X-BackEndCookie=${Buffer.from(target).toString("base64url")}; path=/${directory}; secure; HttpOnly`,
      ],
    ],
    `<!DOCTYPE html><html><head><title>${directory === "ecp" ? "Exchange admin center" : "Mail"}</title></head>` +
      `<body>${account.address}</body></html>`,
  );
}

async function logOn(request: LabRequest, context: ServiceContext): Promise<LabAnswer> {
  const form = new URLSearchParams((await request.body())?.toString("utf8") ?? "");
  const destination = ownDestination(form.get("destination"), request, context);
  const username = form.get("username");
  const password = form.get("password");
  if (username === null || password === null) {
    return toLogon(request, context, destination, 0);
  }
  const result = await logInByForm(context, username, password);
  return result === null
    ? toLogon(request, context, destination, 2)
    : answer(302, [
        ["Location", `${origin(request, context)}${destination}`],
        ...issueCookies(result, request, context),
      ]);
}

/** The front end checks the form against the directory: a mailbox side that is down does not show here. */
async function logInByForm(context: ServiceContext, username: string, password: string) {
  const frontEndOnly: ServiceContext = {
    ...context,
    organisation: { ...context.organisation, mounted: () => true },
    state: () => ({ ...context.state(), backend: "up" }),
  };
  const result = await logIn(frontEndOnly, "http", username, password);
  return result.kind === "accepted" ? result.account : null;
}

/** The path of a destination on this host: another host's is not followed. */
function ownDestination(
  destination: string | null,
  request: LabRequest,
  context: ServiceContext,
): string {
  const base = origin(request, context);
  try {
    const url = new URL(destination ?? "/owa/", base);
    return url.host === new URL(base).host ? `${url.pathname}${url.search}` : "/owa/";
  } catch {
    return "/owa/";
  }
}

function authPage(path: string, context: ServiceContext): LabAnswer {
  const headers = [HTML, ["X-OWA-Version", owaVersion(context)]] as const;
  if (path.startsWith("/owa/auth/logon.aspx")) {
    return answer(200, headers, logonForm(context));
  }
  return path.startsWith("/owa/auth/errorfe.aspx")
    ? answer(200, headers, "<html><body>Something went wrong</body></html>")
    : answer(404, headers, "404 - File or directory not found.");
}

function logonForm(context: ServiceContext): string {
  const product = context.version === "2010" ? "Outlook Web App" : "Outlook";
  return (
    `<!DOCTYPE html><html><head><title>${product}</title></head><body>` +
    '<form action="/owa/auth.owa" method="POST" name="logonForm" enctype="application/x-www-form-urlencoded">' +
    '<input type="hidden" name="destination"><input type="hidden" name="flags" value="4">' +
    '<input type="hidden" name="forcedownlevel" value="0"><input name="username"><input name="password" type="password">' +
    '<input type="hidden" name="isUtf8" value="1"></form></body></html>'
  );
}

function toLogon(
  request: LabRequest,
  context: ServiceContext,
  destination: string,
  reason: number,
  replaceCurrent = false,
): LabAnswer {
  const base = origin(request, context);
  const url = encodeURIComponent(`${base}${destination}`);
  const replace = replaceCurrent ? "replaceCurrent=1&" : "";
  const location = `${base}/owa/auth/logon.aspx?${replace}url=${url}&reason=${reason}`;
  return answer(302, [["Location", location], HTML, ...clearedCookies()]);
}

function origin(request: LabRequest, context: ServiceContext): string {
  const offloaded = request.header("front-end-https")?.toLowerCase() === "on";
  const secure = request.connection.port === 443 || offloaded;
  return `${secure ? "https" : "http"}://${hostOf(request, context.fqdn)}`;
}

function owaVersion({ version }: ServiceContext): string {
  return version === "2010" ? "14.3.513.0" : "15.1.2507.6";
}

function short(fqdn: string): string {
  return (fqdn.split(".")[0] ?? fqdn).toUpperCase();
}
