import { groupBy } from "../lib/steps.ts";
import type { Diagnostic, Estate } from "../model/estate.ts";
import type { Gslb } from "../model/gslb.ts";
import type { SourceLine } from "../model/source-line.ts";
import type { Vserver } from "../model/vserver.ts";
import { isPlaceholder } from "./placeholders.ts";
import {
  BESIDE,
  KINDS,
  type Kind,
  OTHER_VSERVER,
  PROFILES,
  type ProfileKind,
  kindsByName,
  withArticle,
} from "./object-kinds.ts";
import {
  type Missing,
  type Reading,
  dangling,
  firstOfEach,
  leavingThePart,
  listed,
  notInText,
} from "./missing-names.ts";

/** A reference to an object of another kind, before it becomes a message. */
interface Mistaken extends Missing {
  /** What it is. */
  readonly actual: readonly Kind[];
}

/** References from one object to another that does not exist or is of another kind. */
export function referenceDiagnostics(
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
    // Services and vservers have separate name spaces and often share names, as a certificate key does with the server that
    // presents it: the service or certificate may be in the missing part.
    const isNamesake = (kind: Kind): boolean =>
      PROFILES.has(expected) ||
      (isPart(estate) &&
        ((expected === "service" && kind === "vserver") || expected === "certificate key"));
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
    ...(isPart(estate) ? leavingThePart(others, estate, reading) : ofWhole(others)),
  ];
}

/** A file without any certificate is an excerpt in this respect, whatever it begins with. */
function ofWhole(missing: readonly Missing[]): Diagnostic[] {
  const isLeftOut = ({ kind, severity }: Missing): boolean =>
    kind === "certificate key" && severity === "info";
  return [
    ...notConfigured(missing.filter((one) => !isLeftOut(one))),
    ...notInText(missing.filter(isLeftOut)),
  ];
}

/** Many missing objects of a kind have one cause, and so one text; one message for each object that names some. */
const MANY_MISSING = 3;

function notConfigured(missing: readonly Missing[]): Diagnostic[] {
  const byKind = groupBy(missing, ({ kind, severity }) => `${kind} ${severity}`);
  return [...byKind.values()].flatMap((alike) => {
    const names = [...new Set(alike.map(({ name }) => name))];
    return names.length < MANY_MISSING
      ? alike.map((one) => dangling(one))
      : firstOfEach(alike).map(({ severity, kind, object, line }) => ({
          severity,
          rule: "dangling_reference",
          line,
          object,
          message: `${object} needs ${withArticle(kind)} that is not configured (missing: ${listed(names)}).`,
        }));
  });
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

/**
 * The monitor that is probably meant where only a part of its name is bound, by that part: the unused `MON_web` for
 * `web`, which is not configured.
 */
export function meantMonitors({ services, monitors }: Estate): ReadonlyMap<string, string> {
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
