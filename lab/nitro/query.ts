import type { Row } from "./wire-values.ts";

/** A parsed request to the NITRO API. Names are percent-decoded. */
export interface NitroQuery {
  readonly kind: "config" | "stat";
  readonly resource: string;
  readonly name: string | null;
  readonly attributes: readonly string[] | null;
  readonly filter: readonly (readonly [field: string, pattern: string])[];
  /** `args=vserver:NAME`: the subject of the request. */
  readonly arguments: ReadonlyMap<string, string>;
  readonly countOnly: boolean;
  readonly page: { readonly size: number; readonly number: number } | null;
  readonly bulkBindings: boolean;
  readonly statBindings: boolean;
  readonly summary: boolean;
}

/** Reads method-independent parts of `/nitro/v1/config/lbvserver/NAME?attrs=…`; null for other paths. */
export function parseNitroQuery(pathAndQuery: string): NitroQuery | null {
  const [path = "", search = ""] = splitOnce(pathAndQuery, "?");
  const match = /^\/nitro\/v1\/(config|stat)\/([A-Za-z0-9_]+)(?:\/(.*))?$/.exec(path);
  const name = decode(match?.[3] ?? "");
  if (match === null || name === null) {
    return null;
  }
  const parameters = new URLSearchParams(search);
  const pageSize = Number(parameters.get("pagesize"));
  return {
    kind: match[1] === "stat" ? "stat" : "config",
    resource: match[2] ?? "",
    name: name === "" ? null : name,
    attributes: parameters.get("attrs")?.split(",") ?? null,
    filter: pairsIn(parameters.get("filter")),
    arguments: new Map(pairsIn(parameters.get("args"))),
    countOnly: parameters.get("count") === "yes",
    page:
      pageSize > 0
        ? { size: pageSize, number: Math.max(1, Number(parameters.get("pageno"))) }
        : null,
    bulkBindings: parameters.get("bulkbindings") === "yes",
    statBindings: parameters.get("statbindings") === "yes",
    summary: parameters.get("view") === "summary",
  };
}

/** `field:value,field:value` */
function pairsIn(written: string | null): [string, string][] {
  return (written ?? "")
    .split(",")
    .filter((part) => part.includes(":"))
    .map((part) => {
      const [field = "", value = ""] = splitOnce(part, ":");
      return [field, value];
    });
}

/** The rows of a query before attributes are selected: by filter, then by page. */
export function* selectRows(rows: Iterable<Row>, query: NitroQuery): Generator<Row> {
  const first = query.page === null ? 0 : (query.page.number - 1) * query.page.size;
  const end = query.page === null ? Infinity : first + query.page.size;
  let index = 0;
  for (const row of rows) {
    if (!passes(row, query.filter)) {
      continue;
    }
    if (index >= end) {
      return;
    }
    if (index >= first) {
      yield row;
    }
    index += 1;
  }
}

/** Only the requested attributes; `view=summary` keeps names, addresses and states. */
export function shapeRow(row: Row, query: NitroQuery): Row {
  const { attributes } = query;
  if (attributes !== null) {
    return Object.fromEntries(Object.entries(row).filter(([key]) => attributes.includes(key)));
  }
  return query.summary
    ? Object.fromEntries(Object.entries(row).filter(([key]) => SUMMARY.test(key)))
    : row;
}

const SUMMARY = /name|^ip|^port$|state$|type$/;

/** A filter value is compared as a whole, or searched as a regular expression when written `/…/`. */
function passes(row: Row, filter: NitroQuery["filter"]): boolean {
  return filter.every(([field, pattern]) => {
    const raw = row[field];
    const value = typeof raw === "string" || typeof raw === "number" ? String(raw) : "";
    const expression = /^\/(.*)\/$/.exec(pattern)?.[1];
    return expression === undefined ? value === pattern : new RegExp(expression).test(value);
  });
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
