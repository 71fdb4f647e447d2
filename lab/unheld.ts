import type { Observation } from "../src/model/observation.ts";
import { STALL_DETAIL } from "../src/net/probe-run.ts";

const MAX_TRIES = 10;

/** A probe whose own process, which also plays the server, was stalled has proved nothing: it is repeated. */
export async function unheld<Result>(
  probe: () => Promise<Result>,
  seenBy: (result: Result) => Observation | null,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    const result = await probe();
    // A transaction of several steps reports before it what worked.
    const isHeld = seenBy(result)?.evidence.detail?.endsWith(STALL_DETAIL) === true;
    if (!isHeld || tries === MAX_TRIES) {
      return result;
    }
  }
}
