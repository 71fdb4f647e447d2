import { setFlagsFromString } from "node:v8";

const FLAG = "--heap-growing-percent";

/** From so many planned probes on, garbage would take more memory than everything that lives. */
const LARGE_PLAN = 8_000;
/**
 * By so many percent of what lives garbage may then pile up before it is collected. V8's own choice lets it grow to several
 * times that; with fewer probes it does no harm, and a collection less is time saved. `docs/dev/performance.md` has the figures.
 */
const GROWTH_PERCENT = 40;

/** The flag to set for a plan of so many probes; null: none, or Node.js was started with a word of its own on that. */
export function heapGrowthFlag(probes: number, nodeArguments: readonly string[]): string | null {
  const told = nodeArguments.some((argument) => argument.replaceAll("_", "-").startsWith(FLAG));
  return told || probes < LARGE_PLAN ? null : `${FLAG}=${String(GROWTH_PERCENT)}`;
}

/** Bounds this process's garbage where the plan is large. */
export function boundHeapGrowth(probes: number): void {
  const flag = heapGrowthFlag(probes, process.execArgv);
  if (flag !== null) {
    setFlagsFromString(flag);
  }
}
