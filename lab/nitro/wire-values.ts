import type { Port } from "../../src/model/adc-service.ts";

/** One row of a NITRO answer. A key whose value is undefined is absent on the wire. */
export type Row = Readonly<Record<string, unknown>>;

/** NITRO's documented type Double travels as a JSON string: `"maxclient":"0"`. */
export function double(value: number): string {
  return String(value);
}

export function optional<T>(value: T | null): T | undefined {
  return value ?? undefined;
}

export function yesNo(value: boolean): "YES" | "NO" {
  return value ? "YES" : "NO";
}

export function enabledDisabled(value: boolean): "ENABLED" | "DISABLED" {
  return value ? "ENABLED" : "DISABLED";
}

/** The wildcard port is 65535 on the wire. */
export function wirePort(port: Port): number {
  return port === "*" ? 65535 : port;
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
