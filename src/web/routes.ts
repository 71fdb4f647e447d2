import {
  importFailureSentences,
  type LiveAdc,
  type LiveProbe,
  type LiveState,
} from "../model/live.ts";
import { gapSentence } from "../model/adc-state.ts";
import { z } from "zod";
import { blackboxFile, blackboxTargets } from "../exporters/blackbox.ts";
import { probeTargets } from "../exporters/discovery.ts";
import { json, problem, reply, type Reply, text } from "./http/reply.ts";
import { get, type Route, type Call } from "./http/route.ts";
import type { WebSources } from "./sources.ts";
import { changeAnswer, type EventStreams } from "./api/events.ts";
import { pageRoutes } from "./page/routes.ts";
import {
  acceptsGzip,
  CONTENT_TYPES,
  negotiateFormat,
} from "../exporters/prometheus/text-format.ts";
import { apiRoutes, apiSchema } from "./api/routes.ts";
import { maintenanceRoutes } from "./api/maintenance.ts";
import { maintenancePageRoutes } from "./page/maintenance-routes.ts";
import { probeRoute } from "./probe/route.ts";
import { createRateLimit } from "./web-config/load.ts";

export interface Readiness {
  readonly ready: boolean;
  /** What is still missing, or unavailable and why. */
  readonly detail: string;
}

/** Readiness does not wait for replicas with a longer interval. */
const DUE_WITHIN_MS = 60_000;

/**
 * Ready: the estate is imported, and every replica due within a minute has an opinion. Unavailable estates and replicas are
 * reported but not waited for; otherwise an outage elsewhere would keep the agent unready.
 */
export function readiness(live: LiveState): Readiness {
  const { ready, detail } = opinionReadiness(live);
  // An unwritable disk does not stop the agent, so it is only reported.
  const all = [detail, ...(live.storage?.problems ?? []), ...live.adcs.flatMap(gapsOf)];
  return { ready, detail: all.join("; ") };
}

function gapsOf({ name, gaps }: LiveAdc): readonly string[] {
  return (gaps ?? []).map((gap) => gapSentence(name, gap).replace(/\.$/, ""));
}

function opinionReadiness(live: LiveState): Readiness {
  const { awaited, failed } = imports(live);
  if (awaited !== null) {
    return { ready: false, detail: awaited };
  }
  const due = live.probes.filter(isDueSoon);
  const silent = due.filter((probe) => !hasResult(probe));
  const obstacleOf = obstacleFinder(live);
  const reasons = silent.map((probe) => obstacleOf(probe));
  const of = `of ${String(due.length)} replicas`;
  const waitedFor = reasons.filter((reason) => reason === null).length;
  if (waitedFor > 0) {
    return { ready: false, detail: `${String(waitedFor)} ${of} have no opinion yet` };
  }
  const exceptions = [
    ...failed,
    ...heldBackLogins(live),
    ...[...new Set(reasons)].map((reason) => {
      const count = reasons.filter((one) => one === reason).length;
      return `${String(count)} ${of} without an opinion: ${String(reason)}`;
    }),
  ];
  return { ready: true, detail: ["ready", ...exceptions].join("; ") };
}

/** Estates that are pending, and those that failed. */
function imports(live: LiveState): {
  readonly awaited: string | null;
  readonly failed: readonly string[];
} {
  if (live.members.length === 0 && live.vservers.length === 0) {
    const stops = live.adcs.flatMap(({ name, lastError }) => stopReason(name, lastError) ?? []);
    return { awaited: ["no estate imported yet", ...stops].join("; "), failed: [] };
  }
  const there = new Set([...live.members, ...live.vservers].map(({ adc }) => adc));
  const old = live.adcs.filter(({ name }) => there.has(name)).flatMap(importFailureSentences);
  const missing = live.adcs.filter(({ name }) => !there.has(name));
  const awaited = missing.find(({ lastError }) => lastError === null);
  return {
    awaited: awaited === undefined ? null : `estate of ${awaited.name} not imported yet`,
    failed: [
      ...missing.map(
        ({ name, lastError, silent }) =>
          stopReason(name, lastError) ??
          `estate of ${name} missing: ${silent === true ? "the ADC does not respond" : String(lastError)}`,
      ),
      ...old,
    ],
  };
}

/** Why an ADC is no longer polled (its account was rejected), or null. */
function stopReason(adc: string, lastError: string | null): string | null {
  const stop = /\bstopped: .*/.exec(lastError ?? "")?.[0];
  return stop === undefined ? null : `${adc}: ${stop}`;
}

/** Suspended or held-back logins, besides those of pending replicas. */
function heldBackLogins(live: LiveState): readonly string[] {
  return [
    ...new Set(
      live.probes.flatMap(({ account, heldBack }) =>
        account !== null && heldBack?.why.startsWith("state_") === true
          ? [heldBackText(account, heldBack)]
          : [],
      ),
    ),
  ];
}

