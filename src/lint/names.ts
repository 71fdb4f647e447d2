import type { Estate } from "../model/estate.ts";
import type { Vserver } from "../model/vserver.ts";
import { MAX_MONITOR_NAME } from "../adc/nsconf/grammar.ts";

/**
 * Gives out names and priorities that nothing in the file and no other fix has. The ADC compares names without regard to
 * case.
 */
export interface Names {
  /** `base` and `suffix` joined, cut to what a monitor's name may be long, numbered where it is taken. */
  readonly fresh: (base: string, suffix: string) => string;
  /** A priority for one more policy of a vserver: the ADC refuses a second policy at one priority. */
  readonly freshPriority: (vserver: Pick<Vserver, "name" | "policies">) => number;
}

export function createNames(estate: Estate): Names {
  let taken: Set<string> | null = null;
  const priorities = new Map<string, Set<number | null>>();
  return {
    freshPriority({ name, policies }) {
      const own = priorities.get(name) ?? new Set(policies.map(({ priority }) => priority));
      priorities.set(name, own);
      let priority = 100;
      while (own.has(priority)) {
        priority += 10;
      }
      own.add(priority);
      return priority;
    },
    fresh(base, suffix) {
      taken ??= namesOf(estate);
      for (let number = 1; ; number += 1) {
        const end = number === 1 ? suffix : `${suffix}${String(number)}`;
        const name = `${cut(base, MAX_MONITOR_NAME - end.length)}${end}`;
        if (!taken.has(name.toLowerCase())) {
          taken.add(name.toLowerCase());
          return name;
        }
      }
    },
  };
}

function namesOf(estate: Estate): Set<string> {
  const tables = [
    ...[estate.servers, estate.services, estate.monitors, estate.lbVservers, estate.csVservers],
    ...[estate.policies, estate.actions, estate.authenticationVservers, estate.certKeys],
  ];
  return new Set(tables.flatMap((table) => Array.from(table.keys(), (name) => name.toLowerCase())));
}

/** Without half of a surrogate pair at the end. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
}
