import type { LiveMember, LiveVserver } from "../../agent/live.ts";
import { selectionQuery } from "../selection.ts";

/** Permalinks: everything the page shows has an address of its own. */
export function memberHref(member: LiveMember): string {
  return `/member${selectionQuery({
    adc: member.adc,
    adcService: member.adcService,
    server: member.server,
    port: String(member.port),
  })}`;
}

export function vserverHref(vserver: Pick<LiveVserver, "adc" | "vserver">): string {
  return `/vserver${selectionQuery({ adc: vserver.adc, vserver: vserver.vserver })}`;
}
