import { addressBytes, isSameAddress, withPort } from "../lib/ip.ts";
import { groupBy } from "../lib/steps.ts";
import type { Diagnostic, Estate } from "../model/estate.ts";
import type { Gslb } from "../model/gslb.ts";
import type { SourceLine } from "../model/source-line.ts";
import { isTcpBased, MONITOR_TYPES, SCRIPT_OF_TYPE } from "./monitor-defaults.ts";
import type { AdcService, Port } from "../model/adc-service.ts";
import type { Vserver } from "../model/vserver.ts";
import { csTargetOf, isIntendedDestination, ownAddresses } from "./vserver-graph.ts";
import type { Monitor } from "../model/monitor.ts";
import { gslbUsersOfMonitors } from "./gslb-fields.ts";
import { nearNames } from "./near-names.ts";
import { isPlaceholder } from "./placeholders.ts";

/** Services that are not monitored: without members there is nothing to probe, without monitors nothing to repeat. */
function coverageDiagnostics(estate: Estate): Diagnostic[] {
  return [...estate.services.values()].flatMap((service): Diagnostic[] => {
    const about = { line: service.line, object: service.name, severity: "info" as const };
    if (service.members.length === 0) {
      const message = `${service.name} has no members, so there is nothing to probe.`;
      return [{ ...about, rule: "service_without_member", message }];
    }
    if (service.monitors.length === 0) {
      const message = `${service.name} has no monitor, so the ADC always reports its members UP.`;
      return [{ ...about, rule: "service_without_monitor", message }];
    }
    return [];
  });
}

/** One address and port used by two vservers, by two services, or twice in one service group. */
function endpointDiagnostics(estate: Estate): Diagnostic[] {
  if (estate.extent === "excerpt") {
    // It may cover two sites with the same addresses, or show two ways of doing the same.
    return [];
  }
  const vservers: Endpoint[] = [...estate.lbVservers.values(), ...estate.csVservers.values()]
    // Listen policies share an address between vservers; one without takes what is left (lowest priority by default).
    .filter(
      ({ address, port, listenPolicy }) =>
        address !== null && port !== null && listenPolicy === null,
    )
    .map((vserver) => ({
      object: vserver.name,
      line: vserver.line,
      key: endpointKey(vserver.trafficDomain, vserver.serviceType, vserver.address, vserver.port),
      address: vserver.address,
      port: vserver.port,
    }));
  const services: Endpoint[] = [...estate.services.values()].flatMap((service) =>
    service.members
      .filter((member) => member.address !== null)
      .map((member) => ({
        object: service.name,
        line: member.line,
        key:
          groupScope(service) +
          endpointKey(service.trafficDomain, service.serviceType, member.address, member.port),
        address: member.address,
        port: member.port,
      })),
  );
  return [
    ...repeated(vservers, "duplicate_vserver_endpoint", "listens on"),
    ...repeated(services, "duplicate_service_endpoint", "uses"),
  ];
}

/** A server may belong to several groups (one per virtual directory, each with its own monitor). */
function groupScope(service: AdcService): string {
  return service.kind === "serviceGroup" ? `${service.name}|` : "|";
}

interface Endpoint {
  readonly object: string;
  readonly line: SourceLine;
  readonly key: string;
  readonly address: string | null;
  readonly port: Port | null;
}

function repeated(endpoints: readonly Endpoint[], rule: string, verb: string): Diagnostic[] {
  const first = new Map<string, Endpoint>();
  const found: Diagnostic[] = [];
  for (const endpoint of endpoints) {
    const earlier = first.get(endpoint.key);
    if (earlier === undefined) {
      first.set(endpoint.key, endpoint);
    } else {
      found.push({
        severity: "warning",
        rule,
        line: endpoint.line,
        object: endpoint.object,
        message: `${endpoint.object} ${verb} ${withPort(String(endpoint.address), String(endpoint.port))}, and so does ${earlier.object === endpoint.object ? "another member" : earlier.object}.`,
      });
    }
  }
  return found;
}

