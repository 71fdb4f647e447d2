import { isIP } from "node:net";
import type { Port } from "../../model/adc-service.ts";
import type { CodeRange } from "../../model/monitor.ts";
import type { NitroAnswer, NitroClient, NitroFailure, NitroStop } from "./client.ts";

/**
 * One row of a NITRO answer, as it came. Every field is read through the functions below: appliances write numbers as
 * strings or numbers, booleans in four ways, and leave out what is empty (NITRO docs: type Double travels as a string).
 */
export type Row = Readonly<Record<string, unknown>>;

/** A text that says something; null when absent, empty or not a text. Numbers become texts. */
export function text(row: Row, field: string): string | null {
  const value = row[field];
  if (typeof value === "string") {
    return value === "" ? null : value;
  }
  return typeof value === "number" ? String(value) : null;
}

/** As {@link text}, with NITRO's written nothings (`none`, `NONE`, `None`) read as null. */
export function textOrNone(row: Row, field: string): string | null {
  const value = text(row, field);
  return value === null || value.toLowerCase() === "none" ? null : value;
}

/** A finite number, or null. */
export function number(row: Row, field: string): number | null {
  const value = row[field];
  const parsed = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof parsed === "number" && Number.isFinite(parsed) ? parsed : null;
}

/** YES/NO, ON/OFF, ENABLED/DISABLED, TRUE/FALSE in any case, or a boolean; null for anything else. */
export function flag(row: Row, field: string): boolean | null {
  const value = row[field];
  if (typeof value === "boolean") {
    return value;
  }
  switch (typeof value === "string" ? value.toUpperCase() : "") {
    case "YES":
    case "ON":
    case "ENABLED":
    case "TRUE":
      return true;
    case "NO":
    case "OFF":
    case "DISABLED":
    case "FALSE":
      return false;
    default:
      return null;
  }
}

/** A list of texts; a single text counts as a list of one, an absent field as empty. */
export function list(row: Row, field: string): readonly string[] {
  const value = row[field];
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items
    .filter((item) => typeof item === "string" || typeof item === "number")
    .map(String)
    .filter((item) => item !== "");
}

/** A port; 65535 is NITRO's wildcard, 0 and absent are null. */
export function port(row: Row, field: string): Port | null {
  const value = row[field] === "*" ? 65535 : number(row, field);
  if (value === null || !Number.isInteger(value) || value <= 0 || value > 65535) {
    return null;
  }
  return value === 65535 ? "*" : value;
}

/** An IP literal that points somewhere; null for absent, `0`, `0.0.0.0` and `::`. */
export function address(row: Row, field: string): string | null {
  const value = text(row, field);
  return value === null || isIP(value) === 0 || /^[0.:]+$/.test(value) ? null : value;
}

/** A duration in milliseconds from a number and its unit field; seconds when the unit is not told. */
export function durationMs(row: Row, field: string, unitField: string): number | null {
  const value = number(row, field);
  if (value === null) {
    return null;
  }
  switch (text(row, unitField)?.toUpperCase()) {
    case "MSEC":
      return value;
    case "MIN":
      return value * 60_000;
    default:
      return value * 1_000;
  }
}

/** Response codes as NITRO lists them, `["200","301-302"]`; null when none is given. */
export function codeRanges(row: Row, field: string): readonly CodeRange[] | null {
  const ranges = list(row, field).flatMap((item) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(item.trim());
    const from = Number(match?.[1]);
    return match === null ? [] : [{ from, to: match[2] === undefined ? from : Number(match[2]) }];
  });
  return ranges.length === 0 ? null : ranges;
}

/** One resource of the pull plan. */
export interface PullStep {
  readonly kind: "config" | "stat";
  readonly resource: string;
  /** Fields to ask for; all when absent. */
  readonly attributes?: readonly string[];
  /** Long lists of plain resources are asked for page by page. */
  readonly paged?: true;
  /** A binding: asked for in bulk, or per name of this kind where the firmware knows no `bulkbindings`. */
  readonly binding?: { readonly key: string };
}

