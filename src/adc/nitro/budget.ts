import type { NitroClient } from "./client.ts";

/** The total size of the answers to one import or one poll. */
export interface Budget {
  readonly rows: number;
  /** As `Envelope.weight`. */
  readonly weight: number;
}

/** Twenty times the size for an estate of ten thousand members. */
export const READ_BUDGET: Budget = { rows: 400_000, weight: 128 * 1_048_576 };

/** A client with a budget: the answer that exceeds it, and every later one, is a failure. */
export function withBudget(client: NitroClient, budget: Budget): NitroClient {
  let rows = 0;
  let weight = 0;
  return {
    ...client,
    get: async (request) => {
      const answer = await client.get(request);
      if (answer.kind !== "rows") {
        return answer;
      }
      rows += answer.rows.length;
      weight += answer.weight;
      return rows <= budget.rows && weight <= budget.weight
        ? answer
        : {
            kind: "failed",
            code: "too_large",
            message:
              `the answers hold more than ${String(budget.rows)} rows or ` +
              `${String(budget.weight / 1_048_576)} MiB in all, ${request.resource} last`,
          };
    },
  };
}
