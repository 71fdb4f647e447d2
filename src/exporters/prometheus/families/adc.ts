import type { Steps } from "../../../lib/steps.ts";
import type { LiveAdc, LiveGslb, LiveVserver } from "../../../model/live.ts";
import { BLIND_REASONS } from "../../../model/adc-state.ts";
import { ADC_OPINIONS } from "../../../model/verdicts.ts";
import { labelPairs, withLabel } from "../text-format.ts";
import {
  bit,
  closedStates,
  each,
  seconds,
  stateSetFamily,
  valueFamily,
  type Labelled,
  type Scope,
} from "./scope.ts";

const STATES = closedStates("state", ADC_OPINIONS);
const BLINDNESS = closedStates("reason", BLIND_REASONS);

/** State reported by the ADC at the last poll. */
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
  yield* valueFamily(scope, "adc_witness_adc_import_up", adcs, ({ importFailure }) =>
    importFailure === undefined ? null : bit(importFailure === null),
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
    STATES,
    vservers,
    ({ adcOpinion }) => STATES.bitOf(adcOpinion),
  );
  yield* valueFamily(scope, "adc_witness_adc_vserver_health_ratio", vservers, (vserver) =>
    vserver.healthPercent === null ? null : vserver.healthPercent / 100,
  );
  yield* stateSetFamily(scope, "adc_witness_adc_member_state", STATES, members, ({ adcOpinion }) =>
    STATES.bitOf(adcOpinion),
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
  yield* stateSetFamily(scope, "adc_witness_adc_blind", BLINDNESS, members, ({ blind }) =>
    blind.reduce((bits, reason) => bits | BLINDNESS.bitOf(reason), 0),
  );
}

/** Sites of GSLB vservers, and public addresses of vservers. */
export function* nameFamilies(scope: Scope): Steps<void> {
  const names = scope.vservers.filter(({ entity }) => (entity.gslb ?? null) !== null);
  yield* siteFamily(scope, "adc_witness_gslb_site_handed_out", names, ({ handedOut }) => handedOut);
  yield* siteFamily(scope, "adc_witness_gslb_site_serving", names, ({ serves }) =>
    serves === "unknown" ? null : serves === "up",
  );
  const { writer } = scope;
  writer.family("adc_witness_gslb_mep_up");
  const exchanges = new Map(
    names.flatMap(({ entity }) =>
      (entity.gslb?.sites ?? []).flatMap(({ site, mep }) =>
        site === null || mep === null
          ? []
          : [
              [
                labelPairs([
                  ["adc", entity.adc],
                  ["site", site],
                ]),
                mep === "up",
              ] as const,
            ],
      ),
    ),
  );
  yield* each(exchanges, ([labels, up]) => {
    writer.sample(labels, bit(up));
  });
  writer.family("adc_witness_public_address_up");
  yield* each(scope.vservers, ({ entity, labels }) => {
    for (const { name, address, up } of publicAddresses(entity)) {
      writer.sample(withLabel(withLabel(labels, "name", name), "address", address), bit(up));
    }
  });
}

type Site = NonNullable<LiveVserver["gslb"]>["sites"][number];

function* siteFamily(
  { writer }: Scope,
  metric: "adc_witness_gslb_site_handed_out" | "adc_witness_gslb_site_serving",
  names: readonly Labelled<LiveVserver>[],
  value: (site: Site) => boolean | null,
): Steps<void> {
  writer.family(metric);
  yield* each(names, ({ entity, labels }) => {
    for (const site of entity.gslb?.sites ?? []) {
      const reported = value(site);
      if (reported !== null) {
        const pairs = labelPairs([
          ["site", site.site ?? ""],
          ["adc_service", site.adcService],
          ["server", site.server],
          ["port", String(site.port)],
        ]);
        writer.sample(`${labels},${pairs}`, bit(reported));
      }
    }
  });
}

interface PublicAddress {
  /** Empty if the configuration contains the address itself. */
  readonly name: string;
  readonly address: string;
  readonly up: boolean;
}

/** The known addresses in GSLB's DNS answers. */
function addressesOfSites({ domains, sites }: LiveGslb): readonly PublicAddress[] {
  const states = sites.flatMap(({ addressStates = [] }) => addressStates);
  const up = new Map<string, boolean>();
  for (const { address, state } of states) {
    if (state !== "unknown") {
      up.set(address, state === "up" && (up.get(address) ?? true));
    }
  }
  return [...up].flatMap(([address, isUp]) => domains.map((name) => ({ name, address, up: isUp })));
}

/** Each probed public address, with its worst known result. */
function publicAddresses(vserver: LiveVserver): readonly PublicAddress[] {
  const { probes, publicNames = [], gslb = null } = vserver;
  if (gslb !== null) {
    return addressesOfSites(gslb);
  }
  const worst = new Map<string, boolean>();
  for (const { vantage, address = null, opinion } of probes) {
    if (vantage === "public" && address !== null && opinion !== "unknown") {
      worst.set(address, opinion === "up" && (worst.get(address) ?? true));
    }
  }
  return [...worst].flatMap(([address, up]) => {
    const named = publicNames.filter(
      ({ name, addresses }) => name === address || addresses.some((one) => one.address === address),
    );
    return named.length === 0
      ? [{ name: "", address, up }]
      : named.map(({ name }) => ({ name, address, up }));
  });
}
