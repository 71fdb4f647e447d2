import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { VirtualDirectory } from "../condition.ts";
import type { LabAccount } from "../organisation.ts";
import type { ProtocolState } from "../protocol-state.ts";
import type { ServiceContext } from "../service-context.ts";
import { autodiscover } from "./autodiscover.ts";
import { identify } from "./authentication.ts";
import { backEndFailure } from "./back-end.ts";
import { activeSync, addressBook, outlookAnywhere } from "./directory-answers.ts";
import { exchangeWebServices } from "./ews.ts";
import { createHealthPage } from "./health-page.ts";
import { answer, hostOf, withHeaders, type LabAnswer, type LabRequest } from "./http-exchange.ts";
import { mapiHttp } from "./mapi.ts";
import { outlookWebApp } from "./owa.ts";
import { directoryOf, type DirectoryFacts } from "./virtual-directories.ts";

export interface FrontEnd {
  handle(request: LabRequest): Promise<LabAnswer>;
}

export interface FrontEndOptions {
  readonly context: ServiceContext;
  /** The state of a virtual directory. */
  readonly directoryState: (directory: VirtualDirectory) => ProtocolState;
  readonly sslOffloaded: boolean;
  readonly healthCacheMs: number;
}

/** The front end (client access) of one server, and IIS around it, as seen on 80 and 443. */
export function createFrontEnd(options: FrontEndOptions): FrontEnd {
  const { context } = options;
  const healthPage = createHealthPage(options.healthCacheMs);
  const serverHeader: readonly [string, string] = [
    "Server",
    context.version === "2010" ? "Microsoft-IIS/7.5" : "Microsoft-IIS/10.0",
  ];
  const iis = [serverHeader, ["X-Powered-By", "ASP.NET"]] as const;

  async function inDirectory(request: LabRequest, facts: DirectoryFacts): Promise<LabAnswer> {
    const state = options.directoryState(facts.directory);
    if (state.delayMs > 0) {
      await delay(state.delayMs, undefined, { ref: false });
    }
    if (state.appPool === "stopped") {
      return applicationPoolStopped();
    }
    if (state.answer !== null) {
      return withHeaders(answer(state.answer.status, HTML, state.answer.body), iis);
    }
    const health = healthPage(request, facts.directory, state, context);
    if (health !== null) {
      return withHeaders(health, iis);
    }
    const served = await serve(request, facts, state, context);
    return withHeaders(served, [
      serverHeader,
      ...frontEndHeaders(context),
      ["X-Powered-By", "ASP.NET"],
    ]);
  }

  return {
    async handle(request) {
      if (request.connection.port === 80 && !options.sslOffloaded) {
        return answer(403, [serverHeader]); // 403.4: SSL required
      }
      const facts = directoryOf(request.path, context.version);
      if (facts !== null) {
        return inDirectory(request, facts);
      }
      const { delayMs } = context.state();
      if (delayMs > 0) {
        await delay(delayMs, undefined, { ref: false });
      }
      if (request.path !== "/") {
        return withHeaders(answer(404, HTML, "404 - File or directory not found."), iis);
      }
      const scheme = request.connection.port === 443 ? "https" : "http";
      const location = `${scheme}://${hostOf(request, context.fqdn)}/owa/`;
      return withHeaders(answer(302, [["Location", location]]), [
        serverHeader,
        ["X-RequestId", randomUUID()],
        ...frontEndHeaders(context),
        ["X-Powered-By", "ASP.NET"],
      ]);
    },
  };
}

const HTML = [["Content-Type", "text/html; charset=utf-8"]] as const;

function feServer({ fqdn }: ServiceContext): string {
  return (fqdn.split(".")[0] ?? fqdn).toUpperCase();
}

/** 2010 has no front end that signs itself. */
function frontEndHeaders(context: ServiceContext): (readonly [string, string])[] {
  return context.version === "2010"
    ? []
    : [
        ["request-id", randomUUID()],
        ["X-FEServer", feServer(context)],
      ];
}

/** http.sys answers for an application pool that is not there. */
function applicationPoolStopped(): LabAnswer {
  return answer(
    503,
    [
      ["Content-Type", "text/html; charset=us-ascii"],
      ["Server", "Microsoft-HTTPAPI/2.0"],
      ["Connection", "close"],
    ],
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN""http://www.w3.org/TR/html4/strict.dtd">\r\n' +
      "<HTML><HEAD><TITLE>Service Unavailable</TITLE></HEAD>\r\n<BODY><h2>Service Unavailable</h2>\r\n" +
      "<hr><p>HTTP Error 503. The service is unavailable.</p>\r\n</BODY></HTML>\r\n",
  );
}

const ENTRA = "https://login.microsoftonline.com/common/oauth2/authorize";

/** Hybrid modern authentication: only tokens of Entra, as Exchange requests them. */
function byEntra({ asks }: DirectoryFacts): LabAnswer {
  const client = "00000002-0000-0ff1-ce00-000000000000";
  return asks === "form"
    ? answer(302, [["Location", `${ENTRA}?client_id=${client}&response_mode=form_post`]])
    : answer(401, [
        ["WWW-Authenticate", `Bearer client_id="${client}", authorization_uri="${ENTRA}"`],
      ]);
}

async function serve(
  request: LabRequest,
  facts: DirectoryFacts,
  state: ProtocolState,
  context: ServiceContext,
): Promise<LabAnswer> {
  if (state.modernAuthentication) {
    return byEntra(facts);
  }
  if (facts.asks === "form") {
    return outlookWebApp(request, facts.directory, state, context);
  }
  const anonymous =
    facts.directory === "autodiscover" ? autodiscover.anonymous(request, context) : null;
  if (anonymous !== null) {
    return anonymous;
  }
  const identity = identify(request, context, state, state.authSchemes ?? facts.schemes);
  if (identity.kind === "challenge") {
    return identity.answer;
  }
  const proxied = await backEndFailure(state);
  const target: (readonly [string, string])[] = [
    ["X-CalculatedBETarget", context.organisation.mailboxServer(identity.account)],
  ];
  return withHeaders(
    proxied ?? (await serveAuthenticated(request, facts.directory, identity.account, context)),
    context.version === "2010" ? [] : target,
  );
}

async function serveAuthenticated(
  request: LabRequest,
  directory: VirtualDirectory,
  account: LabAccount,
  context: ServiceContext,
): Promise<LabAnswer> {
  switch (directory) {
    case "ews":
      return exchangeWebServices(request, account, context);
    case "eas":
      return activeSync(request);
    case "mapi":
      return mapiHttp(request, account, context);
    case "autodiscover":
      return autodiscover.authenticated(request, context);
    case "oab":
      return addressBook(request, context);
    case "rpc":
      return outlookAnywhere(request);
    default:
      return answer(404, HTML, "404 - File or directory not found.");
  }
}
