import type { Estate } from "../model/estate.ts";
import type { Vserver } from "../model/vserver.ts";
import { MAX_MONITOR_NAME } from "../adc/nsconf/grammar.ts";

/**
 * Assigns names and priorities that are unused in the file and in other fixes. The ADC compares names without regard to
 * case.
 */
export interface Names {
  /** `base` and `suffix` joined, cut to the maximum length of a monitor's name, with a number if it is taken. */
  readonly fresh: (base: string, suffix: string) => string;
  /**
   * A priority for a further policy of a vserver, after all others: the ADC rejects two policies with the same priority,
   * and one that comes first keeps the others from being evaluated.
   */
  readonly freshPriority: (vserver: Pick<Vserver, "name" | "policies">) => number;
}

export function createNames(estate: Estate): Names {
  let taken: Set<string> | null = null;
  // The first number to try for each prefix: names never become free again.
  const next = new Map<string, number>();
  const priorities = new Map<string, Set<number | null>>();
  return {
    freshPriority({ name, policies }) {
      const own = priorities.get(name) ?? new Set(policies.map(({ priority }) => priority));
      priorities.set(name, own);
      const highest = Math.max(90, ...[...own].map((one) => one ?? 0));
      const priority = highest + 10;
      own.add(priority);
      return priority;
    },
    fresh(written, suffix) {
      taken ??= namesOf(estate);
      const base = allowed(written);
      const plain = `${base.slice(0, MAX_MONITOR_NAME - suffix.length)}${suffix}`;
      if (isFree(taken, plain)) {
        return plain;
      }
      for (let from = 2, to = 9; ; from = to + 1, to = from * 10 - 1) {
        const digits = String(to).length;
        const beginning = `${base.slice(0, MAX_MONITOR_NAME - suffix.length - digits)}${suffix}`;
        const place = `${beginning.toLowerCase()} ${String(digits)}`;
        for (let number = next.get(place) ?? from; number <= to; number += 1) {
          next.set(place, number + 1);
          const name = `${beginning}${String(number)}`;
          if (isFree(taken, name)) {
            return name;
          }
        }
      }
    },
  };
}

/** Whether the name was unused; it is then taken. */
function isFree(taken: Set<string>, name: string): boolean {
  const lower = name.toLowerCase();
  const free = !taken.has(lower);
  taken.add(lower);
  return free;
}

function namesOf(estate: Estate): Set<string> {
  const tables = [
    ...[estate.servers, estate.services, estate.monitors, estate.lbVservers, estate.csVservers],
    ...[estate.policies, estate.actions, estate.authenticationVservers, estate.certKeys],
  ];
  return new Set(tables.flatMap((table) => Array.from(table.keys(), (name) => name.toLowerCase())));
}

/** The command reference's characters of a name; old files have others, which the ADC does not accept in a new one. */
function allowed(written: string): string {
  return written.replace(/[^A-Za-z0-9_#. :@=-]/gu, "_").replace(/^[^A-Za-z0-9_]/, "_");
}
