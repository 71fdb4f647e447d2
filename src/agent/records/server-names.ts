import type { Observation } from "../../probes/probe.ts";
import type { ProbeRecord } from "./probe-record.ts";

/** A server that is down, or in maintenance, answers to its name through a VIP for so long after it last gave it itself. */
const KEPT_WHILE_SILENT_MS = 24 * 3_600_000;

/**
 * What servers call themselves, as probes hear it straight from them, so that an answer through a VIP can be laid to a
 * server of the estate. A claim belongs to the probe that heard it: the probe's next answer replaces it, and the probe's
 * end is its end, so there are never more claims than probes. A name that two servers claim (a shared certificate name,
 * a lie) names nobody while both do; a claim that has not been repeated for three intervals yields to one that has.
 */
export class ServerNames {
  readonly #now: () => number;
  #claimants = new Map<string, Set<ProbeRecord>>();

  /** `now`: the clock by which probe records date their claims. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Names under which a server can be found. */
  get size(): number {
    return this.#claimants.size;
  }

  /** Follows the probes in force: claims of all others are forgotten. */
  follow(probes: Iterable<ProbeRecord>): void {
    this.#claimants = new Map();
    for (const probe of probes) {
      this.#add(probe);
    }
  }

  /** Takes in what a probe saw of the server itself. A good answer without a name no longer makes the claim. */
  hear(probe: ProbeRecord, { servedBy: name, outcome }: Observation): void {
    const claim = probe.nameClaim;
    if (name === null) {
      if (claim !== null && outcome === "match") {
        claim.isMade = false;
      }
    } else if (claim?.name === name) {
      claim.heardAt = this.#now();
      claim.isMade = true;
    } else {
      this.#remove(probe);
      probe.nameClaim = { name, heardAt: this.#now(), isMade: true };
      this.#add(probe);
    }
  }

  /** The estate's server of that name, or null when nobody or more than one goes by it. */
  serverOf(adc: string, name: string): string | null {
    for (const known of namesOf(name)) {
      const claimants = this.#claimants.get(keyOf(adc, known)) ?? NOBODY;
      const server = soleOwner(claimants, this.#now());
      if (server !== null) {
        return server;
      }
    }
    return null;
  }

  #add(probe: ProbeRecord): void {
    for (const key of keysOf(probe)) {
      const claimants = this.#claimants.get(key) ?? new Set();
      this.#claimants.set(key, claimants.add(probe));
    }
  }

  #remove(probe: ProbeRecord): void {
    for (const key of keysOf(probe)) {
      const claimants = this.#claimants.get(key);
      claimants?.delete(probe);
      if (claimants?.size === 0) {
        this.#claimants.delete(key);
      }
    }
  }
}

const NOBODY: ReadonlySet<ProbeRecord> = new Set();

function soleOwner(claimants: ReadonlySet<ProbeRecord>, now: number): string | null {
  const repeated = new Set<string>();
  const silent = new Set<string>();
  for (const { nameClaim, server, freshMs } of claimants) {
    const ageMs = now - (nameClaim?.heardAt ?? -Infinity);
    if (nameClaim?.isMade === true && ageMs <= freshMs) {
      repeated.add(server);
    } else if (ageMs <= KEPT_WHILE_SILENT_MS) {
      silent.add(server);
    }
  }
  const owners = repeated.size > 0 ? repeated : silent;
  const [owner = null] = owners;
  return owners.size === 1 ? owner : null;
}

function keysOf({ adc, nameClaim }: ProbeRecord): readonly string[] {
  return nameClaim === null ? [] : namesOf(nameClaim.name).map((name) => keyOf(adc, name));
}

function keyOf(adc: string, name: string): string {
  return `${adc}\u0000${name}`;
}

/** Exchange signs as an FQDN here (EHLO, healthcheck.htm) and as a bare host name there (X-FEServer). */
function namesOf(name: string): readonly string[] {
  const whole = name.toLowerCase();
  const bare = whole.split(".")[0];
  return bare === undefined || bare === whole ? [whole] : [whole, bare];
}
