import { z } from "zod";
import { oneAtATime } from "../../lib/pacing.ts";
import { LargeObject, largeJson, lazyList, listOfLarge } from "../http/large-json.ts";
import { problem, type Reply } from "../http/reply.ts";
import { get, type Route } from "../http/route.ts";
import type { WebSources } from "../sources.ts";
import { readSelection, selectMembers, selectProbes, selectVservers } from "../selection.ts";
import { estateAnswer, estateJson } from "./estate.ts";
import { evidenceAnswer, probeEvidence } from "./evidence.ts";
import type { Answer } from "./shapes.ts";
import { memberRow, sourcesJson, verdictCounts, verdictsAnswer, vserverRow } from "./verdicts.ts";

/** The part of a list selected by `limit` and `offset`; the whole list without them. */
interface Page<Item> {
  readonly items: readonly Item[];
  /** `Link` to the next part (RFC 8288) and the length of the whole list. */
  readonly headers: Readonly<Record<string, string>>;
}

type Paged<Item> =
  | { readonly kind: "page"; readonly page: Page<Item> }
  | { readonly kind: "bad"; readonly message: string };

/** Reads `limit` and `offset` of the query. `defaultLimit` applies if no limit is given. */
function paged<Item>(list: readonly Item[], url: URL, defaultLimit = Infinity): Paged<Item> {
  const limit = wholeNumber(url.searchParams.get("limit"), defaultLimit);
  const offset = wholeNumber(url.searchParams.get("offset"), 0);
  if (limit === null || limit === 0 || offset === null) {
    return {
      kind: "bad",
      message: "limit and offset must be whole numbers; limit must be at least 1.",
    };
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

/** Default number of probes in an answer; with their evidence they are large. */
const EVIDENCE_PAGE = 200;

/** The read-only routes of `/api/v1`. */
export function apiRoutes(sources: WebSources): readonly Route[] {
  // These answers have megabytes each. They are made one at a time, so that many requests do not delay a scrape.
  const inTurn = oneAtATime();
  const large =
    (answer: (sources: WebSources, url: URL) => Reply | Promise<Reply>): Route["handle"] =>
    ({ url, gone }) =>
      inTurn(async () =>
        gone.aborted ? problem(503, "The client has disconnected.") : answer(sources, url),
      );
  return [
    get("/api/v1/verdicts", large(verdicts), verdictsAnswer),
    get("/api/v1/estate", large(estate), estateAnswer),
    get("/api/v1/evidence", large(evidence), evidenceAnswer),
  ];
}

/** An error of any route (RFC 9457). */
export const problemAnswer = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
});

/** The JSON Schema of all bodies and answers, published at `/api/v1/schema.json`; tests validate every answer against it. */
export function apiSchema(routes: readonly Route[]): Readonly<Record<string, unknown>> {
  const of = (schema: z.ZodType): unknown => z.toJSONSchema(schema, { io: "input" });
  const shapes = (part: "answer" | "body"): Readonly<Record<string, unknown>> =>
    Object.fromEntries(
      routes.flatMap((route) => {
        const shape = route[part];
        return shape === null ? [] : [[`${route.method} ${route.path}`, of(shape)]];
      }),
    );
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "adc-witness API, version 1",
    paths: shapes("answer"),
    requests: shapes("body"),
    problem: of(problemAnswer),
  };
}

/** As `compare --json`. Members can be paged; vservers and the summary always cover the whole selection. */
function verdicts({ live }: WebSources, url: URL): Reply | Promise<Reply> {
  const state = live();
  const selection = readSelection(url.searchParams);
  const members = selectMembers(state, selection);
  const vservers = selectVservers(state, selection);
  const part = paged(members, url);
  return part.kind === "bad"
    ? problem(400, part.message)
    : largeJson(
        new LargeObject<Answer<typeof verdictsAnswer>>({
          rows: lazyList(part.page.items, memberRow),
          vservers: lazyList(vservers, vserverRow),
          summary: verdictCounts([...members, ...vservers]),
          ...sourcesJson(state),
        }),
        part.page.headers,
      );
}

function estate({ estates }: WebSources, url: URL): Reply | Promise<Reply> {
  const { adc } = readSelection(url.searchParams);
  const wanted = estates().filter((one) => adc === undefined || one.adc === adc);
  const part = paged(wanted, url);
  return part.kind === "bad"
    ? problem(400, part.message)
    : largeJson(
        new LargeObject<Answer<typeof estateAnswer>>({
          adcs: listOfLarge(part.page.items, estateJson),
        }),
        part.page.headers,
      );
}

function evidence({ live }: WebSources, url: URL): Reply | Promise<Reply> {
  const probes = selectProbes(live(), readSelection(url.searchParams));
  const id = url.searchParams.get("id");
  const wanted = id === null ? probes : probes.filter((probe) => probe.id === id);
  const part = paged(wanted, url, EVIDENCE_PAGE);
  return part.kind === "bad"
    ? problem(400, part.message)
    : largeJson(
        new LargeObject<Answer<typeof evidenceAnswer>>({
          probes: lazyList(part.page.items, probeEvidence),
        }),
        part.page.headers,
      );
}
