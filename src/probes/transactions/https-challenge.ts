import { observe } from "../../net/probe-run.ts";
import type { TransactionType } from "./spec.ts";
import { challengeSchemes, judgeChallenge } from "./web-answer.ts";
import { CHALLENGE_PATH } from "./web-paths.ts";
import { askWeb, openWeb } from "./web-session.ts";

/**
 * The look at a virtual directory that needs no account: the member's own path answers as Exchange does, 401 with its
 * schemes or OWA's 302 to its login page. Tells the application pool, the back end, the ADC's error pages and the ADC's
 * login apart. At a vserver with a configured redirect, that redirect is what is expected.
 */
export const httpsChallenge: TransactionType = {
  transaction: "https_challenge",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const opened = await openWeb(run, spec, target);
      if (opened.kind === "ended") {
        return opened.observation;
      }
      const path = spec.path ?? CHALLENGE_PATH;
      const answer = await askWeb(opened.connection, spec.host, { method: "GET", path });
      if (answer.kind === "ended") {
        return answer.observation;
      }
      if (answer.status === 401) {
        run.authSchemes = [...challengeSchemes(answer)].sort().join(", ") || null;
      }
      const verdict = judgeChallenge(answer, { vantage: context.vantage, spec });
      return verdict.kind === "good"
        ? run.match("response", verdict.detail)
        : run.mismatch("response", verdict.reason, verdict.detail);
    }),
};
