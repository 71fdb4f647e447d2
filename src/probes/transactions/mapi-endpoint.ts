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
    const page = withoutTags(answer.body.toString("utf8"));
    if (!/MAPI\/HTTP Connectivity Endpoint/i.test(page)) {
      return {
        kind: "bad",
        reason: "pattern_missing",
        detail: "200 without the connectivity page",
      };
    }
    const frontEnd = serverIn(page, FRONT_END);
    const mailbox = serverIn(page, MAILBOX);
    return {
      kind: "good",
      detail: `front end ${frontEnd ?? "not named"}, mailbox server ${mailbox ?? "not named"}`,
      ...(frontEnd === null ? {} : { servedBy: frontEnd }),
    };
  },
});

const FRONT_END = /\bCafe:\s*([A-Za-z0-9.-]+)/;
const MAILBOX = /\bMailbox:\s*([A-Za-z0-9.-]+)/;

function serverIn(page: string, field: RegExp): string | null {
  return field.exec(page)?.[1]?.toLowerCase() ?? null;
}

/** Puts a space in the place of each tag; what opens a tag that never ends stays as it is. */
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
