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

/** A response to a request after a login that was not rejected. */
export interface LoggedInAnswer {
  readonly kind: "served";
  readonly answer: HttpAnswer;
  /** Sends a further request with the same login; null if the login was bound to a connection that is now closed. */
  readonly repeatRequest: ((request: WebRequest) => Promise<HttpAnswer | Ended>) | null;
  /** The authentication scheme, for the evidence. */
  readonly scheme: string;
}

/**
 * Sends a request that requires a login. The first request has no credential and no body, so the ADC's login, error pages and
 * public pages never receive a credential. Then logs in by NTLM (with channel binding) if offered, else by Basic.
 */
export async function askLoggedIn(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
  request: WebRequest,
): Promise<LoggedInAnswer | Ended> {
  const opened = await openWeb(run, spec, target);
  if (opened.kind === "ended") {
    return opened;
  }
  const withoutBody: WebRequest = request.body === undefined ? request : { ...request, body: "" };
  const challenge = await askWeb(opened.connection, spec.host, { ...withoutBody, keepAlive: true });
  if (challenge.kind === "ended") {
    return challenge;
  }
  if (challenge.status !== 401) {
    return notChallenged(run, spec, challenge);
  }
  const login: WebLogin = { run, spec, target, account, request, withoutBody };
  const connection = challenge.reusable ? opened.connection : null;
  const schemes = challengeSchemes(challenge);
  // Offers of an unauthenticated server are not recorded; they could only block logins to the right one.
  if (disclose(opened.connection, NO_SECRET, spec.allowPlaintext).kind === "disclosed") {
    run.context.network.schemes.rememberSchemes(target, request.path, schemes);
  }
  if (isAdcLogin(challenge, spec.adc)) {
    return schemes.includes("basic")
      ? loginThroughAaaBasic(login, connection, schemes)
      : schemeUnsupported(run, `the ADC's login offers only ${schemes.join(", ")}`);
  }
  switch (chooseScheme(schemes, spec)) {
    case "ntlm":
      return loginByNtlm(login, connection, "NTLM");
    case "negotiate":
      return loginByNtlm(login, connection, "Negotiate");
    case "basic":
      return judgeLogin(login, await loginByBasic(login, connection));
    case null:
      return schemeUnsupported(run, `offers ${schemes.join(", ")}`);
  }
}

interface WebLogin {
  readonly run: ProbeRun;
  readonly spec: TransactionSpec;
  readonly target: Target;
  readonly account: Account;
  readonly request: WebRequest;
  /** The same request without its body, for the steps of a handshake. */
  readonly withoutBody: WebRequest;
}

interface LoginAnswer {
  readonly kind: "tried";
  readonly answer: HttpAnswer;
  readonly connection: Connection;
  readonly scheme: string;
  /** Sent with every request of this login; null if the connection itself is authenticated (NTLM). */
  readonly authorization: string | null;
}

/** No login was requested: the response is interpreted as in the anonymous look. */
function notChallenged(run: ProbeRun, spec: TransactionSpec, answer: HttpAnswer): Ended {
  const verdict = judgeChallenge(answer, { vantage: run.context.vantage, spec });
  return verdict.kind === "bad"
    ? mismatch(run, "response", verdict.reason, verdict.detail)
    : schemeUnsupported(run, `no login is required: ${verdict.detail}`);
}

/** Unsupported schemes (only OAuth or Kerberos, another login page) say nothing about the server. */
export function schemeUnsupported(run: ProbeRun, detail: string): Ended {
  return ended(run.fault("response", "scheme_unsupported", detail));
}

