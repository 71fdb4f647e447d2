import { readFields, readWhole, defaultsOf } from "../fields.ts";
import {
  SERVER_FIELDS,
  GROUP_FIELDS,
  MEMBER_FIELDS,
  MONITOR_BINDING_FIELDS,
  OLD_MONITOR_BINDING_FIELDS,
  SERVICE_FIELDS,
} from "../vserver-fields.ts";
import {
  define,
  endpointKey,
  reportIncomplete,
  reportDefaultMonitor,
  reportMissing,
  serviceOf,
  type Draft,
  type MemberDraft,
  type StatementKinds,
  reportClash,
  type ServiceDraft,
  isAddress,
  statementSource,
  portOf,
} from "./draft.ts";
import { type Statement, statementKind } from "./statements.ts";
import { builtInMonitor, isDefaultMonitor } from "../monitor-defaults.ts";
import type { MonitorBinding } from "../../model/adc-service.ts";
import { wholeNumber } from "../field-types.ts";
import { withPort } from "../../lib/ip.ts";
import { isPlaceholder } from "../placeholders.ts";
import { NO_BACKEND_TLS } from "../tls-fields.ts";
import {
  GROUP_OPTIONS_OF_COMMAND,
  SERVER_OPTIONS,
  SERVICE_BINDING_OPTIONS,
  SERVICE_OPTIONS_OF_COMMAND,
} from "./option-tables.ts";
import { withKnownOptions } from "./options.ts";

/** `add server NAME (IP|FQDN)` and `set server`. */
export const serverStatements: StatementKinds = {
  definitions: new Map([["add server", withKnownOptions("server", SERVER_OPTIONS, 2, addServer)]]),
  changes: new Map([["set server", withKnownOptions("server", SERVER_OPTIONS, 1, setServer)]]),
};

function addServer(statement: Statement, draft: Draft): void {
  const [name, place] = statement.words;
  if (name === undefined || place === undefined) {
    reportIncomplete(draft, statement, name ?? "server");
    return;
  }
  const address = isAddress(place) ? place : null;
  const server = Object.assign(
    { name, address, domain: address === null ? place : null, line: statement.line },
    readWhole(SERVER_FIELDS, statementSource(statement, draft, name)),
  );
  define(draft.servers, name, server, statement, draft);
}

function setServer(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const server = draft.servers.get(name);
  if (server === undefined) {
    reportMissing(draft, statement, "server", name);
    return;
  }
  const { keys } = statement;
  const place = keys.get("ipaddress")?.[0] ?? keys.get("domain")?.[0];
  if (place !== undefined) {
    server.address = isAddress(place) ? place : null;
    server.domain = isAddress(place) ? null : place;
  }
  const { comment = server.comment, translationIp = server.translationIp } = readFields(
    SERVER_FIELDS,
    statementSource(statement, draft, name),
  );
  Object.assign(server, { comment, translationIp });
}

/** Services, service groups, their members, and both forms of binding monitors to them. */
export const serviceStatements: StatementKinds = {
  definitions: new Map([
    ["add service", withKnownOptions("service", SERVICE_OPTIONS_OF_COMMAND, 4, addService)],
    [
      "add servicegroup",
      withKnownOptions("service group", GROUP_OPTIONS_OF_COMMAND, 2, addServiceGroup),
    ],
  ]),
  changes: new Map([
    ["set service", withKnownOptions("service", SERVICE_OPTIONS_OF_COMMAND, 1, setService)],
    [
      "set servicegroup",
      withKnownOptions("service group", GROUP_OPTIONS_OF_COMMAND, 3, setService),
    ],
    [
      "bind service",
      withKnownOptions(
        "binding of a service",
        SERVICE_BINDING_OPTIONS,
        wordsOfBinding,
        bindService,
      ),
    ],
    [
      "bind servicegroup",
      withKnownOptions("binding of a service group", SERVICE_BINDING_OPTIONS, 3, bindServiceGroup),
    ],
    ["bind lb monitor", bindMonitor],
  ]),
};

