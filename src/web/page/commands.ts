import { groupBy } from "../../lib/steps.ts";
import type { LiveMember, LiveState, LiveVserver } from "../../model/live.ts";
import type { Estate } from "../../model/estate.ts";
import type { Finding } from "../../lint/finding.ts";
import { pasteLines } from "../../lint/change.ts";
import { loginMonitor } from "../../lint/proposals.ts";
import type { Verdict } from "../../model/verdicts.ts";
import { SHALLOW_MONITOR_RULES } from "../../lint/shallow-monitors.ts";
import { withPort } from "../../lib/ip.ts";

/** A command and its purpose. NetScaler commands are for the ADC's command line. */
export interface Command {
  readonly purpose: string;
  readonly where: "NetScaler" | "shell" | "Exchange";
  readonly text: string;
}

const DRAIN_S = 60;

/**
 * Commands for a member's verdict. NetScaler's syntax: `disable service NAME [delay] [-graceFul YES]`, `disable serviceGroup
 * NAME SERVER PORT [-delay s] [-graceFul YES]`, `enable` alike.
 */
export function memberCommands(
  member: LiveMember,
  estate: Estate | null,
  remarks: readonly Finding[],
): readonly Command[] {
  switch (member.verdict) {
    case "blind_monitor": {
      const protocol = failingLogin(member);
      return [
        disableCommand(member, estate),
        ...(protocol === null
          ? deeperMonitorCommands(member, remarks)
          : loginMonitorCommands(member, protocol, estate)),
      ];
    }
    case "routes_to_maintenance":
      return [disableCommand(member, estate), ...deeperMonitorCommands(member, remarks)];
    case "false_up":
      return [disableCommand(member, estate), showCommand(member, estate)];
    case "false_down":
    case "strict_monitor":
      return [showCommand(member, estate), explainCommand(member)];
    case "replica_differs":
      return [explainCommand(member)];
    case "return_overdue":
    case "ready_to_return":
      return enableCommands([member], estate);
    case "drained_undeclared":
      return [
        declareCommand(member, "Declare maintenance, if this is one"),
        ...enableCommands([member], estate),
      ];
    case "maintenance_overrun":
      return [
        declareCommand(member, "Declare more time, if the work continues"),
        explainCommand(member),
      ];
    default:
      return [];
  }
}

/**
 * Commands for all members of one server with the same problem, each purpose once. If no member of the server works, the whole
 * server is taken out.
 */
export function serverCommands(
  members: readonly [LiveMember, ...LiveMember[]],
  live: Pick<LiveState, "members">,
  estate: Estate | null,
  remarks: readonly Finding[],
): readonly Command[] {
  const byPurpose = new Map<string, Command>();
  for (const command of members.flatMap((member) => memberCommands(member, estate, remarks))) {
    const known = byPurpose.get(command.purpose);
    const lines = new Set([...(known?.text.split("\n") ?? []), ...command.text.split("\n")]);
    byPurpose.set(command.purpose, { ...command, text: [...lines].join("\n") });
  }
  const all = [...byPurpose.values()];
  const [first, ...rest] = all;
  return first !== undefined && isServerOut(members, live) && hasServerObject(members[0], estate)
    ? [disableServerCommand(members[0].server), ...rest]
    : all;
}

/**
 * Commands that take a server out of service on every ADC, or return it. If the ADC has a server object of that name, the
 * command is for the whole server, else for each member. Returning enables whatever is disabled, or the whole server if nothing
 * is. GSLB services are not changed.
 */
export function wholeServerCommands(
  action: "disable" | "enable",
  members: readonly LiveMember[],
  estates: readonly Estate[],
): readonly Command[] {
  return [...groupBy(members, ({ adc, server }) => `${adc}\u0000${server}`).values()].flatMap(
    (of) => {
      const estate = estates.find(({ adc }) => adc === of[0]?.adc) ?? null;
      const here = of.filter((member) => !isSiteOf(member, estate));
      const [first] = here;
      if (first === undefined) {
        return [];
      }
      const isWhole = hasServerObject(first, estate);
      if (action === "disable") {
        return isWhole
          ? [disableServerCommand(first.server)]
          : here.map((member) => disableCommand(member, estate));
      }
      const isBegun = here.some(({ disabled }) => (disabled ?? []).length > 0);
      return isWhole && !isBegun
        ? [enableServerCommand(first.server)]
        : enableCommands(here, estate);
    },
  );
}

function disableServerCommand(server: string): Command {
  return netscalerCommand(
    `Take all of ${server} out of service now; open connections get ${String(DRAIN_S)} s`,
    `disable server ${netscalerQuoted(server)} ${String(DRAIN_S)} -graceFul YES`,
  );
}

function enableServerCommand(server: string): Command {
  return netscalerCommand(
    `Return all of ${server} to service`,
    `enable server ${netscalerQuoted(server)}`,
  );
}

