import type { LiveProbe } from "../../agent/live.ts";
import type { Steps } from "../../estate/steps.ts";
import type { Labelled } from "./families/scope.ts";

/** One series for several probes. */
export interface SharedSeries {
  readonly shown: Labelled<LiveProbe>;
  readonly probes: readonly [Labelled<LiveProbe>, ...Labelled<LiveProbe>[]];
}

/**
 * Of probes that differ in nothing but their id (the sites of a client-facing name, accounts of one transaction) the worst
 * speaks: one series twice would make Prometheus refuse it, and a series for each address would come and go with DNS.
 */
export function* distinctSeries(labelled: readonly Labelled<LiveProbe>[]): Steps<{
  readonly series: readonly Labelled<LiveProbe>[];
  readonly shared: readonly SharedSeries[];
}> {
  const series = new Map<string, Labelled<LiveProbe>>();
  const shared = new Map<string, { shown: Labelled<LiveProbe>; probes: SharedSeries["probes"] }>();
  for (const one of labelled) {
    const first = series.get(one.labels);
    const known = shared.get(one.labels);
    if (first === undefined) {
      series.set(one.labels, one);
    } else if (known === undefined) {
      const shown = { entity: first.entity, labels: one.labels };
      shared.set(one.labels, { shown, probes: [first, one] });
      series.set(one.labels, shown);
    } else {
      known.probes = [...known.probes, one];
    }
    yield;
  }
  return { series: [...series.values()], shared: [...shared.values()] };
}

/** The first that failed, else the first that passed. */
export function worstOf(probes: SharedSeries["probes"]): LiveProbe {
  const [first] = probes;
  const worst =
    probes.find(({ entity }) => entity.lastPassed === false) ??
    probes.find(({ entity }) => entity.lastPassed === true) ??
    first;
  return worst.entity;
}