function endpointKey(
  trafficDomain: number,
  serviceType: string,
  address: string | null,
  port: Port | null,
): string {
  const transport = isTcpBased(serviceType) ? "tcp" : serviceType === "ANY" ? "any" : "udp";
  // IPv6 is written in many ways.
  const same = address?.includes(":") === true ? addressBytes(address).toString("hex") : address;
  return `${String(trafficDomain)}|${transport}|${String(same)}|${String(port)}`;
}

/** A reference to an object that is not configured. */
export interface LeftOut {
  /** As messages call it. */
  readonly kind: string;
  readonly name: string;
  /** What refers to it. */
  readonly object: string;
  readonly line: SourceLine;
}

/** A dangling reference, before it becomes a message. */
interface Missing extends LeftOut {
  readonly severity: Diagnostic["severity"];
  readonly kind: Kind;
}

/** A reference to an object of another kind, before it becomes a message. */
interface Mistaken extends Missing {
  /** What it is. */
  readonly actual: readonly Kind[];
}

/** References from one object to another that does not exist or is of another kind. */
function referenceDiagnostics(
  estate: Estate,
  reading: Reading,
  meant: ReadonlyMap<string, string>,
): Diagnostic[] {
  const { unreadNames: unread, otherVservers } = reading;
  const mistaken: Mistaken[] = [];
  const missing: Missing[] = [];
  const kinds = kindsByName(estate, reading);

  function check(
    wanted: Kind | readonly Kind[],
    name: string | null,
    object: string,
    line: SourceLine,
  ): void {
    const accepted = typeof wanted === "string" ? [wanted] : wanted;
    const isOf = (kind: Kind): boolean =>
      name !== null && kinds[kind].some((table) => table.has(name));
    const isRead = accepted !== TARGETS || otherVservers !== null;
    const isThere = !isRead || accepted.some(isOf) || unread.has(name ?? "");
    if (name === null || isThere || isPlaceholder(name)) {
      return;
    }
    const [expected = "vserver"] = accepted;
    // Services and vservers have separate name spaces and often share names: the service may be in the missing part.
    const isNamesake = (kind: Kind): boolean =>
      PROFILES.has(expected) || (isPart(estate) && expected === "service" && kind === "vserver");
    const actual = KINDS.filter((kind) => isOf(kind) && !isNamesake(kind));
    // A file without any certificate, policy or net profile is more often an excerpt than a mistake.
    const excerpt = BESIDE.has(expected) && kinds[expected].every(({ size }) => size === 0);
    const severity = excerpt ? "info" : "error";
    if (actual.length === 0) {
      missing.push({ severity, kind: expected, name, object, line });
      return;
    }
    mistaken.push({ severity, kind: expected, actual, name, object, line });
  }

  for (const service of estate.services.values()) {
    for (const binding of service.monitors) {
      check("monitor", binding.monitor, service.name, binding.line);
    }
    check("net profile", service.netProfile, service.name, service.line);
    // An excerpt may contain no servers at all; in a file that has some, an unknown name is a mistake.
    for (const { server, domain, line } of estate.servers.size === 0 ? [] : service.members) {
      check("server", domain === server ? server : null, service.name, line);
    }
  }
  for (const { feature, action, name, line } of estate.policies.values()) {
    check("action", feature === "cs" ? action : null, name, line);
  }
  for (const vserver of [...estate.lbVservers.values(), ...estate.csVservers.values()]) {
    vserverReferences(vserver, check);
  }
  gslbReferences(estate.gslb, check);
  // Commands that set something up use the appliance's profiles without showing them.
  const isBeside = (kind: ProfileKind): boolean =>
    isPart(estate) && kinds[kind].every(({ size }) => size === 0);
  for (const { kind, name, object, line } of reading.profiles.uses.filter(
    (one) => !isBeside(one.kind),
  )) {
    check(kind, name, object, line);
  }
  const others = missing.filter(({ kind, name }) => kind !== "monitor" || !meant.has(name));
  return [
    ...wrongKinds(mistaken),
    ...missing.flatMap((one) => {
      const monitor = one.kind === "monitor" ? meant.get(one.name) : undefined;
      return monitor === undefined
        ? []
        : [dangling(one, `, but ${monitor} is, and nothing else uses it`)];
    }),
    ...(isPart(estate)
      ? leavingThePart(others, estate, reading)
      : others.map((one) => dangling(one))),
  ];
}

