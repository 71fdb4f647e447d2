import { dial } from "../../net/dial.ts";
import { LineReader } from "../../net/line-reader.ts";
import { observe } from "../../net/probe-run.ts";
import { readReply } from "../../net/mail-replies.ts";
import type { MonitorType } from "./spec.ts";

/**
 * NNTP: greeting 200 or 201, then `GROUP` with the monitor's group must answer 211. The ADC runs nsnntp.pl from its NSIP.
 * NetScaler docs: "NNTP monitors".
 */
export const nntpMonitor: MonitorType = {
  type: "NNTP",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const dialled = await dial(run, target, { tls: spec.tls });
      if (dialled.kind === "failed") {
        return run.fail(dialled.step, dialled.why);
      }
      const { connection } = dialled;
      const reader = new LineReader(connection);
      const greeting = await readReply(reader);
      run.phase("banner");
      if (greeting.kind !== "reply") {
        return run.fail("banner", greeting);
      }
      if (greeting.code !== 200 && greeting.code !== 201) {
        return run.mismatch("banner", "bad_status", `${greeting.code} ${greeting.text}`);
      }
      connection.write(`GROUP ${spec.monitor.parameters.group ?? ""}\r\n`);
      const group = await readReply(reader);
      run.phase("transaction");
      if (group.kind !== "reply") {
        return run.fail("response", group);
      }
      if (group.code === 480 || group.code === 483) {
        return run.fault("login", "auth_challenge", `${group.code} ${group.text}`);
      }
      if (group.code !== 211) {
        return run.mismatch("response", "bad_status", `${group.code} ${group.text}`);
      }
      run.responseTimeMs = run.elapsedMs();
      connection.write("QUIT\r\n");
      await readReply(reader);
      run.phase("quit");
      return run.match("response");
    }),
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 119,
  unsupported: (spec) =>
    spec.monitor.parameters.group === null ? "NNTP without a group has nothing to ask for" : null,
};
