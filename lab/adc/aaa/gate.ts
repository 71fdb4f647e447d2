import { randomBytes } from "node:crypto";
import type { VserverAuthentication } from "../../../src/model/vserver.ts";
import { parseUrl } from "../../../src/lib/host-port.ts";
import { answer, redirect, type Answer } from "../http/answer.ts";
import type { RequestHead } from "../http/message.ts";
import type { AaaOptions, AaaUser } from "./options.ts";

/** The gate's decision about a request. */
export type GateDecision =
  | { readonly kind: "pass"; readonly user: AaaUser | null }
  | { readonly kind: "answer"; readonly answer: Answer }
  /** The login form came: its body has to be read first. */
  | { readonly kind: "login" };

const LOGIN_PAGE = "/logon/LogonPoint/tmindex.html";
const SESSIONS_KEPT = 1000;

/**
 * AAA for traffic management: the login page in front of vservers with `-Authentication ON`, the 401 of `-authn401 ON`,
 * and the sessions of both. Cookie names and paths are the ADC's; what its pages look like is not.
 */
export class AaaGate {
  readonly #options: () => AaaOptions;
  readonly #sessions = new Map<string, AaaUser>();

  constructor(options: () => AaaOptions) {
    this.#options = options;
  }

  decide(request: RequestHead, authentication: VserverAuthentication): GateDecision {
    if (authentication.http401) {
      return this.#basic(request);
    }
    if (!authentication.form) {
      return { kind: "pass", user: null };
    }
    const own = this.ownPage(request);
    const { host } = authentication;
    if (own !== null && (host === null || host.toLowerCase() === request.host.toLowerCase())) {
      return own;
    }
    const user = this.#sessionOf(request);
    return user === null
      ? { kind: "answer", answer: challenge(request, host) }
      : { kind: "pass", user };
  }

  /** The authentication vserver's own pages; null for any other path. */
  ownPage(request: RequestHead): GateDecision | null {
    const [path = ""] = request.target.split("?");
    if (path === "/cgi/tmlogin" && request.method === "POST") {
      return { kind: "login" };
    }
    if (path === "/cgi/tmlogout") {
      this.#sessions.delete(request.cookie("NSC_TMAS") ?? "");
      return { kind: "answer", answer: redirect(LOGIN_PAGE, expired()) };
    }
    return path.startsWith("/logon/") || path.startsWith("/vpn/") || path.startsWith("/cgi/")
      ? { kind: "answer", answer: loginPage() }
      : null;
  }

  /** Judges a posted login form. */
  login(request: RequestHead, body: string): Answer {
    const form = new URLSearchParams(body);
    const user = this.#authenticate(form.get("login") ?? "", form.get("passwd") ?? "");
    if (user === null) {
      return redirect(LOGIN_PAGE, ["NSC_VPNERR=4001;Secure;Path=/"]);
    }
    if (this.#options().secondFactor) {
      return answer(200, [], secondFactorPage());
    }
    const target = targetOf(request.cookie("NSC_TASS"));
    if (target === null) {
      return answer(
        200,
        [],
        page(
          "Target URL not found for redirect after successful login. Please contact your administrator.",
        ),
      );
    }
    const token = randomBytes(24).toString("hex");
    this.#sessions.set(token, user);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > SESSIONS_KEPT && oldest !== undefined) {
      this.#sessions.delete(oldest);
    }
    const scope = `Domain=${cookieDomain(new URL(target).hostname)};Path=/;Secure;HttpOnly`;
    return redirect(target, [
      `NSC_TMAS=${token};${scope}`,
      `NSC_TMAA=${token.slice(0, 32)};Domain=${cookieDomain(new URL(target).hostname)};Path=/;HttpOnly`,
      `NSC_TASS=;${scope};Max-Age=0`,
    ]);
  }

  #basic(request: RequestHead): GateDecision {
    const encoded = /^Basic\s+(\S+)/i.exec(request.header("authorization") ?? "")?.[1];
    const [username = "", ...password] = Buffer.from(encoded ?? "", "base64")
      .toString("utf8")
      .split(":");
    const user = encoded === undefined ? null : this.#authenticate(username, password.join(":"));
    return user === null
      ? {
          kind: "answer",
          answer: answer(
            401,
            [{ name: "WWW-Authenticate", value: `Basic realm="${request.host}"` }],
            page("Http/1.1 Unauthorized"),
          ),
        }
      : { kind: "pass", user };
  }

  #authenticate(username: string, password: string): AaaUser | null {
    const accepted = this.#options().authenticate(username, password);
    return accepted === null ? null : { username, password, groups: accepted.groups };
  }

  #sessionOf(request: RequestHead): AaaUser | null {
    return this.#sessions.get(request.cookie("NSC_TMAS") ?? "") ?? null;
  }
}

/** The response to an authenticated user without authorization. */
export function notPrivileged(): Answer {
  return answer(403, [], page("Error: Not a privileged User."));
}

function challenge(request: RequestHead, host: string | null): Answer {
  const target = Buffer.from(`https://${request.header("host") ?? ""}${request.target}`).toString(
    "base64url",
  );
  const loginHost = host ?? request.header("host") ?? "";
  return redirect(`https://${loginHost}${LOGIN_PAGE}`, [
    `NSC_TASS=${target};Domain=${cookieDomain(loginHost)};Path=/;Secure`,
  ]);
}

function targetOf(cookie: string | null): string | null {
  const target =
    cookie === null || cookie === "" ? null : Buffer.from(cookie, "base64url").toString("utf8");
  return target !== null && parseUrl(target) !== null ? target : null;
}

/** The domain that the mail name and the login name share: all but the first label. */
function cookieDomain(host: string): string {
  const labels = host.replace(/:\d+$/, "").split(".");
  return labels.length > 2 ? labels.slice(1).join(".") : labels.join(".");
}

function expired(): string[] {
  return ["NSC_TMAS=;Path=/;Max-Age=0", "NSC_TMAA=;Path=/;Max-Age=0"];
}

function loginPage(): Answer {
  return answer(
    200,
    [],
    page(
      '<form method="post" action="/cgi/tmlogin"><input name="login"><input name="passwd" type="password"><button>Log On</button></form>',
    ),
  );
}

function secondFactorPage(): string {
  return page(
    '<form method="post" action="/cgi/dlge"><label>Passcode <input name="response" type="password"></label><button>Submit</button></form>',
  );
}

function page(content: string): string {
  return `<!DOCTYPE html><html><head><title>NetScaler AAA</title></head><body>${content}</body></html>`;
}
