/** The part of a target that names an endpoint. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** More web applications than an estate has. */
const MAX_PLACES = 16_384;
/** How long a page counts as one that asks for a login, or does not. */
const PAGE_KNOWN_MS = 3_600_000;
/** Schemes in which the password itself does not travel. */
const KEEPS_PASSWORD: ReadonlySet<string> = new Set(["ntlm", "negotiate"]);

/**
 * Which web applications have offered NTLM or Negotiate: none of them is given the password by Basic afterwards, whatever
 * it offers then. Never forgets; only the configuration (`auth: basic`) says otherwise. Once full, it takes every place
 * that it does not know for such a one. And, for an hour, what pages say to somebody without a credential.
 */
export class SchemeMemory {
  readonly #strong = new Set<string>();
  /** What a page said to somebody without a credential, and when. */
  readonly #toNobody = new Map<string, { readonly status: number; readonly at: number }>();

  /** What a challenge there has offered, in lower case. */
  heard(target: Endpoint, path: string, schemes: readonly string[]): void {
    if (schemes.some((scheme) => KEEPS_PASSWORD.has(scheme)) && this.#strong.size < MAX_PLACES) {
      this.#strong.add(placeOf(target, path));
    }
  }

  /** Whether a password may go there by Basic. */
  allowsBasic(target: Endpoint, path: string): boolean {
    return this.#strong.size < MAX_PLACES && !this.#strong.has(placeOf(target, path));
  }

  /** The status that this page lately answered somebody without a credential with; null: not known. */
  toNobody(target: Endpoint, path: string, now: number): number | null {
    const known = this.#toNobody.get(pageOf(target, path));
    return known !== undefined && now - known.at < PAGE_KNOWN_MS ? known.status : null;
  }

  /** Notes such a status. `now` is a monotonic clock's time in milliseconds. */
  saidToNobody(target: Endpoint, path: string, status: number, now: number): void {
    if (this.#toNobody.size >= MAX_PLACES) {
      this.#toNobody.clear();
    }
    this.#toNobody.set(pageOf(target, path), { status, at: now });
  }
}

/** One web application of one server: Exchange's ActiveSync offers Basic where its EWS does not. */
function placeOf({ host, port }: Endpoint, path: string): string {
  const application = path.split(/[/?]/)[1] ?? "";
  return `${host.toLowerCase()} ${String(port)} ${application.toLowerCase()}`;
}

function pageOf({ host, port }: Endpoint, path: string): string {
  return `${host.toLowerCase()} ${String(port)} ${path}`;
}
