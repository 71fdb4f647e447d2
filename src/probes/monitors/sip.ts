import { randomBytes } from "node:crypto";
import type { Observation } from "../../model/observation.ts";
import type { ProbeContext, Target } from "../../net/probe-context.ts";
import { dial } from "../../net/dial.ts";
import { LineReader } from "../../net/line-reader.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { askUdp } from "../../net/udp.ts";
import { isAmong } from "./http.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

const COMMON = {
  reversePasses: ["mismatch"],
  source: "SNIP",
  meaningfulAtVip: true,
  defaultPort: 5060,
  unsupported: () => null,
} as const;

/**
 * SIP-UDP: sends `sipMethod` (OPTIONS) to `sipURI`. The final status must be in `respCode`, 200 by default; 1xx responses are
 * skipped. NetScaler docs: "SIP monitors".
 */
export const sipUdpMonitor: MonitorType = {
  ...COMMON,
  type: "SIP-UDP",
  transport: "udp",
  probe: (...args) => probeByUdp(...args),
};

/** SIP-TCP: the same over TCP, with TLS if the monitor is secure. */
export const sipTcpMonitor: MonitorType = {
  ...COMMON,
  type: "SIP-TCP",
  transport: "tcp",
  probe: (...args) => probeByTcp(...args),
};

function probeByUdp(
  spec: MonitorSpec,
  target: Target,
  context: ProbeContext,
): Promise<Observation> {
  return observe(context, async (run) => {
    const request = sipRequest(spec, "UDP", context.localAddress ?? "127.0.0.1");
    const answer = await askUdp(run, target, {
      payload: Buffer.from(request.text),
      accept: (data) => {
        const text = data.toString("latin1");
        return (statusOf(text) ?? 0) >= 200 && text.includes(request.callId);
      },
    });
    if (answer.kind === "failed") {
      return run.fail(answer.step, answer.why);
    }
    if (answer.kind !== "datagram") {
      return run.fail("response", answer);
    }
    run.responseTimeMs = run.phase("first_byte");
    return judge(run, spec, answer.data.toString("latin1"));
  });
}

function probeByTcp(
  spec: MonitorSpec,
  target: Target,
  context: ProbeContext,
): Promise<Observation> {
  return observe(context, async (run) => {
    const dialled = await dial(run, target, { tls: spec.tls });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const { connection } = dialled;
    const local = connection.socket.localAddress ?? "127.0.0.1";
    connection.write(sipRequest(spec, spec.tls === null ? "TCP" : "TLS", local).text);
    // Provisional responses and their fields come first; the same limit applies to them as to any response.
    const answer = await new LineReader(connection).until((line) => {
      const isFirst = run.responseTimeMs === null;
      run.responseTimeMs ??= run.phase("first_byte");
      return (isFirst && !line.startsWith("SIP/")) || (statusOf(line) ?? 0) >= 200;
    });
    if (answer.kind !== "lines") {
      return run.fail("response", answer);
    }
    const last = answer.lines.at(-1) ?? "";
    return statusOf(last) === null
      ? run.ended("failed", "response", "protocol_error", `not SIP: ${last}`)
      : judge(run, spec, last);
  });
}

function judge(run: ProbeRun, spec: MonitorSpec, answer: string): Observation {
  const status = statusOf(answer) ?? 0;
  return isAmong(status, spec.monitor.parameters.respCodes ?? [{ from: 200, to: 200 }])
    ? run.match("response")
    : run.mismatch("response", "bad_status", answer.slice(0, 80).split("\r\n")[0] ?? "");
}

function statusOf(text: string): number | null {
  const status = /^SIP\/2\.0 (\d{3})/.exec(text)?.[1];
  return status === undefined ? null : Number(status);
}

/** A request with the fields required by RFC 3261 section 8.1.1. */
function sipRequest(
  spec: MonitorSpec,
  transport: "UDP" | "TCP" | "TLS",
  local: string,
): { readonly text: string; readonly callId: string } {
  const { sipMethod, sipUri, maxForwards } = spec.monitor.parameters;
  const method = sipMethod ?? "OPTIONS";
  const host = local.includes(":") ? `[${local}]` : local;
  const uri = sipUri ?? `sip:${spec.hostHeader}`;
  const tag = randomBytes(6).toString("hex");
  const callId = `${randomBytes(8).toString("hex")}@${host}`;
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${host};branch=z9hG4bK${tag};rport`,
    `Max-Forwards: ${maxForwards ?? 1}`,
    `From: <sip:adc-witness@${host}>;tag=${tag}`,
    `To: <${uri}>`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:adc-witness@${host}>`,
    "Content-Length: 0",
  ];
  return { text: `${lines.join("\r\n")}\r\n\r\n`, callId };
}