/** One cause, and so one text, for all names of one kind that are used as another; one message for each object. */
function wrongKinds(mistaken: readonly Mistaken[]): Diagnostic[] {
  const byKinds = groupBy(mistaken, ({ kind, actual }) => `${kind} ${actual.join()}`);
  return [...byKinds.values()].flatMap((alike) => {
    const names = [...new Set(alike.map(({ name }) => name))];
    const they = names.length === 1 ? "that" : "each";
    return firstOfEach(alike).map(({ severity, kind, actual, object, line }) => {
      const how =
        kind === "service" && actual.includes("certificate key")
          ? ": bind ssl vserver with -certkeyName binds it. The ADC rejects this command"
          : "";
      const message = `${object} refers to ${listed(names)} as ${withArticle(kind)}, but ${they} is ${withArticle(actual.join(" and "))}${how}.`;
      const reference = { wanted: kind, found: actual };
      return { severity, rule: "wrong_kind_reference", line, object, message, reference };
    });
  });
}

/** `an lb vserver`, `a service`. */
export function withArticle(kind: string): string {
  return `${/^(?:[aeiou]|lb |SSL |HTTP )/.test(kind) ? "an" : "a"} ${kind}`;
}

function firstOfEach<T extends { readonly object: string }>(all: readonly T[]): readonly T[] {
  return [...groupBy(all, ({ object }) => object).values()].flatMap((of) => of.slice(0, 1));
}

/** Maximum number of names in one message. */
const MAX_NAMES = 12;

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  const list = names.slice(0, MAX_NAMES).join(", ");
  return more > 0 ? `${list} and ${String(more)} more` : list;
}

/**
 * The monitor that is probably meant where only a part of its name is bound, by that part: the unused `MON_web` for
 * `web`, which is not configured.
 */
function meantMonitors({ services, monitors }: Estate): ReadonlyMap<string, string> {
  const bound = new Set(
    [...services.values()].flatMap((service) => service.monitors.map(({ monitor }) => monitor)),
  );
  const meant = new Map<string, string>();
  const doubtful = new Set<string>();
  for (const { name, builtIn } of monitors.values()) {
    const rest = name.slice(1 + name.search(/[-_. ]/));
    const isMeant = !builtIn && !bound.has(name) && rest !== name && rest.length >= MIN_MEANT;
    if (!isMeant || !bound.has(rest) || monitors.has(rest)) {
      continue;
    }
    if (meant.has(rest)) {
      doubtful.add(rest);
    }
    meant.set(rest, name);
  }
  doubtful.forEach((name) => meant.delete(name));
  return meant;
}

/** Many names end in a separator and a shorter word than this. */
const MIN_MEANT = 4;

/** Whether the file is not a complete configuration, so that the missing part may define the names. */
function isPart({ extent }: Pick<Estate, "extent">): boolean {
  return extent === "paste" || extent === "excerpt";
}

function dangling(
  { severity, kind, name, object, line }: LeftOut & Pick<Missing, "severity">,
  more = "",
): Diagnostic {
  const about = { severity, rule: "dangling_reference", line, object };
  return object === name
    ? {
        ...about,
        message: `A${withArticle(kind).slice(1)} ${name} is not configured${more}.`,
        reference: { wanted: kind, found: [] },
      }
    : {
        ...about,
        message: `${object} refers to ${kind} ${name}, which is not configured${more}.`,
      };
}

