import type { Observation } from "../../model/observation.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import type { TransactionSpec } from "../../model/transactions.ts";
import { failed, webTransaction, type ServedVerdict } from "./web-transaction.ts";
import type { Served } from "./web-login.ts";
import type { WebRequest } from "./web-session.ts";
import { WEB_PATHS } from "./web-paths.ts";
import { isExchange } from "./web-answer.ts";

/**
 * GetFolder of the inbox over Exchange Web Services: login, back end and store. Then the same is asked again in a body of
 * 64 KB (`padding_bytes`; 0: not), nothing of which is stored: authentication in front is known to lose large POSTs.
 */
export const ewsFolder = webTransaction({
  transaction: "ews_folder",
  request: (spec) => getFolder(spec, 0),
  judge: judgeFolder,
  then: askPadded,
});

const DEFAULT_PADDING_BYTES = 64 * 1024;
const MAX_PADDING_BYTES = 1024 * 1024;

async function askPadded(
  run: ProbeRun,
  served: Served,
  spec: TransactionSpec,
): Promise<Observation | null> {
  const padding = Number(spec.options["padding_bytes"] ?? DEFAULT_PADDING_BYTES);
  if (!(padding > 0)) {
    return null;
  }
  const size = Math.min(padding, MAX_PADDING_BYTES);
  if (served.again === null) {
    const detail = "the connection was not kept, so that a large body was not tried";
    return run.match("transaction", `GetFolder inbox: NoError; ${detail}`);
  }
  const answer = await served.again({ ...getFolder(spec, size), keepAlive: true });
  run.phase("transaction");
  if (answer.kind === "ended") {
    return lostOnTheWay(run, answer.observation, size);
  }
  const verdict = judgeFolder(answer);
  if (verdict.kind === "good") {
    return run.match("transaction", `${verdict.detail}; a body of ${String(size)} bytes as well`);
  }
  return lostOnTheWay(
    run,
    failed(run, spec, answer, verdict, "transaction").observation,
    size,
    isExchange(answer),
  );
}

/** Through a VIP, what answers a small body and never sees a large one is not the server: the ADC has lost it. */
function lostOnTheWay(
  run: ProbeRun,
  seen: Observation,
  size: number,
  serverAnswered = false,
): Observation {
  const detail = `a small body works, one of ${String(size)} bytes does not: ${seen.evidence.detail ?? seen.reason}`;
  const told = { ...seen, evidence: { ...seen.evidence, detail } };
  switch (told.outcome) {
    case "match":
    case "maintenance":
    case "fault":
      return told;
    default: {
      const wasSent = told.step !== "connect" && told.step !== "tls";
      return run.context.vantage !== "backend" && !serverAnswered && wasSent
        ? { ...told, reason: "post_lost", step: "transaction" }
        : told;
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

/** Codes of EWS that say: the mailbox cannot be had now. */
const MAILBOX_SIDE: ReadonlySet<string> = new Set([
  "ErrorMailboxStoreUnavailable",
  "ErrorMailboxMoveInProgress",
  "ErrorInternalServerTransientError",
  "ErrorConnectionFailed",
]);

function judgeFolder(answer: HttpAnswer): ServedVerdict {
  const xml = answer.body.toString("utf8");
  const code = /<(?:\w+:)?ResponseCode[^>]{0,200}>(\w+)</.exec(xml)?.[1];
  if (answer.status === 200 && /ResponseClass="Success"/.test(xml) && code === "NoError") {
    return { kind: "good", detail: "GetFolder inbox: NoError" };
  }
  if (code === undefined) {
    return answer.status === 200
      ? { kind: "bad", reason: "pattern_missing", detail: "200 without an answer of EWS" }
      : { kind: "other" };
  }
  if (code === "ErrorServerBusy") {
    return { kind: "bad", reason: "throttled", detail: code };
  }
  return MAILBOX_SIDE.has(code)
    ? { kind: "bad", reason: "backend_unavailable", detail: code }
    : { kind: "bad", reason: "bad_status", detail: code };
}
