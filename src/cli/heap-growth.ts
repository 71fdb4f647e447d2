import { setFlagsFromString } from "node:v8";

const FLAG = "--heap-growing-percent";

/**
 * By so many percent of what lives garbage may pile up before it is collected. V8's own choice lets it grow to several times
 * that, which for thousands of probes a second is most of the agent's memory; a collection costs some 100 ms of CPU for
 * every 100 MB that live. `docs/performance.md` has the figures.
 */
const GROWTH_PERCENT = 70;

/** The flag to set; null where Node.js was started with a word of its own on that. */
export function heapGrowthFlag(nodeArguments: readonly string[]): string | null {
  const told = nodeArguments.some((argument) => argument.replaceAll("_", "-").startsWith(FLAG));
  return told ? null : `${FLAG}=${String(GROWTH_PERCENT)}`;
}

/** Bounds this process's garbage. To be called before anything large is made. */
export function boundHeapGrowth(): void {
  const flag = heapGrowthFlag(process.execArgv);
  if (flag !== null) {
    setFlagsFromString(flag);
  }
}