/**
 * References from a partial configuration to its missing part. A name that differs only slightly from an existing one
 * is still a mistake; where the text has objects of the kind that nothing uses, one of them may have been meant. All other
 * names are told at once.
 */
function leavingThePart(
  missing: readonly Missing[],
  estate: Estate,
  reading: Reading,
): Diagnostic[] {
  const { leftOut, namedElsewhere } = reading;
  const near = nearNamesOf(estate, reading);
  const idle = createIdleNames(estate, kindsByName(estate, reading), namedElsewhere);
  const nearest = missing.map(({ kind, name }) => near(kind, name));
  const misspelt = missing.flatMap((one, at) => {
    const name = nearest[at] ?? null;
    return name === null ? [] : [dangling(one, `, but ${name} is`)];
  });
  const others = [...leftOut, ...missing.filter((_, at) => nearest[at] === null)];
  const meant = others.map(({ kind }) => meantInstead(idle(kind)));
  return [
    ...misspelt,
    ...perhapsMeant(
      others.flatMap((one, at) => {
        const instead = meant[at] ?? null;
        return instead === null ? [] : [{ ...one, instead }];
      }),
    ),
    ...notInText(others.filter((_, at) => meant[at] === null)),
  ];
}

/** More candidates than this say nothing about what was meant. */
const MAX_MEANT = 3;

/** `, but a is, and nothing uses it`; null if no object, or too many, may be meant. */
function meantInstead(idle: readonly string[]): string | null {
  const [first] = idle;
  if (first === undefined || idle.length > MAX_MEANT) {
    return null;
  }
  return idle.length === 1
    ? `, but ${first} is, and nothing uses it`
    : `, but ${idle.join(" and ")} are, and nothing uses them`;
}

/** One text for all names of a kind; one message for each object. */
function perhapsMeant(missing: readonly (LeftOut & { readonly instead: string })[]): Diagnostic[] {
  return [...groupBy(missing, ({ kind }) => kind).values()].flatMap((alike) => {
    const names = [...new Set(alike.map(({ name }) => name))];
    return firstOfEach(alike).map((one) => {
      const { object, kind, line, instead, name } = one;
      return names.length === 1 || object === name
        ? dangling({ ...one, severity: "info" }, instead)
        : {
            severity: "info",
            rule: "dangling_reference",
            line,
            object,
            message: `${object} needs ${withArticle(kind)} that is not configured (${listed(names)})${instead}.`,
          };
    });
  });
}

/** One diagnostic, at the first of them. */
function notInText(missing: readonly LeftOut[]): Diagnostic[] {
  const [first] = missing;
  if (first === undefined) {
    return [];
  }
  const kindOf = (kind: string): string => kindCalled(kind) ?? kind;
  const names = [...new Set(missing.map(({ kind, name }) => `${kindOf(kind)} ${name}`))];
  return [
    {
      severity: "info",
      rule: "not_in_text",
      line: first.line,
      object: "file",
      message: `This text refers to objects that it does not contain: ${listed(names)}.`,
    },
  ];
}

/**
 * The objects of a kind that nothing in the estate uses: servers without member, services and groups without vserver,
 * monitors without service, actions without policy, lb vservers with nothing behind them that no policy targets. `named`
 * are used by what is not read.
 */
