import { jsonList, largeJson } from "../http/large-json.ts";
import { json, problem, type Reply } from "../http/reply.ts";
import { get, type Route } from "../http/route.ts";
import type { WebSources } from "../routes.ts";
import { readSelection, selectMembers, selectProbes, selectVservers } from "../selection.ts";
import { memberRow, verdictCounts, vserverRow } from "../verdicts-json.ts";
import { estateJson } from "./estate.ts";
import { probeEvidence } from "./evidence.ts";
import { apiSchema } from "./schemas/api-schema.ts";
import { paged } from "./paging.ts";

/** Probes with their evidence are large: an answer holds no more than this many unless more are asked for. */
const EVIDENCE_PAGE = 200;

/** `/api/v1`: what can be read. */
export function apiRoutes(sources: WebSources): readonly Route[] {
  const schema = apiSchema();
  return [
    get("/api/v1/schema.json", () => json(schema)),
    get("/api/v1/verdicts", ({ url }) => verdicts(sources, url)),
    get("/api/v1/estate", ({ url }) => estate(sources, url)),
    get("/api/v1/evidence", ({ url }) => evidence(sources, url)),
  ];
}

/** As `compare --json`. Members can be paged; vservers come whole, and the summary counts the whole selection. */
function verdicts({ live }: WebSources, url: URL): Reply | Promise<Reply> {
  const state = live();
  const selection = readSelection(url.searchParams);
  const members = selectMembers(state, selection);
  const vservers = selectVservers(state, selection);
  const part = paged(members, url);
  return part.kind === "bad"
    ? problem(400, part.message)
    : largeJson(
        [jsonList("rows", part.page.items, memberRow), jsonList("vservers", vservers, vserverRow)],
        { summary: verdictCounts([...members, ...vservers]) },
        part.page.headers,
      );
}

function estate({ estates }: WebSources, url: URL): Reply {
  const { adc } = readSelection(url.searchParams);
  const wanted = estates().filter((one) => adc === undefined || one.adc === adc);
  const part = paged(wanted, url);
  return part.kind === "bad"
    ? problem(400, part.message)
    : json({ adcs: part.page.items.map(estateJson) }, part.page.headers);
}

function evidence({ live }: WebSources, url: URL): Reply | Promise<Reply> {
  const probes = selectProbes(live(), readSelection(url.searchParams));
  const id = url.searchParams.get("id");
  const wanted = id === null ? probes : probes.filter((probe) => probe.id === id);
  const part = paged(wanted, url, EVIDENCE_PAGE);
  return part.kind === "bad"
    ? problem(400, part.message)
    : largeJson([jsonList("probes", part.page.items, probeEvidence)], {}, part.page.headers);
}
