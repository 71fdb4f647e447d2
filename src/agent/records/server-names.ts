/**
 * What each server calls itself, learnt at the backend where it is certain who answers, so that an answer through a VIP
 * can be laid to a server of the estate. A name that two servers claim (a shared certificate name, say) names nobody.
 */
export class ServerNames {
  readonly #owners = new Map<string, Set<string>>();

  learn(adc: string, name: string, server: string): void {
    for (const known of namesOf(name)) {
      const key = `${adc}\u0000${known}`;
      const owners = this.#owners.get(key);
      if (owners === undefined) {
        this.#owners.set(key, new Set([server]));
      } else {
        owners.add(server);
      }
    }
  }

  /** The estate's server of that name, or null when nobody or more than one goes by it. */
  serverOf(adc: string, name: string): string | null {
    for (const known of namesOf(name)) {
      const owners = this.#owners.get(`${adc}\u0000${known}`);
      if (owners?.size === 1) {
        const [owner] = owners;
        return owner ?? null;
      }
    }
    return null;
  }
}

/** Exchange signs as an FQDN here (EHLO, healthcheck.htm) and as a bare host name there (X-FEServer). */
function namesOf(name: string): readonly string[] {
  const whole = name.toLowerCase();
  const bare = whole.split(".")[0];
  return bare === undefined || bare === whole ? [whole] : [whole, bare];
}
