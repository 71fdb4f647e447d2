/** The closed lists of opinions and verdicts (design sections 1 and 2), with the words people read. */

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
  "vip_protected",
  "vip_down_members_up",
  "vip_up_members_down",
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
  "vip_wrong_certificate",
  "vip_served_by_drained_server",
]);

/** Verdicts that deserve a look but are no mismatch: `compare` exits 1. */
export const WARNING_VERDICTS: ReadonlySet<Verdict> = new Set<Verdict>([
  "settling",
  "drained_undeclared",
  "replica_differs",
  "vip_backup_active",
]);

/** How a verdict reads to people: on the page, in alerts and in the documentation alike. */
interface VerdictWords {
  /** A few words, lower case, for tables. */
  readonly label: string;
  /** One sentence: what the witness saw. */
  readonly meaning: string;
  /** One or two sentences: what to do now. */
  readonly advice: string;
}

export const VERDICT_WORDS: Readonly<Record<Verdict, VerdictWords>> = {
  agree_up: {
    label: "up, all agree",
    meaning: "The ADC says UP, and so say the repeated monitors and the service itself.",
    advice: "Nothing to do.",
  },
  agree_down: {
    label: "down, all agree",
    meaning: "The ADC says DOWN, and the server really does not serve.",
    advice: "The ADC is right: mend the server. No client is sent there.",
  },
  blind_monitor: {
    label: "the monitor cannot see this failure",
    meaning:
      "The service fails while its monitor passes: the ADC says UP, will go on saying so, and users get errors.",
    advice:
      "Take the member out by hand now, then bind a deeper monitor. If every server fails alike, look at the mailbox side first.",
  },
  routes_to_maintenance: {
    label: "in maintenance, still gets clients",
    meaning:
      "The server is in maintenance and refuses clients, and the ADC still says UP and sends it clients.",
    advice:
      "Disable the member on the ADC now (with a delay to drain it), and bind a monitor that reads the protocol's banner instead of the bare port.",
  },
  false_up: {
    label: "the ADC says UP, it is down",
    meaning:
      "The ADC still says UP although its own monitor, repeated from here, has failed for longer than the ADC needs to notice.",
    advice:
      "Look for health monitoring switched off, a disabled monitor or binding, suppressed probes or a stale state on the ADC; disable the member meanwhile.",
  },
  replica_differs: {
    label: "only our copy of the probe fails",
    meaning:
      "The service is proven to work and the ADC says UP; only this agent's copy of the monitor fails.",
    advice:
      "Compare the source address, Host header and path of the probe with the ADC's: a firewall or an access rule treats this agent differently.",
  },
  false_down: {
    label: "the ADC says DOWN, it works",
    meaning:
      "The ADC says DOWN although its own monitor, repeated from here, passes: capacity is lost.",
    advice:
      "Read the monitor's last response on the ADC, and check its source address and path, its TLS versions, SNI and its response time-out.",
  },
  strict_monitor: {
    label: "the monitor fails, the service works",
    meaning:
      "The monitor fails on the ADC and from here, and yet clients would be served: capacity is lost.",
    advice:
      "Correct the monitor: expected string or status, request method, TLS version, or a banner that was customised.",
  },
  maintenance_expected: {
    label: "down for maintenance, as it should be",
    meaning: "The server is in maintenance, and the ADC rightly says DOWN.",
    advice: "Nothing to do until the maintenance ends.",
  },
  drained: {
    label: "out on purpose",
    meaning: "A declared maintenance window is open, and the ADC sends the server no new clients.",
    advice: "Nothing to do until the work is done.",
  },
  drained_undeclared: {
    label: "out, nobody declared it",
    meaning: "The ADC has the server out of service, and no maintenance window was declared.",
    advice:
      "If the work goes on, declare it with `adc-witness maintenance start`; otherwise enable the member again on the ADC.",
  },
  ready_to_return: {
    label: "ready to return",
    meaning:
      "The server is out of service in a declared window, and everything on it has been good for the stability time.",
    advice:
      "When the work is done, enable it on the ADC and end the window with `adc-witness maintenance end`.",
  },
  return_overdue: {
    label: "forgotten out of service",
    meaning:
      "The maintenance window is over and the server is good, and the ADC still has it out of service.",
    advice: "Enable the member on the ADC, or declare a new window if the work goes on.",
  },
  settling: {
    label: "differ, within the ADC's own time",
    meaning: "The opinions differ, but no longer than the ADC's own timing explains.",
    advice: "Wait: it settles by itself, or becomes a finding when the grace is over.",
  },
  unknown: {
    label: "nothing to compare",
    meaning: "Too little is known to compare: it says nothing against the service.",
    advice:
      "See the reason: no state from the ADC, a monitor that cannot be repeated, or a fault of this agent.",
  },
  vip_agree_up: {
    label: "answers, all agree",
    meaning: "The virtual server answers clients, as the ADC says.",
    advice: "Nothing to do.",
  },
  vip_agree_down: {
    label: "down, all agree",
    meaning: "The virtual server does not serve, and the ADC says so too.",
    advice: "The ADC is right: mend the servers behind it, or enable the vserver.",
  },
  vip_served_by_drained_server: {
    label: "a drained server answers",
    meaning:
      "A fresh connection through the virtual server was answered, twice, by a server that is out of service or in maintenance.",
    advice:
      "Look for persistence, a second binding or another vserver that still leads to it, and clear the persistence sessions on the ADC.",
  },
  vip_wrong_certificate: {
    label: "wrong certificate",
    meaning:
      "The virtual server shows a certificate other than the one bound to it, or one without the name clients use.",
    advice:
      "Compare the certkey bound to the vserver, and the SNI bindings, with the certificate shown.",
  },
  vip_backup_active: {
    label: "the backup vserver serves",
    meaning: "The primary virtual server is down, and its backup answers in its place.",
    advice: "Check that this is meant, and mend the members of the primary.",
  },
  vip_protected: {
    label: "behind the ADC's own login",
    meaning:
      "The ADC's authentication answers before any server does: what lies behind it is not seen without an account.",
    advice: "Configure a transaction with an account to see through the login.",
  },
  vip_down_members_up: {
    label: "down although members work",
    meaning: "The virtual server does not serve although at least one of its members would.",
    advice:
      "Check the vserver's bindings, state, certificate and policies on the ADC, and what its redirect or responder answers.",
  },
  vip_up_members_down: {
    label: "UP with no working member",
    meaning: "The ADC says UP although not one of the vserver's members works.",
    advice:
      "Expect errors for every client: mend a member, enable state update on a content-switching vserver, or bind a backup.",
  },
};

