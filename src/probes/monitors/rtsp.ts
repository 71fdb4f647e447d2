import { requestSecrets } from "../../adc/request-secrets.ts";
import { dial } from "../../net/dial.ts";
import { LineReader } from "../../net/line-reader.ts";
import { observe } from "../../net/probe-run.ts";
import { isAmong } from "./http.ts";
import type { MonitorType } from "./spec.ts";
import { basicOutcome, sendRequest } from "./written-login.ts";

/**
 * RTSP: sends `rtspRequest` (`OPTIONS *` by default, completed as RFC 2326 demands); the status must be among `respCode`,
 * 200 by default. NetScaler docs: "RTSP monitors".
 */
export const rtspMonitor: MonitorType = {
  type: "RTSP",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const dialled = await dial(run, target, { tls: spec.tls });
      if (dialled.kind === "failed") {
        return run.fail(dialled.step, dialled.why);
      }
      const { rtspRequest, respCodes } = spec.monitor.parameters;
      const asked = rtspRequest === null || rtspRequest === "" ? "OPTIONS *" : rtspRequest;
      const request = /RTSP\/\d/.test(asked) ? asked : `${asked} RTSP/1.0\r\nCSeq: 1\r\n\r\n`;
      const withheld = sendRequest(dialled.connection, request, requestSecrets(request));
      if (withheld !== null) {
        return withheld;
      }
      const line = await new LineReader(dialled.connection).line();
      run.responseTimeMs = run.phase("first_byte");
      if (line.kind !== "line") {
        return run.fail("response", line);
      }
      const status = /^RTSP\/\d\.\d (\d{3})/.exec(line.text)?.[1];
      if (status === undefined) {
        return run.ended("failed", "response", "protocol_error", `not RTSP: ${line.text}`);
      }
      if (run.login !== null) {
        run.login = basicOutcome(Number(status), null);
      }
      return isAmong(Number(status), respCodes ?? [{ from: 200, to: 200 }])
        ? run.match("response")
        : run.mismatch("response", "bad_status", line.text);
    }),
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 554,
  unsupported: () => null,
};
