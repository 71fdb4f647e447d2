import {
  objectOf,
  report,
  reportIncomplete,
  reportMissing,
  type Draft,
  type StatementReader,
} from "./draft.ts";
import type { NameTable } from "./name-table.ts";
import type { Statement } from "./statements.ts";

/**
 * `rename`, as in hand-written command files: a saved configuration contains none. It affects everything before it, and
 * references to the object follow.
 */
export const RENAMERS: readonly (readonly [kind: string, rename: StatementReader])[] = [
  ["rename server", renameServer],
  ["rename service", renameService],
  ["rename servicegroup", renameService],
  ["rename gslb service", renameGslbService],
  ["rename lb vserver", renameVserver(({ lbVservers }) => lbVservers)],
  ["rename cs vserver", renameVserver(({ csVservers }) => csVservers)],
  ["rename gslb vserver", renameVserver(({ gslbVservers }) => gslbVservers)],
  ["rename authentication vserver", renameVserver((draft) => draft.authenticationVservers)],
  ["rename cr vserver", renameVserver(({ otherVservers }) => otherVservers)],
  ["rename vpn vserver", renameVserver(({ otherVservers }) => otherVservers)],
  ["rename cs policy", renamePolicy("cs")],
  ["rename cs action", renameAction("cs")],
  ["rename responder policy", renamePolicy("responder")],
  ["rename responder action", renameAction("responder")],
  ["rename rewrite policy", renamePolicy("rewrite")],
  ["rename rewrite action", renameAction("rewrite")],
  ["rename authorization policy", renamePolicy("authorization")],
  ["rename authentication policy", renamePolicy("authentication")],
];

function renameServer(statement: Statement, draft: Draft): void {
  const renamed = renamedIn(draft.servers, statement, draft);
  if (renamed === null) {
    return;
  }
  const services = [...draft.services.exact.values(), ...draft.gslbServices.exact.values()];
  for (const { members } of services) {
    follow(members, "serverWord", renamed);
  }
  draft.endpoints.forget();
}

function renameService(statement: Statement, draft: Draft): void {
  const renamed = renamedIn(draft.services, statement, draft);
  if (renamed === null) {
    return;
  }
  for (const { services } of draft.lbVservers.exact.values()) {
    follow(services, "service", renamed);
  }
}

function renameGslbService(statement: Statement, draft: Draft): void {
  const renamed = renamedIn(draft.gslbServices, statement, draft);
  if (renamed === null) {
    return;
  }
  for (const { services } of draft.gslbVservers.exact.values()) {
    follow(services, "service", renamed);
  }
}

function renameVserver(tableOf: (draft: Draft) => NameTable<{ name: string }>): StatementReader {
  return (statement, draft) => {
    const renamed = renamedIn(tableOf(draft), statement, draft);
    if (renamed === null) {
      return;
    }
    const { isMeant, to } = renamed;
    for (const vserver of draft.csVservers.exact.values()) {
      follow(vserver.targets, "target", renamed);
      vserver.defaultTarget = isMeant(vserver.defaultTarget) ? to : vserver.defaultTarget;
    }
    const balancing = [...draft.lbVservers.exact.values(), ...draft.csVservers.exact.values()];
    for (const vserver of [...balancing, ...draft.gslbVservers.exact.values()]) {
      vserver.backupVserver = isMeant(vserver.backupVserver) ? to : vserver.backupVserver;
    }
    for (const { authentication } of balancing) {
      authentication.vserver = isMeant(authentication.vserver) ? to : authentication.vserver;
    }
    for (const [name, profile] of draft.authenticationProfiles.exact) {
      if (isMeant(profile.vserver)) {
        draft.authenticationProfiles.set(name, { ...profile, vserver: to });
      }
    }
    for (const [name, action] of draft.actions.exact) {
      if (action.feature === "cs" && isMeant(action.target)) {
        draft.actions.set(name, { ...action, target: to });
      }
    }
  };
}

function renamePolicy(feature: string): StatementReader {
  return (statement, draft) => {
    const renamed = renamedIn(
      draft.policies,
      statement,
      draft,
      (known) => known.feature === feature,
    );
    if (renamed === null) {
      return;
    }
    const { isMeant, to } = renamed;
    const balancing = [...draft.lbVservers.exact.values(), ...draft.csVservers.exact.values()];
    const vservers = [...balancing, ...draft.authenticationVservers.exact.values()];
    const lists = [
      ...vservers.map(({ policies }) => policies),
      draft.globalResponderPolicies,
      draft.globalFirewallPolicies,
    ];
    lists.forEach((list) => {
      follow(list, "policy", renamed);
    });
    for (const { targets } of draft.csVservers.exact.values()) {
      follow(targets, "policy", renamed);
    }
    draft.byPriority.forget();
    const { groupPolicies = null } = draft.parameters;
    if (groupPolicies !== null) {
      draft.parameters.groupPolicies = groupPolicies.map((one) => (isMeant(one) ? to : one));
    }
  };
}

function renameAction(feature: string): StatementReader {
  return (statement, draft) => {
    const renamed = renamedIn(
      draft.actions,
      statement,
      draft,
      (known) => known.feature === feature,
    );
    if (renamed === null) {
      return;
    }
    for (const [name, policy] of draft.policies.exact) {
      if (policy.feature === feature && renamed.isMeant(policy.action)) {
        draft.policies.set(name, { ...policy, action: renamed.to });
      }
    }
  };
}

interface Renamed {
  readonly to: string;
  /** Whether a reference led to the object before, as for all other statements. */
  readonly isMeant: (reference: string | null) => boolean;
}

/** Null: there is no such object of this name, or the new name is taken, which the ADC rejects and this reports. */
function renamedIn<T extends { readonly name: string }>(
  table: NameTable<T>,
  statement: Statement,
  draft: Draft,
  isOfKind: (object: T) => boolean = () => true,
): Renamed | null {
  const [written = "", to] = statement.words;
  const object = table.get(written);
  if (to === undefined) {
    reportIncomplete(draft, statement, written);
    return null;
  }
  if (object === undefined || !isOfKind(object)) {
    reportMissing(draft, statement, kindOf(statement), written);
    return null;
  }
  if (table.exact.has(to)) {
    const message = `${to} exists already: the ADC rejects this command.`;
    report(draft, statement, "warning", "duplicate_name", to, message);
    return null;
  }
  const isMeant = table.meaning(written);
  table.delete(written);
  table.set(to, { ...object, name: to });
  return { to, isMeant };
}

/** As messages name it: the ADC's name spaces are wider than its groups of commands. */
function kindOf(statement: Statement): string {
  const kind = objectOf(statement);
  const [, wider = null] =
    /^(?:(?:lb|cs|cr|vpn) (?=vserver)|\w+ (?=policy|action))(\w+)$/.exec(kind) ?? [];
  return kind === "servicegroup" ? "service group" : (wider ?? kind.replace(/^gslb/, "GSLB"));
}

/** Replaces the name in a list's references. */
function follow<K extends string, T extends Readonly<Record<K, string | null>>>(
  list: T[],
  key: K,
  { isMeant, to }: Renamed,
): void {
  list.forEach((item, at) => {
    if (isMeant(item[key])) {
      list[at] = { ...item, [key]: to };
    }
  });
}
