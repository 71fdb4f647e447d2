import type { Probe } from "../probe.ts";
import { dial } from "../../net/dial.ts";
import { observe } from "../../net/probe-run.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

/**
 * TCP: a completed handshake passes, with `-secure YES` (built-in `tcps`) the TLS handshake too; nothing is sent. Ended
 * by FIN, or RST where `monitorConnectionClose` says so. The ADC leaves the probe out while it sees live traffic and
 * LRTM is disabled. Reverse passes on RST; on a time-out it is assumed to fail. NetScaler docs: "Monitor TCP-based
 * applications"; Citrix support: CTX115525.
 */
export const tcpMonitor: MonitorType = {
  type: "TCP",
  probe: probeTcp,
  reversePasses: ["refused"],
  source: "SNIP",
  transport: "tcp",
  meaningfulAtVip: false,
  defaultPort: null,
  unsupported: () => null,
};

function probeTcp(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const dialled = await dial(run, target, { tls: spec.tls });
    if (dialled.kind === "failed") {
      return run.broken(dialled.step, dialled.why);
    }
    dialled.connection.closeMode = spec.closeMode ?? "FIN";
    run.responseTimeMs = (run.phases.connect ?? 0) + (run.phases.tls ?? 0);
    return run.match(spec.tls === null ? "connect" : "tls");
  });
}
