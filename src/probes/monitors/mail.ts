import type { Observation } from "../../model/observation.ts";
import type { Probe } from "../probe.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/dial.ts";
import { signsOfSmtp, signsOfGreeting } from "../../model/exchange-signs.ts";
import { LineReader } from "../../net/line-reader.ts";
import {
  mailRefusalReason,
  readReply,
  type CodedReply,
  mailLoginRefusal,
} from "../../net/mail-replies.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import {
  type MonitorSpec,
  type MonitorType,
  probeWithLogin,
  needsCredential,
  type MonitorCredential,
} from "./spec.ts";
import type { FailureReason } from "../../model/reasons.ts";
import type { ExchangeError } from "../../net/exchange-error.ts";
import { disclose } from "../../net/server-proof.ts";

/**
 * SMTP: greeting 220, EHLO (HELO where the server knows no EHLO) 250, QUIT. The ADC runs nssmtp.pl from its NSIP, which is
 * documented as "a series of handshakes to verify that it is operating"; these commands are an assumption. It never sends MAIL
 * FROM, which Exchange in maintenance rejects. NetScaler docs: "SMTP monitors".
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
      : exchangeSmtp(run, dialled.connection);
  });
}

async function exchangeSmtp(run: ProbeRun, connection: Connection): Promise<Observation> {
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

/** EHLO uses the address literal of the connection (RFC 5321 section 4.1.3). */
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

/**
 * POP3: greeting, USER, PASS, QUIT. The ADC runs nspop3.pl from its NSIP with the monitor's user name and password; these
 * commands are an assumption. A rejected login concerns the account and never means that the server is down. NetScaler docs:
 * "POP3 monitors".
 */
export const pop3Monitor: MonitorType = {
  type: "POP3",
  probe: probeWithLogin(async (run, credential, spec, target) => {
    const dialled = await dial(run, target, { tls: spec.tls });
    return dialled.kind === "failed"
      ? run.fail(dialled.step, dialled.why)
      : logInToPop3(run, dialled.connection, credential, spec.tls === null);
  }),
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 110,
  unsupported: needsCredential,
};

async function logInToPop3(
  run: ProbeRun,
  connection: Connection,
  credential: MonitorCredential,
  clearText: boolean,
): Promise<Observation> {
  const reader = new LineReader(connection);
  const greeting = await reader.line();
  run.phase("banner");
  if (greeting.kind !== "line") {
    return run.fail("banner", greeting);
  }
  run.identify(signsOfGreeting(greeting.text));
  if (!greeting.text.startsWith("+OK")) {
    return greeting.text.startsWith("-ERR")
      ? run.mismatch("banner", refusalReason(greeting.text, "greeting"), greeting.text)
      : run.ended("failed", "banner", "protocol_error", `not POP3: ${greeting.text}`);
  }
  const password = disclose(connection, credential.password, clearText);
  if (password.kind === "withheld") {
    return password.observation;
  }
  const user = await pop3Command(connection, reader, `USER ${credential.username}`);
  if (user.kind !== "ok") {
    return user.kind === "refusal"
      ? run.mismatch("login", refusalReason(user.text, "command"), user.text)
      : run.fail("login", user);
  }
  run.login = "unanswered";
  const pass = await pop3Command(connection, reader, `PASS ${password.text}`);
  run.phase("login");
  if (pass.kind !== "ok") {
    return pass.kind === "refusal" ? refusedLogin(run, pass.text) : run.fail("login", pass);
  }
  run.login = "accepted";
  run.responseTimeMs = run.elapsedMs();
  await pop3Command(connection, reader, "QUIT");
  run.phase("quit");
  return run.match("login");
}

type Pop3Answer =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "refusal"; readonly text: string }
  | ExchangeError;

async function pop3Command(
  connection: Connection,
  reader: LineReader,
  line: string,
): Promise<Pop3Answer> {
  connection.write(`${line}\r\n`);
  const answer = await reader.line();
  if (answer.kind !== "line") {
    return answer;
  }
  return { kind: answer.text.startsWith("+OK") ? "ok" : "refusal", text: answer.text };
}

function refusalReason(text: string, step: "greeting" | "command"): FailureReason {
  return mailRefusalReason({ protocol: "pop3", text }, step);
}

/** A rejected account says nothing about the server. */
function refusedLogin(run: ProbeRun, text: string): Observation {
  const { reason, login } = mailLoginRefusal({ protocol: "pop3", text });
  run.login = login;
  return reason === "auth_rejected"
    ? run.fault("login", reason, text)
    : run.mismatch("login", reason, text);
}

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
    spec.monitor.parameters.group === null ? "NNTP has no group to query" : null,
};
