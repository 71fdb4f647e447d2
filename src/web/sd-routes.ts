import { z } from "zod";
import { blackboxFile } from "../exporters/discovery/blackbox.ts";
import { blackboxTargets, probeTargets } from "../exporters/discovery/http-sd.ts";
import { json, problem, reply, type Reply } from "./http/reply.ts";
import { get, type Route } from "./http/route.ts";
import type { WebSources } from "./sources.ts";

/** Discovery for Prometheus: what this agent probes, and how an existing blackbox_exporter can do part of it. */
export function discoveryRoutes(sources: WebSources): readonly Route[] {
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
