import type { Probe } from "../probe.ts";
import { resolveTarget } from "../../net/dial.ts";
import { EchoBatches } from "../../net/fping.ts";
import { observe } from "../../net/probe-run.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

/**
 * PING: one ICMP echo, sent by `fping` or the system's own `ping` because raw sockets need privileges. Reverse passes on
 * silence. NetScaler docs: "PING monitors"; Citrix support: CTX115525.
 */
export const pingMonitor: MonitorType = {
  type: "PING",
  probe: probePing,
  reversePasses: ["timeout"],
  source: "SNIP",
  transport: "icmp",
  meaningfulAtVip: false,
  defaultPort: null,
  unsupported: () => null,
};

function probePing(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  void spec;
  return observe(context, async (run) => {
    const resolved = await resolveTarget(run, target, "icmp");
    if (resolved.kind === "failed") {
      return run.broken(resolved.step, resolved.why);
    }
    const echoes = context.network.echoes ?? new EchoBatches();
    const { address, family } = resolved;
    const result = await echoes.ask(run, { address, family, localAddress: context.localAddress });
    if (result.kind !== "reply") {
      return run.broken("response", result);
    }
    run.responseTimeMs = result.roundTripMs;
    return run.match("response");
  });
}
