import { defaultsOf, readFields, readWhole, type Values } from "../fields.ts";
import {
  GSLB_BINDING_FIELDS,
  GSLB_DOMAIN_FIELDS,
  GSLB_PUBLIC_FIELDS,
  GSLB_SERVICE_FIELDS,
  GSLB_SITE_FIELDS,
  GSLB_VSERVER_FIELDS,
  siteOf,
} from "../gslb-fields.ts";
import {
  define,
  reportIncomplete,
  reportMissing,
  type Draft,
  type GslbServiceDraft,
  type StatementKinds,
  type StatementReader,
  isAddress,
  portOf,
  statementSource,
} from "./draft.ts";
import {
  addBinding,
  applyServiceKeys,
  memberMeant,
  memberToSet,
  newService,
  usedElsewhere,
} from "./services.ts";
import { drop, dropMonitor, ofOne } from "./changes.ts";
import { expanded, withKnownOptions } from "./options.ts";
import {
  GSLB_GROUP_BINDING_OPTIONS,
  GSLB_GROUP_OPTIONS,
  GSLB_SERVICE_BINDING_OPTIONS,
  GSLB_SERVICE_OPTIONS,
  GSLB_SITE_OPTIONS,
  GSLB_VSERVER_BINDING_OPTIONS,
  GSLB_VSERVER_OPTIONS,
  GSLB_VSERVER_OPTIONS_OF_ADD,
} from "./option-tables.ts";
import type { Statement } from "./statements.ts";

/** Sites, GSLB services and groups, GSLB vservers, and their bindings. */
export const gslbStatements: StatementKinds = {
  definitions: new Map([
    ["add gslb site", withKnownOptions("GSLB site", GSLB_SITE_OPTIONS, 3, addSite)],
    [
      "add gslb service",
      withKnownOptions("GSLB service", GSLB_SERVICE_OPTIONS, wordsOfService, addService),
    ],
    [
      "add gslb servicegroup",
      withKnownOptions("GSLB service group", GSLB_GROUP_OPTIONS, 2, addGroup),
    ],
    [
      "add gslb vserver",
      withKnownOptions("GSLB vserver", GSLB_VSERVER_OPTIONS_OF_ADD, 2, addVserver),
    ],
  ]),
  changes: new Map([
    ["set gslb site", withKnownOptions("GSLB site", GSLB_SITE_OPTIONS, 1, setSite)],
    ["set gslb service", withKnownOptions("GSLB service", GSLB_SERVICE_OPTIONS, 1, setService)],
    [
      "set gslb servicegroup",
      withKnownOptions("GSLB service group", GSLB_GROUP_OPTIONS, 3, setService),
    ],
    ["set gslb vserver", withKnownOptions("GSLB vserver", GSLB_VSERVER_OPTIONS, 1, setVserver)],
    [
      "bind gslb service",
      withKnownOptions("binding of a GSLB service", GSLB_SERVICE_BINDING_OPTIONS, 1, bindService),
    ],
    [
      "bind gslb servicegroup",
      withKnownOptions(
        "binding of a GSLB service group",
        GSLB_GROUP_BINDING_OPTIONS,
        3,
        bindService,
      ),
    ],
    [
      "bind gslb vserver",
      withKnownOptions("binding of a GSLB vserver", GSLB_VSERVER_BINDING_OPTIONS, 1, bindVserver),
    ],
    ["unbind gslb service", expanded(GSLB_SERVICE_BINDING_OPTIONS, unbindService)],
    ["unbind gslb servicegroup", expanded(GSLB_GROUP_BINDING_OPTIONS, unbindService)],
    ["unbind gslb vserver", expanded(GSLB_VSERVER_BINDING_OPTIONS, unbindVserver)],
  ]),
};

/** `rm`, as in changes.ts. */
export const GSLB_REMOVERS: readonly (readonly [kind: string, remove: StatementReader])[] = [
  ["rm gslb site", ofOne(({ words: [name = ""] }, draft) => draft.gslbSites.delete(name))],
  ["rm gslb service", ofOne(removeService)],
  ["rm gslb servicegroup", ofOne(removeService)],
  ["rm gslb vserver", ofOne(({ words: [name = ""] }, draft) => draft.gslbVservers.delete(name))],
];

/** `add gslb site NAME [LOCAL|REMOTE] ADDRESS`. */
function addSite(statement: Statement, draft: Draft): void {
  const [name, ...place] = statement.words;
  if (name === undefined) {
    reportIncomplete(draft, statement, "gslb site");
    return;
  }
  const values = readWhole(GSLB_SITE_FIELDS, statementSource(statement, draft, name));
  const type = place.find((word) => /^(local|remote)$/i.test(word))?.toUpperCase();
  const site = siteOf(name, {
    ...values,
    type: type === "LOCAL" || type === "REMOTE" ? type : values.type,
    address: place.find(isAddress) ?? values.address,
  });
  define(draft.gslbSites, name, { ...site, line: statement.line }, statement, draft);
}

