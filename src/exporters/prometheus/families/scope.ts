import type {
  LiveMember,
  LiveProbe,
  LiveServer,
  LiveState,
  LiveVserver,
} from "../../../agent/live.ts";
import type { MetricName } from "../definitions.ts";
import type { FamilyWriter } from "../family-writer.ts";
import { stateBits, type StickyStates } from "../sticky-states.ts";
import { labelPairs, withLabel } from "../text.ts";

/**
 * What one rendering pass works on. Families are generators that yield every few entities, so that whoever drives them
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
  readonly servers: readonly Labelled<LiveServer>[];
  readonly probes: readonly Labelled<LiveProbe>[];
}

export interface Labelled<Entity> {
  entity: Entity;
  readonly labels: string;
}

export type Steps = Generator<undefined, void, undefined>;

/**
 * The label texts of the last pass, by position. An estate rarely changes between scrapes: what is made once and kept
 * spares the garbage collector tens of thousands of strings that would live just through one pass.
 */
export class LabelMemory {
  readonly members: Labelled<LiveMember>[] = [];
  readonly vservers: Labelled<LiveVserver>[] = [];
  readonly servers: Labelled<LiveServer>[] = [];
  /**
   * Of probes that differ in nothing but their id (the sites of a client-facing name, accounts of one transaction) the worst
   * speaks: one series twice would make Prometheus refuse it, and a series for each address would come and go with DNS.
   */
  distinctProbes: readonly Labelled<LiveProbe>[] = [];
  #shared: readonly SharedSeries[] = [];
  readonly #probes: Labelled<LiveProbe>[] = [];

  /** Brings the memory up to the live state, step by step. One pass at a time. */
  *update(live: LiveState): Steps {
    yield* relabel(live.members, this.members, sameMember, memberLabels);
    yield* relabel(live.vservers, this.vservers, sameVserver, vserverLabels);
    yield* relabel(live.servers, this.servers, sameServer, serverLabels);
    const changed = yield* relabel(live.probes, this.#probes, sameProbe, probeLabels);
    if (changed) {
      const { series, shared } = yield* distinct(this.#probes);
      this.distinctProbes = series;
      this.#shared = shared;
    }
    for (const { shown, probes } of this.#shared) {
      shown.entity = worstOf(probes);
    }
  }
}

function* relabel<Entity>(
  entities: readonly Entity[],
  memory: Labelled<Entity>[],
  same: (one: Entity, other: Entity) => boolean,
  make: (entity: Entity) => string,
): Generator<undefined, boolean, undefined> {
  let changed = memory.length > entities.length;
  memory.length = Math.min(memory.length, entities.length);
  yield* each(entities.entries(), ([index, entity]) => {
    const known = memory[index];
    if (known === undefined || !same(known.entity, entity)) {
      memory[index] = { entity, labels: make(entity) };
      changed = true;
    } else {
      known.entity = entity;
    }
  });
  return changed;
}

interface SharedSeries {
  readonly shown: Labelled<LiveProbe>;
  readonly probes: readonly [Labelled<LiveProbe>, ...Labelled<LiveProbe>[]];
}

function* distinct(labelled: readonly Labelled<LiveProbe>[]): Generator<
  undefined,
  {
    readonly series: readonly Labelled<LiveProbe>[];
    readonly shared: readonly SharedSeries[];
  },
  undefined
> {
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
function worstOf(probes: SharedSeries["probes"]): LiveProbe {
  const [first] = probes;
  const worst =
    probes.find(({ entity }) => entity.lastPassed === false) ??
    probes.find(({ entity }) => entity.lastPassed === true) ??
    first;
  return worst.entity;
}

function sameMember(one: LiveMember, other: LiveMember): boolean {
  return (
    one.server === other.server &&
    one.port === other.port &&
    one.adcService === other.adcService &&
    one.adc === other.adc
  );
}

function sameVserver(one: LiveVserver, other: LiveVserver): boolean {
  return one.vserver === other.vserver && one.adc === other.adc;
}

function sameServer(one: LiveServer, other: LiveServer): boolean {
  return one.server === other.server && one.adc === other.adc;
}

function sameProbe(one: LiveProbe, other: LiveProbe): boolean {
  return (
    one.id === other.id &&
    one.server === other.server &&
    one.port === other.port &&
    one.adcService === other.adcService &&
    one.vserver === other.vserver &&
    one.monitor === other.monitor &&
    one.transaction === other.transaction &&
    one.vantage === other.vantage &&
    one.adc === other.adc
  );
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

/** Between two yields so many entities are written: a yield costs about as much as a sample. */
const YIELD_EVERY = 32;

/** Writes entity after entity. */
export function* each<Entity>(entities: Iterable<Entity>, write: (entity: Entity) => void): Steps {
  let written = 0;
  for (const entity of entities) {
    write(entity);
    written += 1;
    if (written % YIELD_EVERY === 0) {
      yield;
    }
  }
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
  const texts = states.map((state) => `,${withLabel("", label, state)}`);
  writer.family(name);
  yield* each(entities, ({ entity, labels }) => {
    const now = stateBits(states, current(entity));
    const held = sticky.held(pass, name, labels, now);
    for (let index = 0; held >> index !== 0; index += 1) {
      const mask = 1 << index;
      if ((held & mask) !== 0) {
        writer.sample(`${labels}${texts[index] ?? ""}`, bit((now & mask) !== 0));
      }
    }
  });
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
  yield* each(entities, ({ entity, labels }) => {
    const number = value(entity);
    if (number !== null) {
      scope.writer.sample(labels, number);
    }
  });
}

export function bit(value: boolean): number {
  return value ? 1 : 0;
}

/** Milliseconds since the epoch to seconds; null stays null. */
export function seconds(atMs: number | null): number | null {
  return atMs === null ? null : atMs / 1000;
}