/** `agree_down` where only the monitor was seen to fail: nothing that sees as deep asked the service itself. */
export const MONITOR_FAILS_TOO: VerdictWords = {
  label: "down, the monitor fails here too",
  meaning:
    "The ADC says DOWN, and its monitor fails from here too. Nothing that sees as deep has asked the service itself.",
  advice:
    "Read what the monitor asks for and how it fails: whether clients would be served was not seen.",
};

/** The words for a member's verdict, which claim no more than its opinions do. */
export function memberWords(member: {
  readonly verdict: MemberVerdict;
  readonly service: ServiceOpinion;
}): VerdictWords {
  return member.verdict === "agree_down" && member.service !== "down"
    ? MONITOR_FAILS_TOO
    : VERDICT_WORDS[member.verdict];
}

/** Exit statuses of the monitoring plug-in convention. */
type ExitStatus = 0 | 1 | 2 | 3;

export interface JudgedRow {
  readonly verdict: Verdict;
  /** An unknown that the configuration or the type makes so: no NITRO, or a monitor that cannot be repeated. */
  readonly unknownByConfiguration: boolean;
}

/**
 * The exit status of a comparison: 2 any mismatch, else 3 any unexpected unknown, else 1 anything that deserves a
 * look, else 0. An unknown made by the configuration counts only when `strict`, or when nothing could be compared.
 */
export function exitStatus(rows: readonly JudgedRow[], strict: boolean): ExitStatus {
  if (rows.some((row) => MISMATCH_VERDICTS.has(row.verdict))) {
    return 2;
  }
  const unknown = rows.filter((row) => row.verdict === "unknown");
  const unexpected = unknown.some((row) => strict || !row.unknownByConfiguration);
  if (unexpected || unknown.length === rows.length) {
    return 3;
  }
  return rows.some((row) => WARNING_VERDICTS.has(row.verdict)) ? 1 : 0;
}

/** The word that stands for an exit status in a plug-in's first line. */
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