function setSite(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const site = draft.gslbSites.get(name);
  if (site === undefined) {
    reportMissing(draft, statement, "GSLB site", name);
    return;
  }
  const source = statementSource(statement, draft, name);
  const { type, ...changes } = readFields(GSLB_SITE_FIELDS, source);
  Object.assign(site, changes, type === undefined ? {} : { local: type === "LOCAL" });
}

/** What is no port where the port belongs is reported as that. */
function wordsOfService({ words: [, , , port] }: Statement): number {
  return port !== undefined && portOf(port) === null ? Infinity : 4;
}

/** `add gslb service NAME SERVER TYPE PORT`, or with `-cnameEntry` and no server. */
function addService(statement: Statement, draft: Draft): void {
  const [name, server, type, portWord] = statement.words;
  const port = portOf(portWord ?? "");
  const cname = statement.keys.get("cnameentry")?.[0] ?? null;
  if (name === undefined || (cname === null && (server === undefined || port === null))) {
    reportIncomplete(draft, statement, name ?? "gslb service");
    return;
  }
  const service = newGslbService("service", name, type ?? "ANY", statement.line);
  applyKeys(service, statement, draft);
  if (server !== undefined && port !== null) {
    const atPublic = readWhole(GSLB_PUBLIC_FIELDS, statementSource(statement, draft, name));
    addMember(service, server, port, atPublic, { weight: 1, line: statement.line });
  }
  define(draft.gslbServices, name, service, statement, draft);
}

function addGroup(statement: Statement, draft: Draft): void {
  const [name, type] = statement.words;
  if (name === undefined || type === undefined) {
    reportIncomplete(draft, statement, name ?? "gslb serviceGroup");
    return;
  }
  const group = newGslbService("serviceGroup", name, type, statement.line);
  applyKeys(group, statement, draft);
  define(draft.gslbServices, name, group, statement, draft);
}

function newGslbService(
  kind: "service" | "serviceGroup",
  name: string,
  type: string,
  line: number,
): GslbServiceDraft {
  return {
    ...newService(kind, name, type, line),
    // No default monitor is bound: the state then comes from the metric exchange.
    noDefaultMonitor: true,
    ...defaultsOf(GSLB_SERVICE_FIELDS),
    otherAddresses: [],
    publicPorts: [],
  };
}

function applyKeys(service: GslbServiceDraft, statement: Statement, draft: Draft): void {
  applyServiceKeys(service, statement, draft);
  service.noDefaultMonitor = true;
  const source = statementSource(statement, draft, service.name);
  Object.assign(service, readFields(GSLB_SERVICE_FIELDS, source));
}

function addMember(
  service: GslbServiceDraft,
  serverWord: string,
  port: number | "*",
  { publicAddress, publicPort }: Values<typeof GSLB_PUBLIC_FIELDS>,
  { weight, line }: { readonly weight: number; readonly line: number },
): void {
  service.members.push({ serverWord, port, enabled: true, weight, line });
  service.otherAddresses.push(publicAddress === null ? [] : [publicAddress]);
  service.publicPorts.push(publicPort);
}

function setService(statement: Statement, draft: Draft): void {
  const service = serviceNamed(statement, draft);
  if (service === undefined) {
    return;
  }
  const [, server, port] = statement.words;
  if (server !== undefined && service.kind === "serviceGroup") {
    setMember(service, server, port, statement, draft);
    return;
  }
  applyKeys(service, statement, draft);
  const source = statementSource(statement, draft, service.name);
  const { publicAddress, publicPort } = readFields(GSLB_PUBLIC_FIELDS, source);
  const [member] = service.members;
  const place = statement.keys.get("ipaddress")?.[0];
  if (member !== undefined && place !== undefined && service.kind === "service") {
    service.members[0] = { ...member, serverWord: place };
  }
  if (publicAddress !== undefined && service.kind === "service") {
    service.otherAddresses[0] = publicAddress === null ? [] : [publicAddress];
  }
  if (publicPort !== undefined && service.kind === "service") {
    service.publicPorts[0] = publicPort;
  }
}

/** `set gslb serviceGroup SG SERVER PORT -weight 5 -publicIP …`. */
function setMember(
  service: GslbServiceDraft,
  server: string,
  port: string | undefined,
  statement: Statement,
  draft: Draft,
): void {
  const found = memberToSet(service, server, port, statement, draft);
  if (found === null) {
    return;
  }
  const { at, known } = found;
  const source = statementSource(statement, draft, service.name);
  const { weight = known.weight } = readFields(GSLB_BINDING_FIELDS, source);
  const { publicAddress, publicPort } = readFields(GSLB_PUBLIC_FIELDS, source);
  service.members[at] = { ...known, weight };
  if (publicAddress !== undefined) {
    service.otherAddresses[at] = publicAddress === null ? [] : [publicAddress];
  }
  if (publicPort !== undefined) {
    service.publicPorts[at] = publicPort;
  }
}

function serviceNamed(statement: Statement, draft: Draft): GslbServiceDraft | undefined {
  const [name = ""] = statement.words;
  const service = draft.gslbServices.get(name);
  if (service === undefined) {
    reportMissing(draft, statement, "GSLB service", name);
  }
  return service;
}