function createIdleNames(
  estate: Estate,
  tables: ReturnType<typeof kindsByName>,
  named: ReadonlySet<string>,
): (called: string) => readonly string[] {
  const services = [...estate.services.values()];
  const lb = [...estate.lbVservers.values()];
  const cs = [...estate.csVservers.values()];
  const members = services.flatMap((service) => service.members);
  const used: Readonly<Partial<Record<Kind, readonly (string | null)[]>>> = {
    server: members.flatMap(({ server, address }) => [server, address]),
    service: lb.flatMap((vserver) => vserver.services.map(({ service }) => service)),
    monitor: [
      ...services.flatMap((service) => service.monitors.map(({ monitor }) => monitor)),
      ...[...estate.gslb.services.values()].flatMap(({ monitors }) =>
        monitors.map(({ monitor }) => monitor),
      ),
      ...(estate.monitorsUsedElsewhere ?? []),
      ...members.map(({ server }) => server),
    ],
    action: [...estate.policies.values()].map(({ action }) => action),
    vserver: [
      ...lb.filter((one) => one.services.length + one.policies.length > 0).map(({ name }) => name),
      ...lb.filter(({ redirectUrl }) => redirectUrl !== null).map(({ name }) => name),
      ...cs.flatMap(({ name, defaultTarget, targets }) => [
        name,
        defaultTarget,
        ...targets.map((binding) => csTargetOf(estate, binding)),
      ]),
      ...[...lb, ...cs].map(({ backupVserver }) => backupVserver),
    ],
  };
  const known = new Map<Kind, readonly string[]>();
  return (called) => {
    const kind = kindCalled(called);
    const taken = kind === null ? undefined : used[kind];
    if (kind === null || taken === undefined) {
      return [];
    }
    const names =
      known.get(kind) ??
      tables[kind].flatMap((table) => [...table.keys()]).filter(isIdle(new Set(taken)));
    known.set(kind, names);
    return called === "service group"
      ? names.filter((name) => {
          const service = estate.services.get(name);
          return service?.kind === "serviceGroup" && service.members.length === 0;
        })
      : names;
  };

  function isIdle(taken: ReadonlySet<string | null>): (name: string) => boolean {
    return (name) =>
      !taken.has(name) &&
      !named.has(name) &&
      !isPlaceholder(name) &&
      estate.monitors.get(name)?.builtIn !== true;
  }
}

/** The kind of object that diagnostics call so. */
function kindCalled(called: string): Kind | null {
  return KINDS.find((one) => one === (called === "service group" ? "service" : called)) ?? null;
}

function gslbReferences({ services, vservers }: Gslb, check: Check): void {
  for (const { name, line, site, monitors } of services.values()) {
    check("GSLB site", site, name, line);
    for (const binding of monitors) {
      check("monitor", binding.monitor, name, binding.line);
    }
  }
  for (const vserver of vservers.values()) {
    for (const binding of vserver.services) {
      check("GSLB service", binding.service, vserver.name, binding.line);
    }
    check("GSLB vserver", vserver.backupVserver, vserver.name, vserver.line);
  }
}

type Check = (
  wanted: Kind | readonly Kind[],
  name: string | null,
  object: string,
  line: SourceLine,
) => void;

/** A kind of vserver that is not read. */
const OTHER_VSERVER = "vserver of another kind";

/** The possible targets of content switching. */
const TARGETS = ["vserver", "authentication vserver", "GSLB vserver", OTHER_VSERVER] as const;

function vserverReferences(vserver: Vserver, check: Check): void {
  const { name, line } = vserver;
  if (vserver.kind === "lb") {
    for (const binding of vserver.services) {
      check("service", binding.service, name, binding.line);
    }
  } else {
    for (const binding of vserver.targets) {
      check("policy", binding.policy, name, binding.line);
      check(TARGETS, binding.target, name, binding.line);
    }
    check(TARGETS, vserver.defaultTarget, name, line);
  }
  for (const binding of vserver.policies.filter(({ policy }) => !BUILT_IN_POLICY.test(policy))) {
    check("policy", binding.policy, name, binding.line);
  }
  check(["vserver", OTHER_VSERVER], vserver.backupVserver, name, line);
  check(["authentication vserver", OTHER_VSERVER], vserver.authentication.vserver, name, line);
  for (const binding of vserver.certKeys) {
    check("certificate key", binding.certKey, name, binding.line);
  }
}

