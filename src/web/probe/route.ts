import type { LiveProbe, LiveState, LiveVserver } from "../../model/live.ts";
import { CONTENT_TYPES } from "../../exporters/prometheus/text-format.ts";
import { problem, reply, text, type Reply } from "../http/reply.ts";
import { get, type Call, type Route } from "../http/route.ts";
import type { WebSources } from "../sources.ts";
import { createGate, type Gate } from "./gate.ts";
import { lookDebug, lookMetrics } from "./render.ts";
import { findTarget } from "./target.ts";

const LONGEST_MS = 60_000;
const SHORTEST_MS = 100;
/** Kept back from the scraper's own time-out, so that the answer still arrives. */
const OFFSET_MS = 500;

/** `/probe?target=&monitor=[&debug=true]`: one probe of the estate, as blackbox_exporter would answer. */
export function probeRoute(sources: WebSources): Route {
  const gate = createGate(sources.actions.probeNow, sources.now);
  return get("/probe", (call) => answer(sources.live(), gate, call));
}

async function answer(live: LiveState, gate: Gate, call: Call): Promise<Reply> {
  const query = call.url.searchParams;
  const target = query.get("target") ?? "";
  if (target === "") {
    return problem(400, "The parameter target is missing.");
  }
  const found = findTarget(live, target);
  if (found.kind === "none") {
    return problem(403, "This target is not in the imported estate.");
  }
  if (found.kind === "ambiguous") {
    return problem(400, `Several are called that: ${found.candidates.join(", ")}.`);
  }
  const probes = found.kind === "member" ? found.member.probes : atVip(found.vserver);
  const chosen = choose(probes, query.get("monitor"));
  if (chosen === null) {
    const names = [...new Set(probes.map(nameOf))].join(", ");
    return problem(
      400,
      `Name one of its probes as monitor: ${names === "" ? "it has none" : names}.`,
    );
  }
  const look = await gate.ask(chosen, timeoutOf(call.headers), call.gone);
  if (look.kind === "unavailable") {
    return problem(503, look.message);
  }
  return query.get("debug") === "true"
    ? text(200, lookDebug(look))
    : reply(200, CONTENT_TYPES.text, lookMetrics(look), {});
}

/** A vserver is its VIP: sites that DNS names are no imported targets. */
function atVip({ probes }: LiveVserver): readonly LiveProbe[] {
  return probes.filter((probe) => probe.vantage === "vip");
}

/** The probe of that name; without a name the only one there is. */
function choose(probes: readonly LiveProbe[], name: string | null): LiveProbe | null {
  if (name === null || name === "") {
    return probes.length === 1 ? (probes[0] ?? null) : null;
  }
  return probes.find((probe) => nameOf(probe) === name) ?? null;
}

function nameOf(probe: LiveProbe): string {
  return probe.kind === "monitor" ? probe.monitor : probe.transaction;
}

/** Prometheus says how long it waits; the answer must be on its way before that. */
export function timeoutOf(headers: Call["headers"]): number {
  const header = headers["x-prometheus-scrape-timeout-seconds"];
  const seconds = typeof header === "string" ? Number(header) : NaN;
  if (!Number.isFinite(seconds) || seconds <= 0) {
    return LONGEST_MS;
  }
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, seconds * 1000 - OFFSET_MS));
}
