import { deepest, wasSilent, type MemberDepths } from "../model/observation.ts";
import type { MonitorBinding } from "../model/adc-service.ts";
import type { MemberFacts, ProbeFacts } from "./facts.ts";
import type { Opinions } from "./grace.ts";
import { serviceProof, type JudgedMonitor, type ServiceProof } from "./member-verdict.ts";
import { memberReplica, type BoundReplica, type MemberReplica } from "./replica.ts";

interface BoundMonitor {
  readonly binding: MonitorBinding;
  /** Undefined where the configuration has no monitor of that name. */
  readonly probe: ProbeFacts | undefined;
  readonly enabled: boolean;
}

/** A member's probes as a judgement counts them, sorted out once for all that it asks of them. */
export interface MemberEvidence {
  readonly bound: readonly BoundMonitor[];
  /** Bound monitors that can take the member DOWN. */
  readonly monitors: readonly BoundMonitor[];
  /** Transactions that may give the service opinion. */
  readonly transactions: readonly ProbeFacts[];
  /** Those that do: without what fails behind all front ends. */
  readonly counted: readonly ProbeFacts[];
}

export function evidenceOf(
  member: MemberFacts,
  mailboxSide: ReadonlySet<ProbeFacts>,
): MemberEvidence {
  const bound = member.adcServiceConfig.monitors.map((binding) => boundMonitor(member, binding));
  const transactions = member.probes.filter(
    ({ kind, rank, notRepeated }) =>
      kind === "transaction" && rank !== "detection" && notRepeated === null,
  );
  return {
    bound,
    monitors: bound.filter(({ binding, enabled }) => enabled && !binding.passive),
    transactions,
    counted:
      mailboxSide.size === 0
        ? transactions
        : transactions.filter((probe) => !mailboxSide.has(probe)),
  };
}

function boundMonitor({ probes }: MemberFacts, binding: MonitorBinding): BoundMonitor {
  const probe = probes.find(
    ({ kind, monitor }) => kind === "monitor" && monitor === binding.monitor,
  );
  const isCounted = probe === undefined || (probe.enabled && !probe.excluded);
  return { binding, probe, enabled: binding.enabled && isCounted };
}

/** The replica opinion: our own runs of the bound monitors, combined as the ADC combines its own. */
export function replicaOf(member: MemberFacts, { bound }: MemberEvidence): MemberReplica {
  const replicas = bound.map(({ binding, probe, enabled }): BoundReplica => ({
    monitor: binding.monitor,
    enabled,
    passive: binding.passive,
    weight: binding.weight,
    opinion: probe?.opinion ?? "unknown",
    lastPassed: probe?.currentPassed ?? null,
  }));
  return memberReplica(replicas, member.adcServiceConfig.monThreshold);
}

/**
 * What passing transactions prove against the monitors. An agent that watches ignores passes from before the monitor began to
 * fail, or from before the ADC changed to DOWN: the service may have failed since.
 */
export function proofOf(
  member: MemberFacts,
  grace: "watched" | "single_look",
  { monitors, counted }: MemberEvidence,
): ServiceProof {
  const changedAt = member.adcOpinion === "down" ? member.adcStateChangedAt : null;
  const since =
    grace === "watched"
      ? Math.max(
          changedAt ?? -Infinity,
          ...monitors.map(({ probe }) => probe?.failingSince ?? -Infinity),
        )
      : -Infinity;
  return proofBy(
    monitors,
    counted.filter(({ opinion, passedAt }) => opinion === "up" && (passedAt ?? 0) >= since),
  );
}

function proofBy(monitors: readonly BoundMonitor[], passes: readonly ProbeFacts[]): ServiceProof {
  const judged = monitors.map(({ probe }): JudgedMonitor => ({
    sight: probe?.sight ?? null,
    fails: probe?.opinion === "down",
    mayFail: probe !== undefined && isUndecidedProbe(probe) && probe.lastPassed !== true,
  }));
  return serviceProof(
    passes.map(({ sight }) => sight),
    judged,
  );
}

/**
 * Whether the next pass may prove wrong a monitor that fails: the last pass was deep enough, but came before the failure, and
 * no transaction has failed since. Until it has come, an ADC that says UP is not contradicted.
 */
export function mayStillRefute(
  { monitors, counted }: MemberEvidence,
  { adc, replica }: Opinions,
  proof: ServiceProof,
): boolean {
  return (
    adc === "up" &&
    replica === "down" &&
    proof === "shallower" &&
    counted.every(({ opinion, lastPassed }) => opinion !== "down" && lastPassed !== false) &&
    proofBy(
      monitors,
      counted.filter(({ opinion }) => opinion === "up"),
    ) !== "shallower"
  );
}

/** When a monitor or transaction that counts failed last; null: none did. */
export function lastFailureAt({ monitors, counted }: MemberEvidence): number | null {
  const probes = [...monitors.flatMap(({ probe }) => probe ?? []), ...counted];
  const failedAt = Math.max(
    ...probes.map(({ lastFailure }) => lastFailure?.startedAt ?? -Infinity),
  );
  return Number.isFinite(failedAt) ? failedAt : null;
}

/** A monitor that counts has no opinion yet. Until it has, a transaction that passes does not prove the member good. */
export function isUndecided({ monitors }: MemberEvidence): boolean {
  return monitors.some(({ probe }) => probe !== undefined && isUndecidedProbe(probe));
}

function isUndecidedProbe({ scheduled, opinion, last, lastPassed }: ProbeFacts): boolean {
  return scheduled && opinion === "unknown" && (last === null || lastPassed !== null);
}

/** How deep the probes see that each opinion is made of. */
export function depthsOf({ monitors, transactions }: MemberEvidence): MemberDepths {
  const probes = monitors.flatMap(({ probe }) => probe ?? []);
  return {
    adc: deepest(probes.map(({ depth }) => depth)),
    replica: deepest(
      probes.filter(({ opinion }) => opinion !== "unknown").map(({ depth }) => depth),
    ),
    service: deepest(
      transactions.filter(({ opinion }) => opinion !== "unknown").map(({ depth }) => depth),
    ),
  };
}

/** The replica of a login monitor whose account is rejected. That is no failure of the server. */
export function refusedReplica({ probes }: MemberFacts): ProbeFacts | undefined {
  return probes.find(
    ({ kind, last, lastPassed }) =>
      kind === "monitor" && lastPassed === null && last?.reason === "auth_rejected",
  );
}

/** As `MemberInputs.refused`. */
export function refusalOf(member: MemberFacts): "refused" | "proven" | null {
  if (refusedReplica(member) === undefined) {
    return null;
  }
  return member.probes.some(({ rank, opinion }) => rank === "login" && opinion === "up")
    ? "proven"
    : "refused";
}

/** A configured login whose server offers only schemes that this agent does not support, where no other login works. */
export function unsupportedLogin({ probes }: MemberFacts): ProbeFacts | undefined {
  const logins = probes.filter(({ rank }) => rank === "login");
  return logins.some(({ opinion }) => opinion === "up")
    ? undefined
    : logins.find(({ current }) => current?.reason === "scheme_unsupported");
}

/** Whether no probe ever got an answer, and at least one was met with silence: a firewall may block this agent. */
export function neverReached({ probes }: MemberFacts): boolean {
  return (
    probes.every(({ everAnswered }) => !everAnswered) &&
    probes.some(({ last }) => last !== null && wasSilent(last))
  );
}