/** Policies that the firmware brings, and `NOPOLICY` placeholders for policy labels. */
const BUILT_IN_POLICY = /^(ns_|_|nopolicy)/i;

const KINDS = [
  "server",
  "service",
  "monitor",
  "vserver",
  "authentication vserver",
  OTHER_VSERVER,
  "policy",
  "action",
  "net profile",
  "SSL profile",
  "TCP profile",
  "HTTP profile",
  "certificate key",
  "GSLB site",
  "GSLB service",
  "GSLB vserver",
] as const;
type Kind = (typeof KINDS)[number];

/** Kinds that have a name space of their own, and that excerpts often leave out, like the others of `BESIDE`. */
const PROFILES: ReadonlySet<Kind> = new Set([
  "net profile",
  "SSL profile",
  "TCP profile",
  "HTTP profile",
] as const);
const BESIDE: ReadonlySet<Kind> = new Set([
  "certificate key",
  "policy",
  "action",
  ...PROFILES,
] as const);

/** The maps that hold the names of each kind. */
function kindsByName(
  estate: Estate,
  { profiles: { tcpProfiles, httpProfiles }, otherVservers }: NamesBeside,
): Readonly<Record<Kind, readonly ReadonlyMap<string, unknown>[]>> {
  return {
    server: [estate.servers],
    service: [estate.services],
    monitor: [estate.monitors],
    vserver: [estate.lbVservers, estate.csVservers],
    "authentication vserver": [estate.authenticationVservers],
    [OTHER_VSERVER]: otherVservers === null ? [] : [otherVservers],
    policy: [estate.policies],
    action: [estate.actions],
    "net profile": [estate.netProfiles],
    "SSL profile": [estate.sslProfiles],
    "TCP profile": [tcpProfiles],
    "HTTP profile": [httpProfiles],
    "certificate key": [estate.certKeys],
    "GSLB site": [estate.gslb.sites],
    "GSLB service": [estate.gslb.services],
    "GSLB vserver": [estate.gslb.vservers],
  };
}

/** The name of an existing object of this kind (as diagnostics call it) that is one typing mistake away. */
export function nearNamesOf(
  estate: Estate,
  beside: NamesBeside,
): (kind: string, name: string) => string | null {
  const tables = kindsByName(estate, beside);
  const finders = new Map<Kind, (name: string) => string | null>();
  return (called, name) => {
    const kind = kindCalled(called);
    if (kind === null) {
      return null;
    }
    const find = finders.get(kind) ?? nearNames(tables[kind].flatMap((table) => [...table.keys()]));
    finders.set(kind, find);
    return find(name);
  };
}

/** The names of objects that the estate does not contain. */
interface NamesBeside {
  readonly profiles: ProfileReferences;
  /** Cache redirection and VPN vservers; null: they are not known. */
  readonly otherVservers: ReadonlyMap<string, unknown> | null;
}

/** What a reader of a configuration knows besides the estate. */
export interface Reading extends NamesBeside {
  /** Monitors that are bound to objects outside the estate (routes). */
  readonly monitorsUsedElsewhere: ReadonlySet<string>;
  /** Objects whose definition was unreadable and already reported. */
  readonly unreadNames: ReadonlySet<string>;
  /** Names in statements about objects that are not configured. */
  readonly namedElsewhere: ReadonlySet<string>;
  /** Objects that statements name although a partial configuration does not contain them. */
  readonly leftOut: readonly LeftOut[];
}

/** References to profiles, and the names of those that the estate does not contain. */
export interface ProfileReferences {
  readonly uses: readonly ProfileUse[];
  readonly tcpProfiles: ReadonlyMap<string, unknown>;
  readonly httpProfiles: ReadonlyMap<string, unknown>;
}

export type ProfileKind = "net profile" | "SSL profile" | "TCP profile" | "HTTP profile";

