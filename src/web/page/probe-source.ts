import type { LiveMember } from "../../model/live.ts";

/**
 * The source addresses of the ADC's own probes: to check at a firewall if the ADC reports DOWN and the same monitor passes
 * here. Null if not relevant.
 */
export function probeSourceWords(member: LiveMember): string | null {
  if (member.verdict !== "false_down") {
    return null;
  }
  const sources = member.probes.flatMap(({ adcSource }) => adcSource ?? []);
  const named = sources.map(({ source, addresses }) => {
    const listed = addresses.filter((address) => address !== source).join(", ");
    return listed === "" ? `its ${source}` : `its ${source} (${listed})`;
  });
  const unique = [...new Set(named)];
  return unique.length === 0
    ? null
    : `The ADC probes from ${unique.join(" and ")}: check that firewalls allow that address.`;
}
