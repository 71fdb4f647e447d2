import type { NodeBelief } from "../../../lab/nitro/backend.ts";
import { memberKey } from "../../../src/model/adc-state.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { PRIMARY } from "./steady-backend.ts";

/** An estate of one member. */
export const ESTATE = parseNsConf(
  "add server ex01 192.0.2.11\nadd service svc_imap ex01 TCP 143\nadd lb vserver v_imap TCP 192.0.2.1 143\nbind lb vserver v_imap svc_imap\n",
  { adc: "prod" },
);
export const IMAP = memberKey("svc_imap", "ex01", 143);
export const NS1: NodeBelief = { ...PRIMARY, name: "ns1", address: "192.0.2.101" };
export const NS2: NodeBelief = { ...PRIMARY, name: "ns2", address: "192.0.2.102" };

export function secondary(belief: NodeBelief): NodeBelief {
  return { ...belief, role: "Secondary", masterState: "SECONDARY" };
}