/** Whether the whole server is in maintenance: no other member of it is known to work. */
function isServerOut(
  [first, ...rest]: readonly [LiveMember, ...LiveMember[]],
  live: Pick<LiveState, "members">,
): boolean {
  const wrong = new Set([first, ...rest]);
  const others = live.members.filter(
    (one) => one.adc === first.adc && one.server === first.server && !wrong.has(one),
  );
  return (
    first.verdict === "routes_to_maintenance" &&
    others.length + rest.length > 0 &&
    others.every(({ verdict }) => OUT_VERDICTS.has(verdict))
  );
}

const OUT_VERDICTS: ReadonlySet<Verdict> = new Set<Verdict>([
  "routes_to_maintenance",
  "maintenance_expected",
  "maintenance_overrun",
  "agree_down",
  "drained",
  "drained_undeclared",
]);

/** Command that shows the certificates of a server. */
export function certificateCommands(
  servers: readonly string[],
  members: readonly LiveMember[],
): readonly Command[] {
  const isExchange = members.some(({ probes }) => probes.some(({ last }) => last?.exchangeSeen));
  return isExchange
    ? servers.map((server) => ({
        purpose: "Show its certificates and the services that use them",
        where: "Exchange",
        text: `Get-ExchangeCertificate -Server ${powerShellQuoted(server)} | Format-List Thumbprint,Subject,NotAfter,Services`,
      }))
    : members.slice(0, 1).map(explainCommand);
}

function declareCommand(member: LiveMember, purpose: string): Command {
  return {
    purpose,
    where: "shell",
    text: `adc-witness maintenance start ${shellQuoted(member.server)} --for 2h --reason "…" --config adc-witness.yml`,
  };
}

export function vserverCommands(vserver: LiveVserver): readonly Command[] {
  const name = netscalerQuoted(vserver.vserver);
  if ((vserver.gslb ?? null) !== null) {
    return nameCommands(vserver);
  }
  const group = { aaa: "authentication", cs: "cs", gslb: "gslb", lb: "lb" }[vserver.kind];
  switch (vserver.verdict) {
    case "vip_served_by_drained_server":
      return [
        (vserver.persistence ?? null) === null
          ? netscalerCommand("Show what is bound to it", `show ${group} vserver ${name}`)
          : netscalerCommand(
              "Clear the persistence sessions that still lead there",
              `clear lb persistentSessions ${name}`,
            ),
      ];
    case "vip_wrong_certificate":
      return [netscalerCommand("Show the bound certificates", `show ssl vserver ${name}`)];
    case "vip_login_broken":
      return [
        netscalerCommand(
          "Watch what the ADC's AAA decides while somebody logs in",
          "shell cat /tmp/aaad.debug",
        ),
        netscalerCommand("Show its authentication settings", `show ${group} vserver ${name}`),
      ];
    case "vip_down_members_up":
    case "vip_up_members_down":
    case "vip_backup_active":
      return [netscalerCommand("Show the state on the ADC", `show ${group} vserver ${name}`)];
    default:
      return [];
  }
}

/** Commands that take a dead site out of DNS, and that show GSLB's state of it. */
function nameCommands({ vserver, verdict, gslb }: LiveVserver): readonly Command[] {
  const dead = (gslb?.sites ?? []).filter(
    ({ handedOut, serves }) => handedOut && serves === "down",
  );
  const showState = netscalerCommand(
    "Show the state on the ADC",
    `show gslb vserver ${netscalerQuoted(withoutGslbSuffix(vserver))}`,
  );
  switch (verdict) {
    case "vip_up_members_down":
      return [
        ...dead.map(({ site, adcService, server, port, grouped }) =>
          netscalerCommand(
            `Take ${site === null ? "it" : `site ${site}`} out of DNS now`,
            grouped
              ? `disable gslb serviceGroup ${netscalerQuoted(withoutGslbSuffix(adcService))} ${netscalerQuoted(server)} ${String(port)}`
              : `disable gslb service ${netscalerQuoted(withoutGslbSuffix(adcService))}`,
          ),
        ),
        showState,
        netscalerCommand("Show the metric exchange (MEP) with each site", "show gslb site"),
      ];
    case "vip_site_withheld":
    case "vip_down_members_up":
      return [
        showState,
        netscalerCommand("Show the metric exchange (MEP) with each site", "show gslb site"),
      ];
    default:
      return [];
  }
}

/** The name as the ADC knows it. */
function withoutGslbSuffix(shown: string): string {
  return shown.replace(/ \(GSLB\)$/, "");
}

function disableCommand(member: LiveMember, estate: Estate | null): Command {
  const { kind, name, isGroup, isSite } = objectOf(member, estate);
  if (isSite) {
    // GSLB has no graceful option: clients cache answers for their TTL.
    const text = `disable ${kind} ${isGroup ? `${name} ${endpointOf(member)}` : name}`;
    return netscalerCommand("Take it out of DNS now", text);
  }
  const text = isGroup
    ? `disable ${kind} ${name} ${endpointOf(member)} -delay ${String(DRAIN_S)} -graceFul YES`
    : `disable ${kind} ${name} ${String(DRAIN_S)} -graceFul YES`;
  return netscalerCommand(
    `Take it out of service now; open connections get ${String(DRAIN_S)} s`,
    text,
  );
}

