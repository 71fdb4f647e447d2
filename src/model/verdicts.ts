/** The closed lists of opinions and verdicts (design sections 1 and 2), with the words people read. */

import type { VserverKind } from "./vserver.ts";

export const ADC_OPINIONS = ["up", "down", "out", "leaving", "leaving_down", "unknown"] as const;
export type AdcOpinion = (typeof ADC_OPINIONS)[number];

export type ReplicaOpinion = "up" | "down" | "unknown";
export type ServiceOpinion = "up" | "down" | "unknown" | "none";

export const MEMBER_VERDICTS = [
  "agree_up",
  "agree_down",
  "blind_monitor",
  "routes_to_maintenance",
  "false_up",
  "replica_differs",
  "false_down",
  "strict_monitor",
  "maintenance_expected",
  "drained",
  "drained_undeclared",
  "ready_to_return",
  "return_overdue",
  "maintenance_overrun",
  "settling",
  "unknown",
] as const;
export type MemberVerdict = (typeof MEMBER_VERDICTS)[number];

export const VSERVER_VERDICTS = [
  "vip_agree_up",
  "vip_agree_down",
  "vip_served_by_drained_server",
  "vip_wrong_certificate",
  "vip_backup_active",
  "vip_login_broken",
  "vip_protected",
  "vip_down_members_up",
  "vip_up_members_down",
  "vip_site_withheld",
  "settling",
  "unknown",
] as const;
export type VserverVerdict = (typeof VSERVER_VERDICTS)[number];
export type Verdict = MemberVerdict | VserverVerdict;

/** Verdicts that say the ADC is wrong: `mismatch` is 1, `compare` exits 2 (design section 4). */
export const MISMATCH_VERDICTS: ReadonlySet<Verdict> = new Set<Verdict>([
  "blind_monitor",
  "routes_to_maintenance",
  "false_up",
  "false_down",
  "strict_monitor",
  "return_overdue",
  "vip_down_members_up",
  "vip_up_members_down",
  "vip_site_withheld",
  "vip_wrong_certificate",
  "vip_served_by_drained_server",
  "vip_login_broken",
]);

/** Verdicts that need attention but are no mismatch: `compare` exits 1. */
export const WARNING_VERDICTS: ReadonlySet<Verdict> = new Set<Verdict>([
  "maintenance_overrun",
  "settling",
  "drained_undeclared",
  "replica_differs",
  "vip_backup_active",
]);

/** The text for a verdict on the page, in alerts and in the documentation. */
interface VerdictWords {
  /** A few words, lower case, for tables. */
  readonly label: string;
  /** One sentence: what was observed. */
  readonly meaning: string;
  /** One or two sentences: what to do now. */
  readonly advice: string;
}

