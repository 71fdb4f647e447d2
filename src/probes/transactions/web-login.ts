import { ntlmCredential, ntlmLogin } from "../ntlm/http-scheme.ts";
import type { Target } from "../../net/probe-context.ts";
import type { Connection } from "../../net/connection.ts";
import { disclose } from "../../net/server-proof.ts";
import { NO_SECRET } from "../../lib/secret.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { ended, mismatch, type Ended } from "./line-session.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";
import { challengeSchemes, isAdcLogin, isExchange, judgeChallenge, summary } from "./web-answer.ts";
import { askWeb, openWeb, type WebRequest } from "./web-session.ts";

/** An answer to a request that was let in. */
export interface Served {
  readonly kind: "served";
  readonly answer: HttpAnswer;
  /** Asks more on the same login; null where that would need another login, since the connection carried it and is gone. */
  readonly again: ((request: WebRequest) => Promise<HttpAnswer | Ended>) | null;
  /** How it was let in, for the evidence. */
  readonly scheme: string;
}

/**
 * Makes a request that needs a login. The challenge is asked for first, without credential and body: so the ADC's login,
 * error pages and a page that asks for nothing never see one. Then NTLM (with channel binding) where offered, else Basic.
 */
export async function askLoggedIn(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
  request: WebRequest,
): Promise<Served | Ended> {
  const opened = await openWeb(run, spec, target);
  if (opened.kind === "ended") {
    return opened;
  }
  const emptied: WebRequest = request.body === undefined ? request : { ...request, body: "" };
  const challenge = await askWeb(opened.connection, spec.host, { ...emptied, keepAlive: true });
  if (challenge.kind === "ended") {
    return challenge;
  }
  if (challenge.status !== 401) {
    return notChallenged(run, spec, challenge);
  }
  const attempt: Attempt = { run, spec, target, account, request, emptied };
  const connection = challenge.reusable ? opened.connection : null;
  const schemes = challengeSchemes(challenge);
  // Offers of an unauthenticated server are not recorded; they could only block logins to the right one.
  if (disclose(opened.connection, NO_SECRET, spec.allowPlaintext).kind === "disclosed") {
    run.context.network.schemes.rememberSchemes(target, request.path, schemes);
  }
  if (isAdcLogin(challenge, spec.adc)) {
    return schemes.includes("basic")
      ? loginThroughAaaBasic(attempt, connection, schemes)
      : unspoken(run, `the ADC's login offers ${schemes.join(", ")}`);
  }
  switch (chooseScheme(schemes, spec)) {
    case "ntlm":
      return byNtlm(attempt, connection, "NTLM");
    case "negotiate":
      return byNtlm(attempt, connection, "Negotiate");
    case "basic":
      return judged(attempt, await byBasic(attempt, connection));
    case null:
      return unspoken(run, `offers ${schemes.join(", ")}`);
  }
}

interface Attempt {
  readonly run: ProbeRun;
  readonly spec: TransactionSpec;
  readonly target: Target;
  readonly account: Account;
  readonly request: WebRequest;
  /** The same without its body, for the steps of a handshake. */
  readonly emptied: WebRequest;
}

interface Tried {
  readonly kind: "tried";
  readonly answer: HttpAnswer;
  readonly connection: Connection;
  readonly scheme: string;
  /** Goes with every request of this login; null where the connection itself is logged in (NTLM). */
  readonly authorization: string | null;
}

/** No login was requested: the response is interpreted as in the anonymous look. */
function notChallenged(run: ProbeRun, spec: TransactionSpec, answer: HttpAnswer): Ended {
  const verdict = judgeChallenge(answer, { vantage: run.context.vantage, spec });
  return verdict.kind === "bad"
    ? mismatch(run, "response", verdict.reason, verdict.detail)
    : unspoken(run, `no login is asked for: ${verdict.detail}`);
}

