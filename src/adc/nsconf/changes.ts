import { memberMeant, monitorMeant, monitorName } from "./services.ts";
import {
  type Draft,
  type ServiceDraft,
  type StatementKinds,
  type StatementReader,
  report,
  reportMissing,
  serviceOf,
} from "./draft.ts";
import { boundPolicy } from "./policies.ts";
import {
  CS_VSERVER_BINDING_OPTIONS,
  LB_VSERVER_BINDING_OPTIONS,
  SERVICE_BINDING_OPTIONS,
  TLS_BINDING_OPTIONS,
} from "./option-tables.ts";
import { expanded, reportStrayWords } from "./options.ts";
import { SERVICE_TYPES } from "./grammar.ts";
import type { PolicyBinding } from "../../model/policy.ts";
import type { Statement } from "./statements.ts";

/**
 * `unbind`, as in hand-written command files: a saved configuration contains none. Names that do not exist are ignored.
 */
export const removalStatements: StatementKinds = {
  definitions: new Map(),
  changes: new Map([
    ["unbind service", expanded(SERVICE_BINDING_OPTIONS, unbindService)],
    ["unbind servicegroup", expanded(SERVICE_BINDING_OPTIONS, unbindService)],
    ["unbind lb monitor", unbindMonitor],
    ["unbind lb vserver", expanded(LB_VSERVER_BINDING_OPTIONS, unbindVserver)],
    ["unbind cs vserver", expanded(CS_VSERVER_BINDING_OPTIONS, unbindVserver)],
    ["unbind authentication vserver", unbindLoginPolicy],
    ["unbind ssl vserver", expanded(TLS_BINDING_OPTIONS, unbindCertificate)],
  ]),
};

function unbindService({ words, keys }: Statement, draft: Draft): void {
  const [name = "", server, port] = words;
  const service = draft.services.get(name);
  if (service === undefined) {
    return;
  }
  for (const monitor of keys.get("monitorname") ?? []) {
    dropMonitor(service, monitor, draft);
  }
  if (server !== undefined) {
    drop(service.members, memberMeant(server, port, draft));
  }
}

/** From services, or `-certkeyName C`: a certificate from the monitor. */
function unbindMonitor({ words, keys }: Statement, draft: Draft): void {
  const [monitor = "", ...targets] = words;
  const known = draft.monitors.get(monitor);
  if (known !== undefined && keys.has("certkeyname")) {
    const unbound = keys.has("ca") ? "ca" : "certkeyname";
    const written = new Map([...(known.written ?? [])].filter(([key]) => key !== unbound));
    draft.monitors.set(known.name, { ...known, written });
  }
  for (const target of targets) {
    const service = draft.services.get(target) ?? draft.gslbServices.get(target);
    if (service !== undefined) {
      dropMonitor(service, monitor, draft);
    }
  }
}

/** Removes the binding of a monitor. */
export function dropMonitor(service: ServiceDraft, written: string, draft: Draft): void {
  const isMeant = monitorMeant(written, draft);
  drop(service.monitors, ({ monitor }) => isMeant(monitor));
}

/**
 * `rm`: affects everything before it, so that an object of the same name may be added again later. Which kinds take
 * several names: NetScaler command reference.
 */
export const REMOVERS: ReadonlyMap<string, StatementReader> = new Map([
  ["rm lb monitor", removeMonitor],
  ["rm service", ofOne(removeService)],
  ["rm servicegroup", ofOne(removeService)],
  ["rm server", ofSeveral("server", isServer, removeServer)],
  ["rm lb vserver", removeNamed("vserver", "lbVservers")],
  ["rm cs vserver", removeNamed("vserver", "csVservers")],
  ["rm authentication vserver", removeNamed("authentication vserver", "authenticationVservers")],
  ["rm cr vserver", removeNamed("vserver", "otherVservers")],
  ["rm vpn vserver", removeNamed("vserver", "otherVservers")],
  ["rm cs policy", ofOne(removeFrom("policies"))],
  ["rm cs action", ofOne(removeFrom("actions"))],
  ["rm authorization policy", ofOne(removeFrom("policies"))],
  ["rm tm trafficpolicy", ofOne(removeFrom("policies"))],
  ["rm tm trafficaction", ofOne(removeFrom("actions"))],
  ["rm ssl certkey", removeNamed("certificate key", "certKeys")],
]);

