import { setFlagsFromString } from "node:v8";

const FLAG = "--heap-growing-percent";

/** From so many planned probes on, garbage would take more memory than everything that lives. */
const LARGE_PLAN = 1_000;
/**
 * By so many percent of what lives garbage may then pile up before it is collected. V8's own choice wavers: several times
 * that, or so little that each scrape makes it collect. `docs/dev/performance.md` has the figures.
 */
const GROWTH_PERCENT = 40;
/** Reading a text makes more garbage in less time: collected that often it takes half as long again, for no less memory. */
const TEXT_GROWTH_PERCENT = 100;

/** A configuration as text from which on the same holds for reading it. */
const LARGE_TEXT = 2_000_000;

/** What makes a process's heap large: probes that are planned, or characters that are read. */
export interface HeapLoad {
  readonly probes?: number;
  readonly characters?: number;
}

/** The flag to set for so much; null: none, or Node.js was started with its own value. */
export function heapGrowthFlag(
  { probes = 0, characters = 0 }: HeapLoad,
  nodeArguments: readonly string[],
): string | null {
  const isSet = nodeArguments.some((argument) => argument.replaceAll("_", "-").startsWith(FLAG));
  if (isSet || (probes < LARGE_PLAN && characters < LARGE_TEXT)) {
    return null;
  }
  return `${FLAG}=${String(probes >= LARGE_PLAN ? GROWTH_PERCENT : TEXT_GROWTH_PERCENT)}`;
}

/** Bounds this process's garbage where there is much. */
export function boundHeapGrowth(load: HeapLoad): void {
  const flag = heapGrowthFlag(load, process.execArgv);
  if (flag !== null) {
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