export const VERDICT_WORDS: Readonly<Record<Verdict, VerdictWords>> = {
  agree_up: {
    label: "up, all agree",
    meaning: "The ADC says UP, and the repeated monitors and the service agree.",
    advice: "Nothing to do.",
  },
  agree_down: {
    label: "down, all agree",
    meaning: "The ADC says DOWN, and the service really is down.",
    advice: "The ADC is right: repair the server. No client is sent there.",
  },
  blind_monitor: {
    label: "the monitor cannot see this failure",
    meaning:
      "The service fails but its monitor passes: the ADC says UP and will not notice, and users get errors.",
    advice:
      "Disable the member now, then bind a deeper monitor. If every server fails in the same way, check the mailbox side first.",
  },
  routes_to_maintenance: {
    label: "in maintenance, still gets clients",
    meaning:
      "The server is in maintenance and rejects clients, but the ADC still says UP and sends it clients.",
    advice:
      "Disable the member on the ADC now (with a delay to drain it), and bind a monitor that reads the protocol's banner instead of checking only the port.",
  },
  false_up: {
    label: "the ADC says UP, the service is down",
    meaning:
      "The ADC still says UP although its own monitor, repeated from here, has failed for longer than the ADC needs to notice.",
    advice:
      "Check the ADC for disabled health monitoring, a disabled monitor or binding, suppressed probes or a stale state; disable the member in the meantime.",
  },
  replica_differs: {
    label: "only this agent's replica fails",
    meaning:
      "The service works and the ADC says UP; only this agent's replica of the monitor fails.",
    advice:
      "Compare the source address, Host header and path of the probe with the ADC's: a firewall or an access rule may treat this agent differently.",
  },
  false_down: {
    label: "the ADC says DOWN, the service works",
    meaning:
      "The ADC says DOWN although its own monitor, repeated from here, passes: capacity is lost.",
    advice:
      "Read the monitor's last response on the ADC, and check its source address, path, TLS versions, SNI and response timeout.",
  },
  strict_monitor: {
    label: "the monitor fails, the service works",
    meaning:
      "The monitor fails on the ADC and from here although the service works: capacity is lost.",
    advice:
      "Correct the monitor: expected string or status, request method, TLS version, or a customised banner.",
  },
  maintenance_expected: {
    label: "down for maintenance, as expected",
    meaning: "The server is in maintenance, and the ADC rightly says DOWN.",
    advice: "Nothing to do until the maintenance ends.",
  },
  drained: {
    label: "out of service, declared",
    meaning: "A declared maintenance window is open, and the ADC sends the server no new clients.",
    advice: "Nothing to do until the work is done.",
  },
  drained_undeclared: {
    label: "out of service, undeclared",
    meaning: "The ADC has the server out of service, and no maintenance window was declared.",
    advice:
      "If the work continues, declare it with `adc-witness maintenance start`; otherwise enable the member on the ADC.",
  },
  ready_to_return: {
    label: "ready to return",
    meaning:
      "The server is out of service in a declared window, and every check has passed for the stability time.",
    advice:
      "When the work is done, enable it on the ADC and end the window with `adc-witness maintenance end`.",
  },
  return_overdue: {
    label: "forgotten out of service",
    meaning:
      "The maintenance window is over and the server works, but it is still out of service on the ADC.",
    advice: "Enable the member on the ADC, or declare a new window if the work continues.",
  },
  maintenance_overrun: {
    label: "should be back, and is not",
    meaning:
      "Its maintenance should be over, and it still does not work: a component was left Inactive, a service stopped, or the member out of service.",
    advice:
      "On the server, read Get-ServerComponentState and the state of its services, and set to Active what was left Inactive. If the work continues, declare it with `adc-witness maintenance start`.",
  },
  settling: {
    label: "differ, within grace",
    meaning: "The opinions differ, but not for longer than the ADC's own timing explains.",
    advice: "Wait: the opinions agree again, or the verdict changes when grace ends.",
  },
  unknown: {
    label: "nothing to compare",
    meaning: "Too little is known to compare; this does not mean that the service fails.",
    advice:
      "See the reason: no state from the ADC, a monitor that cannot be repeated, or a fault of this agent.",
  },
  vip_agree_up: {
    label: "up, all agree",
    meaning: "The virtual server works for clients, as the ADC says.",
    advice: "Nothing to do.",
  },
  vip_agree_down: {
    label: "down, all agree",
    meaning: "The virtual server is down, and the ADC agrees.",
    advice: "The ADC is right: repair the servers behind it, or enable the vserver.",
  },
  vip_served_by_drained_server: {
    label: "a drained server still answers",
    meaning:
      "Two new connections through the virtual server were answered by a server that is out of service or in maintenance.",
    advice:
      "Check for persistence, a second binding or another vserver that still leads to it, and clear the persistence sessions on the ADC.",
  },
  vip_wrong_certificate: {
    label: "wrong certificate",
    meaning:
      "The virtual server presents a certificate other than the one bound to it, or one without the name that clients use.",
    advice:
      "Compare the certkey bound to the vserver, and the SNI bindings, with the certificate presented.",
  },
  vip_backup_active: {
    label: "the backup vserver is active",
    meaning: "The primary virtual server is down, and its backup serves clients.",
    advice: "Check whether this is intended, and repair the members of the primary.",
  },
  vip_login_broken: {
    label: "logins fail behind the ADC",
    meaning:
      "A login with a configured account fails through the virtual server although its members work: users cannot log in there.",
    advice:
      "The reason names the step at which it fails. Check authentication, authorization and single sign-on of the ADC's AAA for this vserver, and whether it re-encrypts for servers that require Extended Protection.",
  },
  vip_protected: {
    label: "behind the ADC's own login",
    meaning:
      "The ADC's authentication answers first, and no account is configured for a login through it: the service behind it cannot be checked.",
    advice: "Configure a transaction with an account to check the service behind the login.",
  },
  vip_down_members_up: {
    label: "down although members work",
    meaning: "The virtual server is down although at least one of its members works.",
    advice:
      "Check the vserver's bindings, state, certificate and policies on the ADC, and its redirect or responder.",
  },
  vip_up_members_down: {
    label: "UP without a working member",
    meaning: "The ADC says UP although no member of the vserver works.",
    advice:
      "Every client gets errors: repair a member, enable state update on a content-switching vserver, or bind a backup.",
  },
  vip_site_withheld: {
    label: "a working site gets no clients",
    meaning:
      "GSLB reports DOWN for a site whose VIP serves clients, and its DNS does not return it: capacity is lost.",
    advice:
      "Check the metric exchange (MEP) with the site, and read the last response of the monitors bound to its GSLB service.",
  },
};

