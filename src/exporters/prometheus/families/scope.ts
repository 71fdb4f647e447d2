import type { LiveMember, LiveProbe, LiveState, LiveVserver } from "../../../agent/live.ts";
import type { MetricName } from "../definitions.ts";
import type { FamilyWriter } from "../family-writer.ts";
import { stateBits, type StickyStates } from "../sticky-states.ts";
import { labelPairs, withLabel } from "../text.ts";

/**
 * What one rendering pass works on. Families are generators that yield after each entity, so that whoever drives them
 * can let the event loop breathe; each entity's label text is made once and used by all families.
 */
export interface Scope {
  readonly live: LiveState;
  readonly writer: FamilyWriter;
  readonly sticky: StickyStates;
  readonly pass: number;
  /** Whether the phases of each probe are exported (`metrics.phases`). */
  readonly phases: boolean;
  readonly members: readonly Labelled<LiveMember>[];
  readonly vservers: readonly Labelled<LiveVserver>[];
  readonly probes: readonly Labelled<LiveProbe>[];
}

export interface Labelled<Entity> {
  readonly entity: Entity;
  readonly labels: string;
}

export type Steps = Generator<undefined, void, undefined>;

/** Fills the lists of a scope step by step. */
export function* labelEntities(
  live: LiveState,
  lists: {
    readonly members: Labelled<LiveMember>[];
    readonly vservers: Labelled<LiveVserver>[];
    readonly probes: Labelled<LiveProbe>[];
  },
): Steps {
  for (const entity of live.members) {
    lists.members.push({ entity, labels: memberLabels(entity) });
    yield;
  }
  for (const entity of live.vservers) {
    lists.vservers.push({ entity, labels: vserverLabels(entity) });
    yield;
  }
  // One series twice would make Prometheus refuse it: of probes that differ in nothing but their id, the first speaks.
  const seen = new Set<string>();
  for (const entity of live.probes) {
    const labels = probeLabels(entity);
    if (!seen.has(labels)) {
      seen.add(labels);
      lists.probes.push({ entity, labels });
    }
    yield;
  }
}

function memberLabels(member: LiveMember): string {
  return labelPairs([
    ["adc", member.adc],
    ["adc_service", member.adcService],
    ["server", member.server],
    ["port", member.port],
  ]);
}

function vserverLabels(vserver: LiveVserver): string {
  return labelPairs([
    ["adc", vserver.adc],
    ["vserver", vserver.vserver],
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

/** A state set: each entity's states ever held, 1 for those it holds now. */
export function* stateSetFamily<Entity>(
  scope: Scope,
  name: MetricName,
  label: string,
  states: readonly string[],
  entities: Iterable<Labelled<Entity>>,
  current: (entity: Entity) => readonly string[],
): Steps {
  const { writer, sticky, pass } = scope;
  writer.family(name);
  for (const { entity, labels } of entities) {
    const now = stateBits(states, current(entity));
    const held = sticky.held(pass, name, labels, now);
    for (let index = 0; held >> index !== 0; index += 1) {
      const mask = 1 << index;
      const state = states[index];
      if ((held & mask) !== 0 && state !== undefined) {
        writer.sample(withLabel(labels, label, state), bit((now & mask) !== 0));
      }
    }
    yield;
  }
  sticky.prune(pass, name);
}

/** A gauge or counter with one series per entity; null leaves it out. */
export function* valueFamily<Entity>(
  scope: Scope,
  name: MetricName,
  entities: Iterable<Labelled<Entity>>,
  value: (entity: Entity) => number | null,
): Steps {
  scope.writer.family(name);
  for (const { entity, labels } of entities) {
    const number = value(entity);
    if (number !== null) {
      scope.writer.sample(labels, number);
    }
    yield;
  }
}

export function bit(value: boolean): number {
  return value ? 1 : 0;
}

/** Milliseconds since the epoch to seconds; null stays null. */
export function seconds(atMs: number | null): number | null {
  return atMs === null ? null : atMs / 1000;
}
