import type { Steps } from "../../../lib/steps.ts";
import { PHASES } from "../../../model/observation.ts";
import { labelPairs, withLabel } from "../text-format.ts";
import { bit, each, valueFamily, type Scope } from "./scope.ts";

/** The last run of each probe, and who answered at the VIPs. */
export function* probeFamilies(scope: Scope): Steps<void> {
  const { probes, vservers, writer } = scope;
  yield* valueFamily(scope, "adc_witness_probe_success", probes, (probe) =>
    probe.lastPassed === null ? null : bit(probe.lastPassed),
  );
  yield* valueFamily(scope, "adc_witness_probe_duration_seconds", probes, (probe) =>
    probe.last === null ? null : probe.last.durationMs / 1000,
  );
  yield* valueFamily(scope, "adc_witness_mail_round_trip_seconds", probes, (probe) => {
    const found = probe.transaction === "mail_round_trip" ? probe.last : null;
    return found === null || found.responseTimeMs === null ? null : found.responseTimeMs / 1000;
  });
  writer.family("adc_witness_probe_failure_info");
  yield* each(probes, ({ entity, labels }) => {
    if (entity.last !== null && entity.last.reason !== "ok" && entity.lastPassed !== true) {
      const { step, reason } = entity.last;
      writer.sample(withLabel(withLabel(labels, "step", step), "reason", reason), 1);
    }
  });
  if (scope.phases) {
    writer.family("adc_witness_probe_phase_seconds");
    yield* each(probes, ({ entity, labels }) => {
      for (const phase of PHASES) {
        const durationMs = entity.last?.phases[phase];
        if (durationMs !== undefined) {
          writer.sample(withLabel(labels, "phase", phase), durationMs / 1000);
        }
      }
    });
  }
  yield* valueFamily(scope, "adc_witness_client_address_kept", vservers, ({ clientAddressKept }) =>
    clientAddressKept === undefined || clientAddressKept === null ? null : bit(clientAddressKept),
  );
  yield* valueFamily(scope, "adc_witness_auth_schemes_differ", vservers, ({ oddSchemes = null }) =>
    oddSchemes === null ? null : bit(oddSchemes.length > 0),
  );
  writer.family("adc_witness_vip_served_by_total");
  yield* each(vservers, ({ entity }) => {
    for (const [server, answers] of entity.servedBy) {
      const pairs = [
        ["adc", entity.adc],
        ["vserver", entity.vserver],
        ["server", server],
      ] as const;
      writer.sample(labelPairs(pairs), answers);
    }
  });
}
