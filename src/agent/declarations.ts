import type { Config } from "../config/schema.ts";
import type { Declarations } from "./records/witness-state.ts";

/** No window is declared anywhere. */
export const NOTHING_DECLARED: Declarations = {
  declaredFor: () => ({ declared: "no", end: null }),
};

/** The windows of a configuration and of its store, as they stand now. */
export async function configDeclarations(_config: Config): Promise<Declarations> {
  return Promise.resolve(NOTHING_DECLARED);
}
