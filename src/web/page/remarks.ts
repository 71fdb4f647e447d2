import type { Estate } from "../../model/estate.ts";
import type { Finding } from "../../lint/finding.ts";
import { lint } from "../../lint/lint.ts";

export type Remarks = (estate: Estate) => readonly Finding[];

/** What lint has to say of an estate, found out once per import and only when somebody looks. */
export function createRemarks(): Remarks {
  const known = new WeakMap<Estate, readonly Finding[]>();
  return (estate) => {
    const findings = known.get(estate) ?? lint(estate);
    known.set(estate, findings);
    return findings;
  };
}
