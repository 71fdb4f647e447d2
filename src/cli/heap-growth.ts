import { setFlagsFromString } from "node:v8";

const FLAG = "--heap-growing-percent";

/** From this number of planned probes on, garbage would take more memory than live objects. */
const LARGE_PLAN = 1_000;
/**
 * Garbage allowed before a collection, in percent of live objects. V8's own choice varies between several times that and so
 * little that each scrape triggers a collection. See `docs/dev/performance.md`.
 */
const GROWTH_PERCENT = 40;
/**
 * Keeps the young generation small while reading a text: V8 would grow it to three times 16 MiB, although most of these objects
 * live on. Saves 30 to 60 MB for 7 MB of configuration, in the same time.
 */
const SMALL_NEW_SPACE = "--semi-space-growth-factor=1";

/** The corresponding size of a configuration text. */
const LARGE_TEXT = 2_000_000;

/** What makes the heap large: number of planned probes, or of characters read. */
export interface HeapLoad {
  readonly probes?: number;
  readonly characters?: number;
}

/** The V8 flags for this load; empty: none, or already set by the user. */
export function heapGrowthFlags(
  { probes = 0, characters = 0 }: HeapLoad,
  nodeArguments: readonly string[],
): readonly string[] {
  const isSet = nodeArguments.some((argument) => argument.replaceAll("_", "-").startsWith(FLAG));
  if (isSet || (probes < LARGE_PLAN && characters < LARGE_TEXT)) {
    return [];
  }
  const growth = `${FLAG}=${String(GROWTH_PERCENT)}`;
  return probes >= LARGE_PLAN ? [growth] : [growth, SMALL_NEW_SPACE];
}

/** Limits garbage in this process under a large load. */
export function limitHeapGrowth(load: HeapLoad): void {
  for (const flag of heapGrowthFlags(load, process.execArgv)) {
    setFlagsFromString(flag);
  }
}

/**
 * Disables V8's pretenuring. V8 allocates a kind of object directly in the old generation if most of them live long, such as
 * the last observation of a probe. Short-lived objects would then be allocated there too, and keep old sockets alive until the
 * next full collection.
 */
export function disablePretenuring(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
