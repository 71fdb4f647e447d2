import type {
  LiveMember,
  LiveProbe,
  LiveServer,
  LiveState,
  LiveVserver,
} from "../../agent/live.ts";
import { mapInSteps, type Steps } from "../../estate/steps.ts";
import type { Labelled } from "./families/scope.ts";
import { distinctSeries, worstOf, type SharedSeries } from "./distinct-series.ts";
import { labelPairs } from "./text.ts";

/**
 * The label texts of an estate's entities, made once for as long as the live state's lists are the same: an estate rarely changes
 * between scrapes, and tens of thousands of strings that live just through one pass are work for the garbage collector.
 */
export class LabelMemory {
  members: readonly Labelled<LiveMember>[] = [];
  /** The labels of each member under each of its vservers. */
  memberships: readonly string[] = [];
  vservers: readonly Labelled<LiveVserver>[] = [];
  servers: readonly Labelled<LiveServer>[] = [];
  /** Of probes whose labels are the same, one: see distinct-series.ts. */
  probes: readonly Labelled<LiveProbe>[] = [];
  #shared: readonly SharedSeries[] = [];
  #of: Pick<LiveState, "members" | "vservers" | "servers" | "probes"> | null = null;

  /** Brings the memory up to the live state, step by step. One pass at a time. */
  *update({ members, vservers, servers, probes }: LiveState): Steps<void> {
    const known = this.#of;
    if (members !== known?.members) {
      this.members = yield* labelled(members, memberLabels);
      this.memberships = (yield* mapInSteps(members, membershipLabels)).flat();
    }
    if (vservers !== known?.vservers) {
      this.vservers = yield* labelled(vservers, vserverLabels);
    }
    if (servers !== known?.servers) {
      this.servers = yield* labelled(servers, serverLabels);
    }
    if (probes !== known?.probes) {
      const { series, shared } = yield* distinctSeries(yield* labelled(probes, probeLabels));
      this.probes = series;
      this.#shared = shared;
    }
    this.#of = { members, vservers, servers, probes };
    for (const { shown, probes: sharing } of this.#shared) {
      shown.entity = worstOf(sharing);
    }
  }
}

function labelled<Entity>(
  entities: readonly Entity[],
  labelsOf: (entity: Entity) => string,
): Steps<Labelled<Entity>[]> {
  return mapInSteps(entities, (entity) => ({ entity, labels: labelsOf(entity) }));
}

function memberLabels(member: LiveMember): string {
  return labelPairs([
    ["adc", member.adc],
    ["adc_service", member.adcService],
    ["server", member.server],
    ["port", member.port],
  ]);
}

function membershipLabels(member: LiveMember): string[] {
  return member.vservers.map((vserver) =>
    labelPairs([
      ["adc", member.adc],
      ["vserver", vserver],
      ["adc_service", member.adcService],
      ["server", member.server],
      ["port", member.port],
    ]),
  );
}

function vserverLabels(vserver: LiveVserver): string {
  return labelPairs([
    ["adc", vserver.adc],
    ["vserver", vserver.vserver],
  ]);
}

function serverLabels(server: LiveServer): string {
  return labelPairs([
    ["adc", server.adc],
    ["server", server.server],
  ]);
}

function probeLabels(probe: LiveProbe): string {
  return labelPairs([
    ["adc", probe.adc],
    ["vserver", probe.vserver],
    ["adc_service", probe.adcService],
    ["server", probe.server],
    ["port", probe.port],
    ["monitor", probe.monitor],
    ["transaction", probe.transaction],
    ["vantage", probe.vantage],
  ]);
}
