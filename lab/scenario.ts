import type { Appliance } from "./adc/appliance.ts";
import type { AaaOptions } from "./adc/aaa/options.ts";
import type { TlsRange } from "./adc/tls-range.ts";
import type { NitroServer } from "./nitro/server.ts";
import type {
  ExchangeServer,
  ExchangeServerOptions,
  Organisation,
} from "./exchange/exchange-server.ts";

/** What a step can do to the lab. */
export interface ScenarioWorld {
  readonly adc: Appliance;
  /** The ADC of the other site; null if there is only one. */
  readonly farAdc: Appliance | null;
  readonly organisation: Organisation;
  /** Throws when the lab has no server of that name. */
  readonly server: (name: string) => ExchangeServer;
  /** Changes what authentication on the ADC does. */
  readonly changeAaa: (change: Partial<AaaOptions>) => void;
  /** The ADC's management, one for each node. */
  readonly nitro: readonly NitroServer[];
  /** Declares maintenance at the running agent; resolves when that is done, or if no agent runs. */
  readonly declare: Declare;
}

export type Declare = (server: string, forMs: number) => Promise<void>;

/** adc-witness' output in a scenario while its state does not change. */
export interface Named {
  /** A verdict, or the name of a finding. */
  readonly says: string;
  readonly of:
    | { readonly adcService: string; readonly server: string }
    | { readonly vserver: string }
    /** Behind all front ends. */
    | null;
  /** From the step that causes it to the one that ends it; Infinity: none does. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * How the ADC's management differs: a cluster, with the rows in an admin partition, with http sent on to https, or under the
 * certificate that it came with.
 */
export type Management = "cluster" | "partition" | "redirect" | "factory_certificate";

export interface ScenarioStep {
  /** Milliseconds after the scenario began. */
  readonly atMs: number;
  /** Description of the step for the viewer. */
  readonly text: string;
  readonly run: (world: ScenarioWorld) => Promise<void> | void;
}

/** A scenario that the lab plays. */
export interface Scenario {
  readonly name: string;
  /** One sentence: what happens, and what adc-witness should report. */
  readonly about: string;
  /** Changes of the ns.conf before anything starts. */
  readonly conf?: (text: string) => string;
  readonly backendTls?: TlsRange;
  readonly haPair?: boolean;
  readonly management?: Management;
  /** What its Exchange servers are started with. */
  readonly exchange?: Partial<ExchangeServerOptions>;
  /** Null where all agree from beginning to end. */
  readonly named: Named | null;
  /** The ns.conf of a second ADC, at another site. */
  readonly farConf?: string;
  readonly steps: readonly ScenarioStep[];
  /** Its last step is not reverted by any other, so that it cannot be repeated. */
  readonly isToldOnce?: true;
}

/** A running scenario. */
export interface ScenarioRun {
  /** Resolves when the last step is done. */
  readonly finished: Promise<void>;
  /** Steps done so far. */
  readonly done: () => readonly ScenarioStep[];
  /** No further step is run. */
  readonly stop: () => void;
}

/** Runs a scenario's steps at their times, multiplied by `timeScale`; calls `tell` as each begins. */
export function playScenario(
  scenario: Scenario,
  world: ScenarioWorld,
  options: { readonly timeScale: number; readonly tell: (step: ScenarioStep) => void },
): ScenarioRun {
  const done: ScenarioStep[] = [];
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | null = null;
  let finish: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  // A caller that does not wait for the end gets a failure through `tell`; an unhandled rejection would end the
  // process.
  finished.catch(() => undefined);
  const waiting = [...scenario.steps].sort((a, b) => a.atMs - b.atMs);

  function next(): void {
    const step = waiting.shift();
    if (step === undefined) {
      finish();
      return;
    }
    const inMs = step.atMs * options.timeScale - (performance.now() - startedAt);
    timer = setTimeout(
      () => {
        options.tell(step);
        Promise.resolve(step.run(world)).then(() => {
          done.push(step);
          next();
        }, fail);
      },
      Math.max(0, inMs),
    );
  }

  next();
  return {
    finished,
    done: () => done,
    stop: () => {
      waiting.length = 0;
      if (timer !== null) {
        clearTimeout(timer);
      }
      finish();
    },
  };
}
