import { groupBy } from "../lib/steps.ts";
import type { LiveProbe, LiveState } from "../model/live.ts";
import { withPort } from "../lib/ip.ts";

/** One group of Prometheus' HTTP service discovery. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Begins the names of the labels that relabelling may use. */
export const META = "__meta_adc_witness_";

/** Whether `/probe` can run it. Public addresses from DNS are not imported targets. */
export function isProbedNow({ vantage, notRepeated }: LiveProbe): boolean {
  return vantage !== "public" && notRepeated === null;
}

/** The name of a probe at `/probe`; several probes of a target may share it (accounts, paths). */
export function probeName(probe: LiveProbe): string {
  return probe.kind === "monitor" ? probe.monitor : probe.transaction;
}

/**
 * All runnable probes as targets of the agent's `/probe`. `__param_target` and `__param_monitor` are set, so that a scrape job
 * needs only the agent's address. Probes with the same name at a target use their id.
 */
export function probeTargets(live: LiveState): readonly TargetGroup[] {
  const probes = live.probes.filter(isProbedNow);
  const alike = groupBy(probes, (probe) => `${targetOf(probe)} ${probeName(probe)}`);
  const isAlone = new Set(
    [...alike.values()].flatMap(([first, ...more]) =>
      more.length === 0 && first !== undefined ? [first] : [],
    ),
  );
  return probes.map((probe) => ({
    targets: [probe.server === "" ? probe.vserver : withPort(probe.server, probe.port)],
    labels: {
      __param_target: targetOf(probe),
      __param_monitor: isAlone.has(probe) ? probeName(probe) : probe.id,
      [`${META}adc`]: probe.adc,
      [`${META}vserver`]: probe.vserver,
      [`${META}adc_service`]: probe.adcService,
      [`${META}server`]: probe.server,
      [`${META}port`]: String(probe.port),
      [`${META}monitor`]: probe.monitor,
      [`${META}transaction`]: probe.transaction,
      [`${META}type`]: probe.type,
      [`${META}vantage`]: probe.vantage,
    },
  }));
}

/** The unambiguous target name for `/probe`. */
export function targetOf(probe: LiveProbe): string {
  return probe.server === ""
    ? `${probe.adc}/${probe.vserver}`
    : `${probe.adc}/${probe.adcService}/${withPort(probe.server, probe.port)}`;
}
