import { groupBy } from "../lib/steps.ts";
import type { Diagnostic, Estate } from "../model/estate.ts";
import type { SourceLine } from "../model/source-line.ts";
import { csTargetOf } from "./vserver-graph.ts";
import { haveCommonWord } from "./near-names.ts";
import { isPlaceholder } from "./placeholders.ts";
import {
  type Kind,
  type NamesBeside,
  kindCalled,
  kindsByName,
  nearNamesOf,
  withArticle,
  withCapitalArticle,
} from "./object-kinds.ts";

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
export interface Missing extends LeftOut {
  readonly severity: Diagnostic["severity"];
  readonly kind: Kind;
}

export function firstOfEach<T extends { readonly object: string }>(
  all: readonly T[],
): readonly T[] {
  return [...groupBy(all, ({ object }) => object).values()].flatMap((of) => of.slice(0, 1));
}

/** Maximum number of names in one message. */
const MAX_NAMES = 12;

export function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  const list = names.slice(0, MAX_NAMES).join(", ");
  return more > 0 ? `${list} and ${String(more)} more` : list;
}

export function dangling(
  { severity, kind, name, object, line }: LeftOut & Pick<Missing, "severity">,
  more = "",
): Diagnostic {
  const about = { severity, rule: "dangling_reference", line, object };
  return object === name
    ? {
        ...about,
        message: `${withCapitalArticle(kind)} ${name} is not configured${more}.`,
        reference: { wanted: kind, found: [] },
      }
    : {
        ...about,
        message: `${object} refers to ${kind} ${name}, which is not configured${more}.`,
      };
}

/**
 * References from a partial configuration to its missing part. A name that differs only slightly from an existing one
 * is still a mistake; where the text has objects of the kind that nothing uses, one of them may have been meant, on a page
 * one with a similar name: it may leave out anything else. All other names are told at once.
 */
export function leavingThePart(
  missing: readonly Missing[],
  estate: Estate,
  reading: Reading,
): Diagnostic[] {
  const { leftOut, namedElsewhere, unreadDefinitions } = reading;
  const near = nearNamesOf(estate, reading);
  const idle = createIdleNames(estate, kindsByName(estate, reading), namedElsewhere);
  const nearest = missing.map(({ kind, name }) => near(kind, name));
  const misspelt = missing.flatMap((one, at) => {
    const name = nearest[at] ?? null;
    return name === null ? [] : [dangling(one, `, but ${name} is`)];
  });
  const others = [...leftOut, ...missing.filter((_, at) => nearest[at] === null)];
  const mayBe = estate.extent === "excerpt" ? haveCommonWord : () => true;
  const meant = others.map(({ kind, name }) => {
    const unused = idle(kind);
    return meantInstead(unused.length > MAX_MEANT ? [] : unused.filter((one) => mayBe(name, one)));
  });
  return [
    ...misspelt,
    ...perhapsMeant(
      others.flatMap((one, at) => {
        const instead = meant[at] ?? null;
        return instead === null ? [] : [{ ...one, instead }];
      }),
    ),
    ...notInText(
      others.filter(({ name }, at) => meant[at] === null && !unreadDefinitions.has(name)),
    ),
  ];
}

/** More candidates than this say nothing about what was meant. */
const MAX_MEANT = 3;

/** `, but a is, and nothing uses it`; null if no object may be meant. */
function meantInstead(unused: readonly string[]): string | null {
  const [first] = unused;
  if (first === undefined) {
    return null;
  }
  return unused.length === 1
    ? `, but ${first} is, and nothing uses it`
    : `, but ${unused.join(" and ")} are, and nothing uses them`;
}

/** One text for all names of a kind for which the same is meant; one message for each object. */
function perhapsMeant(missing: readonly (LeftOut & { readonly instead: string })[]): Diagnostic[] {
  return [...groupBy(missing, ({ kind, instead }) => `${kind}${instead}`).values()].flatMap(
    (alike) => {
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
    },
  );
}

/** What lb vservers bind like a service. */
const GROUP = "service group";

/** One diagnostic for what a text refers to and does not contain, at the first of them. */
export function notInText(leftOut: readonly LeftOut[]): Diagnostic[] {
  // A piece of a program (`'set lb vserver',`) names nothing.
  const missing = leftOut.filter(({ name }) => name !== "");
  const [first] = missing;
  if (first === undefined) {
    return [];
  }
  const kindOf = (kind: string): string => kindCalled(kind) ?? kind;
  const groups = new Set(missing.flatMap(({ kind, name }) => (kind === GROUP ? [name] : [])));
  const all = [
    ...new Set(
      missing.map(({ kind, name }) =>
        kindOf(kind) === "service" && groups.has(name)
          ? `${GROUP} ${name}`
          : `${kindOf(kind)} ${name}`,
      ),
    ),
  ];
  // "lb vserver a" is also the "vserver a" of a command that does not say which.
  const names = all.filter((name) => !all.some((longer) => longer.endsWith(` ${name}`)));
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

/** What a reader of a configuration knows besides the estate. */
export interface Reading extends NamesBeside {
  /** Monitors that are bound to objects outside the estate (routes). */
  readonly monitorsUsedElsewhere: ReadonlySet<string>;
  /** Objects whose definition was unreadable and already reported. */
  readonly unreadNames: ReadonlySet<string>;
  /** Names in statements about objects that are not configured. */
  readonly namedElsewhere: ReadonlySet<string>;
  /** Names that follow `add` in lines that are not read: the text does contain what they name. */
  readonly unreadDefinitions: ReadonlySet<string>;
  /** Objects that statements name although a partial configuration does not contain them. */
  readonly leftOut: readonly LeftOut[];
}