export interface ProfileUse {
  readonly kind: ProfileKind;
  readonly name: string;
  readonly object: string;
  readonly line: SourceLine;
}

/** Over NITRO: an appliance refuses a reference to a profile or vserver that it does not have. */
const NOTHING_MORE: Reading = {
  monitorsUsedElsewhere: new Set(),
  unreadNames: new Set(),
  namedElsewhere: new Set(),
  profiles: { uses: [], tcpProfiles: new Map(), httpProfiles: new Map() },
  otherVservers: null,
  leftOut: [],
};

/**
 * Diagnostics for any estate, however it was read: fixed destinations, unused monitors, secrets that only the ADC can
 * decrypt, dangling references or references to the wrong kind, one address and port used twice, unknown types.
 * Importers append these to their own `diagnostics`.
 */
export function estateDiagnostics(estate: Estate, reading: Reading = NOTHING_MORE): Diagnostic[] {
  const { monitorsUsedElsewhere } = reading;
  const users = usersOfMonitors(estate);
  const own = ownAddresses(estate);
  const usedByGslb = gslbUsersOfMonitors(estate.gslb);
  // Bound to a server by mistake, which is reported for the group.
  const boundAsServers = new Set(
    [...estate.services.values()].flatMap(({ members }) => members.map(({ server }) => server)),
  );
  const meant = meantMonitors(estate);
  const meantNames = new Set(meant.values());
  return [
    ...[...estate.monitors.values()].flatMap((monitor) =>
      monitorDiagnostics(
        estate,
        monitor,
        users.get(monitor.name) ?? [],
        [monitorsUsedElsewhere, usedByGslb, boundAsServers, meantNames].some((names) =>
          names.has(monitor.name),
        ),
        own,
      ),
    ),
    ...referenceDiagnostics(estate, reading, meant),
    ...endpointDiagnostics(estate),
    ...coverageDiagnostics(estate),
  ];
}

function usersOfMonitors(estate: Estate): Map<string, AdcService[]> {
  const users = new Map<string, AdcService[]>();
  for (const service of estate.services.values()) {
    for (const { monitor } of service.monitors) {
      const known = users.get(monitor);
      if (known === undefined) {
        users.set(monitor, [service]);
      } else if (known.at(-1) !== service) {
        known.push(service);
      }
    }
  }
  return users;
}

function monitorDiagnostics(
  estate: Estate,
  monitor: Monitor,
  users: readonly AdcService[],
  usedElsewhere: boolean,
  own: ReadonlySet<string>,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const about = { line: monitor.line, object: monitor.name };
  if (!isIntendedDestination(own, monitor)) {
    const isOfMember = users.some(({ members }) =>
      members.some(({ address }) => isSameAddress(address ?? "", monitor.destIp ?? "")),
    );
    const alone = users.filter(
      (service) => isOfMember || !isCheckedItself(estate, service, monitor),
    );
    found.push(...pinnedDestination(monitor, alone));
  }
  const isUsed = users.length > 0 || usedElsewhere || monitor.builtIn;
  if (!isUsed && !isPlaceholder(monitor.name)) {
    found.push({
      ...about,
      severity: "info",
      rule: "unused_monitor",
      message: UNUSED[estate.extent ?? "whole"],
    });
  }
  if (needsPassword(monitor) && monitor.parameters.password === "encrypted") {
    found.push({
      ...about,
      severity: "info",
      rule: "encrypted_password",
      message:
        `The password of monitor ${monitor.name} is encrypted in ns.conf; ` +
        "to repeat the monitor, set its account in the configuration.",
    });
  }
  if (!MONITOR_TYPES.has(monitor.type) && !monitor.builtIn && !isPlaceholder(monitor.type)) {
    found.push({
      ...about,
      severity: "warning",
      rule: "unknown_monitor_type",
      message: `Monitor ${monitor.name} is of type ${monitor.type}, which no NetScaler firmware documents.`,
    });
  }
  return found;
}

