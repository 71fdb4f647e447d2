import type { HttpAnswer } from "../protocols/http-answer.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { ended, mismatch, type Ended } from "./line-session.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";
import { isAdcLogin, isExchange, summary, judgeChallenge, judgeError } from "./web-answer.ts";
import { isCredentialUnchecked, schemeUnsupported } from "./web-login.ts";
import { redirectTarget, WebVisit } from "./web-visit.ts";
import {
  errorInCookie,
  readLoginPage,
  readNFactorAnswer,
  type NFactorAnswer,
} from "./aaa-login-page.ts";
import { parseUrl } from "../../lib/host-port.ts";
import { WEB_PATHS } from "./web-session.ts";
import type { Observation } from "../../model/observation.ts";
import type { TransactionType } from "../probe.ts";

/** The page after a login at the ADC's AAA. */
export interface AfterAaaLogin {
  readonly kind: "let_through";
  readonly answer: HttpAnswer;
  readonly path: string;
}

/** Maximum number of redirects; real logins need three or four. */
const MAX_REDIRECTS = 10;

/**
 * Logs in through the ADC's form-based login (AAA for traffic management), and reports the step that fails: challenge,
 * authentication, authorisation, redirect back, and single sign-on. The form's target is read from the login page. nFactor is
 * supported for user name and password; anything more ends at `second_factor`. `aaa_login_path` and `aaa_username` override
 * what the page says.
 */
async function loginThroughAaaForm(
  run: ProbeRun,
  visit: WebVisit,
  spec: TransactionSpec,
  account: Account,
  challenge: HttpAnswer,
): Promise<AfterAaaLogin | Ended> {
  const loginAt = redirectTarget(challenge, spec.host);
  const host = loginAt?.host ?? spec.host;
  if (!isTrustedHost(host, spec)) {
    return untrustedLoginHost(run, `the login is at ${host}`);
  }
  const form = await readLoginPage(visit, loginAt ?? { host, path: "/" }, (asked) =>
    isTrustedHost(asked, spec),
  );
  if (form.kind === "ended") {
    return form;
  }
  if (form.kind === "asks_for_more") {
    return mismatch(run, "transaction", "second_factor", form.detail);
  }
  if (!isTrustedHost(form.host, spec)) {
    return untrustedLoginHost(run, `the login form goes to ${form.host}`);
  }
  const username = String(spec.options["aaa_username"] ?? account.username);
  const posted = await visit.ask({
    method: "POST",
    host: form.host,
    path: String(spec.options["aaa_login_path"] ?? form.path),
    form: form.fields(username, account.password),
    step: "login",
  });
  run.phase("login");
  if (posted.kind === "ended") {
    return posted;
  }
  const refusal = aaaFormRefusal(run, posted, form.host, spec);
  return refusal ?? followRedirects(run, visit, spec, posted, form.host);
}