type Pulled =
  | {
      readonly kind: "rows";
      readonly rows: readonly Row[];
      /** The node warned that it is the secondary. */
      readonly secondary: boolean;
      /** Something that was asked for by name is gone. */
      readonly stale: boolean;
    }
  /** Our account may not read this resource. */
  | { readonly kind: "permission"; readonly code: string; readonly message: string }
  /** The feature is not licensed or not enabled (`feature`), or this firmware has no such resource (`resource`). */
  | {
      readonly kind: "unavailable";
      readonly what: "feature" | "resource";
      readonly code: string;
      readonly message: string;
    }
  | { readonly kind: "secondary"; readonly code: string; readonly message: string }
  | NitroFailure
  | NitroStop;

export const PAGE_SIZE = 500;
const MAX_PAGES = 1_000;

/**
 * All rows of a resource, in the fewest requests that this appliance understands: what it refused once is not tried again.
 * `names` are the parents of a binding, for appliances that answer bindings only by name.
 */
export async function pullRows(
  client: NitroClient,
  step: PullStep,
  names: readonly string[],
): Promise<Pulled> {
  const { denied } = client.limits;
  const known = denied.get(step.resource);
  if (known !== undefined) {
    return { kind: "permission", ...known };
  }
  const result = await pull(client, step, names);
  if (result.kind === "permission") {
    const { code, message } = result;
    denied.set(step.resource, { code, message });
  }
  return result;
}

async function pull(
  client: NitroClient,
  step: PullStep,
  names: readonly string[],
): Promise<Pulled> {
  if (step.binding === undefined) {
    return pullList(client, step);
  }
  if (names.length === 0) {
    return { kind: "rows", rows: [], secondary: false, stale: false };
  }
  const { withoutBulk } = client.limits;
  if (withoutBulk.has(step.resource)) {
    return pullByName(client, step, names);
  }
  const bulk = await client.get(requestFor(step, { bulkbindings: "yes" }));
  if (bulk.kind === "rows" && bulk.rows.length > 0) {
    return { ...bulk, stale: false };
  }
  if (bulk.kind === "rows" && !expectsRows(step.resource)) {
    return { ...bulk, stale: false };
  }
  if (bulk.kind === "rows" || isNotUnderstood(bulk)) {
    const byName = await pullByName(client, step, names);
    // An empty bulk answer is believed once the names turn out to be empty too.
    if (byName.kind === "rows" && (bulk.kind !== "rows" || byName.rows.length > 0)) {
      withoutBulk.add(step.resource);
    }
    return byName;
  }
  return pulled(bulk);
}

/**
 * Whether nothing at all in bulk is suspicious where there are parents: members and their monitors. The documentation lists
 * `bulkbindings` for both; that every build answers completely is not confirmed.
 */
function expectsRows(resource: string): boolean {
  return (
    resource === "servicegroup_servicegroupmember_binding" ||
    resource === "servicegroup_servicegroupentitymonbindings_binding" ||
    resource === "service_lbmonitor_binding"
  );
}

async function pullByName(
  client: NitroClient,
  step: PullStep,
  names: readonly string[],
): Promise<Pulled> {
  const rows: Row[] = [];
  let stale = false;
  let secondary = false;
  for (const name of names) {
    const answer = await client.get({ ...requestFor(step, {}), name });
    if (answer.kind === "rows") {
      // The name we asked for is the parent, also where the answer leaves it out.
      const key = step.binding?.key;
      rows.push(...answer.rows.map((row) => (key === undefined ? row : { [key]: name, ...row })));
      secondary ||= answer.secondary;
    } else if (answer.kind === "refused" && answer.action === "stale") {
      stale = true;
    } else if (!(answer.kind === "refused" && answer.action === "empty")) {
      return pulled(answer);
    }
  }
  return { kind: "rows", rows, secondary, stale };
}

