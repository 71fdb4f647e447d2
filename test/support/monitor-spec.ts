import type { Monitor, MonitorParameters } from "../../src/model/monitor.ts";
import { monitorWithDefaults } from "../../src/adc/monitor-defaults.ts";
import type { MonitorSpec } from "../../src/probes/monitors/spec.ts";
import type { TlsSettings } from "../../src/model/tls-settings.ts";

/** TLS as a current ADC's monitor speaks it: no name, no verification. */
export const PLAIN_TLS: TlsSettings = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  serverName: null,
  expectedNames: [],
  ca: null,
  rejectUnauthorized: false,
  legacy: false,
};

/** A monitor of this type with NetScaler's defaults, ready to run against loopback. */
export function monitorSpec(
  type: string,
  parameters: Partial<MonitorParameters> = {},
  change: Partial<MonitorSpec> & { readonly monitorChange?: Partial<Monitor> } = {},
): MonitorSpec {
  const { monitorChange, ...spec } = change;
  return {
    monitor: { ...monitorWithDefaults({ name: `m_${type}`, type, parameters }), ...monitorChange },
    hostHeader: "127.0.0.1",
    tls: null,
    credential: null,
    command: null,
    viaVip: null,
    ...spec,
  };
}