function addService(statement: Statement, draft: Draft): void {
  const [name, server, type, portWord] = statement.words;
  const port = portOf(portWord ?? "");
  if (name === undefined || server === undefined || type === undefined || port === null) {
    reportIncomplete(draft, statement, name ?? "service");
    return;
  }
  if (INTERNAL_SERVER.test(server)) {
    draft.unreadNames.add(name);
    return;
  }
  const service = newService("service", name, type, statement.line);
  applyServiceKeys(service, statement, draft);
  service.members.push({
    serverWord: server,
    port,
    enabled: true,
    weight: 1,
    line: statement.line,
  });
  define(draft.services, name, service, statement, draft);
}

/** The ADC's own services, which a changed option brings into the saved file: nobody's traffic goes through them. */
const INTERNAL_SERVER = /^#ns-internal-.*#$/;

function addServiceGroup(statement: Statement, draft: Draft): void {
  const [name, type] = statement.words;
  if (name === undefined || type === undefined) {
    reportIncomplete(draft, statement, name ?? "serviceGroup");
    return;
  }
  const group = newService("serviceGroup", name, type, statement.line);
  applyServiceKeys(group, statement, draft);
  define(draft.services, name, group, statement, draft);
}

/** A service with default attributes. */
export function newService(
  kind: ServiceDraft["kind"],
  name: string,
  type: string,
  line: number,
): ServiceDraft {
  const service = {
    kind,
    name,
    serviceType: type.toUpperCase(),
    tls: { ...NO_BACKEND_TLS },
    monitors: [],
    members: [],
    line,
  };
  return Object.assign({ ...BLANK }, service);
}

/** Sets every property, so that all services have the same object layout. */
const BLANK: ServiceDraft = {
  ...defaultsOf({ ...SERVICE_FIELDS, ...GROUP_FIELDS }),
  kind: "service",
  name: "",
  serviceType: "",
  tls: NO_BACKEND_TLS,
  monitors: [],
  members: [],
  line: null,
};

/** The ADC's own services (its GUI, its RPC): saved files set and bind them, but never define them. */
const INTERNAL_SERVICE = /^ns[a-z]+-.*-\d+$/;

function setService(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const service = serviceOf(statement, draft);
  if (service === undefined) {
    if (!INTERNAL_SERVICE.test(name)) {
      const isGroup = statementKind(statement).endsWith(" servicegroup");
      reportMissing(draft, statement, isGroup ? "service group" : "service", name);
    }
    return;
  }
  const [, server, portWord] = statement.words;
  const [monitor] = statement.keys.get("monitorname") ?? [];
  if (monitor !== undefined) {
    setBinding(service, monitor, statement, draft);
  } else if (server === undefined) {
    applyServiceKeys(service, statement, draft);
    moveService(service, statement.keys.get("ipaddress")?.[0]);
  } else {
    setMember(service, server, portWord, statement, draft);
  }
}

/** `set service S -IPAddress 10.0.0.9`: the address that clients are sent to from now on. */
function moveService({ kind, members }: ServiceDraft, address: string | undefined): void {
  const [member] = members;
  if (address !== undefined && member !== undefined && kind === "service") {
    members[0] = { ...member, serverWord: address };
  }
}

/** `set serviceGroup SG -monitorName M -monState DISABLED`: applies to a binding, not to the group. */
function setBinding(
  service: ServiceDraft,
  written: string,
  statement: Statement,
  draft: Draft,
): void {
  const isMeant = monitorMeant(written, draft);
  const at = service.monitors.findIndex(({ monitor }) => isMeant(monitor));
  const known = service.monitors[at];
  if (known === undefined) {
    reportMissing(draft, statement, "binding of monitor", monitorName(written, draft));
    return;
  }
  const source = statementSource(statement, draft, service.name);
  service.monitors[at] = Object.assign({ ...known }, readFields(MONITOR_BINDING_FIELDS, source));
}

