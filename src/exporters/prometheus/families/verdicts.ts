import type { LiveMember } from "../../../agent/live.ts";
import { MEMBER_VERDICTS, VSERVER_VERDICTS } from "../../../verdict/verdicts.ts";
import { labelPairs, withLabel } from "../text.ts";
import {
  bit,
  each,
  seconds,
  stateSetFamily,
  valueFamily,
  type Scope,
  type Steps,
} from "./scope.ts";

/** The three opinions and the verdicts on members and vservers. */
export function* verdictFamilies(scope: Scope): Steps {
  const { members, vservers, writer } = scope;
  writer.family("adc_witness_vserver_member_info");
  yield* each(members, ({ entity }) => {
    for (const vserver of entity.vservers) {
      const pairs = [
        ["adc", entity.adc],
        ["vserver", vserver],
        ["adc_service", entity.adcService],
        ["server", entity.server],
        ["port", entity.port],
      ] as const;
      writer.sample(labelPairs(pairs), 1);
    }
  });
  writer.family("adc_witness_opinion");
  yield* each(members, ({ entity, labels }) => {
    for (const [opinion, value] of opinionValues(entity)) {
      if (value !== null) {
        writer.sample(withLabel(labels, "opinion", opinion), value);
      }
    }
  });
  yield* stateSetFamily(
    scope,
    "adc_witness_verdict",
    "verdict",
    MEMBER_VERDICTS,
    members,
    (member) => [member.verdict],
  );
  yield* valueFamily(scope, "adc_witness_mismatch", members, (member) => bit(member.mismatch));
  yield* valueFamily(
    scope,
    "adc_witness_mismatch_seconds_total",
    members,
    (member) => member.mismatchSeconds,
  );
  yield* valueFamily(scope, "adc_witness_verdict_since_timestamp_seconds", members, (member) =>
    seconds(member.since),
  );
  yield* stateSetFamily(
    scope,
    "adc_witness_vserver_verdict",
    "verdict",
    VSERVER_VERDICTS,
    vservers,
    (vserver) => [vserver.verdict],
  );
  yield* valueFamily(scope, "adc_witness_vserver_mismatch", vservers, (vserver) =>
    bit(vserver.mismatch),
  );
  yield* valueFamily(
    scope,
    "adc_witness_vserver_mismatch_seconds_total",
    vservers,
    (vserver) => vserver.mismatchSeconds,
  );
  yield* valueFamily(
    scope,
    "adc_witness_vserver_verdict_since_timestamp_seconds",
    vservers,
    (vserver) => seconds(vserver.since),
  );
  writer.family("adc_witness_vserver_members");
  yield* each(vservers, ({ entity, labels }) => {
    const { configured, adcUp, reallyUp, maintenance } = entity.members;
    writer.sample(withLabel(labels, "of", "configured"), configured);
    writer.sample(withLabel(labels, "of", "adc_up"), adcUp);
    writer.sample(withLabel(labels, "of", "really_up"), reallyUp);
    writer.sample(withLabel(labels, "of", "maintenance"), maintenance);
  });
}

function opinionValues(member: LiveMember): readonly (readonly [string, number | null])[] {
  return [
    ["adc", member.adcOpinion === "unknown" ? null : bit(member.adcOpinion === "up")],
    ["replica", upOrDown(member.replica)],
    ["service", upOrDown(member.service)],
  ];
}

function upOrDown(opinion: "up" | "down" | "unknown" | "none"): number | null {
  return opinion === "up" || opinion === "down" ? bit(opinion === "up") : null;
}
