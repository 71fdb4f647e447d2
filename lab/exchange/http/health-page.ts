import type { VirtualDirectory } from "../condition.ts";
import type { ProtocolState } from "../protocol-state.ts";
import type { ServiceContext } from "../service-context.ts";
import { answer, type LabAnswer, type LabRequest } from "./http-exchange.ts";

/**
 * healthcheck.htm of every virtual directory: depends only on the component's state, and comes before authentication;
 * if the component is not online, the connection is reset without a status. Null: the request is not a health check.
 */
export function createHealthPage(
  cacheMs: number,
): (
  request: LabRequest,
  directory: VirtualDirectory,
  state: ProtocolState,
  context: ServiceContext,
) => LabAnswer | null {
  const remembered = new Map<VirtualDirectory, { online: boolean; until: number }>();
  return (request, directory, state, context) => {
    const asked = request.method.toUpperCase() === "GET" && /healthcheck\.htm$/i.test(request.path);
    if (!asked || context.version === "2010") {
      return null;
    }
    const now = Date.now();
    let known = remembered.get(directory);
    if (known === undefined || known.until <= now) {
      const online = state.component !== "inactive" || state.healthAlwaysUp;
      known = { online, until: now + cacheMs };
      remembered.set(directory, known);
    }
    return known.online
      ? answer(
          200,
          [["Content-Type", "text/html; charset=utf-8"]],
          `200 OK<br/>${context.fqdn.toUpperCase()}`,
        )
      : { kind: "abort" };
  };
}
