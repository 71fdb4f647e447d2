import type { Vantage } from "../../model/observation.ts";
import type { FailureReason } from "../../model/reasons.ts";
import { signsOfHeaders } from "../../model/exchange-signs.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import { parseUrl } from "../../lib/host-port.ts";
import type { AdcFront, TransactionSpec } from "../../model/transactions.ts";
import { cookieNames } from "./web-session.ts";

/** Meaning of a response to a request without a login. */
export type WebVerdict = { readonly kind: "good"; readonly detail: string } | BadAnswer;

export interface BadAnswer {
  readonly kind: "bad";
  readonly reason: FailureReason;
  readonly detail: string;
}

/** Context that determines the meaning of a response. */
export interface WebContext {
  readonly vantage: Vantage;
  readonly spec: Pick<TransactionSpec, "adc" | "options" | "host" | "tls" | "exchange">;
}

/**
 * Meaning of a response to an anonymous request for a virtual directory (Microsoft: default virtual directory settings;
 * observed responses of Exchange 2010 to 2019). The first match counts, in this order: the redirect configured on the ADC,
 * the ADC's login, Exchange's challenge, Exchange's errors, the ADC's errors.
 */
export function judgeChallenge(answer: HttpAnswer, asked: WebContext): WebVerdict {
  const { status } = answer;
  const { adc } = asked.spec;
  if (adc !== null && adc.redirectUrl !== null) {
    return judgeConfiguredRedirect(answer, adc.redirectUrl, asked.spec);
  }
  if (isAdcLogin(answer, adc)) {
    return bad("aaa_login", `the ADC requires a login: ${summary(answer)}`);
  }
  if (status === 401) {
    return judgeUnauthorized(answer, asked);
  }
  if (status >= 300 && status < 400) {
    return judgeRedirect(answer, asked);
  }
  if (status >= 200 && status < 300) {
    return judgeSuccess(answer, asked);
  }
  return judgeError(answer, asked);
}

/** Cookies set only by the ADC's authentication. The prefix `NSC_` alone may be a persistence cookie. */
const AAA_COOKIES: ReadonlySet<string> = new Set([
  "NSC_TASS",
  "NSC_TMAA",
  "NSC_TMAS",
  "NSC_TMAC",
  "NSC_TMAP",
  "NSC_AAAC",
]);
/** Login pages of the ADC. The exact form by firmware is UNCONFIRMED. */
const AAA_PATH = /^\/(vpn\/tmindex\.html|logon\/LogonPoint\/|cgi\/(tm|login))/i;

/** Whether the ADC's AAA responded: its cookies or login page, and no Exchange headers. */
export function isAdcLogin(answer: HttpAnswer, adc: AdcFront | null): boolean {
  if (isExchange(answer)) {
    return false;
  }
  if (cookieNames(answer).some((name) => AAA_COOKIES.has(name))) {
    return true;
  }
  const location = answer.headers.get("location");
  if (location !== null && answer.status >= 300 && answer.status < 400) {
    const url = parseUrl(location, "https://same-host/");
    const toLoginHost =
      adc?.authenticationHost !== null &&
      adc?.authenticationHost !== undefined &&
      url?.hostname.toLowerCase() === adc.authenticationHost.toLowerCase();
    return toLoginHost || (url !== null && AAA_PATH.test(url.pathname));
  }
  return answer.status === 401 && adc?.authentication === "401";
}

/** Exchange's headers. Exchange 2010 sets none of them. */
export function isExchange(answer: HttpAnswer): boolean {
  return signsOfHeaders((name) => answer.headers.get(name)).exchangeSeen;
}

/** Status and the headers that identify the server; never a value that could be a secret. */
export function summary(answer: HttpAnswer): string {
  const parts = [`${String(answer.status)} ${answer.statusText}`.trim()];
  for (const name of ["server", "x-feserver", "x-cas-error-code", "x-caserrorcode", "location"]) {
    const value = answer.headers.get(name);
    if (value !== null) {
      parts.push(`${name}: ${value.slice(0, 120)}`);
    }
  }
  return parts.join(", ");
}

