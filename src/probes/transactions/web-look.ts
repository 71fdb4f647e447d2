import type { Observation } from "../../model/observation.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import type { TransactionType } from "./spec.ts";
import { challengeSchemes, isAdcLogin, judgeError, summary } from "./web-answer.ts";
import { askWeb, openWeb } from "./web-session.ts";

/** What an anonymous request to a web service of any make comes to. */
type WebClass = "serves" | "challenges" | "refuses" | "broken";

/**
 * The look at a web service that is not known to be Exchange: one request at its own path. It serves or asks for a login
 * (both are well), refuses (a client without its Host, certificate or rights: nothing is known to fail), or is broken.
 */
export const webLook: TransactionType = {
  transaction: "web_answer",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const opened = await openWeb(run, spec, target);
      if (opened.kind === "ended") {
        return withoutOpinionOfTls(opened.observation);
      }
      const path = spec.path ?? "/";
      const answer = await askWeb(opened.connection, spec.host, { method: "GET", path });
      if (answer.kind === "ended") {
        return answer.observation;
      }
      if (isAdcLogin(answer, spec.adc)) {
        return run.mismatch("response", "aaa_login", summary(answer));
      }
      if (answer.status === 401) {
        run.authSchemes = [...challengeSchemes(answer)].sort().join(", ") || null;
      }
      return told(run, answer, classOf(answer), () =>
        judgeError(answer, { vantage: context.vantage, spec }),
      );
    }),
};

function classOf({ status }: HttpAnswer): WebClass {
  if (status === 401 || status === 407) {
    return "challenges";
  }
  if (status >= 500) {
    return "broken";
  }
  return status >= 400 ? "refuses" : "serves";
}

function told(
  run: ProbeRun,
  answer: HttpAnswer,
  found: WebClass,
  judge: () => Pick<ReturnType<typeof judgeError>, "reason" | "detail">,
): Observation {
  switch (found) {
    case "serves":
    case "challenges":
      return run.match("response", `${found}: ${summary(answer)}`);
    case "refuses":
      return run.fault("response", "policy_refused", `${found}: ${summary(answer)}`);
    case "broken": {
      const { reason, detail } = judge();
      return run.mismatch("response", reason, `${found}: ${detail}`);
    }
  }
}

/** Whether a client of this service would have more luck with its TLS (old versions, a certificate of its own), we cannot tell. */
function withoutOpinionOfTls(seen: Observation): Observation {
  switch (seen.outcome) {
    case "match":
    case "maintenance":
      return seen;
    default:
      return seen.step === "tls" ? { ...seen, outcome: "fault" } : seen;
  }
}
