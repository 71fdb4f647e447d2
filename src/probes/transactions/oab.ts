import { isExchange } from "./web-answer.ts";
import { webTransaction } from "./web-transaction.ts";
import { WEB_PATHS } from "./web-paths.ts";

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