/** Reports words behind the one name that a command takes, and reads it without them. */
export function ofOne(remove: StatementReader): StatementReader {
  return (statement, draft) => {
    const { words } = statement;
    const [name = ""] = words;
    if (words.length > 1) {
      reportStrayWords(statement, draft, name, words.length - 1);
    }
    remove({ ...statement, words: words.slice(0, 1) }, draft);
  };
}

/**
 * Reports a type behind the names, and names that lead to nothing beside others that do: scripts also remove what may
 * not be there at all.
 */
function ofSeveral(
  kind: string,
  isKnown: (name: string, draft: Draft) => boolean,
  remove: StatementReader,
): StatementReader {
  return (statement, draft) => {
    const { words } = statement;
    const unknown = words.filter((name) => !isKnown(name, draft));
    const first = words.find((name) => isKnown(name, draft));
    if (first === undefined || unknown.length === 0) {
      remove(statement, draft);
      return;
    }
    const types = unknown.filter((word) => SERVICE_TYPES.has(word.toUpperCase()));
    if (types.length > 0) {
      reportStrayWords(statement, draft, first, types.length);
    }
    for (const name of unknown) {
      if (!types.includes(name)) {
        reportMissing(draft, statement, kind, name);
      }
    }
    remove({ ...statement, words: words.filter((name) => !types.includes(name)) }, draft);
  };
}

/** A server object, or the address of one that the ADC created for a service. */
function isServer(name: string, draft: Draft): boolean {
  const isMeant = memberMeant(name, undefined, draft);
  return (
    draft.servers.has(name) ||
    [...draft.services.exact.values()].some(({ members }) => members.some(isMeant))
  );
}

function removeNamed(kind: string, objects: Removable): StatementReader {
  return ofSeveral(kind, (name, draft) => draft[objects].has(name), removeFrom(objects));
}

type Removable =
  | "lbVservers"
  | "csVservers"
  | "authenticationVservers"
  | "otherVservers"
  | "policies"
  | "actions"
  | "certKeys";

function removeFrom(objects: Removable): StatementReader {
  return ({ words }, draft) => {
    words.forEach((name) => {
      draft[objects].delete(name);
    });
  };
}

/** The ADC does not remove a monitor that is bound (NITRO error 2131). */
function removeMonitor(statement: Statement, draft: Draft): void {
  const name = monitorName(statement.words[0] ?? "", draft);
  const isMeant = draft.monitors.meaning(name);
  const user = [...draft.services.exact.values(), ...draft.gslbServices.exact.values()].find(
    ({ monitors }) => monitors.some(({ monitor }) => isMeant(monitor)),
  );
  if (user === undefined) {
    draft.monitors.delete(name);
    return;
  }
  const message = `${name} is still bound to ${user.name}: the ADC does not remove a monitor until it is unbound (error 2131).`;
  report(draft, statement, "warning", "removed_while_bound", name, message);
}

function removeService({ words }: Statement, draft: Draft): void {
  for (const name of words) {
    const isMeant = draft.services.meaning(name);
    draft.services.delete(name);
    for (const { services } of draft.lbVservers.exact.values()) {
      drop(services, ({ service }) => isMeant(service));
    }
  }
}

/** Removes the services of a server with it, and the members of groups. */
function removeServer(statement: Statement, draft: Draft): void {
  for (const name of statement.words) {
    const isMeant = memberMeant(name, undefined, draft);
    for (const service of [...draft.services.exact.values()]) {
      if (service.kind === "service" && service.members.some(isMeant)) {
        removeService({ ...statement, words: [service.name] }, draft);
      } else {
        drop(service.members, isMeant);
      }
    }
    draft.servers.delete(name);
  }
}

function unbindVserver(statement: Statement, draft: Draft): void {
  const { keys } = statement;
  const [name = "", target = keys.get("servicename")?.[0] ?? ""] = statement.words;
  const bound = boundPolicy(statement);
  const lb = statement.group.toLowerCase() === "lb" ? draft.lbVservers.get(name) : undefined;
  const cs = lb === undefined ? draft.csVservers.get(name) : undefined;
  if (bound !== null) {
    const [type] = keys.get("type") ?? [];
    const [priority] = keys.get("priority") ?? [];
    const isPolicy = draft.policies.meaning(bound);
    const isMeant = (one: Pick<PolicyBinding, "policy" | "priority">): boolean =>
      isPolicy(one.policy) && (priority === undefined || String(one.priority) === priority);
    drop(
      (lb ?? cs)?.policies ?? [],
      (one) => isMeant(one) && (type === undefined || one.bindPoint === type.toUpperCase()),
    );
    drop(cs?.targets ?? [], isMeant);
  } else if (lb !== undefined) {
    const isMeant = draft.services.meaning(target);
    drop(lb.services, ({ service }) => isMeant(service));
  } else if (cs !== undefined) {
    cs.defaultTarget = null;
  }
}