function heldBackText(
  account: string,
  { why, message }: NonNullable<LiveProbe["heldBack"]>,
): string {
  if (why === "suspended") {
    return `logins of ${account} are suspended`;
  }
  return `logins of ${account} are held back: ${message ?? why.replaceAll("_", " ")}`;
}

function isDueSoon(probe: LiveProbe): boolean {
  return probe.kind === "monitor" && probe.scheduled && probe.intervalMs <= DUE_WITHIN_MS;
}

/** Has an opinion, or ran without getting one (an agent fault): waiting longer would not help. */
function hasResult(probe: LiveProbe): boolean {
  const { opinion, last, lastPassed } = probe;
  return (
    opinion !== "unknown" || (last !== null && (last.outcome === "fault" || lastPassed === null))
  );
}

/** Why a probe cannot have an opinion now, or null. */
function obstacleFinder(live: LiveState): (probe: LiveProbe) => string | null {
  const paused = new Set(
    live.vservers
      .filter(({ persistence }) => persistence?.probes === "paused")
      .map(({ adc, vserver }) => `${adc} ${vserver}`),
  );
  const suspended = new Set(live.suspendedAccounts.map(({ account }) => account));
  return (probe) => {
    if (live.cutOff) {
      return "the agent is cut off, no control target is reachable";
    }
    if (probe.vantage !== "backend" && paused.has(`${probe.adc} ${probe.vserver}`)) {
      return `probes through ${probe.vserver} pause until persistence sends no client to the member that is leaving`;
    }
    const { account, heldBack = null } = probe;
    const outdated = probe.outdated === true ? "no result for three intervals" : null;
    if (typeof account !== "string") {
      return outdated;
    }
    const held = heldBack ?? (suspended.has(account) ? { why: "suspended", message: null } : null);
    return held === null ? outdated : heldBackText(account, held);
  };
}

/** Service discovery for Prometheus: the probes of this agent, and modules for blackbox_exporter. */
function discoveryRoutes(sources: WebSources): readonly Route[] {
  return [
    get("/sd/targets", ({ url }) => targets(sources, url), discoveryAnswer),
    get("/sd/blackbox.yml", () => {
      const body = blackboxFile(sources.estates());
      return reply(200, "application/yaml; charset=utf-8", body, {});
    }),
  ];
}

export const discoveryAnswer = z.array(
  z.strictObject({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) }),
);

/** `?for=probe` (default): for our own `/probe`; `?for=blackbox`: for blackbox_exporter with `/sd/blackbox.yml`. */
function targets({ live, estates }: WebSources, url: URL): Reply {
  switch (url.searchParams.get("for") ?? "probe") {
    case "probe":
      return json(probeTargets(live()));
    case "blackbox":
      return json(blackboxTargets(estates()));
    default:
      return problem(400, "for must be probe or blackbox.");
  }
}

/** Without a token any local process may request a reload, and each reload costs a login at every ADC. */
const RELOADS_WITHOUT_TOKEN = { intervalMs: 10_000, burst: 3 } as const;

/** The whole route table. */
export function routes(sources: WebSources, events: EventStreams): readonly Route[] {
  const reloadLimit = createRateLimit(() => performance.now());
  const all: readonly Route[] = [
    ...pageRoutes(sources),
    get("/metrics", (call) => metricsReply(sources, call)),
    get("/-/healthy", () => text(200, "healthy\n")),
    get("/-/ready", () => {
      const { ready, detail } = readiness(sources.live());
      return ready ? text(200, `${detail}\n`) : problem(503, detail);
    }),
    {
      method: "POST",
      path: "/-/reload",
      access: "reload",
      body: null,
      answer: null,
      handle: async () => {
        if (sources.token() === null && !reloadLimit.pass(RELOADS_WITHOUT_TOKEN, "unknown")) {
          return problem(
            429,
            "Reloads are rate-limited while no token is configured (maintenance.token_file).",
            {
              "retry-after": String(RELOADS_WITHOUT_TOKEN.intervalMs / 1000),
            },
          );
        }
        const result = await sources.actions.reload();
        return result.ok ? text(200, "reloaded\n") : problem(500, result.message);
      },
    },
    get("/config", () => text(200, sources.configMasked())),
    ...apiRoutes(sources),
    get("/api/v1/events", events.open, changeAnswer),
    ...maintenanceRoutes(sources),
    ...maintenancePageRoutes(sources),
    probeRoute(sources),
    ...discoveryRoutes(sources),
  ];
  const schema = apiSchema(all);
  return [...all, get("/api/v1/schema.json", () => json(schema))];
}

async function metricsReply(sources: WebSources, call: Call): Promise<Reply> {
  const format = negotiateFormat(call.headers.accept);
  const gzip = acceptsGzip(firstValue(call.headers["accept-encoding"]));
  const body = await sources.metrics.render(sources.live(), format, { gzip });
  return reply(200, CONTENT_TYPES[format], body, {
    vary: "accept, accept-encoding",
    ...(gzip ? { "content-encoding": "gzip" } : {}),
  });
}
function firstValue(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
