import type { Observation } from "../../model/observation.ts";
import type { Target } from "../../net/probe-context.ts";
import type { TransactionType } from "../probe.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { mismatch, type Ended } from "./line-session.ts";
import type { Account, TransactionName, TransactionSpec } from "../../model/transactions.ts";
import { isAdcLogin, judgeError, summary, type BadAnswer, isExchange } from "./web-answer.ts";
import { askLoggedIn, provesLogin, type LoggedInAnswer } from "./web-login.ts";
import { type WebRequest, WEB_PATHS } from "./web-session.ts";
import { nameOnMapiPage } from "../../model/exchange-signs.ts";

/** Result of an authenticated response. */
type WebServiceVerdict =
  | { readonly kind: "good"; readonly detail: string; readonly servedBy?: string }
  | BadAnswer
  /** Nothing specific: the general rules for errors apply. */
  | { readonly kind: "other" };

export interface WebTransaction {
  readonly transaction: TransactionName;
  /** The request, or the reason why it cannot be made. */
  readonly request: (spec: TransactionSpec, account: Account) => WebRequest | string;
  readonly judge: (answer: HttpAnswer, spec: TransactionSpec) => WebServiceVerdict;
  /** Further requests after a good response, with the same login. */
  readonly then?: (
    run: ProbeRun,
    served: LoggedInAnswer,
    spec: TransactionSpec,
  ) => Promise<Observation | null>;
}

/** One authenticated request to a virtual directory, with the rules for its response. */
function webTransaction(transaction: WebTransaction): TransactionType {
  return {
    transaction: transaction.transaction,
    needsAccount: true,
    transport: "tcp",
    probe: (run, spec, target, account) =>
      runWebTransaction(transaction, run, spec, target, account),
  };
}

async function runWebTransaction(
  transaction: WebTransaction,
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
): Promise<Observation> {
  const request = transaction.request(spec, account);
  if (typeof request === "string") {
    return run.fault("transaction", "not_configured", request);
  }
  const served = await askLoggedIn(run, spec, target, account, request);
  if (served.kind === "ended") {
    return served.observation;
  }
  run.phase("transaction");
  const verdict = transaction.judge(served.answer, spec);
  if (verdict.kind !== "good") {
    const isFromExchange = verdict.kind === "bad" && verdict.reason !== "pattern_missing";
    if (isFromExchange) {
      run.login = "accepted";
    }
    const step = isFromExchange || provesLogin(served.answer, spec) ? "transaction" : "login";
    return observeFailure(run, spec, served.answer, verdict, step).observation;
  }
  run.login = "accepted";
  if (verdict.servedBy !== undefined) {
    run.servedBy = verdict.servedBy;
    run.exchangeSeen = true;
  }
  const further = await transaction.then?.(run, served, spec);
  return further ?? run.match("transaction", verdict.detail);
}

/** Observation of an unexpected response. The step is `login` until the login is proven. */
function observeFailure(
  run: ProbeRun,
  spec: TransactionSpec,
  answer: HttpAnswer,
  verdict: Exclude<WebServiceVerdict, { kind: "good" }>,
  step: "login" | "transaction",
): Ended {
  if (verdict.kind === "bad") {
    return mismatch(run, step, verdict.reason, verdict.detail);
  }
  if (isAdcLogin(answer, spec.adc)) {
    return mismatch(run, step, "sso_not_passed", summary(answer));
  }
  if (answer.status === 503 && answer.headers.get("retry-after") !== null) {
    return mismatch(run, step, "throttled", summary(answer));
  }
  const { reason, detail } = judgeError(answer, { vantage: run.context.vantage, spec });
  return mismatch(run, step, reason, detail);
}

const REQUEST_SCHEMA =
  "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006";
const RESPONSE_SCHEMA =
  "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

/** Autodiscover as Outlook sends it (MS-OXDSCLI): settings of the account's own mailbox, or a redirection. */
export const autodiscover = webTransaction({
  transaction: "autodiscover",
  request(spec, account) {
    if (account.address === null) {
      return "the account has no mail address";
    }
    return {
      method: "POST",
      path: spec.path ?? WEB_PATHS.autodiscover,
      headers: [["Content-Type", "text/xml; charset=utf-8"]],
      body:
        `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="${REQUEST_SCHEMA}"><Request>` +
        `<EMailAddress>${escapeXml(account.address)}</EMailAddress>` +
        `<AcceptableResponseSchema>${RESPONSE_SCHEMA}</AcceptableResponseSchema></Request></Autodiscover>`,
    };
  },
  judge(answer) {
    if (answer.status !== 200) {
      return { kind: "other" };
    }
    const xml = answer.body.toString("utf8");
    const error = /<ErrorCode>(\d+)<\/ErrorCode>\s*(?:<Message>([^<]*))?/.exec(xml);
    if (error !== null) {
      const detail = `error ${error[1] ?? ""}: ${error[2] ?? ""}`;
      return { kind: "bad", reason: "bad_status", detail };
    }
    if (/<(Account|RedirectAddr|RedirectUrl)>/.test(xml) && /<Response\b/.test(xml)) {
      return { kind: "good", detail: "settings of the mailbox" };
    }
    return {
      kind: "bad",
      reason: "pattern_missing",
      detail: "200 without an Autodiscover response",
    };
  },
});

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, (sign) => `&#${String(sign.charCodeAt(0))};`);
}

