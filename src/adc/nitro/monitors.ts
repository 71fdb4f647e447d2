import {
  builtInMonitor,
  monitorWithDefaults,
  MONITOR_FIELDS,
  MONITOR_PARAMETER_FIELDS,
  redactKeys,
} from "../monitor-defaults.ts";
import type { Monitor, MonitorParameters } from "../../model/monitor.ts";
import { readFields } from "../fields.ts";
import { list, rowSource, text, type Report, type Row } from "./row-values.ts";

/**
 * A row of `lbmonitor` as a monitor, with its client certificate; null without name or type. Durations have a unit field each:
 * an interval of 60 s is returned as one minute. Source: NITRO docs, configuration/load-balancing/lbmonitor.
 */
export function monitorFromRow(
  row: Row,
  clientCertificate: string | null,
  report: Report,
): Monitor | null {
  const name = text(row, "monitorname");
  const type = text(row, "type")?.toUpperCase();
  if (name === null || type === undefined) {
    return null;
  }
  const builtIn = builtInMonitor(name);
  const source = rowSource(row, name, report);
  const parameters = readFields(MONITOR_PARAMETER_FIELDS, source);
  return monitorWithDefaults({
    name: builtIn?.name ?? name,
    type,
    builtIn: builtIn !== null,
    ...(builtIn === null ? {} : { lrtm: builtIn.lrtm }),
    ...readFields(MONITOR_FIELDS, source),
    written: new Map([
      ...writtenFields(row),
      ...(clientCertificate === null ? [] : [["certkeyname", [clientCertificate]] as const]),
    ]),
    parameters: {
      ...emptyStrings(builtIn),
      ...parameters,
      // NITRO never returns a monitor's password.
      password: parameters.userName === undefined ? "none" : "encrypted",
    },
  });
}

/** True when a row shows a built-in monitor as the firmware brings it: no reader needs it unless something binds it. */
export function isUntouchedBuiltIn(monitor: Monitor): boolean {
  const original = builtInMonitor(monitor.name);
  return (
    original !== null &&
    JSON.stringify({ ...original, written: null }) === JSON.stringify({ ...monitor, written: null })
  );
}

/** The `-ecv` built-ins send and expect nothing, where others of their type have defaults. */
function emptyStrings(builtIn: Monitor | null): Partial<MonitorParameters> {
  return builtIn?.type.endsWith("-ECV") === true ? { send: null, recv: null } : {};
}

const SECRET_FIELDS = /password|secret|radkey|community|secureargs/i;

/** Every field of the row, as text, without what could be a secret. */
function writtenFields(row: Row): ReadonlyMap<string, readonly string[]> {
  const written = new Map<string, readonly string[]>();
  for (const field of Object.keys(row)) {
    const values = list(row, field);
    if (values.length > 0 && !SECRET_FIELDS.test(field)) {
      const key = field.toLowerCase();
      written.set(key, values);
    }
  }
  return redactKeys(written);
}
