import { rowOf } from "../../src/adc/fields.ts";
import { MONITOR_FIELDS, MONITOR_PARAMETER_FIELDS } from "../../src/adc/monitor-fields.ts";
import type { Monitor } from "../../src/model/monitor.ts";
import type { NitroBackend } from "./backend.ts";
import { enabledDisabled, type Row } from "./wire-values.ts";

export function* monitorRows({ estate }: NitroBackend): Generator<Row> {
  for (const monitor of estate().monitors.values()) {
    yield monitorRow(monitor);
  }
}

/** Passwords, shared secrets and communities are never part of an answer (NITRO docs). */
export function monitorRow(monitor: Monitor): Row {
  return {
    monitorname: monitor.name,
    type: monitor.type,
    ...rowOf(MONITOR_FIELDS, monitor),
    lrtmconfstr: enabledDisabled(monitor.lrtm),
    ...rowOf(MONITOR_PARAMETER_FIELDS, monitor.parameters),
  };
}
