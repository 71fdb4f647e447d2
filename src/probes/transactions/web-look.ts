import type { Observation } from "../../model/observation.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import type { TransactionType } from "../probe.ts";
import {
  challengeSchemes,
  isAdcLogin,
  judgeError,
  summary,
  judgeChallenge,
  judgeLogonPage,
  nextPage,
  type WebVerdict,
  isExchange,
} from "./web-answer.ts";
import { askWeb, openWeb, CHALLENGE_PATH } from "./web-session.ts";
import type { Target } from "../../net/probe-context.ts";
import type { TransactionSpec } from "../../model/transactions.ts";
import type { Ended } from "./line-session.ts";
import type { Connection } from "../../net/connection.ts";
import { signsOfHealthBody } from "../../model/exchange-signs.ts";

/** Classes of a response to an anonymous request to a generic web service. */
type WebClass = "serves" | "challenges" | "refuses" | "broken";

/**
 * Probes a web service that is not known to be Exchange: one request for its own path. Serving and asking for a login are
 * both healthy. A refusal (because of the client's Host, certificate or rights) proves no failure. Anything else is broken.
 */
export const webLook: TransactionType = {
  transaction: "web_answer",
  needsAccount: false,
  transport: "tcp",
  probe: async (run, spec, target) => {
    const opened = await openWeb(run, spec, target);
    if (opened.kind === "ended") {
      return tlsFailureAsFault(opened.observation);
    }
    const path = spec.path ?? "/";
    const answer = await askWeb(opened.connection, spec.host, { method: "GET", path });
    if (answer.kind === "ended") {
      return answer.observation;
    }
    if (spec.adc?.authentication === "own" && isExchange(answer)) {
      return run.mismatch(
        "response",
        "bad_status",
        `a response from a server, not the login page: ${summary(answer)}`,
      );
    }
    if (spec.adc?.authentication === "own" && isAdcLogin(answer, spec.adc)) {
      return run.match("response", `challenges: ${summary(answer)}`);
    }
    if (isAdcLogin(answer, spec.adc)) {
      return run.mismatch("response", "aaa_login", summary(answer));
    }
    if (answer.status === 401) {
      run.authSchemes = [...challengeSchemes(answer)].sort().join(", ") || null;
    }
    const found = webClass(answer);
    if (found === "refuses" && spec.adc?.rootIsItsOwn === true && path !== "/") {
      const root = await askRoot(run, spec, target);
      if (root !== null) {
        return run.match("response", `${root}, and refuses ${path}: ${summary(answer)}`);
      }
    }
    return webObservation(run, answer, found, () =>
      judgeError(answer, { vantage: run.context.vantage, spec }),
    );
  },
};

