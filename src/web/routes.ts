import { z } from "zod";
import { blackboxFile, blackboxTargets, probeTargets } from "../exporters/discovery.ts";
import { json, problem, reply, type Reply, text } from "./http/reply.ts";
import { get, type Route, type Call } from "./http/route.ts";
import type { WebSources } from "./sources.ts";
import { changeAnswer, type EventStreams } from "./api/events.ts";
import { pageRoutes } from "./page/routes.ts";
import { readiness } from "./readiness.ts";
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
import { performance } from "node:perf_hooks";

/** Discovery for Prometheus: what this agent probes, and how an existing blackbox_exporter can do part of it. */
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

/** Any process of this machine may ask then: each reload costs a login at every ADC. */
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
  const gzip = acceptsGzip(firstOf(call.headers["accept-encoding"]));
  const body = await sources.metrics.render(sources.live(), format, { gzip });
  return reply(200, CONTENT_TYPES[format], body, {
    vary: "accept, accept-encoding",
    ...(gzip ? { "content-encoding": "gzip" } : {}),
  });
}
function firstOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
