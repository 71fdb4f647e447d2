import { reportMissing, type Draft, type StatementKinds } from "./draft.ts";
import { monitorName } from "./services.ts";
import type { Statement } from "./statements.ts";
import { portOf } from "./values.ts";

/**
 * `enable` and `disable` as people type them; the ADC itself saves the result as `-state DISABLED` instead. A delay or
 * `-graceFul YES` changes when, not what.
 */
export const toggleStatements: StatementKinds = {
  definitions: new Map(),
  changes: new Map(
    ["server", "service", "servicegroup", "lb vserver", "cs vserver", "lb monitor"].flatMap(
      (kind) => [
        [`enable ${kind}`, toggle(kind, true)] as const,
        [`disable ${kind}`, toggle(kind, false)] as const,
      ],
    ),
  ),
};

function toggle(kind: string, enabled: boolean): (statement: Statement, draft: Draft) => void {
  return (statement, draft) => {
    const [name = "", server, port] = statement.words;
    if (kind === "servicegroup" && server !== undefined) {
      toggleMember(statement, draft, enabled);
      return;
    }
    if (kind === "lb monitor") {
      toggleMonitor(statement, draft, enabled);
      return;
    }
    const found = table(kind, draft).get(name);
    if (found === undefined) {
      // A port may stand behind a service's name in old scripts; the name decides.
      reportMissing(draft, statement, port === undefined ? kind : "service", name);
      return;
    }
    found.enabled = enabled;
  };
}

function table(
  kind: string,
  draft: Draft,
): { get(name: string): { enabled: boolean } | undefined } {
  switch (kind) {
    case "server":
      return draft.servers;
    case "lb vserver":
      return draft.lbVservers;
    case "cs vserver":
      return draft.csVservers;
    default:
      return draft.services;
  }
}

/** `disable serviceGroup SG SERVER PORT`; without a port all members on that server. */
function toggleMember(statement: Statement, draft: Draft, enabled: boolean): void {
  const [name = "", server, portWord] = statement.words;
  const port = portWord === undefined ? null : portOf(portWord);
  const members = draft.services
    .get(name)
    ?.members.filter(
      (member) => member.serverWord === server && (port === null || member.port === port),
    );
  if (members === undefined || members.length === 0) {
    reportMissing(draft, statement, "service group member", name);
    return;
  }
  for (const member of members) {
    member.enabled = enabled;
  }
}

/**
 * `disable lb monitor SERVICE [MONITOR]`: one binding, or all of the service. A monitor's name in the first place, as old
 * hands type it, means the monitor, or its binding to the service behind it.
 */
function toggleMonitor(statement: Statement, draft: Draft, enabled: boolean): void {
  const [first = "", second] = statement.words;
  const service = draft.services.get(first) ?? draft.services.get(second ?? "");
  const known = draft.monitors.get(first);
  if (service === undefined) {
    if (known === undefined || second !== undefined) {
      reportMissing(draft, statement, known === undefined ? "service" : "monitor", second ?? first);
      return;
    }
    draft.monitors.set(known.name, { ...known, enabled });
    return;
  }
  const written = service === draft.services.get(first) ? second : first;
  const wanted = written === undefined ? null : monitorName(written, draft);
  const positions = service.monitors.flatMap(({ monitor }, at) =>
    wanted === null || monitor === wanted ? [at] : [],
  );
  if (positions.length === 0 && wanted !== null) {
    reportMissing(draft, statement, "binding of monitor", wanted);
  }
  for (const at of positions) {
    const binding = service.monitors[at];
    if (binding !== undefined) {
      service.monitors[at] = { ...binding, enabled };
    }
  }
}
