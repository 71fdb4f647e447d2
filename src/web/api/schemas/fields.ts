import { z } from "zod";
import { REASONS, STEPS } from "../../../probes/reason.ts";
import { ADC_OPINIONS } from "../../../verdict/verdicts.ts";

/** The fields that several answers of `/api/v1` have. */
export const port = z.union([z.number().int().min(0).max(65_535), z.literal("*")]);
export const instant = z.iso.datetime().nullable();
export const step = z.enum(STEPS).nullable();
export const reason = z.enum(REASONS).nullable();
export const adcOpinion = z.enum(ADC_OPINIONS);
export const upDown = z.enum(["up", "down", "unknown"]);
export const service = z.enum(["up", "down", "unknown", "none"]);
export const vip = z.enum(["up", "down", "protected", "none", "unknown"]);
