import { webTransaction } from "./web-transaction.ts";
import { WEB_PATHS } from "./web-paths.ts";
import { isExchange } from "./web-answer.ts";

const REQUEST_SCHEMA =
  "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006";
const RESPONSE_SCHEMA =
  "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

/** Autodiscover as Outlook asks (MS-OXDSCLI): settings of the account's own mailbox, or where to ask instead. */
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
    return { kind: "bad", reason: "pattern_missing", detail: "200 without an Autodiscover answer" };
  },
});

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, (sign) => `&#${String(sign.charCodeAt(0))};`);
}

/**
 * ActiveSync's OPTIONS (MS-ASHTTP 2.2.3): through the front end, the login and the mailbox's back end, hardly into the
 * store. By default the virtual directory offers Basic.
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
      return { kind: "good", detail: "the mailbox lives at another site (451)" };
    }
    return answer.status === 200
      ? { kind: "bad", reason: "pattern_missing", detail: "200 without MS-ASProtocolVersions" }
      : { kind: "other" };
  },
});

/**
 * The connectivity page of MAPI over HTTP: the cheapest logged-in request that goes through front end, login, mailbox
 * location and the back end's application pool, and names both servers. The virtual directory offers NTLM and Negotiate.
 */
export const mapiEndpoint = webTransaction({
  transaction: "mapi_endpoint",
  request: (spec) => ({ method: "GET", path: spec.path ?? WEB_PATHS.mapi_endpoint }),
  judge(answer) {
    if (answer.status !== 200) {
      return { kind: "other" };
    }
    const page = answer.body.toString("utf8").replace(/<[^>]*>/g, " ");
    if (!/MAPI\/HTTP Connectivity Endpoint/i.test(page)) {
      return {
        kind: "bad",
        reason: "pattern_missing",
        detail: "200 without the connectivity page",
      };
    }
    const frontEnd = named(page, "Cafe");
    const mailbox = named(page, "Mailbox");
    return {
      kind: "good",
      detail: `front end ${frontEnd ?? "not named"}, mailbox server ${mailbox ?? "not named"}`,
      ...(frontEnd === null ? {} : { servedBy: frontEnd }),
    };
  },
});

function named(page: string, field: string): string | null {
  const value = new RegExp(`\\b${field}:\\s*([A-Za-z0-9.-]+)`).exec(page)?.[1];
  return value === undefined ? null : value.toLowerCase();
}

/**
 * The offline address book. Its manifest has a GUID in its path, which Autodiscover tells and `path` may give
 * (`/OAB/<guid>/oab.xml`). Without it, a logged-in request for the directory itself is refused by Exchange, and that
 * shows as much as can be shown: the front end and the login work.
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
      ? { kind: "good", detail: `logged in; the directory itself answers ${String(answer.status)}` }
      : { kind: "other" };
  },
});

/**
 * Outlook Anywhere's echo (MS-RPCH 2.1.2.1.5): an RPC_OUT_DATA request with hardly a body is answered `200 Success` by the
 * proxy, without a connection to the mailbox. `rpc_server` names the destination, by default the host: a front end that
 * knows no such destination answers 404 `EndpointNotFound`, after the login, which is good enough.
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
      return { kind: "good", detail: "logged in; the front end knows no such destination" };
    }
    return answer.status === 200
      ? { kind: "bad", reason: "pattern_missing", detail: `200 of type ${type}` }
      : { kind: "other" };
  },
});
