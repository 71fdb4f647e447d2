import { webTransaction } from "./web-transaction.ts";
import { WEB_PATHS } from "./web-paths.ts";

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