/** A monitor's page is often closed to clients. Checks whether the root serves them; null: unknown. */
async function askRoot(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<string | null> {
  const opened = await openWeb(run, spec, target);
  if (opened.kind === "ended") {
    return null;
  }
  const answer = await askWeb(opened.connection, spec.host, { method: "GET", path: "/" });
  if (answer.kind === "ended" || isAdcLogin(answer, spec.adc)) {
    return null;
  }
  const found = webClass(answer);
  return found === "serves" || found === "challenges" ? `${found} at /: ${summary(answer)}` : null;
}

function webClass({ status }: HttpAnswer): WebClass {
  if (status === 401 || status === 407) {
    return "challenges";
  }
  if (status >= 500) {
    return "broken";
  }
  return status >= 400 ? "refuses" : "serves";
}

function webObservation(
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

/** Ignores a TLS failure, since another client might succeed (older versions, a client certificate). */
function tlsFailureAsFault(seen: Observation): Observation {
  switch (seen.outcome) {
    case "match":
    case "maintenance":
      return seen;
    default:
      return seen.step === "tls" ? { ...seen, outcome: "fault" } : seen;
  }
}

/** Follows one redirect to the login page, because the redirect alone may be a loop or lead nowhere. */
async function askLogonPage(
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
 * The schemes that a 401 offers, sorted; null if unknown. Exchange offers OAuth only to clients that send a token. Outlook
 * first sends an empty one, so this probe does the same from time to time, directly at a server, where members are compared.
 */
async function schemesOffered(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  path: string,
  answer: HttpAnswer,
): Promise<string | null> {
  const offered = new Set(challengeSchemes(answer));
  if (run.context.vantage === "backend" && isExchange(answer) && !offered.has("bearer")) {
    const takes = await offersBearer(run, spec, target, path);
    if (takes === null) {
      return null;
    }
    if (takes) {
      offered.add("bearer");
    }
  }
  return [...offered].sort().join(", ") || null;
}

async function offersBearer(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  path: string,
): Promise<boolean | null> {
  const { network, monotonic, timeoutMs } = run.context;
  const known = network.schemes.acceptsTokens(target, path, monotonic());
  // After a slow first response, no second request may delay the result.
  if (known !== null || run.elapsedMs() > timeoutMs / 2) {
    return known;
  }
  const opened = await openWeb(run, spec, target);
  if (opened.kind === "ended") {
    return null;
  }
  const headers = [["Authorization", "Bearer"]] as const;
  const answer = await askWeb(opened.connection, spec.host, { method: "GET", path, headers });
  if (answer.kind === "ended") {
    return null;
  }
  const takes = challengeSchemes(answer).includes("bearer");
  network.schemes.rememberTokenSupport(target, path, takes, monotonic());
  return takes;
}

/**
 * Probes a virtual directory without an account. A member's path must answer as Exchange does: 401 with its schemes, or OWA's
 * 302 to its login page. Distinguishes failures of the application pool, the back end, the ADC's error pages and the ADC's
 * login. If a server's OWA redirects to its login page, that page is requested too. At a vserver with a configured redirect,
 * that redirect is expected.
 */
export const httpsChallenge: TransactionType = {
  transaction: "https_challenge",
  needsAccount: false,
  transport: "tcp",
  probe: async (run, spec, target) => {
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
      run.authSchemes = await schemesOffered(run, spec, target, path, answer);
    }
    const asked = { vantage: run.context.vantage, spec };
    const next = nextPage(answer, path, asked);
    // Through a VIP the second request may reach another server; direct probes of the members cover their login pages.
    const verdict =
      next.kind === "page" && run.context.vantage === "backend"
        ? await askLogonPage(run, spec, target, next.path)
        : next.kind === "loop"
          ? next.verdict
          : judgeChallenge(answer, asked);
    if (verdict.kind === "ended") {
      return verdict.observation;
    }
    return verdict.kind === "good"
      ? run.match("response", verdict.detail)
      : run.mismatch("response", verdict.reason, verdict.detail);
  },
};

/**
 * Requests `healthcheck.htm` of a virtual directory: which server answers, and whether Exchange's component state allows it.
 * The result does not affect the verdict on the service, because the page reflects only that state. Exchange aborts the
 * request without a response if the component is not active (`component_offline`). A single reset looks the same, so
 * detection requests another URL too.
 */
export const healthPage: TransactionType = {
  transaction: "health_page",
  needsAccount: false,
  transport: "tcp",
  probe: async (run, spec, target) => {
    const opened = await openWeb(run, spec, target);
    if (opened.kind === "ended") {
      return opened.observation;
    }
    const path = healthPath(spec.path);
    const answer = await askWeb(opened.connection, spec.host, { method: "GET", path });
    if (answer.kind === "ended") {
      return abortedRequest(run, opened.connection, answer.observation);
    }
    const signs = signsOfHealthBody(answer.body.toString("latin1"));
    if (answer.status === 200 && signs.exchangeSeen) {
      run.identify(signs);
      return run.match("response", answer.body.toString("latin1").trim());
    }
    if (answer.status === 200) {
      return run.mismatch("response", "pattern_missing", `another page: ${summary(answer)}`);
    }
    if (isAdcLogin(answer, spec.adc) || (answer.status === 401 && !isExchange(answer))) {
      return run.mismatch("response", "aaa_login", summary(answer));
    }
    const { reason, detail } = judgeError(answer, { vantage: run.context.vantage, spec });
    return run.mismatch("response", reason, detail);
  },
};

/** The health page of a virtual directory: `/owa/` and `/owa/healthcheck.htm` both give the latter. */
export function healthPath(path: string | null): string {
  const asked = path ?? "/owa/";
  if (/\/healthcheck\.htm$/i.test(asked)) {
    return asked;
  }
  const directory = /^\/[^/?]+/.exec(asked)?.[0] ?? "/owa";
  return `${directory}/healthcheck.htm`;
}

/** Whether the connection was closed or reset after the request without a byte of response. */
function abortedRequest(
  run: ProbeRun,
  { bytesReceived }: Connection,
  seen: Observation,
): Observation {
  const cut = seen.reason === "closed_without_data" || seen.reason === "reset";
  return cut && bytesReceived === 0
    ? run.ended(
        "failed",
        "response",
        "component_offline",
        "the request was aborted without a response",
      )
    : seen;
}
