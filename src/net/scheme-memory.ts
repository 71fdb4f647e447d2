/** The part of a target that names an endpoint. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** More web applications than an estate has. */
const MAX_PLACES = 16_384;
/** Schemes in which the password itself does not travel. */
const KEEPS_PASSWORD: ReadonlySet<string> = new Set(["ntlm", "negotiate"]);

/**
 * Which web applications have offered NTLM or Negotiate: none of them is given the password by Basic afterwards, whatever
 * it offers then. Never forgets; only the configuration (`auth: basic`) says otherwise. Once full, it takes every place
 * that it does not know for such a one.
 */
export class SchemeMemory {
  readonly #strong = new Set<string>();

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
}

/** One web application of one server: Exchange's ActiveSync offers Basic where its EWS does not. */
function placeOf({ host, port }: Endpoint, path: string): string {
  const application = path.split(/[/?]/)[1] ?? "";
  return `${host.toLowerCase()} ${String(port)} ${application.toLowerCase()}`;
}
