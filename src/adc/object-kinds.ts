import type { Estate } from "../model/estate.ts";
import type { SourceLine } from "../model/source-line.ts";
import { nearNames } from "./near-names.ts";

/** `an lb vserver`, `a service`. */
export function withArticle(kind: string): string {
  return `${/^(?:[aeiou]|lb |SSL |HTTP )/.test(kind) ? "an" : "a"} ${kind}`;
}

/** The same at the start of a sentence: `An lb vserver`. */
export function withCapitalArticle(kind: string): string {
  return `A${withArticle(kind).slice(1)}`;
}

/** The kind of object that diagnostics call so. */
export function kindCalled(called: string): Kind | null {
  return KINDS.find((one) => one === (called === "service group" ? "service" : called)) ?? null;
}

/** A kind of vserver that is not read. */
export const OTHER_VSERVER = "vserver of another kind";

export const KINDS = [
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

export type Kind = (typeof KINDS)[number];

/** Kinds that have a name space of their own, and that excerpts often leave out, like the others of `BESIDE`. */
export const PROFILES: ReadonlySet<Kind> = new Set([
  "net profile",
  "SSL profile",
  "TCP profile",
  "HTTP profile",
] as const);

export const BESIDE: ReadonlySet<Kind> = new Set([
  "certificate key",
  "policy",
  "action",
  ...PROFILES,
] as const);

/** The maps that hold the names of each kind. */
export function kindsByName(
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
export interface NamesBeside {
  readonly profiles: ProfileReferences;
  /** Cache redirection and VPN vservers; null: they are not known. */
  readonly otherVservers: ReadonlyMap<string, unknown> | null;
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
