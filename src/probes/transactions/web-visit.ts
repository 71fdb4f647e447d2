import { isIP } from "../../lib/ip.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import type { Target } from "../../net/probe-context.ts";
import type { Step } from "../../model/reasons.ts";
import type { Connection } from "../../net/connection.ts";
import { disclose } from "../../net/server-proof.ts";
import { NO_SECRET, type Sealed } from "../../lib/secret.ts";
import { parseUrl } from "../../lib/host-port.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { ended, type Ended } from "./line-session.ts";
import type { TransactionSpec } from "../../model/transactions.ts";
import { askWeb, openWeb } from "./web-session.ts";

interface Cookie {
  readonly name: string;
  readonly value: string;
  /** Host it belongs to, in lower case; with `wide`, that domain and its subdomains. */
  readonly domain: string;
  readonly wide: boolean;
}

const MAX_COOKIES = 60;
const MAX_COOKIE = 4096;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** The cookies of one visit, as far as a login needs them (RFC 6265). Discarded with the visit. */
export class CookieJar {
  #cookies: Cookie[] = [];

  /** Stores the cookies that a response of that host sets, and removes empty or expired ones. */
  keep(host: string, answer: HttpAnswer): void {
    for (const line of answer.headers.all("set-cookie")) {
      const cookie = parseCookie(line, host.toLowerCase());
      if (cookie === null || line.length > MAX_COOKIE) {
        continue;
      }
      this.#cookies = this.#cookies.filter(
        ({ name, domain }) => name !== cookie.name || domain !== cookie.domain,
      );
      if (cookie.value !== "" && this.#cookies.length < MAX_COOKIES) {
        this.#cookies.push(cookie);
      }
    }
  }

  /** Value of the `Cookie` header for that host, or null if there are none. */
  header(host: string): string | null {
    const asked = host.toLowerCase();
    const sent = this.#cookies.filter(({ domain, wide }) =>
      wide ? asked === domain || asked.endsWith(`.${domain}`) : asked === domain,
    );
    return sent.length === 0 ? null : sent.map(({ name, value }) => `${name}=${value}`).join("; ");
  }

  has(name: string): boolean {
    return this.#cookies.some((cookie) => cookie.name === name);
  }
}

function parseCookie(line: string, host: string): Cookie | null {
  const [pair = "", ...attributes] = line.split(";");
  const equals = pair.indexOf("=");
  // A control character in a cookie would end the header line it is sent back in (RFC 6265bis section 5.6 drops it too).
  if (equals < 1 || CONTROL.test(pair)) {
    return null;
  }
  const attribute = (name: string): string | null =>
    attributes
      .map((text) => text.trim())
      .find((text) => text.toLowerCase().startsWith(`${name}=`))
      ?.slice(name.length + 1) ?? null;
  const given = attribute("domain")?.replace(/^\./, "").toLowerCase() ?? null;
  // A host may set cookies only for its own domain and its parents.
  if (given !== null && host !== given && !host.endsWith(`.${given}`)) {
    return null;
  }
  const expires = attribute("expires");
  const gone =
    attribute("max-age") === "0" || (expires !== null && Date.parse(expires) <= 86_400_000);
  return {
    name: pair.slice(0, equals).trim(),
    value: gone ? "" : pair.slice(equals + 1).trim(),
    domain: given ?? host,
    wide: given !== null,
  };
}

/** Next request of a visit. */
interface VisitRequest {
  readonly method: "GET" | "POST";
  readonly host: string;
  readonly path: string;
  /** A form, sent URL-encoded. Sealed values are disclosed only to the connection that sends them. */
  readonly form?: Readonly<Record<string, string | Sealed>>;
  readonly step: Step;
}

/**
 * Several requests as one browser makes them: with cookies and with reused connections. Only the probe's own target is
 * dialled, regardless of redirects, so that a credential never reaches another host.
 */
