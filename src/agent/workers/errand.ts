import { headerSecrets } from "../../probes/monitors/http-request.ts";
import type { MonitorSpec } from "../../probes/monitors/spec.ts";
import type { PlannedProbe } from "../plan/planned-probe.ts";
import type { Errand } from "../run-probe.ts";

/**
 * What a worker thread gets to know of a probe, or null when the probe stays in the main thread. Secrets never cross: what
 * logs in, carries a credential or sends a header that lets its bearer in stays, and so do the probes that start programs
 * (PING, scripts), which cost the same wherever they are started.
 */
export function errandFor({ vantage, action }: PlannedProbe): Errand | null {
  if (action.run === null) {
    return null;
  }
  if (action.kind === "monitor") {
    return mayLeave(action.run.spec)
      ? { vantage, action: { kind: "monitor", run: action.run } }
      : null;
  }
  return action.account === null && action.run.spec.account === null
    ? { vantage, action: { kind: "transaction", run: action.run } }
    : null;
}

const STARTS_PROGRAMS: ReadonlySet<string> = new Set(["PING", "USER"]);

function mayLeave({ monitor, credential, command }: MonitorSpec): boolean {
  const { customHeaders, send } = monitor.parameters;
  return (
    credential === null &&
    command === null &&
    !STARTS_PROGRAMS.has(monitor.type.toUpperCase()) &&
    headerSecrets(`${customHeaders ?? ""}\r\n${send ?? ""}`).length === 0
  );
}
