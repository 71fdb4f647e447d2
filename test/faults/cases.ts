import type { FaultName } from "../../lab/faults/catalogue.ts";
import type { Ending, FaultTable } from "./cases/ending.ts";
import { HTTP_CASES } from "./cases/http-cases.ts";
import { LINE_CASES } from "./cases/line-cases.ts";
import { TCP_CASES } from "./cases/tcp-cases.ts";
import { TLS_CASES } from "./cases/tls-cases.ts";
import type { CheckName } from "./checks.ts";

/** One fault at one monitor. */
export interface FaultCase extends Ending {
  readonly fault: FaultName;
  readonly check: CheckName;
}

/** Every fault at every monitor that it is tried on. */
export const CASES: readonly FaultCase[] = [TCP_CASES, TLS_CASES, HTTP_CASES, LINE_CASES].flatMap(
  casesOf,
);

function casesOf(table: FaultTable): FaultCase[] {
  return Object.entries(table).flatMap(([fault, endings]) =>
    Object.entries(endings).map(([check, ending]) => ({
      fault: fault as FaultName,
      check: check as CheckName,
      ...ending,
    })),
  );
}
