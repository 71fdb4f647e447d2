import { DiagnosticList } from "../diagnostic-list.ts";
import { estateDiagnostics } from "../diagnostics.ts";
import type { Diagnostic, Estate } from "../model.ts";
import { READ_BUDGET, withBudget } from "./budget.ts";
import { buildEstate } from "./build-estate.ts";
import type { NitroClient, NitroFailure, NitroStop } from "./client.ts";
import { text, type Row } from "./coerce.ts";
import { createPacer } from "./pacer.ts";
import { IMPORT_STEPS, type ImportStep } from "./pull-plan.ts";
import { pullRows } from "./rows.ts";

export type ImportResult =
  | {
      readonly kind: "estate";
      readonly estate: Estate;
      /** Resources our account may not read; each is a diagnostic of the estate too. */
      readonly gaps: readonly string[];
    }
  /** The appliance says that it is not the primary. */
  | { readonly kind: "secondary"; readonly code: string; readonly message: string }
  | NitroFailure
  | NitroStop;

/**
 * Reads the whole estate from one appliance. What the account may not read or the firmware does not have becomes a
 * diagnostic; without the essentials (services, groups, members, monitors, vservers and their bindings) the import fails.
 */
export async function importEstate(
  client: NitroClient,
  options: { readonly adc: string },
): Promise<ImportResult> {
  // An administrator may have granted what was missing the last time.
  client.limits.denied.clear();
  const rows = new Map<string, readonly Row[]>();
  const diagnostics: Diagnostic[] = [];
  const gaps: string[] = [];
  const bounded = withBudget(client, READ_BUDGET);
  for (const step of IMPORT_STEPS) {
    const pulled = await pullRows(bounded, step, parentNames(step, rows));
    switch (pulled.kind) {
      case "rows":
        if (pulled.secondary) {
          return { kind: "secondary", code: "1028", message: "the node is the secondary" };
        }
        rows.set(step.resource, pulled.rows);
        break;
      case "permission":
      case "unavailable": {
        const { code, message } = pulled;
        if (
          step.essential === true &&
          !(pulled.kind === "unavailable" && pulled.what === "feature")
        ) {
          return { kind: "failed", code, message: `${step.resource}: ${message}` };
        }
        if (pulled.kind === "permission") {
          gaps.push(step.resource);
          diagnostics.push(permissionGap(step.resource, message));
        }
        break;
      }
      case "secondary":
      case "failed":
      case "stopped":
        return pulled;
    }
  }
  const pacer = createPacer();
  const built = await buildEstate(options.adc, rows, pacer);
  await pacer.rest();
  const derived = new DiagnosticList();
  derived.pushAll(estateDiagnostics(built));
  const all = [...diagnostics, ...built.diagnostics, ...derived.all()];
  return { kind: "estate", estate: { ...built, diagnostics: all }, gaps };
}

function parentNames(
  { parents }: ImportStep,
  rows: ReadonlyMap<string, readonly Row[]>,
): readonly string[] {
  return (parents ?? []).flatMap(([resource, field]) =>
    (rows.get(resource) ?? []).flatMap((row) => text(row, field) ?? []),
  );
}

function permissionGap(resource: string, message: string): Diagnostic {
  return {
    severity: "warning",
    rule: "nitro_permission_gap",
    line: null,
    object: resource,
    message: `The NITRO account may not read ${resource}: ${message}. What it tells is missing here.`,
  };
}
