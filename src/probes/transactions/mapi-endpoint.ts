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
