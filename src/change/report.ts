import { nameMatcher } from "../lib/glob.ts";
import type { LiveMember, LiveState } from "../model/live.ts";
import { withPort } from "../lib/ip.ts";

/** Result of preflight or verify: each check with its name and message. */
export interface MaintenanceReport {
  readonly server: string;
  readonly ok: boolean;
  readonly checks: readonly MaintenanceCheck[];
}

export interface MaintenanceCheck {
  readonly name: string;
  readonly ok: boolean;
  /** A risk that does not fail the check. */
  readonly warning: boolean;
  readonly message: string;
}

export function reportOf(server: string, checks: readonly MaintenanceCheck[]): MaintenanceReport {
  return { server, ok: checks.every(({ ok }) => ok), checks };
}

/** One check over several things: what is wrong with any of them, or one sentence when nothing is. */
export function checkAll(
  name: string,
  wrong: readonly string[],
  whenRight: string,
): MaintenanceCheck {
  return wrong.length === 0
    ? { name, ok: true, warning: false, message: whenRight }
    : { name, ok: false, warning: false, message: `${wrong.join("; ")}.` };
}

/** As {@link checkAll}, but only a warning. */
export function warnOfAll(
  name: string,
  risks: readonly string[],
  whenNone: string,
): MaintenanceCheck {
  return { ...checkAll(name, risks, whenNone), ok: true, warning: risks.length > 0 };
}

/** Members of one server; letter case does not matter. */
export function membersOf(live: LiveState, server: string): readonly LiveMember[] {
  const wanted = server.toLowerCase();
  return live.members.filter((member) => member.server.toLowerCase() === wanted);
}

/** A member in words: the service first, because it names the protocol. */
export function memberWords(member: LiveMember): string {
  return `${member.adcService} (${withPort(member.server, member.port)})`;
}

/** A failed check if the server is not in the estate; null if it is. */
export function unknownServer(live: LiveState, server: string): MaintenanceReport | null {
  if (membersOf(live, server).length > 0) {
    return null;
  }
  const names = [...new Set(live.members.map((member) => member.server))].sort();
  const message = noMemberSentence(server, names);
  return reportOf(server, [{ name: "known", ok: false, warning: false, message }]);
}

/** A message about servers or patterns without a member on any ADC; null if there are none, or no estate. */
export function unknownServers(
  members: LiveState["members"],
  servers: readonly string[],
): string | null {
  const names = [...new Set(members.map(({ server }) => server))].sort();
  const strangers = servers.filter((server) => !names.some(nameMatcher([server])));
  return names.length === 0 || strangers.length === 0
    ? null
    : noMemberSentence(strangers.join(", "), names);
}

function noMemberSentence(server: string, names: readonly string[]): string {
  const known = names.slice(0, 20).join(", ");
  return `No ADC has a member on ${server}; known servers: ${known === "" ? "none" : known}.`;
}

/** Checks that the agent is not cut off and that every ADC of this server answers. */
export function witnessCheck(live: LiveState, server: string): MaintenanceCheck {
  const adcs = new Set(membersOf(live, server).map((member) => member.adc));
  const wrong = [
    ...(live.cutOff ? ["This agent is cut off from the network"] : []),
    ...live.adcs
      .filter((adc) => adcs.has(adc.name) && adc.up !== true)
      .map((adc) => `no current state of ${adc.name} over NITRO`),
  ];
  return checkAll("witness", wrong, "The agent reaches the network and every ADC.");
}
