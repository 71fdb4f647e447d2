import type { Observation } from "../../model/observation.ts";
import type { Connection } from "../../net/connection.ts";
import { signsOfHealthBody } from "../../model/exchange-signs.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import type { TransactionType } from "./spec.ts";
import { isAdcLogin, isExchange, judgeError, summary } from "./web-answer.ts";
import { askWeb, openWeb } from "./web-session.ts";

/**
 * `healthcheck.htm` of a virtual directory: who answers, and whether Exchange's component state lets it answer. It is no
 * opinion about the service: the page speaks from that state alone. A component that is not active has the request
 * aborted without an answer (`component_offline`); a lone reset looks alike, so detection asks another URL too.
 */
export const healthPage: TransactionType = {
  transaction: "health_page",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const opened = await openWeb(run, spec, target);
      if (opened.kind === "ended") {
        return opened.observation;
      }
      const path = healthPath(spec.path);
      const answer = await askWeb(opened.connection, spec.host, { method: "GET", path });
      if (answer.kind === "ended") {
        return aborted(run, opened.connection, answer.observation);
      }
      const signs = signsOfHealthBody(answer.body.toString("latin1"));
      if (answer.status === 200 && signs.exchangeSeen) {
        run.sign(signs);
        return run.match("response", answer.body.toString("latin1").trim());
      }
      if (answer.status === 200) {
        return run.mismatch("response", "pattern_missing", `another page: ${summary(answer)}`);
      }
      if (isAdcLogin(answer, spec.adc) || (answer.status === 401 && !isExchange(answer))) {
        return run.mismatch("response", "aaa_login", summary(answer));
      }
      const { reason, detail } = judgeError(answer, { vantage: context.vantage, spec });
      return run.mismatch("response", reason, detail);
    }),
};

/** The health page of a virtual directory: `/owa/` and `/owa/healthcheck.htm` both mean the latter. */
export function healthPath(path: string | null): string {
  const asked = path ?? "/owa/";
  if (/\/healthcheck\.htm$/i.test(asked)) {
    return asked;
  }
  const directory = /^\/[^/?]+/.exec(asked)?.[0] ?? "/owa";
  return `${directory}/healthcheck.htm`;
}

/** Closed or reset after the request, with no byte of an answer. */
function aborted(run: ProbeRun, { bytesReceived }: Connection, seen: Observation): Observation {
  const cut = seen.reason === "closed_without_data" || seen.reason === "reset";
  return cut && bytesReceived === 0
    ? run.ended("failed", "response", "component_offline", "the request was aborted unanswered")
    : seen;
}