function unbindLoginPolicy(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const isPolicy = draft.policies.meaning(boundPolicy(statement) ?? "");
  drop(draft.authenticationVservers.get(name)?.policies ?? [], ({ policy }) => isPolicy(policy));
}

function unbindCertificate({ words, keys }: Statement, draft: Draft): void {
  const [name = ""] = words;
  const vserver = draft.lbVservers.get(name) ?? draft.csVservers.get(name);
  const isMeant = draft.certKeys.meaning(keys.get("certkeyname")?.[0] ?? "");
  drop(vserver?.certKeys ?? [], ({ certKey }) => isMeant(certKey));
}

/** Removes the matching entries of a list. */
export function drop<T>(list: T[], unwanted: (item: T) => boolean): void {
  const kept = list.filter((item) => !unwanted(item));
  list.splice(0, list.length, ...kept);
}

/**
 * `enable` and `disable`, as in hand-written command files; the ADC itself saves the result as `-state DISABLED`. A
 * delay or `-graceFul YES` changes when it takes effect, not the result.
 */
export const toggleStatements: StatementKinds = {
  definitions: new Map(),
  changes: new Map(
    [
      ...["server", "service", "servicegroup", "lb vserver", "cs vserver", "lb monitor"],
      ...["gslb service", "gslb servicegroup", "gslb vserver"],
    ].flatMap((kind) => [
      [`enable ${kind}`, toggle(kind, true)] as const,
      [`disable ${kind}`, toggle(kind, false)] as const,
    ]),
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
    const found = toggled(kind, statement, draft);
    if (found === undefined) {
      // In old scripts a port may follow a service's name; the name decides.
      reportMissing(draft, statement, port === undefined ? kind : "service", name);
      return;
    }
    found.enabled = enabled;
  };
}

function toggled(
  kind: string,
  statement: Statement,
  draft: Draft,
): { enabled: boolean } | undefined {
  const [name = ""] = statement.words;
  switch (kind) {
    case "server":
      return draft.servers.get(name);
    case "lb vserver":
      return draft.lbVservers.get(name);
    case "cs vserver":
      return draft.csVservers.get(name);
    case "gslb vserver":
      return draft.gslbVservers.get(name);
    case "gslb service":
    case "gslb servicegroup":
      return draft.gslbServices.get(name);
    default:
      return serviceOf(statement, draft);
  }
}

/** `disable serviceGroup SG SERVER PORT`; without a port, all members on that server. */
function toggleMember(statement: Statement, draft: Draft, enabled: boolean): void {
  const [name = "", server = "", port] = statement.words;
  const members = draft.services.get(name)?.members.filter(memberMeant(server, port, draft));
  if (members === undefined || members.length === 0) {
    reportMissing(draft, statement, "service group member", name);
    return;
  }
  for (const member of members) {
    member.enabled = enabled;
  }
}

/**
 * `disable lb monitor SERVICE [MONITOR]`: one binding, or all of the service. In the old order of arguments a monitor's
 * name comes first: it means the monitor, or its binding to the service that follows.
 */
function toggleMonitor(statement: Statement, draft: Draft, enabled: boolean): void {
  const [first = "", second] = statement.words;
  const named = (name: string) => draft.services.get(name) ?? draft.gslbServices.get(name);
  const service = named(first) ?? named(second ?? "");
  const known = draft.monitors.get(first);
  if (service === undefined) {
    if (known === undefined || second !== undefined) {
      reportMissing(draft, statement, known === undefined ? "service" : "monitor", second ?? first);
      return;
    }
    draft.monitors.set(known.name, { ...known, enabled });
    return;
  }
  const written = service === named(first) ? second : first;
  const isMeant = written === undefined ? null : monitorMeant(written, draft);
  const positions = service.monitors.flatMap(({ monitor }, at) =>
    isMeant === null || isMeant(monitor) ? [at] : [],
  );
  if (positions.length === 0 && written !== undefined) {
    reportMissing(draft, statement, "binding of monitor", monitorName(written, draft));
  }
  for (const at of positions) {
    const binding = service.monitors[at];
    if (binding !== undefined) {
      service.monitors[at] = { ...binding, enabled };
    }
  }
}