export class WebVisit {
  readonly #run: ProbeRun;
  readonly #spec: TransactionSpec;
  readonly #target: Target;
  readonly #jar = new CookieJar();
  /** After a login, cookies are secrets too, and are sent only where a secret may be sent. */
  #loggedIn = false;
  #open: { readonly host: string; readonly connection: Connection } | null = null;

  constructor(run: ProbeRun, spec: TransactionSpec, target: Target) {
    this.#run = run;
    this.#spec = spec;
    this.#target = target;
  }

  async ask(request: VisitRequest): Promise<HttpAnswer | Ended> {
    const connection = await this.#connectionFor(request.host);
    if ("kind" in connection) {
      return connection;
    }
    const body = request.form === undefined ? null : this.#encode(request.form, connection);
    if (body !== null && typeof body !== "string") {
      return body;
    }
    const refused = this.#loggedIn ? this.#disclose(connection, NO_SECRET) : null;
    if (refused !== null && typeof refused !== "string") {
      return refused;
    }
    const cookie = this.#jar.header(request.host);
    const answer = await askWeb(connection, request.host, {
      method: request.method,
      path: request.path,
      headers: [
        ...(cookie === null ? [] : [["Cookie", cookie] as const]),
        ...(body === null ? [] : this.#ofForm(request.host)),
      ],
      ...(body === null ? {} : { body }),
      keepAlive: true,
      step: request.step,
    });
    if (answer.kind === "ended") {
      return answer;
    }
    this.#jar.keep(request.host, answer);
    this.#open = answer.reusable ? { host: request.host, connection } : null;
    return answer;
  }

  /**
   * Headers that browsers send with a form: since 13.1-63 the ADC rejects any login without `Origin`, even with a correct
   * password.
   */
  #ofForm(host: string): readonly (readonly [string, string])[] {
    const scheme = this.#spec.tls === null ? "http" : "https";
    return [
      ["Content-Type", "application/x-www-form-urlencoded"],
      ["Origin", `${scheme}://${host}`],
    ];
  }

  hasCookie(name: string): boolean {
    return this.#jar.has(name);
  }

  #encode(form: NonNullable<VisitRequest["form"]>, connection: Connection): string | Ended {
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries(form)) {
      const text = typeof value === "string" ? value : this.#disclose(connection, value);
      if (typeof text !== "string") {
        return text;
      }
      if (typeof value !== "string") {
        this.#run.login = "unanswered";
      }
      fields.append(name, text);
    }
    return fields.toString();
  }

  #disclose(connection: Connection, secret: Sealed): string | Ended {
    const disclosed = disclose(connection, secret, this.#spec.allowPlaintext);
    if (disclosed.kind === "withheld") {
      return ended(disclosed.observation);
    }
    this.#loggedIn = true;
    return disclosed.text;
  }

  async #connectionFor(host: string): Promise<Connection | Ended> {
    const open = this.#open;
    this.#open = null;
    if (open !== null && open.host === host) {
      return open.connection;
    }
    open?.connection.close();
    const opened = await openWeb(this.#run, this.#specFor(host), this.#target);
    return opened.kind === "ended" ? opened : opened.connection;
  }

  /** For a host other than the probe's own, the certificate must be valid for that host's name. */
  #specFor(host: string): TransactionSpec {
    const { tls } = this.#spec;
    if (tls === null || host.toLowerCase() === this.#spec.host.toLowerCase() || isIP(host) !== 0) {
      return this.#spec;
    }
    return { ...this.#spec, tls: { ...tls, serverName: host, expectedNames: [host] } };
  }
}

/** Host and path of a redirect; null without a usable target. */
export function redirectTarget(
  answer: HttpAnswer,
  from: string,
): { readonly host: string; readonly path: string } | null {
  const location = answer.headers.get("location");
  const base = `https://${from}/`;
  if (answer.status < 300 || answer.status >= 400 || location === null) {
    return null;
  }
  const url = parseUrl(location, base);
  return url !== null && /^https?:$/.test(url.protocol)
    ? { host: url.hostname, path: `${url.pathname}${url.search}` }
    : null;
}