/** `set serviceGroup SG SERVER PORT -weight 5`. */
function setMember(
  service: ServiceDraft,
  server: string,
  portWord: string | undefined,
  statement: Statement,
  draft: Draft,
): void {
  const found = memberToSet(service, server, portWord, statement, draft);
  if (found === null) {
    return;
  }
  const { at, known } = found;
  const { weight = known.weight } = readFields(
    MEMBER_FIELDS,
    statementSource(statement, draft, service.name),
  );
  service.members[at] = { ...known, weight };
}

/** The member that a command changes, and where it is; null: there is none, which this reports. */
export function memberToSet(
  { name, members }: ServiceDraft,
  server: string,
  portWord: string | undefined,
  statement: Statement,
  draft: Draft,
): { readonly at: number; readonly known: MemberDraft } | null {
  const at = members.findIndex(memberMeant(server, portWord, draft));
  const known = members[at];
  if (known === undefined) {
    reportMissing(draft, statement, "service group member", name);
    return null;
  }
  return { at, known };
}

/** Applies what a statement sets in a service's own attributes. */
export function applyServiceKeys(service: ServiceDraft, statement: Statement, draft: Draft): void {
  const source = statementSource(statement, draft, service.name);
  Object.assign(service, readFields(SERVICE_FIELDS, source));
  Object.assign(service, readFields(GROUP_FIELDS, source));
}

function bindService(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const monitor = statement.keys.get("monitorname")?.[0];
  const service = serviceOf(statement, draft);
  if (monitor === undefined || INTERNAL_SERVICE.test(name)) {
    // Policies bound to a service (compression, DoS protection) do not affect its health.
    return;
  }
  if (service === undefined) {
    usedElsewhere(monitor, draft);
    reportMissing(draft, statement, "service", name);
    return;
  }
  addBinding(service, monitor, statement, draft, false);
}

/** Without an option it binds nothing that matters here: old firmware took names of policies. */
function wordsOfBinding({ keys }: Statement): number {
  return keys.size === 0 ? Infinity : 1;
}

/** The object that it is bound to may be in the missing part: the monitor counts as used. */
export function usedElsewhere(monitor: string, draft: Draft): void {
  draft.monitorsUsedElsewhere.add(monitorName(monitor, draft));
}

function bindServiceGroup(statement: Statement, draft: Draft): void {
  const [name = "", server, portWord] = statement.words;
  const group = serviceOf(statement, draft);
  const monitor = statement.keys.get("monitorname")?.[0];
  if (group === undefined) {
    if (monitor !== undefined) {
      usedElsewhere(monitor, draft);
    }
    reportMissing(draft, statement, "service group", name);
    return;
  }
  // Written next to a member, as on web pages, the monitor is meant for the whole group every time.
  const again = server !== undefined && isBound(group, monitor, draft);
  if (monitor !== undefined && !again) {
    addBinding(group, monitor, statement, draft, false);
  }
  if (server === undefined) {
    return;
  }
  const given = portWord ?? statement.keys.get("port")?.[0];
  const port = portOf(given ?? "");
  // Members of an autoscaled group may have no port: it is the group's, or in the SRV record.
  const portless =
    given === undefined &&
    (group.autoScale !== null ||
      group.memberPort !== null ||
      draft.servers.get(server)?.queryType === "SRV");
  if (port === null && !portless) {
    reportIncomplete(draft, statement, name);
    return;
  }
  const { enabled, weight } = readWhole(MEMBER_FIELDS, statementSource(statement, draft, name));
  const isServer = memberMeant(server, undefined, draft);
  const known = draft.endpoints
    .at(group.members, endpointKey({ serverWord: server, port }))
    .find(isServer);
  if (known !== undefined) {
    if (![name, server].some(isPlaceholder)) {
      reportClash(draft, statement, known.line, {
        severity: "warning",
        rule: "duplicate_service_endpoint",
        object: name,
        message: `${name} has the member ${withPort(server, String(port ?? "*"))} twice: the ADC rejects the second.`,
      });
    }
    return;
  }
  draft.endpoints.push(group.members, {
    serverWord: server,
    port,
    enabled,
    weight: monitor === undefined ? weight : 1,
    line: statement.line,
  });
}

