/** A part of a list that a client asked for with `limit` and `offset`; the whole list when it asked for none. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** `Link` to the next part (RFC 8288) and the length of the whole list. */
  readonly headers: Readonly<Record<string, string>>;
}

export type Paged<Item> =
  | { readonly kind: "page"; readonly page: Page<Item> }
  | { readonly kind: "bad"; readonly message: string };

/** Reads `limit` and `offset` of the query. `defaultLimit` bounds what is answered when no limit was asked for. */
export function paged<Item>(list: readonly Item[], url: URL, defaultLimit = Infinity): Paged<Item> {
  const limit = wholeNumber(url.searchParams.get("limit"), defaultLimit);
  const offset = wholeNumber(url.searchParams.get("offset"), 0);
  if (limit === null || limit === 0 || offset === null) {
    return { kind: "bad", message: "limit and offset are whole numbers, limit at least 1." };
  }
  const items = limit === Infinity && offset === 0 ? list : list.slice(offset, offset + limit);
  const headers: Record<string, string> = { "x-total-count": String(list.length) };
  if (offset + items.length < list.length && items.length > 0) {
    const next = new URL(url);
    next.searchParams.set("limit", String(items.length));
    next.searchParams.set("offset", String(offset + items.length));
    headers["link"] = `<${next.pathname}${next.search}>; rel="next"`;
  }
  return { kind: "page", page: { items, headers } };
}

function wholeNumber(text: string | null, otherwise: number): number | null {
  if (text === null) {
    return otherwise;
  }
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}
