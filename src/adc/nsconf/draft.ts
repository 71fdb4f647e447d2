import type { MonitorBinding, Port, AdcService } from "../../model/adc-service.ts";
import type { Acl, Policy, PolicyAction, PolicyBinding } from "../../model/policy.ts";
import { DiagnosticList } from "../diagnostic-list.ts";
import { type ProfileUse, withArticle, withCapitalArticle } from "../object-kinds.ts";
import type {
  Diagnostic,
  FailedReference,
  Firmware,
  NetProfile,
  Server,
  AdcParameters,
} from "../../model/estate.ts";
import { defaultsOf, type FieldSource } from "../fields.ts";
import {
  CS_PARAMETER_FIELDS,
  LB_PARAMETER_FIELDS,
  SESSION_PARAMETER_FIELDS,
  SSL_PARAMETER_FIELDS,
  type AuthenticationProfile,
} from "../vserver-fields.ts";
import { isPlaceholder } from "../placeholders.ts";
import type { SourceLine } from "../../model/source-line.ts";
import type {
  BackendTls,
  CertKey,
  CertKeyBinding,
  SslProfile,
  TlsVersions,
} from "../../model/tls-settings.ts";
import type {
  AuthenticationVserver,
  CsBinding,
  CsVserver,
  LbVserver,
  ServiceBinding,
} from "../../model/vserver.ts";
import type { GslbDomain, GslbService, GslbSite, GslbVserver } from "../../model/gslb.ts";
import type { PartialMonitor } from "../monitor-defaults.ts";
import { statementKind, type Statement } from "./statements.ts";
import { isIP } from "../../lib/ip.ts";
import { port } from "../field-types.ts";
import { ListIndex } from "./list-index.ts";
import { NameTable } from "./name-table.ts";

/** The estate while its statements are read; `finishEstate` turns it into the immutable estate. */
export interface Draft {
  firmware: Firmware | null;
  nsip: string | null;
  readonly snips: string[];
  readonly parameters: Mutable<AdcParameters>;
  readonly servers: NameTable<Mutable<Server>>;
  readonly services: NameTable<ServiceDraft>;
  /** Configured monitors, and built-ins changed by `set`. */
  readonly monitors: NameTable<PartialMonitor>;
  readonly lbVservers: NameTable<LbVserverDraft>;
  readonly csVservers: NameTable<CsVserverDraft>;
  readonly policies: NameTable<Policy>;
  readonly actions: NameTable<PolicyAction>;
  readonly authenticationVservers: NameTable<AuthenticationVserverDraft>;
  readonly authenticationProfiles: NameTable<AuthenticationProfile>;
  readonly certKeys: NameTable<Mutable<CertKey>>;
  readonly sslProfiles: NameTable<Mutable<SslProfile>>;
  readonly netProfiles: NameTable<Mutable<Omit<NetProfile, "sourceAddresses">>>;
  /** By name only: their settings do not matter here. */
  readonly tcpProfiles: NameTable<Profile>;
  readonly httpProfiles: NameTable<Profile>;
  readonly profileUses: ProfileUse[];
  /** Addresses by IP set. */
  readonly ipSets: NameTable<string[]>;
  readonly gslbSites: NameTable<Mutable<GslbSite>>;
  readonly gslbServices: NameTable<GslbServiceDraft>;
  readonly gslbVservers: NameTable<GslbVserverDraft>;
  /** By name and kind only: cache redirection and VPN vservers. */
  readonly otherVservers: NameTable<OtherVserver>;
  readonly acls: NameTable<Mutable<Acl>>;
  readonly globalResponderPolicies: PolicyBinding[];
  readonly globalFirewallPolicies: PolicyBinding[];
  /** Monitors bound to objects outside the estate (routes, cache redirection): they count as used. */
  readonly monitorsUsedElsewhere: Set<string>;
  /** Words of statements about objects that are not configured: what they name is used, by what is not read. */
  readonly namedElsewhere: Set<string>;
  /** Objects whose `add` statement was incomplete. That is reported already; that they are missing follows from it. */
  readonly unreadNames: Set<string>;
  /** Authentication vservers with bindings but without definition: one that is defined may have been meant. */
  readonly absentLogins: Set<string>;
  /** Where names are defined again, and where first: many of them are separate examples rather than mistakes. */
  readonly repeats: Repeat[];
  /** The same for all else that the ADC accepts only once, and where it is reported. */
  readonly clashes: Repeat[];
  /** Members of groups by {@link endpointKey}. */
  readonly endpoints: ListIndex<MemberDraft>;
  /** Bound policies by their priority. */
  readonly byPriority: ListIndex<BoundPolicy>;
  /** Where a session shows that the ADC has taken a command as it is. */
  readonly takenLines: Set<number>;
  readonly diagnostics: DiagnosticList;
  readonly otherStatements: Map<string, number>;
  /** Statements after `switch ns partition`, counted by partition: each is a separate ADC with its own names. */
  readonly otherPartitions: Map<string, number>;
}