/** Unsupported schemes (only OAuth or Kerberos, another login page) say nothing about the server. */
export function unspoken(run: ProbeRun, detail: string): Ended {
  return ended(run.fault("response", "scheme_unsupported", detail));
}

/** `options.auth` may insist on one: `ntlm`, `negotiate` or `basic`. */
function chooseScheme(
  offered: readonly string[],
  { options }: TransactionSpec,
): "ntlm" | "negotiate" | "basic" | null {
  const wanted = options["auth"];
  const known = (["ntlm", "negotiate", "basic"] as const).filter(
    (scheme) => wanted === undefined || wanted === scheme,
  );
  return known.find((scheme) => offered.includes(scheme)) ?? null;
}

/** Basic sends the password itself, so it is never used where NTLM or Negotiate was once offered. */
async function byBasic(attempt: Attempt, open: Connection | null): Promise<Tried | Ended> {
  const { run, spec, target, account, request } = attempt;
  const insisted = spec.options["auth"] === "basic";
  if (!insisted && run.context.network.schemes.allowsBasic(target, request.path) === false) {
    const detail = "offered NTLM or Negotiate before: no password by Basic without auth: basic";
    return ended(run.fault("response", "auth_schemes_differ", detail));
  }
  const connection = await reopen(attempt, open);
  if (connection.kind === "ended") {
    return connection;
  }
  const password = disclose(connection.connection, account.password, spec.allowPlaintext);
  if (password.kind === "withheld") {
    return ended(password.observation);
  }
  const token = Buffer.from(`${account.username}:${password.text}`, "utf8").toString("base64");
  run.redact(token);
  const authorization = `Basic ${token}`;
  run.login = "unanswered";
  const answer = await askWeb(connection.connection, spec.host, {
    ...withAuthorization(request, authorization),
    keepAlive: true,
    step: "login",
  });
  run.phase("login");
  return answer.kind === "ended"
    ? answer
    : { kind: "tried", answer, connection: connection.connection, scheme: "Basic", authorization };
}

async function byNtlm(
  attempt: Attempt,
  open: Connection | null,
  scheme: "NTLM" | "Negotiate",
): Promise<Served | Ended> {
  const { run, spec, account, request, emptied } = attempt;
  const opened = await reopen(attempt, open);
  if (opened.kind === "ended") {
    return opened;
  }
  const { connection } = opened;
  // Before the first message already: it asks for a challenge that only a login needs.
  const password = disclose(connection, account.password, spec.allowPlaintext);
  if (password.kind === "withheld") {
    return ended(password.observation);
  }
  const certificate =
    spec.options["channel_binding"] === false ? null : (connection.peerCertificate?.raw ?? null);
  const login = ntlmLogin({
    credential: ntlmCredential(account.username, password.text, account.domain),
    workstation: "ADC-WITNESS",
    host: spec.host,
    certificate,
    now: run.context.now(),
    scheme,
  });
  const first = await askWeb(connection, spec.host, {
    ...withAuthorization(emptied, login.first),
    keepAlive: true,
  });
  if (first.kind === "ended") {
    return first;
  }
  const second = login.second(first.headers.all("www-authenticate"));
  if (second === null && scheme === "Negotiate" && first.status === 401) {
    return unspoken(run, `Negotiate takes no NTLM, only Kerberos: ${summary(first)}`);
  }
  if (second === null || !first.reusable) {
    return mismatch(
      run,
      "response",
      "protocol_error",
      `the ${scheme} handshake does not go on: ${summary(first)}`,
    );
  }
  run.channelBound = certificate !== null;
  run.login = "unanswered";
  const answer = await askWeb(connection, spec.host, {
    ...withAuthorization(request, second),
    keepAlive: true,
    step: "login",
  });
  run.phase("login");
  return answer.kind === "ended"
    ? answer
    : judged(attempt, { kind: "tried", answer, connection, scheme, authorization: null });
}

