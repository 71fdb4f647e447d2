import type { Draft, NameTable, StatementReader } from "./draft.ts";
import type { Statement } from "./statements.ts";

/**
 * `rename`, as in hand-written command files: a saved configuration contains none. It affects everything before it, and
 * references to the object follow.
 */
export const RENAMERS: readonly (readonly [kind: string, rename: StatementReader])[] = [
  ["rename server", renameServer],
  ["rename service", renameService],
  ["rename servicegroup", renameService],
  ["rename lb vserver", renameVserver("lbVservers")],
  ["rename cs vserver", renameVserver("csVservers")],
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

function renameVserver(table: "lbVservers" | "csVservers"): StatementReader {
  return ({ words }, draft) => {
    const renamed =
      table === "lbVservers"
        ? renamedIn(draft.lbVservers, words)
        : renamedIn(draft.csVservers, words);
    if (renamed === null) {
      return;
    }
    const { from, to } = renamed;
    for (const vserver of draft.csVservers.exact.values()) {
      follow(vserver.targets, "target", renamed);
      vserver.defaultTarget = vserver.defaultTarget === from ? to : vserver.defaultTarget;
    }
    const vservers = [...draft.lbVservers.exact.values(), ...draft.csVservers.exact.values()];
    for (const vserver of vservers) {
      vserver.backupVserver = vserver.backupVserver === from ? to : vserver.backupVserver;
    }
    for (const [name, action] of draft.actions.exact) {
      if (action.feature === "cs" && action.target === from) {
        draft.actions.set(name, { ...action, target: to });
      }
    }
  };
}

interface Renamed {
  readonly from: string;
  readonly to: string;
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
  const from = object.name;
  table.delete(from);
  object.name = to;
  table.set(to, object);
  return { from, to };
}

/** Replaces the name in a list's references. */
function follow<K extends string, T extends Readonly<Record<K, string | null>>>(
  list: T[],
  key: K,
  { from, to }: Renamed,
): void {
  list.forEach((item, at) => {
    if (item[key] === from) {
      list[at] = { ...item, [key]: to };
    }
  });
}
