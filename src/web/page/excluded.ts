import type { LiveMember } from "../../model/live.ts";

/** Says that the configuration wants no verdict, and its reason; empty where there is one. */
export function excludedWords({ unjudged = null }: Pick<LiveMember, "unjudged">): string {
  return unjudged === null ? "" : `Excluded from judging by the configuration: ${unjudged}. `;
}
