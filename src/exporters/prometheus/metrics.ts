import type {
  LiveMember,
  LiveProbe,
  LiveServer,
  LiveState,
  LiveVserver,
} from "../../model/live.ts";
import { mapInSteps, type Steps, runYielding } from "../../lib/steps.ts";
import { type Labelled, type Scope, StickyStates } from "./families/scope.ts";
import { labelPairs, FamilyWriter, type Format } from "./text-format.ts";
import { oneAtATime } from "../../lib/pacing.ts";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { startLagMeter, agentFamilies } from "./families/agent.ts";
import { adcFamilies, nameFamilies } from "./families/adc.ts";
import { maintenanceFamilies, verdictFamilies } from "./families/verdicts.ts";
import { probeFamilies, tlsFamilies } from "./families/probes.ts";
import { createAccumulatedMetrics, type AccumulatedMetrics } from "./recorded.ts";

/**
 * Cache of the label texts of an estate's entities, valid while the live state's lists are unchanged. Avoids creating tens of
 * thousands of strings per scrape.
 */
class LabelMemory {
  members: readonly Labelled<LiveMember>[] = [];
  /** The labels of each member under each of its vservers. */
  memberships: readonly string[] = [];
  vservers: readonly Labelled<LiveVserver>[] = [];
  servers: readonly Labelled<LiveServer>[] = [];
  /** One series per distinct set of labels: see `distinctSeries`. */
  probes: readonly Labelled<LiveProbe>[] = [];
  #shared: readonly SharedSeries[] = [];
  #of: Pick<LiveState, "members" | "vservers" | "servers" | "probes"> | null = null;

  /** Updates the cache from the live state, in steps. One pass at a time. */
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

/** One series for several probes. */
interface SharedSeries {
  readonly shown: Labelled<LiveProbe>;
  readonly probes: readonly [Labelled<LiveProbe>, ...Labelled<LiveProbe>[]];
}

/**
 * Of probes that differ only in their id (addresses of a client-facing name, accounts of one transaction), only the worst is
 * exported: Prometheus rejects duplicate series, and a series per address would change with DNS.
 */
function* distinctSeries(probes: readonly Labelled<LiveProbe>[]): Steps<{
  readonly series: readonly Labelled<LiveProbe>[];
  readonly shared: readonly SharedSeries[];
}> {
  const series = new Map<string, Labelled<LiveProbe>>();
  const shared = new Map<string, { shown: Labelled<LiveProbe>; probes: SharedSeries["probes"] }>();
  for (const one of probes) {
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

export interface MetricsOptions {
  readonly version: string;
  readonly revision: string;
  /** `metrics.phases` of the configuration: a series per probe and phase. */
  readonly phases: boolean;
}

/** All metrics of one agent: recorded as events happen, or read from the live state at a scrape. */
export interface Metrics extends Omit<AccumulatedMetrics, "families"> {
  /**
   * The exposition, in pieces of about 64 KB. Concurrent scrapes share one rendering, which yields to the event loop every few
   * milliseconds.
   */
  readonly render: (
    live: LiveState,
    format: Format,
    options?: { readonly gzip?: boolean },
  ) => Promise<readonly Buffer[]>;
  /** Changes the option `phases` after a reload. */
  readonly setPhases: (phases: boolean) => void;
  readonly close: () => void;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { families: recordedFamilies, ...recording } = createAccumulatedMetrics(options);
  const sticky = new StickyStates();
  const lagMeter = startLagMeter();
  const labels = new LabelMemory();
  const underWay = new Map<string, Promise<readonly Buffer[]>>();
  /** Renderings of the two formats are serialised, because they share the label cache and the states. */
  const inTurn = oneAtATime();
  let phases = options.phases;

  function shared(key: string, make: () => Promise<readonly Buffer[]>): Promise<readonly Buffer[]> {
    const running = underWay.get(key);
    if (running !== undefined) {
      return running;
    }
    const started = make().finally(() => underWay.delete(key));
    underWay.set(key, started);
    return started;
  }

  async function renderPlain(live: LiveState, format: Format): Promise<readonly Buffer[]> {
    const writer = new FamilyWriter(format);
    const recorded = await recordedFamilies(writer);
    function* steps(): Steps<readonly Buffer[]> {
      yield* recorded;
      yield* labels.update(live);
      const { members, memberships, vservers, servers, probes } = labels;
      const entities = { members, memberships, vservers, servers, probes };
      const scope: Scope = { live, writer, sticky, phases, ...entities };
      yield* agentFamilies(scope, lagMeter.read());
      yield* adcFamilies(scope);
      yield* verdictFamilies(scope);
      yield* nameFamilies(scope);
      yield* probeFamilies(scope);
      yield* tlsFamilies(scope);
      yield* maintenanceFamilies(scope);
      return writer.end();
    }
    return runYielding(steps());
  }

  return {
    ...recording,
    render: (live, format, { gzip: compressed = false } = {}) => {
      const plain = () => shared(format, () => inTurn(() => renderPlain(live, format)));
      return compressed ? shared(`${format} gzip`, async () => compress(await plain())) : plain();
    },
    setPhases: (wanted) => {
      phases = wanted;
    },
    close: lagMeter.close,
  };
}

/** Compresses all pieces into one gzip stream, on zlib's threads. */
async function compress(chunks: readonly Buffer[]): Promise<readonly Buffer[]> {
  const compressed: Buffer[] = [];
  const stream = Readable.from(chunks).pipe(createGzip({ level: 4 }));
  for await (const piece of stream) {
    compressed.push(piece as Buffer);
  }
  return compressed;
}
