import type { WebSources } from "./sources.ts";
import type { EventStreams } from "./api/events.ts";
import { type Route, get, type Call } from "./http/route.ts";
import { pageRoutes } from "./page/routes.ts";
import { text, problem, type Reply, reply } from "./http/reply.ts";
import { readiness } from "./readiness.ts";
import { apiRoutes } from "./api/routes.ts";
import { maintenanceRoutes } from "./api/maintenance.ts";
import { maintenancePageRoutes } from "./page/maintenance-routes.ts";
import { probeRoute } from "./probe/route.ts";
import { discoveryRoutes } from "./sd-routes.ts";
import {
  negotiateFormat,
  acceptsGzip,
  CONTENT_TYPES,
} from "../exporters/prometheus/text-format.ts";

/** The whole route table. */
export function routes(sources: WebSources, events: EventStreams): readonly Route[] {
  return [
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
      handle: async () => {
        const result = await sources.actions.reload();
        return result.ok ? text(200, "reloaded\n") : problem(500, result.message);
      },
    },
    get("/config", () => text(200, sources.configMasked())),
    get("/api/v1/events", events.open),
    ...apiRoutes(sources),
    ...maintenanceRoutes(sources),
    ...maintenancePageRoutes(sources),
    probeRoute(sources),
    ...discoveryRoutes(sources),
  ];
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