const LOGIN_FIELD = /<input\b[^>]{0,500}\bname=["']?login["'\s>]/i;
const PASSWORD_FIELD = /<input\b[^>]{0,500}\bname=["']?passwd["'\s>]/i;

/** Nothing was sent because configuration is missing; this is not an outage. */
function untrustedLoginHost(run: ProbeRun, where: string): Ended {
  return ended(
    run.fault("response", "aaa_login", `${where}, which is not configured at the vserver`),
  );
}

/** A form is sent only to the vserver's own name or to that of its authentication vserver. */
function isTrustedHost(host: string, { adc, host: own }: TransactionSpec): boolean {
  const asked = host.toLowerCase();
  return asked === own.toLowerCase() || asked === adc?.authenticationHost?.toLowerCase();
}

/** The failure in the ADC's response to the form; null on success. */
function aaaFormRefusal(
  run: ProbeRun,
  answer: HttpAnswer,
  host: string,
  spec: TransactionSpec,
): Ended | null {
  const text = answer.body.toString("latin1");
  if (setsSessionCookie(answer)) {
    run.login = "accepted";
  }
  if (/target url not found/i.test(text)) {
    return mismatch(
      run,
      "transaction",
      "aaa_no_target",
      "AAA has no redirect target after the login",
    );
  }
  if (answer.status === 403) {
    run.login = "accepted";
    return mismatch(run, "transaction", "aaa_not_authorized", summary(answer));
  }
  if (answer.status >= 400) {
    // It is unknown whether the credential was checked, unless the service is down.
    run.login = isCredentialUnchecked(answer) ? "not_tried" : "unanswered";
    return mismatch(run, "login", "adc_error_page", summary(answer));
  }
  const nFactor = readNFactorAnswer(answer);
  if (nFactor !== null) {
    return nFactorRefusal(run, nFactor);
  }
  const back = redirectTarget(answer, host);
  const toLogin = back !== null && isAdcLogin(answer, spec.adc) && !/^\/owa\b/i.test(back.path);
  const error = errorInCookie(answer);
  if (error?.isAccountFault === false) {
    const detail = `AAA cannot reach its authentication server (error ${error.code}): ${summary(answer)}`;
    return mismatch(run, "login", "adc_error_page", detail);
  }
  if (toLogin || error !== null) {
    run.login = "rejected";
    return ended(run.fault("login", "aaa_rejected", summary(answer)));
  }
  if (back === null && answer.status === 200) {
    if (LOGIN_FIELD.test(text) && PASSWORD_FIELD.test(text)) {
      run.login = "rejected";
      return ended(run.fault("login", "aaa_rejected", "AAA returned its login form again"));
    }
    return /type=.?password|passcode|one.?time|dlge/i.test(text)
      ? mismatch(run, "transaction", "second_factor", "AAA requires a second factor")
      : mismatch(run, "transaction", "aaa_no_target", summary(answer));
  }
  return null;
}

function nFactorRefusal(run: ProbeRun, answer: NFactorAnswer): Ended | null {
  switch (answer.kind) {
    case "success":
      run.login = "accepted";
      return null;
    case "rejected":
      run.login = "rejected";
      return ended(run.fault("login", "aaa_rejected", answer.detail));
    case "asks_for_more":
      return mismatch(run, "transaction", "second_factor", answer.detail);
    case "failed":
    case "other":
      return mismatch(run, "login", "adc_error_page", answer.detail);
  }
}

/** AAA's session cookie proves a login; page text proves nothing. */
function setsSessionCookie(answer: HttpAnswer): boolean {
  return answer.headers.all("set-cookie").some((line) => /^NSC_(TMAS|AAAC)=[^;\s]/i.test(line));
}

/** Follows the redirects from the login back to the application. */
async function followRedirects(
  run: ProbeRun,
  visit: WebVisit,
  spec: TransactionSpec,
  posted: HttpAnswer,
  loginHost: string,
): Promise<AfterAaaLogin | Ended> {
  let answer = posted;
  let host = loginHost;
  let path = "/";
  for (let hop = 0; hop < MAX_REDIRECTS; hop += 1) {
    const next = hop === 0 ? redirectAfterLogin(answer, host, spec) : redirectTarget(answer, host);
    if (next === null) {
      return judgePageAfterLogin(run, answer, path);
    }
    if (hop > 0 && isAdcLogin(answer, spec.adc)) {
      return mismatch(
        run,
        "transaction",
        "redirect_loop",
        `redirected back to AAA: ${summary(answer)}`,
      );
    }
    if (!isTrustedHost(next.host, spec)) {
      return mismatch(run, "transaction", "bad_status", `redirected to ${next.host}`);
    }
    ({ host, path } = next);
    const asked = await visit.ask({ method: "GET", host, path, step: "transaction" });
    run.phase("transaction");
    if (asked.kind === "ended") {
      return asked;
    }
    answer = asked;
  }
  return mismatch(run, "transaction", "redirect_loop", `${String(MAX_REDIRECTS)} redirects`);
}

/**
 * Where AAA redirects after the login: by a redirect, or by nFactor's answer, which may omit the target; then the requested
 * page is used.
 */
function redirectAfterLogin(
  answer: HttpAnswer,
  host: string,
  spec: TransactionSpec,
): ReturnType<typeof redirectTarget> {
  const result = readNFactorAnswer(answer);
  if (result?.kind !== "success") {
    return redirectTarget(answer, host);
  }
  const url = result.location === null ? null : parseUrl(result.location, `https://${host}/`);
  return url !== null && /^https?:$/.test(url.protocol)
    ? { host: url.hostname, path: `${url.pathname}${url.search}` }
    : { host: spec.host, path: spec.path ?? WEB_PATHS.owa_form };
}

function judgePageAfterLogin(
  run: ProbeRun,
  answer: HttpAnswer,
  path: string,
): AfterAaaLogin | Ended {
  const fromExchange = isExchange(answer);
  if (fromExchange) {
    run.login = "accepted";
  }
  if (answer.status === 403 && !fromExchange) {
    return mismatch(run, "transaction", "aaa_not_authorized", summary(answer));
  }
  if (answer.status === 401) {
    return mismatch(run, "transaction", "sso_not_passed", `prompted again: ${summary(answer)}`);
  }
  if (/\/auth\/logon\.aspx/i.test(path)) {
    return mismatch(run, "transaction", "sso_not_passed", "Exchange returned its own login form");
  }
  if (answer.status >= 500 && !fromExchange) {
    return mismatch(run, "transaction", "adc_error_page", summary(answer));
  }
  return { kind: "let_through", answer, path };
}

/**
 * Logs in to Outlook on the web by its form, like a browser: redirect to the login page, submitted form, cookies, mailbox. If
 * the ADC's AAA protects it, the probe logs in there first.
 */
export const owaForm: TransactionType = {
  transaction: "owa_form",
  needsAccount: true,
  transport: "tcp",
  probe: async (run, spec, target, account) => {
    const visit = new WebVisit(run, spec, target);
    const path = spec.path ?? WEB_PATHS.owa_form;
    const first = await visit.ask({ method: "GET", host: spec.host, path, step: "response" });
    if (first.kind === "ended") {
      return first.observation;
    }
    if (isAdcLogin(first, spec.adc)) {
      const through = await loginThroughAaaForm(run, visit, spec, account, first);
      return through.kind === "ended"
        ? through.observation
        : judgeMailbox(run, spec, through.answer);
    }
    if (!redirectsToLogon(first, spec.host)) {
      const verdict = judgeChallenge(first, { vantage: run.context.vantage, spec });
      return verdict.kind === "bad"
        ? run.mismatch("response", verdict.reason, verdict.detail)
        : schemeUnsupported(run, `no login form: ${verdict.detail}`).observation;
    }
    return logOnToOwa(run, visit, spec, account, path);
  },
};

function redirectsToLogon(answer: HttpAnswer, host: string): boolean {
  const next = redirectTarget(answer, host);
  return next !== null && /\/auth\/logon\.aspx/i.test(next.path);
}

async function logOnToOwa(
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
    run.login = isCredentialUnchecked(posted) ? "not_tried" : "unanswered";
    const { reason, detail } = judgeError(posted, { vantage: run.context.vantage, spec });
    return run.mismatch("login", reason, detail);
  }
  const refusal = owaLogonRefusal(run, next.path);
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
function owaLogonRefusal(run: ProbeRun, path: string): Observation | null {
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
      return run.fault(
        "login",
        "auth_rejected",
        `redirected back to the login page, reason ${reason}`,
      );
  }
}

function judgeMailbox(run: ProbeRun, spec: TransactionSpec, answer: HttpAnswer): Observation {
  const next = redirectTarget(answer, spec.host);
  if (next !== null && /\/errorFE\.aspx/i.test(next.path)) {
    return run.mismatch("transaction", "backend_unavailable", summary(answer));
  }
  if (next !== null && /\/auth\/logon\.aspx/i.test(next.path)) {
    const detail =
      "the login's cookies are not accepted: the servers behind the VIP have different certificates";
    return run.mismatch("transaction", "redirect_loop", detail);
  }
  const exception = exceptionMessage(answer);
  if (exception !== null) {
    run.login = "accepted";
    const detail = `Outlook on the web responded to the login with an error: ${exception}`;
    return run.mismatch("transaction", "backend_unavailable", detail);
  }
  const good =
    (answer.status >= 200 && answer.status < 300) ||
    // A first login requires language and time zone.
    (next !== null && /\/(languageselection|auth\/expiredpassword)\.aspx/i.test(next.path));
  if (good) {
    run.login = "accepted";
    return run.match("transaction", `${String(answer.status)} after the login`);
  }
  const { reason, detail } = judgeError(answer, { vantage: run.context.vantage, spec });
  return run.mismatch("transaction", reason, detail);
}

/**
 * The exception message on an error page of Exchange 2010, with any status: `The proxy CAS failed to authenticate to the
 * second CAS (it returned a 401)` if one front end refuses another. Null for any other page.
 */
function exceptionMessage({ body }: HttpAnswer): string | null {
  const text = body.toString("latin1").replaceAll(/<[^<>]{0,200}>/g, " ");
  const type = text.search(/\bException type:\s{0,20}Microsoft\.Exchange\./i);
  const thrown = /\bException message:\s{0,20}([^\r\n]{1,200})/i.exec(
    text.slice(type, type + 1_000),
  );
  return type === -1 ? null : (thrown?.[1]?.trim() ?? null);
}