/** A monitor, the address of a DNS view, or a member of a group. */
function bindService(statement: Statement, draft: Draft): void {
  const { keys, words } = statement;
  const monitor = keys.get("monitorname")?.[0];
  const [name = "", server, portWord] = words;
  if (monitor !== undefined && !draft.gslbServices.has(name)) {
    usedElsewhere(monitor, draft);
  }
  const service = serviceNamed(statement, draft);
  if (service === undefined) {
    return;
  }
  if (monitor !== undefined) {
    addBinding(service, monitor, statement, draft, false);
  }
  const view = keys.get("viewname");
  const viewAddress = [...(view ?? []).slice(1), ...words.slice(1)].find(isAddress);
  if (view !== undefined) {
    if (viewAddress !== undefined) {
      service.otherAddresses[0]?.push(viewAddress);
    }
    return;
  }
  const port = portOf(portWord ?? keys.get("port")?.[0] ?? "");
  if (service.kind === "serviceGroup" && server !== undefined && port !== null) {
    const source = statementSource(statement, draft, name);
    const { weight } = readWhole(GSLB_BINDING_FIELDS, source);
    addMember(service, server, port, readWhole(GSLB_PUBLIC_FIELDS, source), {
      weight,
      line: statement.line,
    });
  }
}

function unbindService({ words, keys }: Statement, draft: Draft): void {
  const [name = "", server, port] = words;
  const service = draft.gslbServices.get(name);
  if (service === undefined) {
    return;
  }
  for (const monitor of keys.get("monitorname") ?? []) {
    dropMonitor(service, monitor, draft);
  }
  if (server === undefined || service.kind !== "serviceGroup") {
    return;
  }
  const isMeant = memberMeant(server, port, draft);
  for (let at = service.members.length - 1; at >= 0; at -= 1) {
    const member = service.members[at];
    if (member !== undefined && isMeant(member)) {
      service.members.splice(at, 1);
      service.otherAddresses.splice(at, 1);
      service.publicPorts.splice(at, 1);
    }
  }
}

function removeService({ words }: Statement, draft: Draft): void {
  for (const name of words) {
    const isMeant = draft.gslbServices.meaning(name);
    draft.gslbServices.delete(name);
    for (const { services } of draft.gslbVservers.exact.values()) {
      drop(services, ({ service }) => isMeant(service));
    }
  }
}

function addVserver(statement: Statement, draft: Draft): void {
  const [name, type] = statement.words;
  if (name === undefined || type === undefined) {
    reportIncomplete(draft, statement, name ?? "gslb vserver");
    return;
  }
  const vserver = {
    name,
    serviceType: type.toUpperCase(),
    ...readWhole(GSLB_VSERVER_FIELDS, statementSource(statement, draft, name)),
    domains: [],
    services: [],
    line: statement.line,
  };
  define(draft.gslbVservers, name, vserver, statement, draft);
}

function setVserver(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const vserver = draft.gslbVservers.get(name);
  if (vserver === undefined) {
    reportMissing(draft, statement, "GSLB vserver", name);
    return;
  }
  const source = statementSource(statement, draft, name);
  const changes = readFields(GSLB_VSERVER_FIELDS, source);
  const domain = statement.keys.get("domainname")?.[0]?.toLowerCase();
  const at = vserver.domains.findIndex((each) => each.name.toLowerCase() === domain);
  const known = vserver.domains[at];
  if (known === undefined) {
    Object.assign(vserver, changes);
  } else {
    vserver.domains[at] = { ...known, ...readFields(GSLB_DOMAIN_FIELDS, source) };
  }
}

function bindVserver(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const { keys, line } = statement;
  const vserver = draft.gslbVservers.get(name);
  if (vserver === undefined) {
    reportMissing(draft, statement, "GSLB vserver", name);
    return;
  }
  const source = statementSource(statement, draft, name);
  for (const domain of keys.get("domainname") ?? []) {
    vserver.domains.push({ name: domain, ...readWhole(GSLB_DOMAIN_FIELDS, source), line });
  }
  for (const target of ["servicename", "servicegroupname"].flatMap((key) => keys.get(key) ?? [])) {
    const service = draft.gslbServices.get(target)?.name ?? target;
    vserver.services.push({ service, ...readWhole(GSLB_BINDING_FIELDS, source), line });
  }
}

function unbindVserver({ words, keys }: Statement, draft: Draft): void {
  const vserver = draft.gslbVservers.get(words[0] ?? "");
  for (const target of ["servicename", "servicegroupname"].flatMap((key) => keys.get(key) ?? [])) {
    const isMeant = draft.gslbServices.meaning(target);
    drop(vserver?.services ?? [], ({ service }) => isMeant(service));
  }
  const domains = new Set(keys.get("domainname")?.map((domain) => domain.toLowerCase()));
  drop(vserver?.domains ?? [], ({ name }) => domains.has(name.toLowerCase()));
}