function withAuthorization(request: WebRequest, authorization: string): WebRequest {
  return {
    ...request,
    headers: [...(request.headers ?? []), ["Authorization", authorization]],
  };
}

/** The response is not from the application (RFC 9110, RFC 6585) but from a device in front of it. */
export function isNotLookedAt({ status }: HttpAnswer): boolean {
  return status === 429 || status === 503;
}

/** The login succeeded unless 401 is repeated. */
function judged(attempt: Attempt, tried: Tried | Ended): Served | Ended {
  if (tried.kind === "ended") {
    return tried;
  }
  const { answer, scheme } = tried;
  const { run, spec } = attempt;
  if (answer.status === 401) {
    run.login = "rejected";
    return ended(run.fault("login", "auth_rejected", `${scheme}: ${summary(answer)}`));
  }
  if (provesLogin(answer, spec)) {
    run.login = "accepted";
  } else if (isNotLookedAt(answer)) {
    run.login = "not_tried";
  }
  return { kind: "served", answer, scheme, again: againOn(attempt, tried) };
}

function againOn(attempt: Attempt, tried: Tried): Served["again"] {
  const { answer, connection, authorization } = tried;
  const kept = answer.reusable ? connection : null;
  if (authorization === null) {
    return kept === null
      ? null
      : (request) => askWeb(kept, attempt.spec.host, { step: "transaction", ...request });
  }
  return async (request) => {
    const opened = await reopen(attempt, kept);
    if (opened.kind === "ended") {
      return opened;
    }
    const again = disclose(opened.connection, NO_SECRET, attempt.spec.allowPlaintext);
    return again.kind === "withheld"
      ? ended(again.observation)
      : askWeb(opened.connection, attempt.spec.host, {
          step: "transaction",
          ...withAuthorization(request, authorization),
        });
  };
}

/**
 * Whether a response proves that the credential was accepted: only Exchange's response other than 401 does. An error or a page
 * of a device in between proves nothing. Exchange 2010 has no identifying header.
 */
export function provesLogin(answer: HttpAnswer, { exchange }: TransactionSpec): boolean {
  return isExchange(answer) || (exchange === "2010" && answer.status < 500);
}

/** The steps of the ADC's 401-based login: authentication, authorisation, and single sign-on to Exchange. */
async function loginThroughAaaBasic(
  attempt: Attempt,
  open: Connection | null,
  offered: readonly string[],
): Promise<Served | Ended> {
  const { run } = attempt;
  const tried = await byBasic(attempt, open);
  if (tried.kind === "ended") {
    return tried;
  }
  const { answer } = tried;
  const fromExchange = isExchange(answer);
  if (answer.status === 401) {
    // A challenge with a scheme that AAA did not offer comes from the server behind it, even without identifying headers.
    const asksOtherwise = challengeSchemes(answer).some((scheme) => !offered.includes(scheme));
    const isBehind = fromExchange || asksOtherwise;
    run.login = isBehind ? "accepted" : "rejected";
    return isBehind
      ? mismatch(run, "transaction", "sso_not_passed", `Exchange asks again: ${summary(answer)}`)
      : ended(run.fault("login", "aaa_rejected", summary(answer)));
  }
  if (answer.status === 403 && !fromExchange) {
    // AAA authenticates before it authorises.
    run.login = "accepted";
    return mismatch(run, "transaction", "aaa_not_authorized", summary(answer));
  }
  if (answer.status >= 500 && !fromExchange) {
    // It is unknown whether AAA had accepted the credential.
    run.login = isNotLookedAt(answer) ? "not_tried" : "unanswered";
    return mismatch(run, "login", "adc_error_page", summary(answer));
  }
  return judged(attempt, tried);
}

async function reopen(
  { run, spec, target }: Attempt,
  open: Connection | null,
): Promise<{ readonly kind: "open"; readonly connection: Connection } | Ended> {
  return open === null ? openWeb(run, spec, target) : { kind: "open", connection: open };
}