/** Texts for a GSLB vserver, which has no VIP and hands out sites. */
const NAME_WORDS: Readonly<Partial<Record<Verdict, VerdictWords>>> = {
  vip_agree_up: {
    label: "up, all agree",
    meaning: "The ADC's DNS answers, and every site that it hands out serves clients.",
    advice: "Nothing to do.",
  },
  vip_agree_down: {
    label: "down, all agree",
    meaning: "GSLB says DOWN, and no site serves.",
    advice: "The ADC is right: repair a site, or enable the GSLB vserver.",
  },
  vip_up_members_down: {
    label: "a site is handed out and does not serve",
    meaning:
      "The ADC's DNS sends clients to a site whose VIP does not serve them: each client who gets this address fails.",
    advice:
      "Disable the GSLB service of this site now. Then check the metric exchange (MEP) with the site, and bind a monitor to the service that sees what clients see.",
  },
  vip_down_members_up: {
    label: "not answered although a site works",
    meaning: "The ADC's DNS gives clients no site although at least one serves.",
    advice: "Check the GSLB vserver's state, its domains and bindings, and the ADNS service.",
  },
};

/** Texts for an authentication vserver, which has no servers and logs clients in itself. */
const LOGIN_WORDS: Readonly<Partial<Record<Verdict, VerdictWords>>> = {
  vip_agree_up: {
    label: "up, all agree",
    meaning: "The ADC says UP, and its login answers.",
    advice: "Nothing to do.",
  },
  vip_agree_down: {
    label: "down, all agree",
    meaning: "The ADC says DOWN: nobody can log in at the vservers that it authenticates.",
    advice:
      "Check its certificate (`show ssl vserver`) and whether the feature AAA is enabled and licensed.",
  },
  vip_login_broken: {
    label: "no login page",
    meaning: "The ADC says UP, and its login does not answer: nobody can log in.",
    advice:
      "Check its certificate and login policies, and the content-switching policy that leads to it.",
  },
};

/** The text for a vserver's verdict, by its kind. */
export function vserverWords(vserver: {
  readonly verdict: VserverVerdict;
  readonly kind: VserverKind;
}): VerdictWords {
  const words = { gslb: NAME_WORDS, aaa: LOGIN_WORDS, lb: VERDICT_WORDS, cs: VERDICT_WORDS };
  const own = words[vserver.kind][vserver.verdict];
  return own ?? VERDICT_WORDS[vserver.verdict];
}