/** Meaning of an error status: those of a front end that cannot reach or use the back end, and all others. */
export function judgeError(answer: HttpAnswer, asked: WebContext): BadAnswer {
  const { status, headers } = answer;
  const summarised = summary(answer);
  if (isExchange(answer)) {
    return status === 500 || status === 503 || status === 504
      ? bad("backend_unavailable", `the front end cannot reach or use its back end: ${summarised}`)
      : bad("bad_status", summarised);
  }
  const server = headers.get("server") ?? "";
  if (status === 503 && /^Microsoft-HTTPAPI/i.test(server)) {
    return bad("service_not_active", `the application pool is stopped: ${summarised}`);
  }
  // Also through a VIP that terminates TLS and sends plain HTTP to a server that requires TLS (offload).
  if (status === 403 && /403\.4|SSL is required|secure channel/i.test(bodyText(answer))) {
    return bad("ssl_required", summarised);
  }
  const fromAdc = asked.vantage !== "backend" && !/Microsoft/i.test(server);
  if (fromAdc && status === 503) {
    return bad("adc_no_service", `the ADC has no service for the request: ${summarised}`);
  }
  if (fromAdc && status >= 500) {
    return bad("adc_error_page", `the ADC's own error page: ${summarised}`);
  }
  const mayBeClear =
    asked.spec.tls === null || (asked.vantage !== "backend" && /^Microsoft-IIS/i.test(server));
  if (status === 403 && mayBeClear && (headers.get("content-length") ?? "") === "0") {
    return bad("ssl_required", summarised);
  }
  return bad("bad_status", summarised);
}