/**
 * ActiveSync's OPTIONS (MS-ASHTTP 2.2.3): covers front end, login and the mailbox's back end, but hardly the store. By
 * default the virtual directory offers Basic.
 */
export const easOptions = webTransaction({
  transaction: "eas_options",
  request: (spec) => ({ method: "OPTIONS", path: spec.path ?? WEB_PATHS.eas_options }),
  judge(answer) {
    const versions = answer.headers.get("ms-asprotocolversions");
    if (answer.status === 200 && versions !== null) {
      return { kind: "good", detail: `ActiveSync ${versions}` };
    }
    if (answer.status === 451 && answer.headers.get("x-ms-location") !== null) {
      return { kind: "good", detail: "the mailbox is at another site (451)" };
    }
    return answer.status === 200
      ? { kind: "bad", reason: "pattern_missing", detail: "200 without MS-ASProtocolVersions" }
      : { kind: "other" };
  },
});

/**
 * The connectivity page of MAPI over HTTP: the cheapest authenticated request that covers front end, login, mailbox location
 * and the back end's application pool. It names both servers. The virtual directory offers NTLM and Negotiate.
 */
export const mapiEndpoint = webTransaction({
  transaction: "mapi_endpoint",
  request: (spec) => ({ method: "GET", path: spec.path ?? WEB_PATHS.mapi_endpoint }),
  judge(answer) {
    if (answer.status !== 200) {
      return { kind: "other" };
    }
    const page = withoutTags(answer.body.toString("utf8"));
    if (!/MAPI\/HTTP Connectivity Endpoint/i.test(page)) {
      return {
        kind: "bad",
        reason: "pattern_missing",
        detail: "200 without the connectivity page",
      };
    }
    const frontEnd = nameOnMapiPage(page, "Cafe");
    const mailbox = nameOnMapiPage(page, "Mailbox");
    return {
      kind: "good",
      detail: `front end ${frontEnd ?? "not named"}, mailbox server ${mailbox ?? "not named"}`,
      ...(frontEnd === null ? {} : { servedBy: frontEnd }),
    };
  },
});

/** Replaces each tag with a space; an unclosed tag is left unchanged. */
function withoutTags(page: string): string {
  const parts: string[] = [];
  let at = 0;
  for (let open = page.indexOf("<"); open !== -1; open = page.indexOf("<", at)) {
    const close = page.indexOf(">", open);
    if (close === -1) {
      break;
    }
    parts.push(page.slice(at, open), " ");
    at = close + 1;
  }
  return [...parts, page.slice(at)].join("");
}

/**
 * The offline address book. Its manifest has a GUID in its path, which Autodiscover returns and `path` may give
 * (`/OAB/<guid>/oab.xml`). Without the GUID, Exchange refuses an authenticated request for the directory itself, which still
 * proves that the front end and the login work.
 */
export const oab = webTransaction({
  transaction: "oab",
  request: (spec) => ({ method: "GET", path: spec.path ?? WEB_PATHS.oab }),
  judge(answer, spec) {
    const manifest = /\/oab\.xml$/i.test(spec.path ?? "");
    const xml = answer.body.toString("utf8");
    if (manifest && answer.status === 200) {
      return /<OAL\b/.test(xml)
        ? { kind: "good", detail: "the manifest of the offline address book" }
        : { kind: "bad", reason: "pattern_missing", detail: "200 without a manifest" };
    }
    const refused = answer.status === 403 || answer.status === 404 || answer.status === 200;
    return !manifest && refused && (isExchange(answer) || spec.exchange === "2010")
      ? { kind: "good", detail: `logged in; the directory itself returns ${String(answer.status)}` }
      : { kind: "other" };
  },
});

/**
 * Outlook Anywhere's echo (MS-RPCH 2.1.2.1.5): the proxy answers an RPC_OUT_DATA request with a tiny body by `200 Success`,
 * without connecting to the mailbox. `rpc_server` names the destination, by default the host. A front end that does not know
 * the destination answers 404 `EndpointNotFound` after the login, which is sufficient.
 */