/** `options.auth` may require one: `ntlm`, `negotiate` or `basic`. */
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
async function loginByBasic(
  login: WebLogin,
  open: Connection | null,
): Promise<LoginAnswer | Ended> {
  const { run, spec, target, account, request } = login;
  const insisted = spec.options["auth"] === "basic";
  if (!insisted && run.context.network.schemes.allowsBasic(target, request.path) === false) {
    const detail = "NTLM or Negotiate was offered before: Basic is used only with auth: basic";
    return ended(run.fault("response", "auth_schemes_differ", detail));
  }
  const connection = await reuseOrOpen(login, open);
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

async function loginByNtlm(
  login: WebLogin,
  open: Connection | null,
  scheme: "NTLM" | "Negotiate",
): Promise<LoggedInAnswer | Ended> {
  const { run, spec, account, request, withoutBody } = login;
  const opened = await reuseOrOpen(login, open);
  if (opened.kind === "ended") {
    return opened;
  }
  const { connection } = opened;
  // The server is authenticated before the first message, which requests a challenge only for a login.
  const password = disclose(connection, account.password, spec.allowPlaintext);
  if (password.kind === "withheld") {
    return ended(password.observation);
  }
  const certificate =
    spec.options["channel_binding"] === false ? null : (connection.peerCertificate?.raw ?? null);
  const handshake = ntlmLogin({
    credential: ntlmCredential(account.username, password.text, account.domain),
    workstation: "ADC-WITNESS",
    host: spec.host,
    certificate,
    now: run.context.now(),
    scheme,
  });
  const first = await askWeb(connection, spec.host, {
    ...withAuthorization(withoutBody, handshake.first),
    keepAlive: true,
  });
  if (first.kind === "ended") {
    return first;
  }
  const second = handshake.second(first.headers.all("www-authenticate"));
  if (second === null && scheme === "Negotiate" && first.status === 401) {
    return schemeUnsupported(run, `Negotiate supports only Kerberos, not NTLM: ${summary(first)}`);
  }
  if (second === null || !first.reusable) {
    return mismatch(
      run,
      "response",
      "protocol_error",
      `the ${scheme} handshake does not continue: ${summary(first)}`,
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
    : judgeLogin(login, { kind: "tried", answer, connection, scheme, authorization: null });
}

function withAuthorization(request: WebRequest, authorization: string): WebRequest {
  return {
    ...request,
    headers: [...(request.headers ?? []), ["Authorization", authorization]],
  };
}

/** The response is not from the application (RFC 9110, RFC 6585) but from a device in front of it. */
export function isCredentialUnchecked({ status }: HttpAnswer): boolean {
  return status === 429 || status === 503;
}

/** The login succeeded unless 401 is repeated. */
function judgeLogin(login: WebLogin, tried: LoginAnswer | Ended): LoggedInAnswer | Ended {
  if (tried.kind === "ended") {
    return tried;
  }
  const { answer, scheme } = tried;
  const { run, spec } = login;
  if (answer.status === 401) {
    run.login = "rejected";
    return ended(run.fault("login", "auth_rejected", `${scheme}: ${summary(answer)}`));
  }
  if (provesLogin(answer, spec)) {
    run.login = "accepted";
  } else if (isCredentialUnchecked(answer)) {
    run.login = "not_tried";
  }
  return { kind: "served", answer, scheme, repeatRequest: repeatWithLogin(login, tried) };
}

function repeatWithLogin(login: WebLogin, tried: LoginAnswer): LoggedInAnswer["repeatRequest"] {
  const { answer, connection, authorization } = tried;
  const kept = answer.reusable ? connection : null;
  if (authorization === null) {
    return kept === null
      ? null
      : (request) => askWeb(kept, login.spec.host, { step: "transaction", ...request });
  }
  return async (request) => {
    const opened = await reuseOrOpen(login, kept);
    if (opened.kind === "ended") {
      return opened;
    }
    const again = disclose(opened.connection, NO_SECRET, login.spec.allowPlaintext);
    return again.kind === "withheld"
      ? ended(again.observation)
      : askWeb(opened.connection, login.spec.host, {
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
  login: WebLogin,
  open: Connection | null,
  offered: readonly string[],
): Promise<LoggedInAnswer | Ended> {
  const { run } = login;
  const tried = await loginByBasic(login, open);
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
      ? mismatch(run, "transaction", "sso_not_passed", `Exchange prompts again: ${summary(answer)}`)
      : ended(run.fault("login", "aaa_rejected", summary(answer)));
  }
  if (answer.status === 403 && !fromExchange) {
    // AAA authenticates before it authorises.
    run.login = "accepted";
    return mismatch(run, "transaction", "aaa_not_authorized", summary(answer));
  }
  if (answer.status >= 500 && !fromExchange) {
    // It is unknown whether AAA had accepted the credential.
    run.login = isCredentialUnchecked(answer) ? "not_tried" : "unanswered";
    return mismatch(run, "login", "adc_error_page", summary(answer));
  }
  return judgeLogin(login, tried);
}

async function reuseOrOpen(
  { run, spec, target }: WebLogin,
  open: Connection | null,
): Promise<{ readonly kind: "open"; readonly connection: Connection } | Ended> {
  return open === null ? openWeb(run, spec, target) : { kind: "open", connection: open };
}
