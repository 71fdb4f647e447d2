import type { SourceLine } from "../model/source-line.ts";
import type { Finding } from "./finding.ts";
import { GRAVITY } from "./lint.ts";

/** One cause with all objects that have it: the unit of output. */
export interface FindingGroup extends Omit<Finding, "undo"> {
  readonly objects: readonly { readonly name: string; readonly line: SourceLine }[];
}

/**
 * Groups findings of one rule with the same text whose commands are equally complete. `line`, `object` and `fix` are
 * those of the first object; `commands` fix all of them. Sorted by severity, then by the number of objects.
 */
export function groupFindings(findings: readonly Finding[]): FindingGroup[] {
  const groups = new Map<string, [Finding, ...Finding[]]>();
  for (const finding of findings) {
    const { rule, severity, message, complete, incomplete, commands } = finding;
    // An object that cannot be fixed by a command is no other cause.
    const fixed = commands.length === 0 || complete ? "" : (incomplete ?? "");
    const key = `${rule} ${severity} ${fixed}\n${message}`;
    const known = groups.get(key);
    if (known === undefined) {
      groups.set(key, [finding]);
    } else {
      known.push(finding);
    }
  }
  return [...groups.values()]
    .map(groupOf)
    .sort(
      (a, b) => GRAVITY[a.severity] - GRAVITY[b.severity] || b.objects.length - a.objects.length,
    );
}

function groupOf(members: readonly [Finding, ...Finding[]]): FindingGroup {
  const { rule, severity, line, object, message, fix, incomplete } = members[0];
  const commands = members.flatMap((member) => member.commands);
  return {
    rule,
    severity,
    line,
    object,
    objects: members.map((member) => ({ name: member.object, line: member.line })),
    message,
    fix,
    commands,
    complete: commands.length > 0 && incomplete === null,
    incomplete,
  };
}
