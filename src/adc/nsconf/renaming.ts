import type { Draft, StatementReader } from "./draft.ts";
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
  ["rename lb vserver", renameVserver(({ lbVservers }) => lbVservers)],
  ["rename cs vserver", renameVserver(({ csVservers }) => csVservers)],
  ["rename cr vserver", renameVserver(({ otherVservers }) => otherVservers)],
  ["rename vpn vserver", renameVserver(({ otherVservers }) => otherVservers)],
];

function renameServer({ words }: Statement, draft: Draft): void {
  const renamed = renamedIn(draft.servers, words);
  if (renamed === null) {
    return;
  }
  for (const { members } of draft.services.exact.values()) {
    follow(members, "serverWord", renamed);
  }
}

function renameService({ words }: Statement, draft: Draft): void {
  const renamed = renamedIn(draft.services, words);
  if (renamed === null) {
    return;
  }
  for (const { services } of draft.lbVservers.exact.values()) {
    follow(services, "service", renamed);
  }
}

function renameVserver(tableOf: (draft: Draft) => NameTable<{ name: string }>): StatementReader {
  return ({ words }, draft) => {
    const renamed = renamedIn(tableOf(draft), words);
    if (renamed === null) {
      return;
    }
    const { isMeant, to } = renamed;
    for (const vserver of draft.csVservers.exact.values()) {
      follow(vserver.targets, "target", renamed);
      vserver.defaultTarget = isMeant(vserver.defaultTarget) ? to : vserver.defaultTarget;
    }
    const vservers = [...draft.lbVservers.exact.values(), ...draft.csVservers.exact.values()];
    for (const vserver of vservers) {
      vserver.backupVserver = isMeant(vserver.backupVserver) ? to : vserver.backupVserver;
    }
    for (const [name, action] of draft.actions.exact) {
      if (action.feature === "cs" && isMeant(action.target)) {
        draft.actions.set(name, { ...action, target: to });
      }
    }
  };
}

interface Renamed {
  readonly to: string;
  /** Whether a reference led to the object before, as for all other statements. */
  readonly isMeant: (reference: string | null) => boolean;
}

/** Null: there is no object of this name, or the new name is taken, which the ADC rejects. */
function renamedIn<T extends { name: string }>(
  table: NameTable<T>,
  [written = "", to = ""]: readonly string[],
): Renamed | null {
  const object = table.get(written);
  if (object === undefined || to === "" || table.exact.has(to)) {
    return null;
  }
  const isMeant = table.meaning(written);
  table.delete(written);
  object.name = to;
  table.set(to, object);
  return { to, isMeant };
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
