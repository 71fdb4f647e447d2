import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** V8's own garbage collection, enabled at run time. Takes some tens of milliseconds. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
}
