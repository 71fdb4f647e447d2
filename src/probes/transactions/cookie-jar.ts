import type { HttpAnswer } from "../wire/http-answer.ts";

interface Cookie {
  readonly name: string;
  readonly value: string;
  /** Host it belongs to, in lower case; with `wide`, that domain and all below it. */
  readonly domain: string;
  readonly wide: boolean;
}

const MOST_COOKIES = 60;
const LONGEST_COOKIE = 4096;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** The cookies of one visit, kept as a browser keeps them as far as a login needs it (RFC 6265). Forgotten with the visit. */
export class CookieJar {
  #cookies: Cookie[] = [];

  /** Takes over what an answer of that host sets; an empty or expired cookie is removed. */
  keep(host: string, answer: HttpAnswer): void {
    for (const line of answer.headers.all("set-cookie")) {
      const cookie = parseCookie(line, host.toLowerCase());
      if (cookie === null || line.length > LONGEST_COOKIE) {
        continue;
      }
      this.#cookies = this.#cookies.filter(
        ({ name, domain }) => name !== cookie.name || domain !== cookie.domain,
      );
      if (cookie.value !== "" && this.#cookies.length < MOST_COOKIES) {
        this.#cookies.push(cookie);
      }
    }
  }

  /** Value of the `Cookie` header for that host, or null when there is nothing to send. */
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
  // A host may set cookies for its own domain and those above it, never for strangers.
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
