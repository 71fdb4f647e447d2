import type { Observation } from "../src/model/observation.ts";
import { HELD_DETAIL } from "../src/net/probe-run.ts";

const MOST_TRIES = 10;

/** A probe that tells that this very process was held, and the server that it plays, has judged nothing: once more. */
export async function unheld<Result>(
  probe: () => Promise<Result>,
  seenBy: (result: Result) => Observation | null,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    const result = await probe();
    if (seenBy(result)?.evidence.detail !== HELD_DETAIL || tries === MOST_TRIES) {
      return result;
    }
  }
}