/** `agree_down` when only the monitor fails: no probe of the same depth has checked the service itself. */
const MONITOR_FAILS_TOO: VerdictWords = {
  label: "down, the monitor fails here too",
  meaning:
    "The ADC says DOWN, and its monitor fails from here too. No check of the same depth has tested the service itself.",
  advice:
    "Check what the monitor requests and how it fails: whether clients would be served is unknown.",
};

/** The text for a member's verdict. */
export function memberWords(member: {
  readonly verdict: MemberVerdict;
  readonly service: ServiceOpinion;
}): VerdictWords {
  return member.verdict === "agree_down" && member.service !== "down"
    ? MONITOR_FAILS_TOO
    : VERDICT_WORDS[member.verdict];
}

/** Exit statuses of the monitoring plug-in convention. */
export type ExitStatus = 0 | 1 | 2 | 3;

export interface JudgedRow {
  /** A {@link Verdict}, or one of another version. */
  readonly verdict: string;
  /** The verdict is unknown because of the configuration or the type: no NITRO, or a monitor that cannot be repeated. */
  readonly unknownByConfiguration: boolean;
}

/**
 * The exit status of a comparison: 2 for any mismatch, else 3 for any unexpected unknown, else 1 for any verdict that needs
 * attention, else 0. An expected unknown counts only if `strict`, or if nothing could be compared.
 */
export function exitStatus(rows: readonly JudgedRow[], strict: boolean): ExitStatus {
  if (rows.some((row) => isMismatch(row.verdict))) {
    return 2;
  }
  const unknown = rows.filter((row) => row.verdict === "unknown");
  const unexpected = unknown.some((row) => strict || !row.unknownByConfiguration);
  if (unexpected || unknown.length === rows.length) {
    return 3;
  }
  const warnings: ReadonlySet<string> = WARNING_VERDICTS;
  return rows.some((row) => warnings.has(row.verdict)) ? 1 : 0;
}

/** Whether a verdict says that the ADC is wrong. */
export function isMismatch(verdict: string): boolean {
  const mismatches: ReadonlySet<string> = MISMATCH_VERDICTS;
  return mismatches.has(verdict);
}

/** The first word of a plug-in's output for an exit status. */
export function pluginWord(status: ExitStatus): "OK" | "WARNING" | "CRITICAL" | "UNKNOWN" {
  switch (status) {
    case 0:
      return "OK";
    case 1:
      return "WARNING";
    case 2:
      return "CRITICAL";
    case 3:
      return "UNKNOWN";
  }
}

/** Worst first: verdicts that mean errors for clients, then those that only cost capacity. */
const WORST_FIRST: readonly Verdict[] = [
  "routes_to_maintenance",
  "vip_served_by_drained_server",
  "vip_login_broken",
  "vip_up_members_down",
  "vip_down_members_up",
  "false_up",
  "blind_monitor",
  "vip_wrong_certificate",
  "vip_site_withheld",
  "false_down",
  "strict_monitor",
  "return_overdue",
  "maintenance_overrun",
  "vip_backup_active",
  "replica_differs",
  "drained_undeclared",
  "settling",
  "ready_to_return",
  "unknown",
];

/** For sorting: lower is worse; verdicts that need no attention come last. */
export function severity(verdict: Verdict): number {
  const index = WORST_FIRST.indexOf(verdict);
  return index < 0 ? WORST_FIRST.length : index;
}

export const URGENCIES = ["info", "warning", "critical"] as const;
export type Urgency = (typeof URGENCIES)[number];

/** Mismatches without errors for clients so far. */
const CAN_WAIT: ReadonlySet<Verdict> = new Set<Verdict>([
  "false_down",
  "strict_monitor",
  "return_overdue",
]);

/** The severity of a verdict's alert; null if there is none. */
export function urgencyOf(verdict: Verdict): Urgency | null {
  if (MISMATCH_VERDICTS.has(verdict)) {
    return CAN_WAIT.has(verdict) ? "warning" : "critical";
  }
  if (!WARNING_VERDICTS.has(verdict) || verdict === "settling") {
    return null;
  }
  return verdict === "drained_undeclared" ? "info" : "warning";
}
