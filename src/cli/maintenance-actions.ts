import type { Declarations } from "../maintenance/declarations.ts";
import type { MaintenanceActions } from "../web/actions.ts";

/** Declared maintenance as the web offers it, over the store that this process holds. */
export function maintenanceActions(
  declarations: Declarations,
): Pick<MaintenanceActions, "list" | "start" | "end"> {
  return {
    list: () => declarations.list(Date.now()),
    start: (request) => declarations.start(request, Date.now()),
    end: (name) => declarations.end(name, Date.now()),
  };
}
