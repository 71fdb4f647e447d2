import type { Probe } from "../probe.ts";
import { resolveTarget } from "../../net/dial.ts";
import { observe } from "../../net/probe-run.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

/**
 * PING: one ICMP echo, sent by `fping` or the system's `ping` because raw sockets need privileges. Reversed, no reply passes.
 * NetScaler docs: "PING monitors"; Citrix support: CTX115525.
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
      return run.fail(resolved.step, resolved.why);
    }
    const { address, family } = resolved;
    const result = await context.network.echoes.ask(run, {
      address,
      family,
      localAddress: context.localAddress,
    });
    if (result.kind !== "reply") {
      return run.fail("response", result);
    }
    run.responseTimeMs = result.roundTripMs;
    return run.match("response");
  });
}