export interface Repeat {
  readonly line: number;
  readonly first: number;
}

export interface OtherVserver {
  readonly kind: "cr vserver" | "vpn vserver";
  name: string;
}

interface Profile {
  readonly name: string;
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads one kind of statement into the draft. */
export type StatementReader = (statement: Statement, draft: Draft) => void;

/** Statements are read in two passes, because bindings may precede what they bind: definitions first, then the rest. */
export interface StatementKinds {
  readonly definitions: ReadonlyMap<string, StatementReader>;
  readonly changes: ReadonlyMap<string, StatementReader>;
}

export interface MemberDraft {
  readonly serverWord: string;
  /** Null: not set. */
  readonly port: Port | null;
  enabled: boolean;
  readonly weight: number;
  readonly line: SourceLine;
}

/** Port and server of a member, whose name is found without regard to case. */
export function endpointKey(member: Pick<MemberDraft, "serverWord" | "port">): string {
  return `${String(member.port)} ${member.serverWord.toLowerCase()}`;
}

/** What decides whether two policies of one bind point exclude each other. */
export type BoundPolicy = Pick<PolicyBinding, "policy" | "priority" | "line"> &
  Partial<Pick<PolicyBinding, "bindPoint">>;

export interface ServiceDraft extends Mutable<Omit<AdcService, "members" | "monitors" | "tls">> {
  readonly members: MemberDraft[];
  readonly monitors: MonitorBinding[];
  tls: BackendTls;
  noDefaultMonitor: boolean;
  /** `-memberPort`: the port of members that are bound without one. */
  memberPort: number | null;
}

export interface GslbServiceDraft
  extends ServiceDraft, Mutable<Pick<GslbService, "site" | "cname">> {
  /** As in the finished service. */
  readonly otherAddresses: string[][];
  readonly publicPorts: (number | null)[];
}

export interface GslbVserverDraft extends Mutable<
  Omit<GslbVserver, "domains" | "services" | "shownAs">
> {
  readonly domains: GslbDomain[];
  readonly services: ServiceBinding[];
}

type Lists = "policies" | "certKeys" | "authentication" | "tls";

interface VserverLists {
  readonly policies: PolicyBinding[];
  readonly certKeys: CertKeyBinding[];
  readonly authentication: Mutable<LbVserver["authentication"]>;
  tls: TlsVersions;
}

export interface LbVserverDraft
  extends Mutable<Omit<LbVserver, Lists | "persistence" | "services">>, VserverLists {
  readonly persistence: Mutable<LbVserver["persistence"]>;
  readonly services: ServiceBinding[];
}

export interface CsVserverDraft
  extends Mutable<Omit<CsVserver, Lists | "targets" | "stateUpdate">>, VserverLists {
  readonly targets: CsBinding[];
  /** Null: as set by `set cs parameter`. */
  stateUpdate: boolean | null;
}

export interface AuthenticationVserverDraft extends Mutable<
  Omit<AuthenticationVserver, "policies" | "certKeys">
> {
  readonly policies: PolicyBinding[];
  readonly certKeys: CertKeyBinding[];
}

export function emptyDraft(): Draft {
  return {
    firmware: null,
    nsip: null,
    snips: [],
    parameters: {
      ...defaultsOf(LB_PARAMETER_FIELDS),
      ...defaultsOf(CS_PARAMETER_FIELDS),
      ...defaultsOf(SSL_PARAMETER_FIELDS),
      ...defaultsOf(SESSION_PARAMETER_FIELDS),
    },
    servers: new NameTable(),
    services: new NameTable(),
    monitors: new NameTable(),
    lbVservers: new NameTable(),
    csVservers: new NameTable(),
    policies: new NameTable(),
    actions: new NameTable(),
    authenticationVservers: new NameTable(),
    authenticationProfiles: new NameTable(),
    certKeys: new NameTable(),
    sslProfiles: new NameTable(),
    netProfiles: new NameTable(),
    tcpProfiles: new NameTable(),
    httpProfiles: new NameTable(),
    profileUses: [],
    ipSets: new NameTable(),
    gslbSites: new NameTable(),
    gslbServices: new NameTable(),
    gslbVservers: new NameTable(),
    otherVservers: new NameTable(),
    acls: new NameTable(),
    globalResponderPolicies: [],
    globalFirewallPolicies: [],
    monitorsUsedElsewhere: new Set(),
    namedElsewhere: new Set(),
    unreadNames: new Set(),
    absentLogins: new Set(),
    repeats: [],
    clashes: [],
    endpoints: new ListIndex<MemberDraft>(endpointKey),
    byPriority: new ListIndex(({ priority }) => String(priority)),
    takenLines: new Set(),
    diagnostics: new DiagnosticList(),
    otherStatements: new Map(),
    otherPartitions: new Map(),
  };
}

/**
 * Adds a new object unless the name exists: the ADC rejects the second one, so the first is kept and the second
 * reported, unless it says the same. Names are compared exactly, because some objects differ only by case.
 */
export function define<T extends object>(
  table: NameTable<T>,
  name: string,
  value: T,
  statement: Statement,
  draft: Draft,
): void {
  const known = table.exact.get(name);
  if (known === undefined) {
    table.set(name, value);
    return;
  }
  if (isPlaceholder(name.slice(name.lastIndexOf("/") + 1))) {
    return;
  }
  const first = "line" in known && typeof known.line === "number" ? known.line : null;
  if (first !== null) {
    draft.repeats.push({ line: statement.line, first });
  }
  if (!saysTheSame(known, value)) {
    reportClash(draft, statement, first, {
      severity: "warning",
      rule: "duplicate_name",
      object: name,
      message: `${name} is defined twice.`,
    });
  }
}

/** Reports what the ADC accepts only once: of separate examples in one text, only within the same one. */
export function reportClash(
  draft: Draft,
  statement: Statement,
  first: SourceLine,
  { severity, rule, object, message }: Omit<Diagnostic, "line" | "reference">,
): void {
  if (first !== null) {
    draft.clashes.push({ line: statement.line, first });
  }
  report(draft, statement, severity, rule, object, message);
}

/**
 * Whether all that a statement says is already known, wherever it was written: what other statements bind to the object
 * is no contradiction.
 */
function saysTheSame(known: unknown, value: unknown): boolean {
  if (typeof value !== "object" || value === null) {
    return known === value;
  }
  const before = new Map(Object.entries(known ?? {}));
  return Object.entries(value).every(
    ([key, inner]) => key === "line" || saysTheSame(before.get(key), inner),
  );
}

/**
 * Policies and actions have a name space per feature. If two features use the same name, content switching keeps the
 * plain name, because all other lookups here are by its names, and the other is stored as `feature/name`.
 */
export function defineForFeature<T extends { readonly name: string; readonly feature: string }>(
  table: NameTable<T>,
  value: T,
  statement: Statement,
  draft: Draft,
): void {
  const known = table.exact.get(value.name);
  if (known === undefined || known.feature === value.feature) {
    define(table, value.name, value, statement, draft);
  } else if (value.feature === "cs") {
    table.set(`${known.feature}/${known.name}`, known);
    table.set(value.name, value);
  } else {
    define(table, `${value.feature}/${value.name}`, value, statement, draft);
  }
}

/** Counts a statement of which only the kind is known later. */
export function countKind(kind: string, draft: Draft): void {
  draft.otherStatements.set(kind, (draft.otherStatements.get(kind) ?? 0) + 1);
}

export function report(
  draft: Draft,
  statement: Statement,
  severity: Diagnostic["severity"],
  rule: string,
  object: string,
  message: string,
  reference?: FailedReference,
): void {
  const diagnostic = { severity, rule, line: statement.line, object, message };
  draft.diagnostics.push(reference === undefined ? diagnostic : { ...diagnostic, reference });
}

/**
 * Reports that a statement names a missing object, for references that the estate itself does not keep, or that it needs
 * another command.
 */
export function reportMissing(
  draft: Draft,
  statement: Statement,
  kind: string,
  name: string,
): void {
  [...statement.words, ...[...statement.keys.values()].flat()].forEach((word) =>
    draft.namedElsewhere.add(word),
  );
  if (draft.unreadNames.has(name) || isPlaceholder(name)) {
    return;
  }
  const other = name === statement.words[0] ? otherKind(statement, draft) : null;
  if (other !== null) {
    reportOtherKind(draft, statement, name, other, other);
    return;
  }
  report(
    draft,
    statement,
    "error",
    "dangling_reference",
    name,
    `${withCapitalArticle(kind)} ${name} is not configured.`,
    { wanted: kind, found: [] },
  );
}

/** Reports that an object is of a kind for which the ADC has another command. */
export function reportOtherKind(
  draft: Draft,
  statement: Statement,
  name: string,
  kind: string,
  commandOf: string,
): void {
  const message = `${name} is ${withArticle(kind)}: use ${statement.verb} ${commandOf}. The ADC rejects this command.`;
  report(draft, statement, "error", "wrong_kind_reference", name, message);
}

/**
 * As which other object the one that a statement is about exists. Vservers share their names, as services and groups do:
 * an object of the right kind cannot have the same name elsewhere.
 */
function otherKind(statement: Statement, draft: Draft): string | null {
  const own = objectOf(statement);
  const [name = ""] = statement.words;
  if (own === "service" || own === "servicegroup") {
    const kind = draft.services.exact.get(name)?.kind;
    return kind === undefined || kind.toLowerCase() === own ? null : kind;
  }
  const others = [
    ["lb vserver", draft.lbVservers],
    ["cs vserver", draft.csVservers],
    ["authentication vserver", draft.authenticationVservers],
    ["gslb vserver", draft.gslbVservers],
  ] as const;
  if (!others.some(([kind]) => kind === own)) {
    return null;
  }
  const known = others.find(([kind, { exact }]) => kind !== own && exact.has(name))?.[0];
  return known ?? draft.otherVservers.exact.get(name)?.kind ?? null;
}

/** `ssl servicegroup` of `set ssl serviceGroup …`. */
export function objectOf(statement: Statement): string {
  return statementKind({ ...statement, verb: "" }).trim();
}

/** The service or group that a statement is about; undefined if there is none of the statement's kind. */
export function serviceOf(statement: Statement, draft: Draft): ServiceDraft | undefined {
  const service = draft.services.get(statement.words[0] ?? "");
  return service?.kind.toLowerCase() === objectOf(statement) ? service : undefined;
}

/** The ADC binds its default monitors itself (NITRO errors 2139 and 2165). */
export function reportDefaultMonitor(
  draft: Draft,
  statement: Statement,
  name: string,
  error: 2139 | 2165,
): void {
  const message = `${name} is a default monitor, which only the ADC itself binds: it rejects this command (error ${String(error)}).`;
  report(draft, statement, "info", "wrong_kind_reference", name, message);
}

/** `add service s <IP> HTTP <port>`, `add service s ${IP} HTTP ${PORT}`: a guide's command with arguments left open. */
function isToFillIn({ words }: Statement): boolean {
  return words.some(isPlaceholder);
}

/** Reports a statement with too few or invalid positional arguments, unless a guide leaves them open. */
export function reportIncomplete(draft: Draft, statement: Statement, object: string): void {
  if (statement.verb === "add") {
    draft.unreadNames.add(object);
  }
  if (isToFillIn(statement)) {
    return;
  }
  report(
    draft,
    statement,
    "error",
    "incomplete_statement",
    object,
    `This ${statement.verb} statement has a missing or invalid argument: the ADC rejects it, and this import ignores it.`,
  );
}

/** One statement's keys as the values of an object's fields. */
export function statementSource(statement: Statement, draft: Draft, object: string): FieldSource {
  return {
    object,
    line: statement.line,
    isCommand: true,
    resets: statement.verb === "unset",
    written: ({ key }) => statement.keys.get(key),
    report: (diagnostic) => {
      draft.diagnostics.push(diagnostic);
    },
  };
}

/** A positional port: 0 if there is none, null if it is invalid. */
export function portOf(written: string): Port | null {
  const value = port.read([written]);
  return value === undefined ? null : (value ?? 0);
}

export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}
