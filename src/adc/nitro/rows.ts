import type { Row } from "./row-values.ts";
import type { NitroFailure, NitroStop, NitroClient, NitroAnswer, Refusal } from "./client.ts";

/** One resource of the pull plan. */
export interface PullStep {
  readonly kind: "config" | "stat";
  readonly resource: string;
  /** Fields to request; all if absent. */
  readonly attributes?: readonly string[];
  /** Long lists of plain resources are requested page by page. */
  readonly paged?: true;
  /** A binding: requested in bulk, or by each name of this kind if the firmware has no `bulkbindings`. */
  readonly binding?: { readonly key: string };
}
export type Pulled =
  | {
      readonly kind: "rows";
      readonly rows: readonly Row[];
      /** The node warned that it is the secondary. */
      readonly secondary: boolean;
      /** An object that was requested by name no longer exists. */
      readonly stale: boolean;
    }
  /** Our account may not read this resource. */
  | (Refusal & { readonly kind: "permission" })
  /** The feature is not licensed or not enabled (`feature`), or this firmware has no such resource (`resource`). */
  | (Refusal & { readonly kind: "unavailable"; readonly what: "feature" | "resource" })
  | (Refusal & { readonly kind: "secondary" })
  | NitroFailure
  | NitroStop;
export const PAGE_SIZE = 500;
const MAX_PAGES = 1_000;
/**
 * All rows of a resource, in the fewest requests that this appliance supports: a form that it has refused is not tried again.
 * `names` are the parents of a binding, for appliances that return bindings only by name.
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
    const { code, message, words } = result;
    denied.set(step.resource, { code, message, words });
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
  if (bulk.kind === "rows" || rejectsForm(bulk)) {
    const byName = await pullByName(client, step, names);
    // An empty bulk answer is trusted once the requests by name are empty too.
    if (byName.kind === "rows" && (bulk.kind !== "rows" || byName.rows.length > 0)) {
      withoutBulk.add(step.resource);
    }
    return byName;
  }
  return pulled(bulk);
}
/**
 * Whether an empty bulk answer is suspicious if there are parents: for members and their monitors. The documentation lists
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
      // The requested name is the parent, also if the answer omits it.
      const key = step.binding?.key;
      for (const row of answer.rows) {
        rows.push(key === undefined ? row : { [key]: name, ...row });
      }
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
      // The same rows again: this build does not support pages and has sent everything with the first.
      withoutPaging.add(step.resource);
      break;
    }
    // One by one: 130,000 rows as arguments of one call overflow the stack.
    for (const row of answer.rows) {
      rows.push(row);
    }
    if (!paged || answer.rows.length !== PAGE_SIZE) {
      break;
    }
  }
  return { kind: "rows", rows, secondary, stale: false };
}
/** Repeats the request without what the appliance may not support: first without fields, then without pages. */
async function withFewerArguments(
  client: NitroClient,
  step: PullStep,
  answer: Exclude<NitroAnswer, { kind: "rows" }>,
): Promise<Pulled> {
  const { withoutAttributes, withoutPaging } = client.limits;
  if (mayRejectForm(answer)) {
    if (step.attributes !== undefined && !withoutAttributes.has(step.resource)) {
      return without(withoutAttributes, client, step);
    }
    if (step.paged === true && !withoutPaging.has(step.resource)) {
      return without(withoutPaging, client, step);
    }
  }
  return pulled(answer);
}
/**
 * If that does not help either, nothing is known about the firmware: the answer may not have come from NITRO at all.
 */
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
function rejectsForm(answer: NitroAnswer): boolean {
  return answer.kind === "refused" && answer.action === "drop_arguments";
}
/** Whether the appliance may not support this form of request: the code for that differs between firmware versions. */
function mayRejectForm(answer: NitroAnswer): boolean {
  return answer.kind === "refused"
    ? answer.action === "drop_arguments" || answer.action === "failure"
    : answer.kind === "failed" && /^http_[45]xx$/.test(answer.code);
}
function pulled(answer: Exclude<NitroAnswer, { kind: "rows" }>): Pulled {
  if (answer.kind !== "refused") {
    return answer;
  }
  const { action, code, message, words } = answer;
  switch (action) {
    case "permission":
    case "secondary":
      return { kind: action, code, message, words };
    case "unavailable":
      return { kind: "unavailable", what: "feature", code, message, words };
    case "empty":
    case "stale":
      return { kind: "rows", rows: [], secondary: false, stale: action === "stale" };
    case "drop_arguments":
      return { kind: "unavailable", what: "resource", code, message, words };
    case "back_off":
    case "back_off_long":
    case "failure":
      return { kind: "failed", code, message, words };
  }
}
function sameRow(a: Row | undefined, b: Row | undefined): boolean {
  return a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
