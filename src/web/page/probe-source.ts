import type { LiveMember } from "../../model/live.ts";

/**
 * Where the ADC itself probes a member from, in words: the first thing to check at a firewall when it says DOWN and the
 * same monitor passes from here. Null where that is not the question.
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
