import { configResource } from "../../../lab/nitro/resources.ts";
import { IMPORT_STEPS } from "../../../src/adc/nitro/pull-plan.ts";
import type { Row } from "../../../src/adc/nitro/row-values.ts";
import type { Estate } from "../../../src/model/estate.ts";
import { steadyBackend } from "./steady-backend.ts";

/** An estate as an appliance tells it over NITRO: the rows of every resource that an import asks for. */
export function rowsOf(estate: Estate): Map<string, readonly Row[]> {
  const backend = steadyBackend(estate);
  return new Map(
    IMPORT_STEPS.map(({ resource }): [string, readonly Row[]] => {
      const rows = [...(configResource(resource)?.rows(backend, new Map()) ?? [])];
      return [resource, JSON.parse(JSON.stringify(rows)) as Row[]];
    }),
  );
}