function judgeConfiguredRedirect(
  answer: HttpAnswer,
  expected: string,
  { tls, host }: WebContext["spec"],
): WebVerdict {
  const location = answer.headers.get("location") ?? "";
  const redirected = answer.status >= 300 && answer.status < 400 && location !== "";
  // Either may be a path only. The ADC appends the request's path to a redirect URL without one.
  const base = `${tls === null ? "http" : "https"}://${host}/`;
  const whole = (url: string): string =>
    (parseUrl(url, base)?.href ?? url).toLowerCase().replace(/\/$/, "");
  const [given, awaited] = [whole(location), whole(expected)];
  const asConfigured = given.startsWith(awaited) && /^([/?#]|$)/.test(given.slice(awaited.length));
  return redirected && asConfigured
    ? good(`redirects as configured to ${location}`)
    : bad("bad_status", `expected the configured redirect to ${expected}: ${summary(answer)}`);
}

function judgeUnauthorized(answer: HttpAnswer, asked: WebContext): WebVerdict {
  const schemes = challengeSchemes(answer);
  if (schemes.length === 0) {
    return bad("protocol_error", `401 without WWW-Authenticate: ${summary(answer)}`);
  }
  const missing = expectedSchemes(asked).filter((scheme) => !schemes.includes(scheme));
  return missing.length === 0
    ? good(`asks for ${schemes.join(", ")}`)
    : bad("auth_schemes_differ", `offers ${schemes.join(", ")}, without ${missing.join(", ")}`);
}

/** The schemes that the operator expects here, in lower case; empty: any are accepted, since administrators change them. */
function expectedSchemes({ spec }: WebContext): readonly string[] {
  const listed = String(spec.options["auth_schemes"] ?? "").toLowerCase();
  return listed.split(",").flatMap((scheme) => scheme.trim() || []);
}

/** Limits: IANA's registry has some twenty schemes, the longest of 15 characters. */
const MAX_SCHEMES = 16;
const MAX_SCHEME_LENGTH = 32;

/** Distinct schemes of all challenges, in lower case; longer names are skipped. */
export function challengeSchemes({ headers }: HttpAnswer): readonly string[] {
  const schemes = headers
    .all("www-authenticate")
    .flatMap((value) => value.split(/,\s*(?=[A-Za-z-]+(?:\s|,|$))/))
    .map((part) => /^\s*([A-Za-z][A-Za-z0-9-]*)/.exec(part)?.[1]?.toLowerCase() ?? "")
    .filter((scheme) => scheme !== "" && scheme.length <= MAX_SCHEME_LENGTH);
  return [...new Set(schemes)].slice(0, MAX_SCHEMES);
}

function judgeRedirect(answer: HttpAnswer, asked: WebContext): WebVerdict {
  const location = answer.headers.get("location");
  const scheme = asked.spec.tls === null ? "http" : "https";
  const url = location === null ? null : parseUrl(location, `${scheme}://${asked.spec.host}/`);
  if (url === null) {
    return bad("protocol_error", `a redirect without a valid Location: ${summary(answer)}`);
  }
  if (/\/errorFE\.aspx$/i.test(url.pathname)) {
    return bad("backend_unavailable", `Exchange's error page: ${summary(answer)}`);
  }
  const logon = LOGON_PAGE.test(url.pathname);
  if (asked.spec.tls !== null && url.protocol === "http:" && (logon || isExchange(answer))) {
    return bad("ssl_required", `redirected to a URL without TLS: ${summary(answer)}`);
  }
  if (logon) {
    return good("redirects to Exchange's login");
  }
  if (isFederatedLogin(url)) {
    return good(`redirects to the login at ${url.hostname}`);
  }
  return isExchange(answer)
    ? good(`Exchange redirects to ${url.pathname}`)
    : bad("bad_status", summary(answer));
}

const LOGON_PAGE = /\/auth\/logon\.aspx$/i;

/** Next request of a client after this response. */
type NextPage =
  | { readonly kind: "none" }
  | { readonly kind: "loop"; readonly verdict: BadAnswer }
  /** Path and query of Exchange's login page, on the same host. */
  | { readonly kind: "page"; readonly path: string };

/** Whether a response leads to Exchange's login page, or back to the requested path (`from`). */
export function nextPage(answer: HttpAnswer, from: string, { spec }: WebContext): NextPage {
  const isConfigured = (spec.adc?.redirectUrl ?? null) !== null;
  const url = isConfigured || isAdcLogin(answer, spec.adc) ? null : sameHostRedirect(answer, spec);
  if (url === null) {
    return { kind: "none" };
  }
  const path = `${url.pathname}${url.search}`;
  if (path.toLowerCase() === from.toLowerCase()) {
    const detail = `${from} redirects to itself: ${summary(answer)}`;
    return { kind: "loop", verdict: bad("redirect_loop", detail) };
  }
  return LOGON_PAGE.test(url.pathname) ? { kind: "page", path } : { kind: "none" };
}

/** Target of a redirect, if it has the same scheme and host. */
function sameHostRedirect(
  { status, headers }: HttpAnswer,
  { tls, host }: WebContext["spec"],
): URL | null {
  const location = headers.get("location");
  const here = parseUrl("/", `${tls === null ? "http" : "https"}://${host}/`);
  if (status < 300 || status >= 400 || location === null || here === null) {
    return null;
  }
  const url = parseUrl(location, here.href);
  return url?.origin === here.origin ? url : null;
}

/** Meaning of a response for Exchange's login page. */
export function judgeLogonPage(answer: HttpAnswer, asked: WebContext): WebVerdict {
  const { status } = answer;
  if (status >= 300 && status < 400) {
    const verdict = judgeRedirect(answer, asked);
    const next = sameHostRedirect(answer, asked.spec);
    // The page may redirect to a federated login, or to another login page (another language, a cookie test), which counts
    // as a login. A redirect back to the mailbox without a login is a loop.
    return verdict.kind === "bad" || next === null || LOGON_PAGE.test(next.pathname)
      ? verdict
      : bad("redirect_loop", `the login page redirects again: ${summary(answer)}`);
  }
  if (status >= 200 && status < 300) {
    return answer.body.length === 0
      ? bad("pattern_missing", `the login page is empty: ${summary(answer)}`)
      : good("redirects to Exchange's login");
  }
  return status === 401 ? judgeUnauthorized(answer, asked) : judgeError(answer, asked);
}

/** A login by OAuth, OpenID Connect, WS-Federation or SAML (hybrid modern authentication, AD FS), at any host. */
function isFederatedLogin({ pathname, searchParams }: URL): boolean {
  const asksForToken = searchParams.has("client_id") && searchParams.has("redirect_uri");
  return (
    (asksForToken && /\/authorize$/i.test(pathname)) ||
    searchParams.get("wa")?.toLowerCase() === "wsignin1.0" ||
    searchParams.has("SAMLRequest")
  );
}

/** Without a login, Exchange answers with 200 almost only for its login page. */
function judgeSuccess(answer: HttpAnswer, asked: WebContext): WebVerdict {
  if (isExchange(answer) || /\/owa\/auth\.owa|\/owa\/auth\/logon\.aspx/i.test(bodyText(answer))) {
    return good("Exchange answers");
  }
  return asked.vantage === "backend"
    ? bad("bad_status", `no challenge, and not recognisable as Exchange: ${summary(answer)}`)
    : bad("adc_error_page", `not a page of Exchange: ${summary(answer)}`);
}

function bodyText({ body }: HttpAnswer): string {
  return body.toString("latin1");
}

function good(detail: string): WebVerdict {
  return { kind: "good", detail };
}

function bad(reason: FailureReason, detail: string): BadAnswer {
  return { kind: "bad", reason, detail };
}
