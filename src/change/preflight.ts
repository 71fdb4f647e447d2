import type { WindowView } from "../model/window.ts";
import type { LiveMember, LiveState, LiveVserver } from "../model/live.ts";
import { nameMatcher } from "../lib/glob.ts";
import { groupBy } from "../lib/steps.ts";
import {
  checkAll,
  memberWords,
  membersOf,
  reportOf,
  unknownServer,
  warnOfAll,
  witnessCheck,
  type MaintenanceCheck,
  type MaintenanceReport,
} from "./report.ts";
import { withPort } from "../lib/ip.ts";

export interface PreflightInputs {
  readonly live: LiveState;
  readonly windows: readonly WindowView[];
  readonly server: string;
  readonly now: number;
  /** Number of working members that each vserver must keep. */
  readonly minWorkingMembers: number;
  /** How far ahead to check windows of other servers. */
  readonly horizonMs: number;
}

export const PREFLIGHT_DEFAULTS = { minWorkingMembers: 1, horizonMs: 4 * 3_600_000 } as const;

/**
 * Checks whether a server can be taken out of service. By this agent's opinions, not the ADC's: every vserver it serves must
 * keep enough working members that the ADC also uses, none of their servers may have a window soon, and certificates must be
 * identical, so that clients can move. A remaining member with different login schemes is a warning.
 */
export function preflight(inputs: PreflightInputs): MaintenanceReport {
  const { live, server } = inputs;
  return (
    unknownServer(live, server) ??
    reportOf(server, [
      witnessCheck(live, server),
      capacityCheck(inputs),
      windowCheck(inputs),
      certificateCheck(inputs),
      schemesCheck(inputs),
    ])
  );
}

/** Vservers that the server serves, each with the members of other servers that serve it too. */
function vserversWithOtherMembers(
  inputs: PreflightInputs,
): { adc: string; vserver: string; others: readonly LiveMember[] }[] {
  const mine = membersOf(inputs.live, inputs.server);
  const served = new Map(
    mine.flatMap((member) =>
      member.vservers.map((vserver) => [`${member.adc}\n${vserver}`, { adc: member.adc, vserver }]),
    ),
  );
  return [...served.values()].map(({ adc, vserver }) => ({
    adc,
    vserver,
    others: inputs.live.members.filter(
      (member) => member.adc === adc && member.vservers.includes(vserver) && !mine.includes(member),
    ),
  }));
}

function capacityCheck(inputs: PreflightInputs): MaintenanceCheck {
  const lacking = vserversWithOtherMembers(inputs).flatMap(({ vserver, others }) => {
    const servers = new Set(others.filter(carriesClients).map((member) => member.server));
    if (servers.size >= inputs.minWorkingMembers) {
      return [];
    }
    const doubtful = others
      .filter((member) => !carriesClients(member))
      .map((member) => `${memberWords(member)} is ${member.verdict}`);
    const why = doubtful.length === 0 ? "no other server" : doubtful.join(", ");
    return [
      { vserver, kept: `${String(servers.size)} of ${String(inputs.minWorkingMembers)}: ${why}` },
    ];
  });
  // A doubtful member often serves many vservers, but is reported once.
  const wrong = [...groupBy(lacking, ({ kept }) => kept)].map(
    ([kept, each]) => `${each.map(({ vserver }) => vserver).join(", ")} would keep ${kept}`,
  );
  return checkAll(
    "capacity",
    wrong,
    `Every vserver keeps at least ${String(inputs.minWorkingMembers)} working ${inputs.minWorkingMembers === 1 ? "server" : "servers"}.`,
  );
}

/** The ADC uses the member, and it works. */
function carriesClients(member: LiveMember): boolean {
  const bad = member.replica === "down" || member.service === "down";
  const good = member.replica === "up" || member.service === "up";
  const { declared, detected } = member.maintenance;
  return member.adcOpinion === "up" && good && !bad && !detected && declared !== "open";
}

function windowCheck(inputs: PreflightInputs): MaintenanceCheck {
  const { windows, now, horizonMs } = inputs;
  const others = [
    ...new Set(
      vserversWithOtherMembers(inputs).flatMap((each) =>
        each.others.map((member) => member.server),
      ),
    ),
  ].sort();
  const wrong = windows
    .filter((window) => window.state !== "over" && window.startAt < now + horizonMs)
    .flatMap((window) => {
      const meant = others.filter(nameMatcher(window.servers));
      return meant.length === 0
        ? []
        : [`${window.name} is ${window.state} for ${meant.join(", ")}`];
    });
  return checkAll(
    "windows",
    wrong,
    "No other server of the same vservers is in maintenance or about to be.",
  );
}

function certificateCheck(inputs: PreflightInputs): MaintenanceCheck {
  const wrong = vserversServed(inputs)
    .filter(({ certificateDiffers }) => certificateDiffers === true)
    .map(({ vserver }) => `The certificates behind ${vserver} differ`);
  return checkAll("certificates", wrong, "All certificates that must be identical are identical.");
}

/** Removing the deviating member itself is no risk; of two that differ, each deviates from the other. */
function schemesCheck(inputs: PreflightInputs): MaintenanceCheck {
  const leaving = inputs.server.toLowerCase();
  const risks = vserversServed(inputs).flatMap(({ vserver, oddSchemes }) =>
    (oddSchemes ?? [])
      .filter(({ server }) => server.toLowerCase() !== leaving)
      .map(
        ({ server, port, path, offers, others }) =>
          `At ${path}, ${withPort(server, port)} of ${vserver} offers the login schemes ${offers}; the other members offer ${others}`,
      ),
  );
  return warnOfAll(
    "auth_schemes",
    risks,
    "No remaining server is known to offer different login schemes.",
  );
}

function vserversServed(inputs: PreflightInputs): readonly LiveVserver[] {
  const served = vserversWithOtherMembers(inputs);
  return inputs.live.vservers.filter(({ adc, vserver }) =>
    served.some((each) => each.adc === adc && each.vserver === vserver),
  );
}