/** `bind lb monitor M S`, the form of firmware before 9.x, which old files and habits still use. */
function bindMonitor(statement: Statement, draft: Draft): void {
  const [monitor, ...named] = statement.words;
  const more = ["servicename", "servicegroupname"].flatMap((key) => [
    ...(statement.keys.get(key) ?? []),
  ]);
  const targets = [...named, ...more];
  if (monitor === undefined || targets.length === 0) {
    // Certificates and metric tables are bound to monitors too, but bind no service.
    bindCertificate(monitor, statement, draft);
    return;
  }
  for (const target of targets) {
    const service = draft.services.get(target) ?? draft.gslbServices.get(target);
    if (service !== undefined) {
      addBinding(service, monitor, statement, draft, true);
    } else if (wholeNumber(target) === null) {
      usedElsewhere(monitor, draft);
      reportMissing(draft, statement, "service", target);
    }
  }
}

/**
 * `bind lb monitor M -certkeyName C`: the client certificate that a secure monitor presents on request, or with `-CA`
 * one by which it verifies servers.
 */
function bindCertificate(monitor: string | undefined, { keys }: Statement, draft: Draft): void {
  const known = draft.monitors.get(monitor ?? "");
  const certificate = keys.get("certkeyname");
  if (known !== undefined && certificate !== undefined) {
    const key = keys.has("ca") ? "ca" : "certkeyname";
    const written = new Map([...(known.written ?? []), [key, certificate] as const]);
    draft.monitors.set(known.name, { ...known, written });
  }
}

function isBound(service: ServiceDraft, written: string | undefined, draft: Draft): boolean {
  const isMeant = written === undefined ? null : monitorMeant(written, draft);
  return isMeant !== null && service.monitors.some(({ monitor }) => isMeant(monitor));
}

/** Binds a monitor as a statement says; a duplicate binding is reported. */
export function addBinding(
  service: ServiceDraft,
  written: string,
  statement: Statement,
  draft: Draft,
  deprecatedForm: boolean,
): void {
  const fields = deprecatedForm ? OLD_MONITOR_BINDING_FIELDS : MONITOR_BINDING_FIELDS;
  const monitor = monitorName(written, draft);
  if (isDefaultMonitor(monitor)) {
    reportDefaultMonitor(draft, statement, monitor, 2165);
    return;
  }
  const isMeant = monitorMeant(written, draft);
  const bound = service.monitors.find((binding) => isMeant(binding.monitor));
  if (bound !== undefined) {
    if (![service.name, monitor].some(isPlaceholder)) {
      reportClash(draft, statement, bound.line, {
        severity: "info",
        rule: "duplicate_binding",
        object: service.name,
        message: `Monitor ${monitor} is bound to ${service.name} twice.`,
      });
    }
    return;
  }
  const binding: MonitorBinding = Object.assign(
    { monitor, synthesised: false, deprecatedForm, line: statement.line },
    readWhole(fields, statementSource(statement, draft, service.name)),
  );
  service.monitors.push(binding);
}

/** The monitor's name in the estate: as configured, or the firmware's own spelling of a built-in. */
export function monitorName(written: string, draft: Draft): string {
  return draft.monitors.get(written)?.name ?? builtInMonitor(written)?.name ?? written;
}

/** Whether a binding is that of the monitor which this name leads to. */
export function monitorMeant(written: string, draft: Draft): (monitor: string) => boolean {
  return draft.monitors.meaning(monitorName(written, draft));
}

/** Whether a member is on this server, at this port if one is given. */
export function memberMeant(
  server: string,
  portWord: string | undefined,
  draft: Draft,
): (member: MemberDraft) => boolean {
  const isServer = draft.servers.meaning(server);
  const wanted = portOf(portWord ?? "");
  return ({ serverWord, port }) =>
    (portWord === undefined || port === wanted) && isServer(serverWord);
}
