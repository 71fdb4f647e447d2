import { isIP } from "node:net";

import type { Target } from "../probe.ts";
import type { Step } from "../reason.ts";
import type { Connection } from "../wire/connection.ts";
import { disclose, NO_SECRET, type Sealed } from "../wire/disclose.ts";
import type { HttpAnswer } from "../wire/http-answer.ts";
import { parseUrl } from "../wire/parse-url.ts";
import type { ProbeRun } from "../wire/probe-run.ts";
import { CookieJar } from "./cookie-jar.ts";
import { ended, type Ended } from "./line-session.ts";
import type { TransactionSpec } from "./spec.ts";
import { askWeb, openWeb } from "./web-session.ts";

/** What a visit asks for next. */
export interface VisitRequest {
  readonly method: "GET" | "POST";
  readonly host: string;
  readonly path: string;
  /** A form, sent URL-encoded; what is sealed in it is disclosed to the connection that it goes over. */
  readonly form?: Readonly<Record<string, string | Sealed>>;
  readonly step: Step;
}

/**
 * Several requests as one browser makes them: cookies kept, connections used again where the server allows it. Whatever
 * host a redirect names, only the probe's own target is dialled: a credential never follows a redirect elsewhere.
 */
export class WebVisit {
  readonly #run: ProbeRun;
  readonly #spec: TransactionSpec;
  readonly #target: Target;
  readonly #jar = new CookieJar();
  /** The cookies of a login are as good as the login: from then on they too go only where a secret may go. */
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
        ...(body === null ? [] : [["Content-Type", "application/x-www-form-urlencoded"] as const]),
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

  /** For another host than the probe's own the certificate must carry that host's name. */
  #specFor(host: string): TransactionSpec {
    const { tls } = this.#spec;
    if (tls === null || host.toLowerCase() === this.#spec.host.toLowerCase() || isIP(host) !== 0) {
      return this.#spec;
    }
    return { ...this.#spec, tls: { ...tls, serverName: host, expectedNames: [host] } };
  }
}

/** Where a redirect leads: host and path, or null when it leads nowhere or out of the web. */
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
