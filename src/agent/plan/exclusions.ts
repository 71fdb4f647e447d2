import type { Estate } from "../../model/estate.ts";
import type { ExcludeConfig } from "../../config/schema.ts";
import { matchesMember, matchesPattern } from "./pattern.ts";
import type { PlannedProbe } from "./planned-probe.ts";

/** One probe without what the operator excludes from probing: listed with the reason, and never run. */
export function withoutExcluded(
  probe: PlannedProbe,
  exclude: readonly ExcludeConfig[],
): PlannedProbe {
  const { action } = probe;
  const excluded = exclude.find((each) => each.from === "probing" && concerns(each, probe));
  if (excluded !== undefined) {
    const unsupportedReason = `excluded: ${excluded.reason}`;
    return { ...probe, action: { ...action, run: null, unsupportedReason } };
  }
  const unjudged = exclude.find(
    (each) => each.what === "monitor" && each.from === "judging" && concerns(each, probe),
  );
  return unjudged === undefined ? probe : { ...probe, unjudged: unjudged.reason };
}

function concerns({ what, pattern }: ExcludeConfig, probe: PlannedProbe): boolean {
  const { action, vantage, server, memberAddress, memberPort, vservers } = probe;
  switch (what) {
    case "monitor":
      return action.kind === "monitor" && matchesPattern(pattern, action.monitor.name);
    case "member":
      return (
        server !== null &&
        memberPort !== null &&
        [server, memberAddress ?? server].some((name) => matchesMember(pattern, name, memberPort))
      );
    case "vserver":
      return vantage !== "backend" && vservers.some((name) => matchesPattern(pattern, name));
  }
}

/** Why a member gets no verdict, in the operator's words; null: it gets one. */
export function unjudgedMember(
  exclude: readonly ExcludeConfig[],
  member: { readonly server: string; readonly address: string | null; readonly port: number | "*" },
): string | null {
  const names = [member.server, member.address ?? member.server];
  const found = exclude.find(
    ({ what, pattern }) =>
      what === "member" && names.some((name) => matchesMember(pattern, name, member.port)),
  );
  return found?.reason ?? null;
}

/** As of a member. */
export function unjudgedVserver(exclude: readonly ExcludeConfig[], vserver: string): string | null {
  return (
    exclude.find(({ what, pattern }) => what === "vserver" && matchesPattern(pattern, vserver))
      ?.reason ?? null
  );
}

/** Whether an exclusion finds anything in an estate. */
export function findsAnything({ what, pattern }: ExcludeConfig, estate: Estate): boolean {
  switch (what) {
    case "monitor":
      return [...estate.monitors.keys()].some((name) => matchesPattern(pattern, name));
    case "member":
      return [...estate.services.values()].some(({ members }) =>
        members.some((member) =>
          [member.server, member.address ?? member.server].some((name) =>
            matchesMember(pattern, name, member.port),
          ),
        ),
      );
    case "vserver":
      return [...estate.lbVservers.keys(), ...estate.csVservers.keys()].some((name) =>
        matchesPattern(pattern, name),
      );
  }
}