async function pullList(client: NitroClient, step: PullStep): Promise<Pulled> {
  const { withoutAttributes, withoutPaging } = client.limits;
  const paged = step.paged === true && !withoutPaging.has(step.resource);
  const rows: Row[] = [];
  let secondary = false;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await client.get(
      requestFor(
        withoutAttributes.has(step.resource) ? { ...step, attributes: [] } : step,
        paged ? { pagesize: String(PAGE_SIZE), pageno: String(page) } : {},
      ),
    );
    if (answer.kind !== "rows") {
      return page > 1 && answer.kind === "refused" && answer.action === "empty"
        ? { kind: "rows", rows, secondary, stale: false }
        : withFewerArguments(client, step, answer);
    }
    secondary ||= answer.secondary;
    if (page > 1 && sameRow(answer.rows[0], rows[0])) {
      // The same rows again: this build knows no pages and has told everything with the first.
      withoutPaging.add(step.resource);
      break;
    }
    rows.push(...answer.rows);
    if (!paged || answer.rows.length !== PAGE_SIZE) {
      break;
    }
  }
  return { kind: "rows", rows, secondary, stale: false };
}

/** Asks again without what may not be understood: first without fields, then without pages. */
async function withFewerArguments(
  client: NitroClient,
  step: PullStep,
  answer: Exclude<NitroAnswer, { kind: "rows" }>,
): Promise<Pulled> {
  const { withoutAttributes, withoutPaging } = client.limits;
  if (isNotUnderstood(answer)) {
    if (step.attributes !== undefined && !withoutAttributes.has(step.resource)) {
      return without(withoutAttributes, client, step);
    }
    if (step.paged === true && !withoutPaging.has(step.resource)) {
      return without(withoutPaging, client, step);
    }
  }
  return pulled(answer);
}

/** What does not help either has shown nothing about the firmware: it may have been no answer of NITRO's at all. */
async function without(limit: Set<string>, client: NitroClient, step: PullStep): Promise<Pulled> {
  limit.add(step.resource);
  const result = await pullList(client, step);
  if (result.kind !== "rows") {
    limit.delete(step.resource);
  }
  return result;
}

function requestFor(
  { kind, resource, attributes }: PullStep,
  query: Readonly<Record<string, string>>,
): { kind: "config" | "stat"; resource: string; query: Readonly<Record<string, string>> } {
  const chosen =
    attributes === undefined || attributes.length === 0 ? {} : { attrs: attributes.join(",") };
  return { kind, resource, query: { ...chosen, ...query } };
}

function isNotUnderstood(answer: NitroAnswer): boolean {
  return answer.kind === "refused" && answer.action === "drop_arguments";
}

function pulled(answer: Exclude<NitroAnswer, { kind: "rows" }>): Pulled {
  if (answer.kind !== "refused") {
    return answer;
  }
  const { action, code, message } = answer;
  switch (action) {
    case "permission":
    case "secondary":
      return { kind: action, code, message };
    case "unavailable":
      return { kind: "unavailable", what: "feature", code, message };
    case "empty":
    case "stale":
      return { kind: "rows", rows: [], secondary: false, stale: action === "stale" };
    case "drop_arguments":
      return { kind: "unavailable", what: "resource", code, message };
    case "back_off":
    case "back_off_long":
    case "failure":
      return { kind: "failed", code, message };
  }
}

function sameRow(a: Row | undefined, b: Row | undefined): boolean {
  return a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

/** The rows of one import by resource. */
export type RowTables = ReadonlyMap<string, readonly Row[]>;

/** The only row of a resource that is an object, or an empty one. */
export function firstRow(rows: RowTables, resource: string): Row {
  return rows.get(resource)?.[0] ?? {};
}

/** Rows of a resource by one of their fields; those without it are left out. */
export function groupBy(rows: RowTables, resource: string, field: string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows.get(resource) ?? []) {
    const name = text(row, field);
    const group = name === null ? undefined : groups.get(name);
    if (group !== undefined) {
      group.push(row);
    } else if (name !== null) {
      groups.set(name, [row]);
    }
  }
  return groups;
}

/** What a resource's rows come to, by name. */
export function namedMap<T extends { readonly name: string }>(
  rows: RowTables,
  resource: string,
  convert: (row: Row) => T | null,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const row of rows.get(resource) ?? []) {
    const value = convert(row);
    if (value !== null) {
      found.set(value.name, value);
    }
  }
  return found;
}