const BOUND_ELSEWHERE =
  "Nothing in this text uses the monitor; the rest of the configuration may bind it.";
const UNUSED: Readonly<Record<NonNullable<Estate["extent"]> | "whole", string>> = {
  whole: "The monitor is not bound to any service, route or GSLB service, so nothing uses it.",
  paste: BOUND_ELSEWHERE,
  excerpt: BOUND_ELSEWHERE,
  objects: "The monitor is not bound to any service or GSLB service; a route may use it.",
};

/** Besides what it depends on (a database elsewhere), another monitor that must pass probes each member's own address. */
function isCheckedItself(estate: Estate, service: AdcService, pinned: Monitor): boolean {
  return (
    service.monThreshold === 0 &&
    service.monitors.some((binding) => {
      const monitor = estate.monitors.get(binding.monitor);
      return (
        binding.enabled &&
        monitor !== undefined &&
        monitor !== pinned &&
        monitor.enabled &&
        monitor.destIp === null &&
        !monitor.reverse
      );
    })
  );
}

/** One fixed destination decides for all members, although it says nothing about them. */
function pinnedDestination(
  { name, line, destIp }: Monitor,
  users: readonly AdcService[],
): Diagnostic[] {
  const others = users.flatMap((service) =>
    service.members.flatMap(({ address }) =>
      address !== null && destIp !== null && !isSameAddress(address, destIp) ? [address] : [],
    ),
  );
  return others.length === 0
    ? []
    : [
        {
          rule: "pinned_dest_ip",
          line,
          object: name,
          severity: "error",
          message:
            `${String(destIp)} is the only address probed, yet it decides for members at other addresses ` +
            `(${listed([...new Set(others)])}): failures of those members are not detected.`,
        },
      ];
}

function needsPassword(monitor: Monitor): boolean {
  return (
    SCRIPT_OF_TYPE.has(monitor.type) ||
    ["RADIUS", "FTP", "MYSQL-ECV", "MSSQL-ECV", "ORACLE-ECV", "USER"].includes(monitor.type)
  );
}

/** Maximum number of diagnostics listed per rule: a broken estate may have one in every row. */
const MAX_PER_RULE = 1_000;

/** Far longer than a message that contains names of valid length: a file may contain names of 60 KB. */
const MAX_TEXT = 2_000;

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** A diagnostic as it is shown and published: without what only rules need. */
export function shownDiagnostic({ severity, rule, line, object, message }: Diagnostic): Diagnostic {
  return { severity, rule, line, object, message };
}

/** The diagnostics of one import, limited per rule; further ones are only counted. */
export class DiagnosticList {
  readonly #kept: Diagnostic[] = [];
  readonly #counts = new Map<string, { first: Diagnostic; count: number }>();

  push(diagnostic: Diagnostic): void {
    const known = this.#counts.get(diagnostic.rule) ?? { first: diagnostic, count: 0 };
    known.count += 1;
    this.#counts.set(diagnostic.rule, known);
    if (known.count <= MAX_PER_RULE) {
      const { object, message } = diagnostic;
      this.#kept.push({ ...diagnostic, object: shortened(object), message: shortened(message) });
    }
  }

  pushAll(diagnostics: Iterable<Diagnostic>): void {
    for (const diagnostic of diagnostics) {
      this.push(diagnostic);
    }
  }

  /** The kept diagnostics in order, then one for each rule that has more. */
  all(): Diagnostic[] {
    const more = [...this.#counts.values()].filter(({ count }) => count > MAX_PER_RULE);
    return [
      ...this.#kept,
      ...more.map(({ first, count }) => ({
        ...first,
        line: null,
        object: "import",
        message: `${String(count - MAX_PER_RULE)} more of this kind are not listed.`,
      })),
    ];
  }
}