/** Commands that enable everything disabled of these members of one server; none if the ADC reports nothing as disabled. */
function enableCommands(members: readonly LiveMember[], estate: Estate | null): readonly Command[] {
  const lines = new Set(members.flatMap((member) => enableLines(member, estate)));
  const [server] = members.flatMap((one) => (one.disabled?.includes("server") ? [one.server] : []));
  const purpose =
    server === undefined ? "Return it to service" : `Return all of ${server} to service`;
  return lines.size === 0 ? [] : [netscalerCommand(purpose, [...lines].join("\n"))];
}

function enableLines(member: LiveMember, estate: Estate | null): readonly string[] {
  const { kind, name, isGroup } = objectOf(member, estate);
  const ofObject = {
    server: `enable server ${netscalerQuoted(member.server)}`,
    service: `enable ${kind} ${name}`,
    member: `enable ${kind} ${isGroup ? `${name} ${endpointOf(member)}` : name}`,
  };
  return (member.disabled ?? ["member" as const]).map((object) => ofObject[object]);
}

function showCommand(member: LiveMember, estate: Estate | null): Command {
  const { kind, name } = objectOf(member, estate);
  return netscalerCommand("Read the monitor's last response on the ADC", `show ${kind} ${name}`);
}

/** Lint's fix for the shallow monitor that is bound now. */
function deeperMonitorCommands(
  member: LiveMember,
  remarks: readonly Finding[],
): readonly Command[] {
  const remark = remarks.find(
    ({ rule, object, commands }) =>
      object === member.adcService && commands.length > 0 && SHALLOW_RULE_IDS.has(rule),
  );
  return remark === undefined
    ? []
    : [netscalerCommand("Permanent fix: a deeper monitor", pasteLines(remark).join("\n"))];
}

/** If only the login fails, a monitor that reads the banner would not detect it either. */
function failingLogin(member: LiveMember): "imap" | "pop3" | null {
  const failing = new Set(
    member.probes
      .filter((probe) => probe.vantage === "backend" && probe.lastPassed === false)
      .map(({ transaction }) => transaction),
  );
  if (failing.has("imap_login") && !failing.has("imap_greeting")) {
    return "imap";
  }
  return failing.has("pop3_login") && !failing.has("pop3_greeting") ? "pop3" : null;
}

function loginMonitorCommands(
  member: LiveMember,
  protocol: "imap" | "pop3",
  estate: Estate | null,
): readonly Command[] {
  const service = estate?.services.get(member.adcService);
  return estate === null || service === undefined
    ? []
    : [
        netscalerCommand(
          "Permanent fix: a monitor that logs in, since the front end greets even if the back end is dead",
          loginMonitor(estate, service, protocol),
        ),
      ];
}

const SHALLOW_RULE_IDS: ReadonlySet<string> = new Set(SHALLOW_MONITOR_RULES.map(({ id }) => id));

function explainCommand(member: LiveMember): Command {
  const probe = member.probes.find(
    (one) => one.monitor !== "" && one.vantage === "backend" && one.lastPassed === false,
  );
  const name = probe?.monitor ?? member.decidedBy;
  const monitor = name === null ? "" : ` --monitor ${shellQuoted(name)}`;
  const target = shellQuoted(withPort(member.server, member.port));
  return {
    purpose: "Run the probe step by step",
    where: "shell",
    text: `adc-witness probe --config adc-witness.yml ${target}${monitor}`,
  };
}

/** Whether the ADC has a server object with this name, so that the whole server can be disabled in one command. */
function hasServerObject(member: LiveMember, estate: Estate | null): boolean {
  return (estate?.servers.has(member.server) ?? true) && !isSiteOf(member, estate);
}

function isSiteOf({ adcService }: LiveMember, estate: Estate | null): boolean {
  const sites = [...(estate?.gslb.services.values() ?? [])];
  return sites.some(({ shownAs }) => shownAs === adcService);
}

/** NetScaler's keyword for the object that a member belongs to. */
function objectOf(member: LiveMember, estate: Estate | null) {
  const sites = [...(estate?.gslb.services.values() ?? [])];
  const site = sites.find(({ shownAs }) => shownAs === member.adcService);
  const { kind = "service" } = site ?? estate?.services.get(member.adcService) ?? {};
  return {
    kind: site === undefined ? kind : `gslb ${kind}`,
    name: netscalerQuoted(site?.name ?? member.adcService),
    isGroup: kind === "serviceGroup",
    isSite: site !== undefined,
  };
}

function endpointOf(member: LiveMember): string {
  return `${netscalerQuoted(member.server)} ${String(member.port)}`;
}

function netscalerCommand(purpose: string, text: string): Command {
  return { purpose, where: "NetScaler", text };
}

/** Quotes a name for NetScaler's command line if necessary. */
function netscalerQuoted(name: string): string {
  return /^[\w.:/-]+$/.test(name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`;
}

/** Quotes a word for PowerShell if necessary. */
function powerShellQuoted(text: string): string {
  return /^[\w.:-]+$/.test(text)
    ? text
    : `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, "$&$&")}'`;
}

/** Quotes a word for a POSIX shell if necessary. */
function shellQuoted(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
