import { AGENT } from "./agent.ts";
import { renderDashboard, type Dashboard } from "./dashboard.ts";
import { ESTATE } from "./estate.ts";
import { MAINTENANCE_HOUR } from "./maintenance-hour.ts";
import { VSERVER_DASHBOARD } from "./vserver.ts";

/** File names, without `.json`, and what is in them. */
export const DASHBOARDS: ReadonlyMap<string, Dashboard> = new Map([
  ["estate", ESTATE],
  ["vserver", VSERVER_DASHBOARD],
  ["maintenance-hour", MAINTENANCE_HOUR],
  ["agent", AGENT],
]);

/** Every dashboard's JSON by its path in the repository. A test pins them to what is committed. */
export function buildDashboards(): ReadonlyMap<string, string> {
  return new Map(
    [...DASHBOARDS].map(([name, dashboard]) => [
      `dashboards/${name}.json`,
      `${JSON.stringify(renderDashboard(dashboard), null, 2)}\n`,
    ]),
  );
}
