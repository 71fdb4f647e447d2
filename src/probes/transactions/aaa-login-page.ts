import type { HttpAnswer } from "../protocols/http-answer.ts";
import { parseUrl } from "../../lib/host-port.ts";
import type { Sealed } from "../../lib/secret.ts";
import type { Ended } from "./line-session.ts";
import { redirectTarget, type WebVisit } from "./web-visit.ts";

/** Where and how the ADC's login expects a credential: the form's `action` and field names, or nFactor's requirements. */
export interface LoginForm {
  readonly kind: "form";
  readonly host: string;
  readonly path: string;
  readonly fields: (
    username: string,
    password: Sealed,
  ) => Readonly<Record<string, string | Sealed>>;
}

/** The page requires more than a name and a password; nothing was sent. */
interface AsksForMore {
  readonly kind: "asks_for_more";
  readonly detail: string;
}

interface Place {
  readonly host: string;
  readonly path: string;
}

const MAX_PAGES = 3;
/** Default paths of the classic and the nFactor login (as in the ADC's own log), if the page gives none. */
const CLASSIC_PATH = "/cgi/login";
const NFACTOR_PATH = "/nf/auth/doAuthentication.do";
const REQUIREMENTS_PATH = "/nf/auth/getAuthenticationRequirements.do";
/** Pages of the nFactor theme contain no form; a script requests the requirements. */
const NFACTOR_PAGE = /^\/logon\/LogonPoint\//i;

/** Reads the login page that a challenge leads to. Only trusted hosts are contacted. */
export async function readLoginPage(
  visit: WebVisit,
  start: Place,
  isTrusted: (host: string) => boolean,
): Promise<LoginForm | AsksForMore | Ended> {
  let at = start;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page = await visit.ask({ method: "GET", ...at, step: "response" });
    if (page.kind === "ended") {
      return page;
    }
    const next = redirectTarget(page, at.host);
    if (next === null) {
      const form = page.status === 200 ? parseLoginForm(page, at) : null;
      return (
        form ?? (NFACTOR_PAGE.test(at.path) ? askNFactorForm(visit, at) : classicForm(at.host))
      );
    }
    if (!isTrusted(next.host)) {
      // An identity provider (SAML, OpenID Connect): the ADC's default path would reject any password.
      return classicForm(next.host);
    }
    at = next;
  }
  return classicForm(start.host);
}

function classicForm(host: string): LoginForm {
  return {
    kind: "form",
    host,
    path: CLASSIC_PATH,
    fields: (login, passwd) => ({ login, passwd }),
  };
}

/** Limits for one form; real login pages use about a tenth of them. */
const MAX_FORM_CHARACTERS = 8_192;
const MAX_FIELDS = 32;

function parseLoginForm(page: HttpAnswer, at: Place): LoginForm | AsksForMore | null {
  const text = page.body.toString("latin1");
  for (const found of text.matchAll(/<form\b([^>]{0,1000})>/gi)) {
    const from = found.index + found[0].length;
    const body = text.slice(from, from + MAX_FORM_CHARACTERS).split(/<\/form\b/i, 1)[0] ?? "";
    const fields = inputFields(body);
    const provider = fields.some(({ name }) => name === "SAMLRequest")
      ? formTarget(attribute(found[1] ?? "", "action"), at)
      : null;
    if (provider !== null) {
      return classicForm(provider.host);
    }
    const secrets = fields.filter(({ type }) => type === "password");
    const [secret] = secrets;
    const user = fields.find(
      ({ type, name }) => name !== "" && (type === "text" || type === "email"),
    );
    if (secret === undefined || user === undefined) {
      continue;
    }
    if (secrets.length > 1) {
      const names = secrets.map(({ name }) => name).join(", ");
      return {
        kind: "asks_for_more",
        detail: `the login form has several secret fields: ${names}`,
      };
    }
    const target = formTarget(attribute(found[1] ?? "", "action"), at);
    if (target === null) {
      continue;
    }
    const hidden = fields.filter(({ type, name }) => type === "hidden" && name !== "");
    return {
      kind: "form",
      ...target,
      fields: (username, password) => ({
        ...Object.fromEntries(hidden.map(({ name, value }) => [name, value])),
        [user.name]: username,
        [secret.name]: password,
      }),
    };
  }
  return null;
}

