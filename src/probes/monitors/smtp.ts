import type { Observation } from "../../model/observation.ts";
import type { Probe } from "../probe.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/dial.ts";
import { signsOfSmtp } from "../../model/exchange-signs.ts";
import { LineReader } from "../../net/line-reader.ts";
import { mailRefusalReason, readReply, type CodedReply } from "../../net/mail-replies.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

/**
 * SMTP: greeting 220, EHLO (HELO where the server knows no EHLO) 250, QUIT. The ADC runs nssmtp.pl from its NSIP, which
 * is documented as "a series of handshakes to verify that it is operating"; these verbs are our reading of it. It never
 * comes to MAIL FROM, where Exchange in maintenance refuses. NetScaler docs: "SMTP monitors".
 */
export const smtpMonitor: MonitorType = {
  type: "SMTP",
  probe: probeSmtp,
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 25,
  unsupported: () => null,
};

function probeSmtp(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const dialled = await dial(run, target, { tls: spec.tls });
    return dialled.kind === "failed"
      ? run.fail(dialled.step, dialled.why)
      : converse(run, dialled.connection);
  });
}

async function converse(run: ProbeRun, connection: Connection): Promise<Observation> {
  const reader = new LineReader(connection);
  const greeting = await readReply(reader);
  run.phase("banner");
  if (greeting.kind !== "reply") {
    return run.fail("banner", greeting);
  }
  run.identify(signsOfSmtp(greeting.text));
  if (greeting.code !== 220) {
    return refused(run, "banner", greeting);
  }
  const hello = await greet(connection, reader);
  run.phase("transaction");
  if (hello.kind !== "reply") {
    return run.fail("greeting", hello);
  }
  run.identify(signsOfSmtp(hello.text));
  if (hello.code !== 250) {
    return refused(run, "greeting", hello);
  }
  run.responseTimeMs = run.elapsedMs();
  connection.write("QUIT\r\n");
  await readReply(reader);
  run.phase("quit");
  return run.match("response");
}

function refused(
  run: ProbeRun,
  step: "banner" | "greeting",
  { code, text }: CodedReply,
): Observation {
  const reason = mailRefusalReason({ protocol: "smtp", code, text }, "greeting");
  return run.mismatch(step, reason, `${code} ${text}`);
}

/** Our own name in EHLO is the address literal of the connection (RFC 5321 section 4.1.3). */
async function greet(connection: Connection, reader: LineReader) {
  const address = connection.socket.localAddress ?? "127.0.0.1";
  const literal = address.includes(":") ? `[IPv6:${address}]` : `[${address}]`;
  connection.write(`EHLO ${literal}\r\n`);
  const extended = await readReply(reader);
  if (extended.kind !== "reply" || extended.code < 500) {
    return extended;
  }
  connection.write(`HELO ${literal}\r\n`);
  return readReply(reader);
}
