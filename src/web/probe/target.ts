import { probeName, targetOf } from "../../exporters/discovery.ts";
import { withPort } from "../../lib/ip.ts";
import type { LiveMember, LiveProbe, LiveState, LiveVserver } from "../../model/live.ts";

/** The meaning of a `target`: one member or vserver, several, or none. */
export type FoundTarget =
  | { readonly kind: "member"; readonly member: LiveMember }
  | { readonly kind: "vserver"; readonly vserver: LiveVserver }
  | { readonly kind: "ambiguous"; readonly candidates: readonly string[] }
  | { readonly kind: "none" };

/**
 * Finds `server:port`, `address:port`, `adc_service/server:port` or a vserver by name, each optionally prefixed by `adc/`. Only
 * imported targets are found, so a request cannot make the agent connect elsewhere.
 */
export function findTarget(live: LiveState, target: string): FoundTarget {
  const members = live.members.filter((member) => namesOf(member).includes(target));
  const vservers = live.vservers.filter(
    (vserver) => vserver.vserver === target || `${vserver.adc}/${vserver.vserver}` === target,
  );
  const [member] = members;
  const [vserver] = vservers;
  if (members.length + vservers.length > 1) {
    return {
      kind: "ambiguous",
      candidates: [
        ...members.map(memberTarget),
        ...vservers.map((one) => `${one.adc}/${one.vserver}`),
      ],
    };
  }
  if (member !== undefined) {
    return { kind: "member", member };
  }
  return vserver === undefined ? { kind: "none" } : { kind: "vserver", vserver };
}

/** The unambiguous name. */
function memberTarget(member: LiveMember): string {
  return `${member.adc}/${member.adcService}/${withPort(member.server, member.port)}`;
}

/** URL that runs a probe now; `isAlone`: its name is unique at the target. */
export function probeNowHref(probe: LiveProbe, isAlone: boolean): string {
  const query = new URLSearchParams({
    target: targetOf(probe),
    monitor: isAlone ? probeName(probe) : probe.id,
    debug: "true",
  });
  return `/probe?${query.toString()}`;
}

function namesOf(member: LiveMember): readonly string[] {
  const { adc, adcService, server, address, port } = member;
  const byServer = withPort(server, port);
  const names = [byServer, `${adcService}/${byServer}`, `${adc}/${adcService}/${byServer}`];
  return address === null ? names : [...names, withPort(address, port)];
}
