import type { AdcService, Member } from "../../estate/adc-service.ts";
import type { TransactionName } from "../../probes/transactions/spec.ts";
import type { Recogniser } from "./look-probes.ts";
import { matchesPattern } from "./pattern.ts";
import type { TransactionRun } from "./settings.ts";
import { USUAL_PORTS } from "./transaction-ports.ts";

/** Whether a run means this member: what it names, else the members whose protocol the transaction speaks. */
export function isMeant(
  run: TransactionRun,
  service: AdcService,
  member: Member,
  vservers: readonly string[],
  recognise: Recogniser,
): boolean {
  const { servers, ports, adcServices, vservers: wanted } = run.members;
  const named = (patterns: readonly string[], names: readonly string[]): boolean =>
    patterns.length === 0 ||
    patterns.some((pattern) => names.some((name) => matchesPattern(pattern, name)));
  return (
    named(servers, [member.server, member.address ?? member.server]) &&
    named(adcServices, [service.name]) &&
    named(wanted, vservers) &&
    (ports.length > 0
      ? typeof member.port === "number" && ports.includes(member.port)
      : speaks(run.transaction, service, member, recognise))
  );
}

function speaks(
  transaction: TransactionName,
  service: AdcService,
  member: Member,
  recognise: Recogniser,
): boolean {
  const ports = USUAL_PORTS.get(transaction);
  if (ports === undefined) {
    return recognise(service, member).protocol === "https";
  }
  return member.port === "*" ? transaction === "rpc_endpoint_map" : ports.includes(member.port);
}
