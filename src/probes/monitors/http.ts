import type { CodeRange } from "../../model/monitor.ts";
import type { Probe } from "../probe.ts";
import { dial } from "../../net/dial.ts";
import { signsOfHeaders } from "../../model/exchange-signs.ts";
import { readHttpAnswer } from "../protocols/http-exchange.ts";
import { observe } from "../../net/probe-run.ts";
import { httpMonitorRequest } from "./http-request.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";
import { noteWebLogin, sendRequest, webAnswer } from "./written-login.ts";

const DEFAULT_CODES: readonly CodeRange[] = [{ from: 200, to: 200 }];

/**
 * HTTP: the status must be among `respCode` (default 200); the body is not looked at. `HEAD /` where no request is
 * configured. No redirect is followed. A status equal to `trofsCode` is the server's word that it goes out of service.
 * NetScaler docs: "HTTP monitors", "Gracefully shut down a service with TROFS".
 */
export const httpMonitor: MonitorType = {
  type: "HTTP",
  probe: probeHttp,
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 80,
  unsupported: () => null,
};

/**
 * HTTP-INLINE watches live answers and probes only without traffic; a replica has no traffic to watch and sends the same
 * request as HTTP. NetScaler docs: "HTTP-INLINE monitors".
 */
export const httpInlineMonitor: MonitorType = { ...httpMonitor, type: "HTTP-INLINE" };

function probeHttp(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const dialled = await dial(run, target, { tls: spec.tls });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const { parameters } = spec.monitor;
    const { connection } = dialled;
    const request = httpMonitorRequest(parameters.httpRequest ?? "", spec);
    const sentAt = run.elapsedMs();
    const withheld = sendRequest(connection, request.text, request.carries);
    if (withheld !== null) {
      return withheld;
    }
    const answer = await readHttpAnswer(connection, request.method, { bodyWindowBytes: 0 });
    if (answer.kind !== "answer") {
      return run.fail("response", answer);
    }
    run.responseTimeMs = run.elapsedMs() - sentAt;
    run.identify(signsOfHeaders((name) => answer.headers.get(name)));
    const { status } = answer;
    const { login } = request.carries;
    if (login !== null) {
      await noteWebLogin(run, spec, target, request, login, webAnswer(answer));
    }
    if (status === parameters.trofsCode) {
      return run.maintenance("response", `status ${status} is the trofsCode`);
    }
    if (isAmong(status, parameters.respCodes ?? DEFAULT_CODES)) {
      return run.match("response");
    }
    const told = `status ${status} ${answer.statusText}`.trimEnd();
    return run.login === "rejected"
      ? run.fault("login", "auth_rejected", told)
      : run.mismatch("response", "bad_status", told);
  });
}

/** Whether a code is in one of the ranges. */
export function isAmong(code: number, ranges: readonly CodeRange[]): boolean {
  return ranges.some(({ from, to }) => code >= from && code <= to);
}
