import { monitorName } from "./services.ts";
import type { Draft, StatementKinds } from "./draft.ts";
import { boundPolicy } from "./policies.ts";
import type { Statement } from "./statements.ts";

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
  const bound = boundPolicy(statement);
  const lb = statement.group.toLowerCase() === "lb" ? draft.lbVservers.get(name) : undefined;
  const cs = lb === undefined ? draft.csVservers.get(name) : undefined;
  if (bound !== null) {
    drop((lb ?? cs)?.policies ?? [], ({ policy }) => policy === bound);
    drop(cs?.targets ?? [], ({ policy }) => policy === bound);
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
