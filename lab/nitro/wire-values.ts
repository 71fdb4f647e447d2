import type { Port } from "../../src/model/adc-service.ts";
import type { CodeRange } from "../../src/model/monitor.ts";

/** One row of a NITRO answer. A key whose value is undefined is absent on the wire. */
export type Row = Readonly<Record<string, unknown>>;

/** NITRO's documented type Double travels as a JSON string: `"maxclient":"0"`. */
export function double(value: number): string {
  return String(value);
}

/** As {@link double}, absent when there is nothing to say. */
export function optionalDouble(value: number | null): string | undefined {
  return value === null ? undefined : double(value);
}

export function optional<T>(value: T | null): T | undefined {
  return value ?? undefined;
}

export function yesNo(value: boolean): "YES" | "NO" {
  return value ? "YES" : "NO";
}

export function onOff(value: boolean): "ON" | "OFF" {
  return value ? "ON" : "OFF";
}

export function enabledDisabled(value: boolean): "ENABLED" | "DISABLED" {
  return value ? "ENABLED" : "DISABLED";
}

/** Enabled, disabled, or absent where the configuration says nothing. */
export function optionalEnabled(value: boolean | null): "ENABLED" | "DISABLED" | undefined {
  return value === null ? undefined : enabledDisabled(value);
}

/** The wildcard port is 65535 on the wire. */
export function wirePort(port: Port): number {
  return port === "*" ? 65535 : port;
}

/** A duration in the largest unit that divides it: 60 s come back as `1` and `MIN`, as real appliances answer. */
export function duration(durationMs: number): { value: number; unit: "MIN" | "SEC" | "MSEC" } {
  if (durationMs > 0 && durationMs % 60_000 === 0) {
    return { value: durationMs / 60_000, unit: "MIN" };
  }
  return durationMs % 1_000 === 0
    ? { value: durationMs / 1_000, unit: "SEC" }
    : { value: durationMs, unit: "MSEC" };
}

/** Response codes as NITRO writes them: `["200","301-302"]`. */
export function responseCodes(codes: readonly CodeRange[]): string[] {
  return codes.map(({ from, to }) =>
    from === to ? String(from) : `${String(from)}-${String(to)}`,
  );
}

/** NITRO counts the time since a change in ticks of 10 ms. */
export function ticks(sinceMs: number): string {
  return double(Math.round(sinceMs / 10));
}

/** A local time without zone, as in `Thu Mar 21 04:10:42 2024`: of little use to a reader, and real. */
export function localTime(at: number): string {
  const [weekday, month, day, year, time] = new Date(at).toString().split(" ");
  return `${weekday ?? ""} ${month ?? ""} ${String(Number(day)).padStart(2)} ${time ?? ""} ${year ?? ""}`;
}
