import type { Target } from "../../net/probe-context.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import type { TransactionSpec } from "../../model/transactions.ts";
import type { Ended } from "./line-session.ts";
import type { TransactionType } from "./spec.ts";
import {
  challengeSchemes,
  judgeChallenge,
  judgeLogonPage,
  nextPage,
  type WebVerdict,
} from "./web-answer.ts";
import { CHALLENGE_PATH } from "./web-paths.ts";
import { askWeb, openWeb } from "./web-session.ts";

/** Follows once to the page that a client would log in at: a redirect alone may lead in a circle, or to nothing. */
async function judgeLogon(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  path: string,
): Promise<WebVerdict | Ended> {
  const opened = await openWeb(run, spec, target);
  if (opened.kind === "ended") {
    return opened;
  }
  const page = await askWeb(opened.connection, spec.host, { method: "GET", path });
  return page.kind === "ended"
    ? page
    : judgeLogonPage(page, { vantage: run.context.vantage, spec });
}

/**
 * The look at a virtual directory that needs no account: the member's own path answers as Exchange does, 401 with its
 * schemes or OWA's 302 to its login page. Tells the application pool, the back end, the ADC's error pages and the ADC's
 * login apart. Where a server's OWA sends to its login page, that page is asked for too. At a vserver with a configured redirect, that
 * redirect is what is expected.
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
      const asked = { vantage: context.vantage, spec };
      const next = nextPage(answer, path, asked);
      // Through a VIP the second request may reach another server: the members' own looks tell about their login pages.
      const verdict =
        next.kind === "page" && context.vantage === "backend"
          ? await judgeLogon(run, spec, target, next.path)
          : next.kind === "loop"
            ? next.verdict
            : judgeChallenge(answer, asked);
      if (verdict.kind === "ended") {
        return verdict.observation;
      }
      return verdict.kind === "good"
        ? run.match("response", verdict.detail)
        : run.mismatch("response", verdict.reason, verdict.detail);
    }),
};
