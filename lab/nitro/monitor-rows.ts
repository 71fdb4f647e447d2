import { rowOf } from "../../src/adc/fields.ts";
import {
  MONITOR_FIELDS,
  MONITOR_PARAMETER_FIELDS,
  builtInMonitor,
} from "../../src/adc/monitor-defaults.ts";
import type { Monitor } from "../../src/model/monitor.ts";
import type { NitroBackend } from "./backend.ts";
import { enabledDisabled, type Row } from "./wire-values.ts";

/** Configured monitors, and the firmware's own, whether anything binds them or not. */
export function* monitorRows({ estate }: NitroBackend): Generator<Row> {
  const { monitors } = estate();
  for (const monitor of monitors.values()) {
    yield monitorRow(monitor);
  }
  for (const name of BUILT_IN) {
    const monitor = monitors.has(name) ? null : builtInMonitor(name);
    if (monitor !== null) {
      yield monitorRow(monitor);
    }
  }
}

/** NetScaler docs, "Built-in monitors"; the last ones as appliances list them. */
const BUILT_IN =
  "ping tcp http tcp-ecv http-ecv udp-ecv dns ftp tcps https tcps-ecv https-ecv xdm xnc sta stasecure citrix-xml-service http2direct http2ssl ldns-ping ldns-tcp ldns-dns arp tcp-default ping-default default-path-monitor".split(
    " ",
  );

/** Passwords, shared secrets and communities are never part of an answer (NITRO docs). */
function monitorRow(monitor: Monitor): Row {
  return {
    monitorname: monitor.name,
    type: monitor.type,
    ...rowOf(MONITOR_FIELDS, monitor),
    lrtmconfstr: enabledDisabled(monitor.lrtm),
    ...rowOf(MONITOR_PARAMETER_FIELDS, monitor.parameters),
  };
}
