import { z } from "zod";
import { MEMBER_VERDICTS, VSERVER_VERDICTS } from "../../../verdict/verdicts.ts";
import { adcOpinion, instant, port, reason, service, step, upDown, vip } from "./fields.ts";

export const changeSchema = z.strictObject({
  at: instant,
  kind: z.enum(["member", "vserver"]),
  adc: z.string(),
  vserver: z.string().nullable(),
  adc_service: z.string().nullable(),
  server: z.string().nullable(),
  port: port.nullable(),
  opinions: z.strictObject({
    adc: adcOpinion,
    replica: upDown.nullable(),
    service: z.union([service, vip]),
  }),
  verdict: z.enum([...MEMBER_VERDICTS, ...VSERVER_VERDICTS]),
  previous_verdict: z.string().nullable(),
  step,
  reason,
});
