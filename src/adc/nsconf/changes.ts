import { monitorName } from "./services.ts";
import { type Draft, type StatementKinds, reportMissing } from "./draft.ts";
import { policyBinding } from "./policies.ts";
import type { Statement } from "./statements.ts";
import { portOf } from "./values.ts";

/**
 * `unbind` and `rm` as people type them into command files: a saved configuration holds none. What they name and does
 * not exist is no loss.
 */
export const removalStatements: StatementKinds = {
  definitions: new Map(),
  changes: new Map([
    ["unbind service", unbindService],
    ["unbind servicegroup", unbindService],
    ["unbind lb monitor", unbindMonitor],
    ["rm lb monitor", removeMonitor],
    ["unbind lb vserver", unbindVserver],
    ["unbind cs vserver", unbindVserver],
  ]),
};

function unbindService({ words, keys }: Statement, draft: Draft): void {
  const [name = "", server, port] = words;
  const service = draft.services.get(name);
  if (service === undefined) {
    return;
  }
  for (const monitor of keys.get("monitorname") ?? []) {
    drop(service.monitors, (binding) => binding.monitor === monitorName(monitor, draft));
  }
  if (server !== undefined) {
    drop(
      service.members,
      (member) =>
        member.serverWord === server && (port === undefined || String(member.port) === port),
    );
  }
}

function unbindMonitor({ words }: Statement, draft: Draft): void {
  const [monitor = "", ...targets] = words;
  for (const target of targets) {
    drop(
      draft.services.get(target)?.monitors ?? [],
      (binding) => binding.monitor === monitorName(monitor, draft),
    );
  }
}

function removeMonitor({ words }: Statement, draft: Draft): void {
  draft.monitors.delete(words[0] ?? "");
}

function unbindVserver(statement: Statement, draft: Draft): void {
  const [name = "", target] = statement.words;
  const binding = policyBinding(statement);
  const lb = statement.group.toLowerCase() === "lb" ? draft.lbVservers.get(name) : undefined;
  const cs = lb === undefined ? draft.csVservers.get(name) : undefined;
  if (binding !== null) {
    drop((lb ?? cs)?.policies ?? [], ({ policy }) => policy === binding.policy);
    drop(cs?.targets ?? [], ({ policy }) => policy === binding.policy);
  } else if (lb !== undefined) {
    drop(lb.services, ({ service }) => service === target);
  } else if (cs !== undefined) {
    cs.defaultTarget = null;
  }
}

function drop<T>(list: T[], unwanted: (item: T) => boolean): void {
  const kept = list.filter((item) => !unwanted(item));
  list.splice(0, list.length, ...kept);
}

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

/** `disable lb monitor M [SERVICE]`: everywhere, or in one binding. */
function toggleMonitor(statement: Statement, draft: Draft, enabled: boolean): void {
  const [name = "", target] = statement.words;
  const monitor = draft.monitors.get(name);
  if (target === undefined && monitor !== undefined) {
    draft.monitors.set(monitor.name, { ...monitor, enabled });
    return;
  }
  const service = draft.services.get(target ?? "");
  const position = service?.monitors.findIndex((binding) => binding.monitor === name) ?? -1;
  const binding = service?.monitors[position];
  if (service === undefined || binding === undefined) {
    reportMissing(draft, statement, "monitor", name);
    return;
  }
  service.monitors[position] = { ...binding, enabled };
}
