import type { Port } from "../../estate/adc-service.ts";
import type { Vantage } from "../../probes/probe.ts";

/** A probe's identity: the same over restarts and imports, so that schedules and memories find their probe again. */
export function probeId(
  adc: string,
  vantage: Vantage,
  owner: string,
  server: string,
  port: Port,
  name: string,
): string {
  return [adc, vantage, owner, server, String(port), name]
    .map((part) => part.replaceAll("/", "%2F"))
    .join("/");
}
