import type { LoginOutcome, Observation } from "../../model/observation.ts";

/** What became of the credential of a probe that logs in: the probe itself tells, and one that tells nothing sent none. */
export function loginOutcome({ login = "not_tried" }: Observation): LoginOutcome {
  return login;
}
