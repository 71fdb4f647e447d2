import type { Observation } from "../../model/observation.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { climbFormAaa } from "./aaa-form.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";
import { isAdcLogin, judgeChallenge, judgeError, summary } from "./web-answer.ts";
import { isNotLookedAt, unspoken } from "./web-login.ts";
import { redirectTarget, WebVisit } from "./web-visit.ts";
import { WEB_PATHS } from "./web-paths.ts";

/**
 * Outlook on the web by its form, as a browser: the redirect to the login page, the posted form, the cookies, and the
 * mailbox behind them. Where the ADC's AAA stands in front, its login is climbed first and has to pass the user on.
 */
export const owaForm: TransactionType = {
  transaction: "owa_form",
  needsAccount: true,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { account } = spec;
      if (account === null) {
        return run.fault("transaction", "not_configured", "no account is configured");
      }
      run.redact(account.password);
      const visit = new WebVisit(run, spec, target);
      const path = spec.path ?? WEB_PATHS.owa_form;
      const first = await visit.ask({ method: "GET", host: spec.host, path, step: "response" });
      if (first.kind === "ended") {
        return first.observation;
      }
      if (isAdcLogin(first, spec.adc)) {
        const through = await climbFormAaa(run, visit, spec, account, first);
        return through.kind === "ended"
          ? through.observation
          : judgeMailbox(run, spec, through.answer);
      }
      if (!leadsToLogon(first, spec.host)) {
        const verdict = judgeChallenge(first, { vantage: context.vantage, spec });
        return verdict.kind === "bad"
          ? run.mismatch("response", verdict.reason, verdict.detail)
          : unspoken(run, `no login form: ${verdict.detail}`).observation;
      }
      return logOn(run, visit, spec, account, path);
    }),
};

function leadsToLogon(answer: HttpAnswer, host: string): boolean {
  const next = redirectTarget(answer, host);
  return next !== null && /\/auth\/logon\.aspx/i.test(next.path);
}

async function logOn(
  run: ProbeRun,
  visit: WebVisit,
  spec: TransactionSpec,
  account: Account,
  path: string,
): Promise<Observation> {
  const scheme = spec.tls === null ? "http" : "https";
  const posted = await visit.ask({
    method: "POST",
    host: spec.host,
    path: "/owa/auth.owa",
    form: {
      destination: `${scheme}://${spec.host}${path}`,
      flags: "4",
      forcedownlevel: "0",
      username: account.username,
      password: account.password,
      passwordText: "",
      isUtf8: "1",
    },
    step: "login",
  });
  run.phase("login");
  if (posted.kind === "ended") {
    return posted.observation;
  }
  const next = redirectTarget(posted, spec.host);
  if (next === null) {
    run.login = isNotLookedAt(posted) ? "not_tried" : "unanswered";
    const { reason, detail } = judgeError(posted, { vantage: run.context.vantage, spec });
    return run.mismatch("login", reason, detail);
  }
  const refusal = logonRefusal(run, next.path);
  if (refusal !== null) {
    return refusal;
  }
  if (!visit.hasCookie("cadata")) {
    return run.mismatch("login", "bad_status", `no cadata cookie: ${summary(posted)}`);
  }
  run.login = "accepted";
  const mailbox = await visit.ask({
    method: "GET",
    host: spec.host,
    path,
    step: "transaction",
  });
  run.phase("transaction");
  return mailbox.kind === "ended" ? mailbox.observation : judgeMailbox(run, spec, mailbox);
}

/** `logon.aspx?reason=N`: 2 bad credentials, 4 password to be changed, 5 blocked by a client access rule. */
function logonRefusal(run: ProbeRun, path: string): Observation | null {
  if (!/\/auth\/logon\.aspx/i.test(path)) {
    return null;
  }
  const reason = /[?&]reason=(\d+)/i.exec(path)?.[1] ?? "";
  switch (reason) {
    case "4":
      run.login = "rejected";
      return run.fault("login", "auth_rejected", "the password has to be changed");
    case "5":
      run.login = "accepted";
      return run.mismatch("transaction", "bad_status", "a client access rule blocks the login");
    default:
      run.login = "rejected";
      return run.fault("login", "auth_rejected", `back at the login page, reason ${reason}`);
  }
}

function judgeMailbox(run: ProbeRun, spec: TransactionSpec, answer: HttpAnswer): Observation {
  const next = redirectTarget(answer, spec.host);
  if (next !== null && /\/errorFE\.aspx/i.test(next.path)) {
    return run.mismatch("transaction", "backend_unavailable", summary(answer));
  }
  if (next !== null && /\/auth\/logon\.aspx/i.test(next.path)) {
    const detail =
      "the cookies of the login are not accepted: servers behind it have different certificates";
    return run.mismatch("transaction", "redirect_loop", detail);
  }
  const good =
    (answer.status >= 200 && answer.status < 300) ||
    // A first logon asks for language and time zone.
    (next !== null && /\/(languageselection|auth\/expiredpassword)\.aspx/i.test(next.path));
  if (good) {
    run.login = "accepted";
    return run.match("transaction", `${String(answer.status)} after the login`);
  }
  const { reason, detail } = judgeError(answer, { vantage: run.context.vantage, spec });
  return run.mismatch("transaction", reason, detail);
}
