import { oneAtATime } from "../../lib/pacing.ts";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { inTurns, type Steps } from "../../lib/steps.ts";
import type { LiveState } from "../../model/live.ts";
import { startLagMeter } from "./event-loop-lag.ts";
import { adcFamilies } from "./families/adc.ts";
import { agentFamilies } from "./families/agent.ts";
import { maintenanceFamilies, verdictFamilies } from "./families/verdicts.ts";
import { nameFamilies } from "./families/names.ts";
import { probeFamilies } from "./families/probes.ts";
import type { Scope } from "./families/scope.ts";
import { tlsFamilies } from "./families/tls.ts";
import { FamilyWriter, type Format } from "./text-format.ts";
import { LabelMemory } from "./label-memory.ts";
import { createRecorded, type Recorded } from "./recorded.ts";
import { StickyStates } from "./sticky-states.ts";

export interface MetricsOptions {
  readonly version: string;
  readonly revision: string;
  /** `metrics.phases` of the configuration: a series per probe and phase. */
  readonly phases: boolean;
}

/** All metrics of one agent: recorded as things happen, or read from the live state when someone asks. */
export interface Metrics extends Omit<Recorded, "families"> {
  /**
   * The exposition, in pieces of some 64 KB. Scrapes that overlap share one rendering, and the rendering leaves the
   * event loop every few milliseconds, however large the estate.
   */
  readonly render: (
    live: LiveState,
    format: Format,
    options?: { readonly gzip?: boolean },
  ) => Promise<readonly Buffer[]>;
  /** Changes what `phases` of the options said, after a reload. */
  readonly setPhases: (phases: boolean) => void;
  readonly close: () => void;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { families: recordedFamilies, ...recording } = createRecorded(options);
  const sticky = new StickyStates();
  const lagMeter = startLagMeter();
  const labels = new LabelMemory();
  const underWay = new Map<string, Promise<readonly Buffer[]>>();
  /** Passes of the two formats follow each other: they share the memory of labels and states. */
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
    return inTurns(steps());
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

/** One gzip stream over all pieces, made on zlib's own threads. */
async function compress(chunks: readonly Buffer[]): Promise<readonly Buffer[]> {
  const compressed: Buffer[] = [];
  const stream = Readable.from(chunks).pipe(createGzip({ level: 4 }));
  for await (const piece of stream) {
    compressed.push(piece as Buffer);
  }
  return compressed;
}
