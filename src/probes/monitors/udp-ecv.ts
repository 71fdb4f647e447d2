import { requestSecrets } from "../../adc/request-secrets.ts";
import type { Probe } from "../probe.ts";
import { observe } from "../../net/probe-run.ts";
import { askUdp } from "../../net/udp.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

/**
 * UDP-ECV: sends `send` as one datagram; an answer that holds `recv` passes. Without `recv` the server is up unless ICMP
 * says that nobody listens on the port: silence passes. Binary protocols (NTP) need bytes no command line can hold: they
 * may be written `\x1b`; that the ADC reads them so is not documented. NetScaler docs: "UDP-ECV monitors".
 */
export const udpEcvMonitor: MonitorType = {
  type: "UDP-ECV",
  probe: probeUdpEcv,
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "udp",
  meaningfulAtVip: true,
  defaultPort: null,
  unsupported: () => null,
};

function probeUdpEcv(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const { send, recv } = spec.monitor.parameters;
    run.redact(...requestSecrets(send ?? "").secrets);
    const pattern = bytesOf(recv ?? "");
    let other = 0;
    const answer = await askUdp(run, target, {
      payload: bytesOf(send ?? ""),
      accept(data) {
        if (data.includes(pattern)) {
          return true;
        }
        other += 1;
        return false;
      },
    });
    switch (answer.kind) {
      case "datagram":
        run.responseTimeMs = run.phase("first_byte");
        return run.match("response");
      case "failed":
        return run.fail(answer.step, answer.why);
      case "timeout":
        if (pattern.length === 0) {
          return run.match("send", "no recv is configured: silence without an ICMP error passes");
        }
        return other > 0
          ? run.mismatch("response", "pattern_missing", `${other} other answers came`)
          : run.fail("response", answer);
      default:
        return run.fail("response", answer);
    }
  });
}

/** The string's bytes, with `\xHH` as the byte it names. */
function bytesOf(text: string): Buffer {
  const bytes = text.replace(/\\x([0-9a-f]{2})/gi, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1");
}
