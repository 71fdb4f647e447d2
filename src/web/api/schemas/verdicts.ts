import { z } from "zod";
import { NAME_COMPARISONS } from "../../../agent/names/compare-with-vip.ts";
import { TLS_ENDS } from "../../../agent/tls-end.ts";
import { VANTAGES } from "../../../probes/probe.ts";
import { MEMBER_VERDICTS, VSERVER_VERDICTS } from "../../../verdict/verdicts.ts";
import { adcOpinion, instant, port, reason, service, step, upDown, vip } from "./fields.ts";

const memberRow = z.strictObject({
  adc: z.string(),
  vserver: z.string().nullable(),
  vservers: z.array(z.string()),
  adc_service: z.string(),
  server: z.string(),
  address: z.string().nullable(),
  port,
  monitor: z.string().nullable().describe("The monitor or transaction that decided."),
  monitors: z.array(
    z.strictObject({
      monitor: z.string(),
      vantage: z.enum(VANTAGES),
      opinion: upDown,
      step,
      reason,
    }),
  ),
  opinions: z.strictObject({ adc: adcOpinion, replica: upDown, service }),
  adc_last_response: z.string().nullable(),
  verdict: z.enum(MEMBER_VERDICTS),
  step,
  reason,
  since: instant,
});

const vserverRow = z.strictObject({
  adc: z.string(),
  vserver: z.string(),
  address: z.string().nullable(),
  port: port.nullable(),
  adc_state: adcOpinion,
  vip,
  members_up: z.number().int(),
  members_total: z.number().int(),
  verdict: z.enum(VSERVER_VERDICTS),
  reason,
  since: instant,
  client_address_kept: z
    .boolean()
    .nullable()
    .describe("Whether servers behind it see the client's address, as SMTP servers tell."),
  misrouted: z
    .array(z.strictObject({ path: z.string().nullable(), server: z.string() }))
    .describe("Paths of policies that lead here, and that another group's server answered last."),
  tls_ends: z.enum(TLS_ENDS).describe("Where its clients' TLS ends, derived from the estate."),
  certificate_differs: z
    .boolean()
    .nullable()
    .describe("Whether certificates differ that must be alike; null where nothing says so."),
  auth_schemes_differ: z
    .array(
      z.strictObject({
        server: z.string(),
        port,
        path: z.string(),
        offers: z.string(),
        others: z.string(),
      }),
    )
    .nullable()
    .describe(
      "Members that offer other login schemes than all others of their group; null where nothing can be compared.",
    ),
  persistence: z
    .strictObject({
      type: z.string(),
      probes: z.enum(["running", "avoiding", "paused"]),
      sticks_to: z.array(z.strictObject({ source: z.string(), server: z.string().nullable() })),
      observable: z.boolean().describe("False: from one address only one server is ever seen."),
    })
    .nullable()
    .describe("Where clients stick to servers by their address."),
  public_names: z
    .array(
      z.strictObject({
        name: z.string(),
        dns: z.enum(NAME_COMPARISONS),
        addresses: z.array(z.strictObject({ address: z.string(), vip: z.boolean() })),
        unprobed: z.number().int(),
        message: z.string().nullable(),
      }),
    )
    .describe("Names clients use, as DNS answers them, beside the VIP."),
});

export const verdictsSchema = z.strictObject({
  rows: z.array(memberRow),
  vservers: z.array(vserverRow),
  summary: z.record(z.string(), z.number().int().positive()),
});
