import type { Steps } from "../../../lib/steps.ts";
import type { LiveAdc } from "../../../model/live.ts";
import { BLIND_REASONS } from "../../../model/adc-state.ts";
import { ADC_OPINIONS } from "../../../model/verdicts.ts";
import { labelPairs, withLabel } from "../text-format.ts";
import {
  bit,
  each,
  seconds,
  stateSetFamily,
  valueFamily,
  type Labelled,
  type Scope,
} from "./scope.ts";

/** What the ADC says, as of the last poll. */
export function* adcFamilies(scope: Scope): Steps<void> {
  const { live, members, vservers, writer } = scope;
  const adcs: readonly Labelled<LiveAdc>[] = live.adcs.map((entity) => ({
    entity,
    labels: labelPairs([["adc", entity.name]]),
  }));
  yield* valueFamily(scope, "adc_witness_adc_up", adcs, (adc) =>
    adc.up === null ? null : bit(adc.up),
  );
  yield* valueFamily(scope, "adc_witness_adc_last_poll_timestamp_seconds", adcs, (adc) =>
    seconds(adc.lastPollAt),
  );
  writer.family("adc_witness_adc_node_primary");
  yield* each(adcs, ({ entity, labels }) => {
    for (const node of entity.nodes) {
      writer.sample(withLabel(labels, "node", node.node), bit(node.primary));
    }
  });
  yield* valueFamily(scope, "adc_witness_adc_split_brain", adcs, (adc) =>
    adc.up === null ? null : bit(adc.splitBrain === true),
  );
  writer.family("adc_witness_nitro_unknown_texts");
  yield* each(adcs, ({ entity, labels }) => {
    for (const [kind, count] of entity.unknownTexts ?? []) {
      writer.sample(withLabel(labels, "kind", kind), count);
    }
  });
  writer.family("adc_witness_nitro_gap");
  yield* each(adcs, ({ entity, labels }) => {
    for (const { resource } of entity.gaps ?? []) {
      writer.sample(withLabel(labels, "resource", resource), 1);
    }
  });
  yield* stateSetFamily(
    scope,
    "adc_witness_adc_vserver_state",
    "state",
    ADC_OPINIONS,
    vservers,
    (vserver) => [vserver.adcOpinion],
  );
  yield* valueFamily(scope, "adc_witness_adc_vserver_health_ratio", vservers, (vserver) =>
    vserver.healthPercent === null ? null : vserver.healthPercent / 100,
  );
  yield* stateSetFamily(
    scope,
    "adc_witness_adc_member_state",
    "state",
    ADC_OPINIONS,
    members,
    (member) => [member.adcOpinion],
  );
  writer.family("adc_witness_adc_monitor_up");
  yield* each(members, ({ entity, labels }) => {
    for (const monitor of entity.adcMonitors) {
      if (monitor.state === "up" || monitor.state === "down") {
        writer.sample(withLabel(labels, "monitor", monitor.monitor), bit(monitor.state === "up"));
      }
    }
  });
  yield* valueFamily(
    scope,
    "adc_witness_adc_member_connections",
    members,
    (member) => member.connections,
  );
  yield* valueFamily(scope, "adc_witness_adc_state_change_timestamp_seconds", members, (member) =>
    seconds(member.adcStateChangedAt),
  );
  yield* stateSetFamily(
    scope,
    "adc_witness_adc_blind",
    "reason",
    BLIND_REASONS,
    members,
    (member) => member.blind,
  );
}
