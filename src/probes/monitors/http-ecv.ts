import type { Probe } from "../probe.ts";
import { dial } from "../../net/dial.ts";
import { signsOfHeaders, signsOfHealthBody } from "../../model/exchange-signs.ts";
import { readHttpAnswer } from "../protocols/http-exchange.ts";
import { observe } from "../../net/probe-run.ts";
import { httpMonitorRequest } from "./http-request.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";
import { noteWebLogin, sendRequest, webAnswer } from "./written-login.ts";

/** Part of the body in which NetScaler looks for `recv`. */
const HTTP_ECV_WINDOW_BYTES = 24 * 1024;

/**
 * HTTP-ECV: `recv` must stand in the first 24 KB of the body, letter case counts; an empty `recv` takes any answer. The
 * status is not looked at: an error page that holds the pattern passes. Whether the ADC decodes chunks is not documented;
 * we do. NetScaler docs: "HTTP-ECV monitors", "Understand the TCP-ECV, HTTP-ECV and UDP-ECV monitors".
 */
export const httpEcvMonitor: MonitorType = {
  type: "HTTP-ECV",
  probe: probeHttpEcv,
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 80,
  unsupported: () => null,
};

function probeHttpEcv(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const dialled = await dial(run, target, { tls: spec.tls });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const { send, recv, trofsString } = spec.monitor.parameters;
    const pattern = recv ?? "";
    const leaving = trofsString === "" ? null : trofsString;
    const request = httpMonitorRequest(send === null || send === "" ? "GET /" : send, spec);
    const sentAt = run.elapsedMs();
    const { connection } = dialled;
    const withheld = sendRequest(connection, request.text, request.carries);
    if (withheld !== null) {
      return withheld;
    }
    const answer = await readHttpAnswer(connection, request.method, {
      bodyWindowBytes: HTTP_ECV_WINDOW_BYTES,
      // With a trofsString the whole window must be seen, since that string outranks recv wherever it stands.
      enough: (body) => (leaving === null ? body.includes(pattern) : body.includes(leaving)),
    });
    if (answer.kind !== "answer") {
      return run.fail("response", answer);
    }
    run.responseTimeMs = run.elapsedMs() - sentAt;
    const { body } = answer;
    run.identify(signsOfHeaders((name) => answer.headers.get(name)));
    if (body.length < 512) {
      run.identify(signsOfHealthBody(body.toString("latin1")));
    }
    const { login } = request.carries;
    if (login !== null) {
      await noteWebLogin(run, spec, target, request, login, webAnswer(answer));
    }
    if (leaving !== null && body.includes(leaving)) {
      return run.maintenance("response", "the body holds the trofsString");
    }
    if (body.includes(pattern)) {
      return run.match("response");
    }
    const told = `status ${answer.status}; "${recv}" is not in the first ${body.length} bytes of the body`;
    return run.login === "rejected"
      ? run.fault("login", "auth_rejected", told)
      : run.mismatch("response", "pattern_missing", told);
  });
}
