import { deepest, wasSilent, type MemberDepths } from "../model/observation.ts";
import type { MonitorBinding } from "../model/adc-service.ts";
import type { MemberFacts, ProbeFacts } from "./facts.ts";
import type { Opinions } from "./grace.ts";
import { serviceProof, type JudgedMonitor, type ServiceProof } from "./member-verdict.ts";
import { memberReplica, type BoundReplica, type MemberReplica } from "./replica.ts";

/** The replica opinion: our own runs of the bound monitors, combined as the ADC combines its own. */
export function replicaOf(member: MemberFacts): MemberReplica {
  const bound = boundMonitors(member).map(({ binding, probe, enabled }): BoundReplica => ({
    monitor: binding.monitor,
    enabled,
    passive: binding.passive,
    weight: binding.weight,
    opinion: probe?.opinion ?? "unknown",
    lastPassed: probe?.currentPassed ?? null,
  }));
  return memberReplica(bound, member.adcServiceConfig.monThreshold);
}

interface BoundMonitor {
  readonly binding: MonitorBinding;
  /** Undefined where the configuration has no monitor of that name. */
  readonly probe: ProbeFacts | undefined;
  readonly enabled: boolean;
}

function boundMonitors(member: MemberFacts): readonly BoundMonitor[] {
  return member.adcServiceConfig.monitors.map((binding) => {
    const probe = member.probes.find(
      ({ kind, monitor }) => kind === "monitor" && monitor === binding.monitor,
    );
    const isCounted = probe === undefined || (probe.enabled && !probe.excluded);
    return { binding, probe, enabled: binding.enabled && isCounted };
  });
}

/** Bound monitors that can take the member DOWN. */
export function countedMonitors(member: MemberFacts): readonly BoundMonitor[] {
  return boundMonitors(member).filter(({ binding, enabled }) => enabled && !binding.passive);
}

/** Transactions that give the service opinion. */
export function countedTransactions(
  { probes }: MemberFacts,
  mailboxSide: ReadonlySet<ProbeFacts>,
): readonly ProbeFacts[] {
  return probes.filter(
    (probe) =>
      probe.kind === "transaction" &&
      probe.rank !== "detection" &&
      probe.notRepeated === null &&
      !mailboxSide.has(probe),
  );
}

/**
 * What passing transactions prove against the monitors. An agent that watches ignores passes from before the monitor began to
 * fail, or from before the ADC changed to DOWN: the service may have failed since.
 */
export function proofOf(
  member: MemberFacts,
  grace: "watched" | "single_look",
  transactions: readonly ProbeFacts[],
): ServiceProof {
  const changedAt = member.adcOpinion === "down" ? member.adcStateChangedAt : null;
  const since =
    grace === "watched"
      ? Math.max(
          changedAt ?? -Infinity,
          ...countedMonitors(member).map(({ probe }) => probe?.failingSince ?? -Infinity),
        )
      : -Infinity;
  return proofBy(
    member,
    transactions.filter(({ opinion, passedAt }) => opinion === "up" && (passedAt ?? 0) >= since),
  );
}

function proofBy(member: MemberFacts, passes: readonly ProbeFacts[]): ServiceProof {
  const monitors = countedMonitors(member).map(({ probe }): JudgedMonitor => ({
    sight: probe?.sight ?? null,
    fails: probe?.opinion === "down",
    mayFail: probe !== undefined && isUndecidedProbe(probe) && probe.lastPassed !== true,
  }));
  return serviceProof(
    passes.map(({ sight }) => sight),
    monitors,
  );
}

/**
 * Whether the next pass may prove wrong a monitor that fails: the last pass was deep enough, but came before the failure, and
 * no transaction has failed since. Until it has come, an ADC that says UP is not contradicted.
 */
export function mayStillRefute(
  member: MemberFacts,
  { adc, replica }: Opinions,
  proof: ServiceProof,
  transactions: readonly ProbeFacts[],
): boolean {
  return (
    adc === "up" &&
    replica === "down" &&
    proof === "shallower" &&
    transactions.every(({ opinion, lastPassed }) => opinion !== "down" && lastPassed !== false) &&
    proofBy(
      member,
      transactions.filter(({ opinion }) => opinion === "up"),
    ) !== "shallower"
  );
}

/** When a monitor or transaction that counts failed last; null: none did. */
export function lastFailureAt(
  member: MemberFacts,
  mailboxSide: ReadonlySet<ProbeFacts>,
): number | null {
  const probes = [
    ...countedMonitors(member).flatMap(({ probe }) => probe ?? []),
    ...countedTransactions(member, mailboxSide),
  ];
  const failedAt = Math.max(
    ...probes.map(({ lastFailure }) => lastFailure?.startedAt ?? -Infinity),
  );
  return Number.isFinite(failedAt) ? failedAt : null;
}

/** A monitor that counts has no opinion yet. Until it has, a transaction that passes does not prove the member good. */
export function isUndecided(member: MemberFacts): boolean {
  return countedMonitors(member).some(
    ({ probe }) => probe !== undefined && isUndecidedProbe(probe),
  );
}

function isUndecidedProbe({ scheduled, opinion, last, lastPassed }: ProbeFacts): boolean {
  return scheduled && opinion === "unknown" && (last === null || lastPassed !== null);
}

/** How deep the probes see that each opinion is made of. */
export function depthsOf(member: MemberFacts): MemberDepths {
  const monitors = countedMonitors(member).flatMap(({ probe }) => probe ?? []);
  return {
    adc: deepest(monitors.map(({ depth }) => depth)),
    replica: deepest(
      monitors.filter(({ opinion }) => opinion !== "unknown").map(({ depth }) => depth),
    ),
    service: deepest(
      countedTransactions(member, new Set())
        .filter(({ opinion }) => opinion !== "unknown")
        .map(({ depth }) => depth),
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
