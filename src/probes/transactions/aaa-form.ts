import type { HttpAnswer } from "../protocols/http-answer.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { ended, mismatch, type Ended } from "./line-session.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";
import { isAdcLogin, isExchange, summary } from "./web-answer.ts";
import { redirectTarget, type WebVisit } from "./web-visit.ts";

/** The page the ADC lets through to after its login. */
export interface LetThrough {
  readonly kind: "let_through";
  readonly answer: HttpAnswer;
  readonly path: string;
}

/** Redirects that are followed at most: real logins need three or four. */
const MOST_REDIRECTS = 10;

/**
 * Climbs the ADC's form-based login (AAA for traffic management), and says at which rung it ends: the challenge is given,
 * AAA accepts the credential, lets the user through, knows where to send him back to, and passes the login on. The
 * classic form (`/cgi/tmlogin`, fields `login` and `passwd`) is spoken; nFactor's dialogue is not (`second_factor`).
 * Names of paths by firmware are UNCONFIRMED; `aaa_login_path` and `aaa_username` override them.
 */
export async function climbFormAaa(
  run: ProbeRun,
  visit: WebVisit,
  spec: TransactionSpec,
  account: Account,
  challenge: HttpAnswer,
): Promise<LetThrough | Ended> {
  const loginAt = redirectTarget(challenge, spec.host);
  const host = loginAt?.host ?? spec.host;
  if (!isTrustedHost(host, spec)) {
    const detail = `the login is at ${host}, which the vserver does not name`;
    return mismatch(run, "response", "aaa_login", detail);
  }
  const posted = await visit.ask({
    method: "POST",
    host,
    path: String(spec.options["aaa_login_path"] ?? "/cgi/tmlogin"),
    form: {
      login: String(spec.options["aaa_username"] ?? account.username),
      passwd: account.password,
    },
    step: "login",
  });
  run.phase("login");
  if (posted.kind === "ended") {
    return posted;
  }
  const refusal = refusalOf(run, posted, host, spec);
  if (refusal !== null) {
    return refusal;
  }
  return follow(run, visit, spec, posted, host);
}

const LOGIN_FIELD = /<input\b[^>]*\bname=["']?login["'\s>]/i;
const PASSWORD_FIELD = /<input\b[^>]*\bname=["']?passwd["'\s>]/i;

/** A form goes to the vserver's own name or to that of its authentication vserver, nowhere else. */
function isTrustedHost(host: string, { adc, host: own }: TransactionSpec): boolean {
  const asked = host.toLowerCase();
  return asked === own.toLowerCase() || asked === adc?.authenticationHost?.toLowerCase();
}

/** What the ADC says to the posted form when it does not let the user in; null when it does. */
function refusalOf(
  run: ProbeRun,
  answer: HttpAnswer,
  host: string,
  spec: TransactionSpec,
): Ended | null {
  const text = answer.body.toString("latin1");
  if (/target url not found/i.test(text)) {
    return mismatch(
      run,
      "transaction",
      "aaa_no_target",
      "AAA does not know where to send the user",
    );
  }
  if (answer.status === 403) {
    return mismatch(run, "transaction", "aaa_not_authorized", summary(answer));
  }
  if (answer.status >= 400) {
    // Nothing tells whether anybody has looked at the credential.
    return mismatch(run, "login", "adc_error_page", summary(answer));
  }
  const back = redirectTarget(answer, host);
  const toLogin = back !== null && isAdcLogin(answer, spec.adc) && !/^\/owa\b/i.test(back.path);
  const errorCookie = answer.headers.all("set-cookie").some((line) => /^NSC_VPNERR=/i.test(line));
  if (toLogin || errorCookie) {
    return ended(run.fault("login", "aaa_rejected", summary(answer)));
  }
  if (back === null && answer.status === 200) {
    if (LOGIN_FIELD.test(text) && PASSWORD_FIELD.test(text)) {
      return ended(run.fault("login", "aaa_rejected", "AAA shows its login form again"));
    }
    return /type=.?password|passcode|one.?time|dlge/i.test(text)
      ? mismatch(run, "transaction", "second_factor", "AAA asks a second question")
      : mismatch(run, "transaction", "aaa_no_target", summary(answer));
  }
  return null;
}

/** From the login back to the application, through whatever redirects lie between. */
async function follow(
  run: ProbeRun,
  visit: WebVisit,
  spec: TransactionSpec,
  posted: HttpAnswer,
  loginHost: string,
): Promise<LetThrough | Ended> {
  let answer = posted;
  let host = loginHost;
  let path = "/";
  for (let hop = 0; hop < MOST_REDIRECTS; hop += 1) {
    const next = redirectTarget(answer, host);
    if (next === null) {
      return judgeArrival(run, answer, path);
    }
    if (hop > 0 && isAdcLogin(answer, spec.adc)) {
      return mismatch(run, "transaction", "redirect_loop", `back at AAA: ${summary(answer)}`);
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
  return mismatch(run, "transaction", "redirect_loop", `${String(MOST_REDIRECTS)} redirects`);
}

function judgeArrival(run: ProbeRun, answer: HttpAnswer, path: string): LetThrough | Ended {
  const fromExchange = isExchange(answer);
  if (answer.status === 403 && !fromExchange) {
    return mismatch(run, "transaction", "aaa_not_authorized", summary(answer));
  }
  if (answer.status === 401) {
    return mismatch(run, "transaction", "sso_not_passed", `asked again: ${summary(answer)}`);
  }
  if (/\/auth\/logon\.aspx/i.test(path)) {
    return mismatch(run, "transaction", "sso_not_passed", "Exchange's own login form is shown");
  }
  if (answer.status >= 500 && !fromExchange) {
    return mismatch(run, "transaction", "adc_error_page", summary(answer));
  }
  return { kind: "let_through", answer, path };
}
