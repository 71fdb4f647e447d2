import { setFlagsFromString } from "node:v8";

const FLAG = "--heap-growing-percent";

/** From so many planned probes on, garbage would take more memory than everything that lives. */
const LARGE_PLAN = 1_000;
/**
 * By so many percent of what lives garbage may then pile up before it is collected. V8's own choice wavers: several times
 * that, or so little that each scrape makes it collect. `docs/dev/performance.md` has the figures.
 */
const GROWTH_PERCENT = 40;
/** Reading a text makes more garbage in less time: collected that often it would take a fifth longer. */
const TEXT_GROWTH_PERCENT = 60;
/**
 * New objects of a text have as little room as at the start: V8 would give them 16 MiB three times over, and what is read
 * lives on whichever way. 30 to 60 MB less for 7 MB of configuration, in the same time.
 */
const SMALL_NEW_SPACE = "--semi-space-growth-factor=1";

/** A configuration as text from which on the same holds for reading it. */
const LARGE_TEXT = 2_000_000;

/** What makes a process's heap large: probes that are planned, or characters that are read. */
export interface HeapLoad {
  readonly probes?: number;
  readonly characters?: number;
}

/** The flags to set for so much; empty: none, or Node.js was started with its own value. */
export function heapGrowthFlags(
  { probes = 0, characters = 0 }: HeapLoad,
  nodeArguments: readonly string[],
): readonly string[] {
  const isSet = nodeArguments.some((argument) => argument.replaceAll("_", "-").startsWith(FLAG));
  if (isSet || (probes < LARGE_PLAN && characters < LARGE_TEXT)) {
    return [];
  }
  return probes >= LARGE_PLAN
    ? [`${FLAG}=${String(GROWTH_PERCENT)}`]
    : [`${FLAG}=${String(TEXT_GROWTH_PERCENT)}`, SMALL_NEW_SPACE];
}

/** Bounds this process's garbage where there is much. */
export function boundHeapGrowth(load: HeapLoad): void {
  for (const flag of heapGrowthFlags(load, process.execArgv)) {
    setFlagsFromString(flag);
  }
}

/**
 * Makes V8 put new objects where new ones belong. Where most objects of one kind live for long, as what a probe saw last does,
 * it would make them in the old heap at once, along with short-lived ones that are made in the same breath: those keep the
 * sockets of their time alive until the next full collection.
 */
export function keepNewObjectsYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