export const rpcEcho = webTransaction({
  transaction: "rpc_echo",
  request(spec) {
    const server = spec.options["rpc_server"] ?? spec.host;
    return {
      method: "RPC_OUT_DATA",
      path: spec.path ?? `${WEB_PATHS.rpc_echo}?${String(server)}:6001`,
      headers: [["Cache-Control", "no-cache"]],
      body: "",
    };
  },
  judge(answer) {
    const type = answer.headers.get("content-type") ?? "";
    if (answer.status === 200 && /^application\/rpc/i.test(type)) {
      return { kind: "good", detail: `echo of ${String(answer.body.length)} bytes` };
    }
    if (answer.status === 404 && answer.headers.get("x-caserrorcode") === "EndpointNotFound") {
      return { kind: "good", detail: "logged in; the front end does not know the destination" };
    }
    return answer.status === 200
      ? { kind: "bad", reason: "pattern_missing", detail: `200 of type ${type}` }
      : { kind: "other" };
  },
});

/**
 * GetFolder of the inbox over Exchange Web Services: covers login, back end and store. The request is then repeated with a
 * body of 64 KB (`padding_bytes`; 0 disables it), none of which is stored, because pre-authentication is known to lose large
 * POSTs.
 */
export const ewsFolder = webTransaction({
  transaction: "ews_folder",
  request: (spec) => getFolder(spec, 0),
  judge: judgeFolder,
  then: repeatPadded,
});

const DEFAULT_PADDING_BYTES = 64 * 1024;
const MAX_PADDING_BYTES = 1024 * 1024;

async function repeatPadded(
  run: ProbeRun,
  served: LoggedInAnswer,
  spec: TransactionSpec,
): Promise<Observation | null> {
  const padding = Number(spec.options["padding_bytes"] ?? DEFAULT_PADDING_BYTES);
  if (!(padding > 0)) {
    return null;
  }
  const size = Math.min(padding, MAX_PADDING_BYTES);
  if (served.repeatRequest === null) {
    const detail = "the connection was not kept alive, so no large body was sent";
    return run.match("transaction", `GetFolder inbox: NoError; ${detail}`);
  }
  const answer = await served.repeatRequest({ ...getFolder(spec, size), keepAlive: true });
  run.phase("transaction");
  if (answer.kind === "ended") {
    return observeLostPost(run, answer.observation, size);
  }
  const verdict = judgeFolder(answer);
  if (verdict.kind === "good") {
    return run.match("transaction", `${verdict.detail}; also with a body of ${String(size)} bytes`);
  }
  return observeLostPost(
    run,
    observeFailure(run, spec, answer, verdict, "transaction").observation,
    size,
    isExchange(answer),
  );
}

/** Through a VIP, if a small body is answered and a large one is lost, the ADC has lost it, not the server. */
function observeLostPost(
  run: ProbeRun,
  seen: Observation,
  size: number,
  serverAnswered = false,
): Observation {
  const detail = `a small body works, one of ${String(size)} bytes does not: ${seen.evidence.detail ?? seen.reason}`;
  const detailed = { ...seen, evidence: { ...seen.evidence, detail } };
  switch (detailed.outcome) {
    case "match":
    case "maintenance":
    case "fault":
      return detailed;
    default: {
      const wasSent = detailed.step !== "connect" && detailed.step !== "tls";
      return run.context.vantage !== "backend" && !serverAnswered && wasSent
        ? { ...detailed, reason: "post_lost", step: "transaction" }
        : detailed;
    }
  }
}

function getFolder(spec: TransactionSpec, padding: number): WebRequest {
  const comment = padding === 0 ? "" : `<!--${"x".repeat(padding)}-->`;
  return {
    method: "POST",
    path: spec.path ?? WEB_PATHS.ews_folder,
    headers: [["Content-Type", "text/xml; charset=utf-8"]],
    body:
      '<?xml version="1.0" encoding="utf-8"?>' +
      '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"' +
      ' xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"' +
      ' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">' +
      '<soap:Header><t:RequestServerVersion Version="Exchange2010"/></soap:Header>' +
      `<soap:Body>${comment}<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>` +
      '<m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></soap:Body></soap:Envelope>',
  };
}

/** EWS codes for an unavailable mailbox. */
const MAILBOX_UNAVAILABLE: ReadonlySet<string> = new Set([
  "ErrorMailboxStoreUnavailable",
  "ErrorMailboxMoveInProgress",
  "ErrorInternalServerTransientError",
  "ErrorConnectionFailed",
]);

function judgeFolder(answer: HttpAnswer): WebServiceVerdict {
  const xml = answer.body.toString("utf8");
  const code = /<(?:\w+:)?ResponseCode[^>]{0,200}>(\w+)</.exec(xml)?.[1];
  if (answer.status === 200 && /ResponseClass="Success"/.test(xml) && code === "NoError") {
    return { kind: "good", detail: "GetFolder inbox: NoError" };
  }
  if (code === undefined) {
    return answer.status === 200
      ? { kind: "bad", reason: "pattern_missing", detail: "200 without an EWS response" }
      : { kind: "other" };
  }
  if (code === "ErrorServerBusy") {
    return { kind: "bad", reason: "throttled", detail: code };
  }
  return MAILBOX_UNAVAILABLE.has(code)
    ? { kind: "bad", reason: "backend_unavailable", detail: code }
    : { kind: "bad", reason: "bad_status", detail: code };
}