interface Field {
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

function inputFields(form: string): readonly Field[] {
  return [...form.matchAll(/<input\b([^>]{0,500})>/gi)]
    .slice(0, MAX_FIELDS)
    .map(([, inside = ""]) => ({
      type: (attribute(inside, "type") ?? "text").toLowerCase(),
      name: attribute(inside, "name") ?? "",
      value: attribute(inside, "value") ?? "",
    }));
}

const ATTRIBUTE = /(?:^|\s)([a-z-]{1,40})\s{0,8}=\s{0,8}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;

function attribute(inside: string, name: string): string | null {
  const found = [...inside.matchAll(ATTRIBUTE)].find(([, key = ""]) => key.toLowerCase() === name);
  return found === undefined ? null : unescapeHtml(found[2] ?? found[3] ?? found[4] ?? "");
}

function unescapeHtml(text: string): string {
  return text.replace(/&(amp|quot|lt|gt|#39);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  quot: '"',
  lt: "<",
  gt: ">",
  "#39": "'",
};

/** An empty action posts to the page itself; null for a scheme other than HTTP and HTTPS, such as `javascript:`. */
function formTarget(action: string | null, at: Place): Place | null {
  const url = parseUrl(action ?? "", `https://${at.host}${at.path}`);
  return url !== null && /^https?:$/.test(url.protocol)
    ? { host: url.hostname, path: `${url.pathname}${url.search}` }
    : null;
}

/** Requests nFactor's requirements: XML with the requested credentials, the target and the state to send along. */
async function askNFactorForm(
  visit: WebVisit,
  { host }: Place,
): Promise<LoginForm | AsksForMore | Ended> {
  const form = await visit.ask({
    method: "POST",
    host,
    path: REQUIREMENTS_PATH,
    form: {},
    step: "response",
  });
  if (form.kind === "ended") {
    return form;
  }
  const xml = form.status === 200 ? form.body.toString("utf8") : "";
  const state = elementText(xml, "StateContext") ?? "";
  const postBack = elementText(xml, "PostBack") ?? "";
  const asked = requestedCredentials(xml);
  const secrets = asked.filter((id) => /passw|passcode|otp/i.test(id));
  if (asked.length > 0 && (secrets.length !== 1 || !asked.includes("login"))) {
    return { kind: "asks_for_more", detail: `nFactor asks for ${asked.join(", ")}` };
  }
  return {
    kind: "form",
    host,
    path: /^\/[\w./-]+$/.test(postBack) ? postBack : NFACTOR_PATH,
    fields: (login, password) => ({
      login,
      [secrets[0] ?? "passwd"]: password,
      savecredentials: "false",
      "nsg-x1-logon-button": "Log On",
      StateContext: state,
    }),
  };
}

/**
 * Why AAA rejected a login, by error number. `isOfAccount`: the name or password is at fault, not the server that checks
 * them.
 */
export interface LoginError {
  readonly code: string;
  readonly isAccountFault: boolean;
}

/** Errors of the ADC or its authentication server: no answer, system fault, no connection, processing failure. */
const ADC_FAULT_CODES: ReadonlySet<string> = new Set(["4003", "4004", "4005", "4017"]);

function loginError(code: string | undefined): LoginError | null {
  return code === undefined ? null : { code, isAccountFault: !ADC_FAULT_CODES.has(code) };
}

/**
 * The classic login's error cookie (Citrix: enhanced authentication feedback). After a success it may hold another number.
 */
export function errorInCookie({ headers }: HttpAnswer): LoginError | null {
  const codes = headers.all("set-cookie").map((line) => /^NSC_VPNERR=(40\d\d)\b/i.exec(line)?.[1]);
  return loginError(codes.find((code) => code !== undefined));
}

/** nFactor's answer to a submitted form; `failed`: the credential was not checked. */
export type NFactorAnswer =
  | { readonly kind: "success"; readonly location: string | null }
  | {
      readonly kind: "rejected" | "asks_for_more" | "failed" | "other";
      readonly detail: string;
    };

/** Reads the XML of nFactor's answer; null if it is not one. */
export function readNFactorAnswer({ body }: HttpAnswer): NFactorAnswer | null {
  const xml = body.toString("utf8");
  if (!/<AuthenticateResponse\b/i.test(xml)) {
    return null;
  }
  const result = (elementText(xml, "Result") ?? "").toLowerCase();
  const detail = `nFactor returned ${result.slice(0, 40) || "no result"}`;
  if (result === "success") {
    return { kind: "success", location: elementText(xml, "RedirectURL") };
  }
  if (result === "update-credentials") {
    return { kind: "rejected", detail: `${detail}: the password has to be changed` };
  }
  if (result !== "more-info" && result !== "more-info-required") {
    return { kind: "other", detail };
  }
  const error = loginError(/\berrorMessageLabel(40\d\d)\b/.exec(xml)?.[1]);
  if (error !== null) {
    const kind = error.isAccountFault ? "rejected" : "failed";
    return { kind, detail: `${detail}: error ${error.code}` };
  }
  const asked = requestedCredentials(xml);
  const again = asked.includes("login") && asked.some((id) => /^passwd/i.test(id));
  return again || /<Type>[\w-]{0,20}error<\/Type>/i.test(xml)
    ? { kind: "rejected", detail: `${detail}: the same form again` }
    : { kind: "asks_for_more", detail: `nFactor asks for ${asked.join(", ") || "more"}` };
}

/** Names of the requested credentials, without buttons and links. */
function requestedCredentials(xml: string): readonly string[] {
  return [...xml.matchAll(/<Credential\b[^>]{0,200}>([^]{0,600}?)<\/Credential>/gi)]
    .slice(0, MAX_FIELDS)
    .flatMap(([, inside = ""]) => {
      const type = elementText(inside, "Type") ?? "";
      const id = elementText(inside, "ID");
      return id === null || !/^(username|password|passcode|newpassword|textcredential)$/i.test(type)
        ? []
        : [id];
    });
}

const ELEMENT = /<(\w{1,40})\b[^<>]{0,200}>([^<]{0,4096})<\/(\w{1,40})>/g;

/** Text of the first element with that name, or null. */
function elementText(xml: string, name: string): string | null {
  const found = [...xml.matchAll(ELEMENT)].find(
    ([, opened, , closed]) => opened === closed && opened?.toLowerCase() === name.toLowerCase(),
  );
  return found === undefined ? null : unescapeHtml((found[2] ?? "").trim());
}
