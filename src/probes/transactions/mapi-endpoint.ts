import { nameOnMapiPage } from "../wire/exchange-signs.ts";
import { webTransaction } from "./web-transaction.ts";
import { WEB_PATHS } from "./web-paths.ts";

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
    const frontEnd = nameOnMapiPage(page, "Cafe");
    const mailbox = nameOnMapiPage(page, "Mailbox");
    return {
      kind: "good",
      detail: `front end ${frontEnd ?? "not named"}, mailbox server ${mailbox ?? "not named"}`,
      ...(frontEnd === null ? {} : { servedBy: frontEnd }),
    };
  },
});
