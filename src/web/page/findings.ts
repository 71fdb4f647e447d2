import type { LiveMember, LiveState, LiveVserver } from "../../model/live.ts";
import type { Verdict } from "../../model/verdicts.ts";
import { severity, toneOf } from "./tone.ts";

/** Members of one server that are judged alike for the same reason, or one vserver: what a card is about. */
export type Finding =
  | {
      readonly kind: "members";
      readonly verdict: Verdict;
      readonly adc: string;
      readonly server: string;
      /** At least one; the first speaks for all. */
      readonly members: readonly [LiveMember, ...LiveMember[]];
      readonly since: number | null;
    }
  | {
      readonly kind: "vserver";
      readonly verdict: Verdict;
      readonly adc: string;
      readonly vserver: LiveVserver;
      readonly since: number | null;
    };

/** Everything that deserves a look: worst first, then the longest standing. */
export function findingsOf(
  live: Pick<LiveState, "members" | "vservers">,
  tone: "bad" | "warn",
): readonly Finding[] {
  const groups = new Map<string, [LiveMember, ...LiveMember[]]>();
  for (const member of live.members) {
    if (toneOf(member.verdict) === tone) {
      const key = [member.adc, member.server, member.verdict, member.step, member.reason].join(
        "\u0000",
      );
      const group = groups.get(key);
      if (group === undefined) {
        groups.set(key, [member]);
      } else {
        group.push(member);
      }
    }
  }
  const ofMembers = [...groups.values()].map((members): Finding => {
    const { adc, server, verdict } = members[0];
    return { kind: "members", verdict, adc, server, members, since: earliest(members) };
  });
  const ofVservers = live.vservers
    .filter((vserver) => toneOf(vserver.verdict) === tone)
    .map((vserver): Finding => {
      const { adc, verdict, since } = vserver;
      return { kind: "vserver", verdict, adc, vserver, since };
    });
  return [...ofMembers, ...ofVservers].sort(
    (one, other) =>
      severity(one.verdict) - severity(other.verdict) ||
      (one.since ?? Infinity) - (other.since ?? Infinity),
  );
}

function earliest(members: readonly LiveMember[]): number | null {
  const known = members.map((member) => member.since).filter((since) => since !== null);
  return known.length === 0 ? null : Math.min(...known);
}
