import { webTransaction } from "./web-transaction.ts";
import { WEB_PATHS } from "./web-paths.ts";

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
