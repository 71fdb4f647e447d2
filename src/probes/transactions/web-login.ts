import { ntlmCredential, ntlmLogin } from "../ntlm/http-scheme.ts";
import type { Target } from "../../net/probe-context.ts";
import type { Connection } from "../../net/connection.ts";
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
  if (isAdcLogin(challenge, spec.adc)) {
    return climbBasicAaa(attempt, connection);
  }
  switch (chooseScheme(schemes, spec)) {
    case "ntlm":
      return byNtlm(attempt, connection, "NTLM");
    case "negotiate":
      return byNtlm(attempt, connection, "Negotiate");
    case "basic":
      return judged(attempt, await byBasic(attempt, connection));
    case null:
      return mismatch(run, "response", "auth_schemes_differ", `offers ${schemes.join(", ")}`);
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

/** Nobody asked for a login: what is there instead tells the same as it tells the look without an account. */
function notChallenged(run: ProbeRun, spec: TransactionSpec, answer: HttpAnswer): Ended {
  const verdict = judgeChallenge(answer, { vantage: run.context.vantage, spec });
  return verdict.kind === "bad"
    ? mismatch(run, "response", verdict.reason, verdict.detail)
    : mismatch(run, "response", "auth_schemes_differ", `no login is asked for: ${verdict.detail}`);
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

async function byBasic(attempt: Attempt, open: Connection | null): Promise<Tried | Ended> {
  const { run, spec, account, request } = attempt;
  const connection = await reopen(attempt, open);
  if (connection.kind === "ended") {
    return connection;
  }
  const token = Buffer.from(`${account.username}:${account.password}`, "utf8").toString("base64");
  run.hide(token);
  const authorization = `Basic ${token}`;
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
  const certificate = spec.options["channel_binding"] === false ? null : connection.peerCertificate;
  const login = ntlmLogin({
    credential: ntlmCredential(account.username, account.password, account.domain),
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
  if (second === null || !first.reusable) {
    return mismatch(
      run,
      "response",
      "protocol_error",
      `the ${scheme} handshake does not go on: ${summary(first)}`,
    );
  }
  run.channelBound = certificate !== null;
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

/** Let in unless 401 comes again. */
function judged(attempt: Attempt, tried: Tried | Ended): Served | Ended {
  if (tried.kind === "ended") {
    return tried;
  }
  const { answer, scheme } = tried;
  if (answer.status === 401) {
    return ended(attempt.run.fault("login", "auth_rejected", `${scheme}: ${summary(answer)}`));
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
    return opened.kind === "ended"
      ? opened
      : askWeb(opened.connection, attempt.spec.host, {
          step: "transaction",
          ...withAuthorization(request, authorization),
        });
  };
}

/**
 * Whether an answer shows that the credential was looked at and accepted: only Exchange answers otherwise than 401 behind
 * its login. An error or a page of whatever stands between shows nothing, and the account must not be taken for sound.
 * Exchange 2010 bears no mark of its own.
 */
export function provesLogin(answer: HttpAnswer, { exchange }: TransactionSpec): boolean {
  return isExchange(answer) || (exchange === "2010" && answer.status < 500);
}

/**
 * The rungs of the ADC's 401-based login: it accepts the credential or not, lets the user through or not, and passes the
 * login on to Exchange or not.
 */
async function climbBasicAaa(attempt: Attempt, open: Connection | null): Promise<Served | Ended> {
  const { run } = attempt;
  const tried = await byBasic(attempt, open);
  if (tried.kind === "ended") {
    return tried;
  }
  const { answer } = tried;
  const fromExchange = isExchange(answer);
  if (answer.status === 401) {
    return fromExchange
      ? mismatch(run, "transaction", "sso_not_passed", `Exchange asks again: ${summary(answer)}`)
      : ended(run.fault("login", "aaa_rejected", summary(answer)));
  }
  if (answer.status === 403 && !fromExchange) {
    return mismatch(run, "transaction", "aaa_not_authorized", summary(answer));
  }
  if (answer.status >= 500 && !fromExchange) {
    // Whether AAA had accepted the credential by then, nobody knows.
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
