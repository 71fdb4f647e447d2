import { z } from "zod";
import type { LiveMember, LiveVserver } from "../../model/live.ts";
import { DEPTHS } from "../../model/observation.ts";
import { REASONS, STEPS } from "../../model/reasons.ts";
import { ADC_OPINIONS } from "../../model/verdicts.ts";

/** Fields shared by several answers of `/api/v1`. */
export const port = z.union([z.number().int().min(0).max(65_535), z.literal("*")]);
export const moment = z.iso.datetime().nullable();
export const step = z.enum(STEPS).nullable();
export const reason = z.enum(REASONS).nullable();
export const adcOpinion = z.enum(ADC_OPINIONS);
export const upDown = z.enum(["up", "down", "unknown"]);
export const service = z.enum(["up", "down", "unknown", "none"]);
export const vip = z.enum(["up", "down", "protected", "none", "unknown"]);
export const depth = z.enum(DEPTHS).nullable();

/** The type of a schema's answer. */
export type Answer<Schema extends z.ZodType> = Fixed<z.output<Schema>>;

type Fixed<T> = T extends object ? { readonly [Key in keyof T]: Fixed<T[Key]> } : T;

/** Identifies a member in every answer; `vserver` is the first one that it serves. */
export function memberNames(member: LiveMember) {
  const { adc, vservers, adcService, server } = member;
  const vserver = vservers[0] ?? null;
  return { adc, vserver, adc_service: adcService, server, port: member.port };
}

/** Likewise a vserver. */
export function vserverNames({ adc, vserver, ...its }: LiveVserver) {
  return { adc, vserver, port: its.port };
}

/** RFC 3339 in UTC; null for null and for an infinite time. */
export function instant(atMs: number | null): string | null {
  return atMs === null || !Number.isFinite(atMs) ? null : new Date(atMs).toISOString();
}
