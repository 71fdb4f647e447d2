import type { Observation } from "../../model/observation.ts";
import type { Probe } from "../probe.ts";
import type { FailureReason } from "../../model/reasons.ts";
import type { ExchangeError } from "../../net/exchange-error.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/dial.ts";
import { disclose } from "../../net/server-proof.ts";
import { signsOfGreeting } from "../../model/exchange-signs.ts";
import { LineReader } from "../../net/line-reader.ts";
import { mailLoginRefusal, mailRefusalReason } from "../../net/mail-replies.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import {
  needsCredential,
  type MonitorCredential,
  type MonitorSpec,
  type MonitorType,
} from "./spec.ts";

/**
 * POP3: greeting, USER, PASS, QUIT. The ADC runs nspop3.pl from its NSIP with the monitor's user name and password; the
 * verbs are our reading. A rejected login says something about the account and never that the server is down.
 * NetScaler docs: "POP3 monitors".
 */
export const pop3Monitor: MonitorType = {
  type: "POP3",
  probe: probePop3,
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 110,
  unsupported: needsCredential,
};

function probePop3(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const { credential } = spec;
    if (credential === null) {
      return run.fault("login", "not_configured", "this monitor needs a user name and a password");
    }
    run.redact(credential.password, credential.secret);
    const dialled = await dial(run, target, { tls: spec.tls });
    return dialled.kind === "failed"
      ? run.fail(dialled.step, dialled.why)
      : logIn(run, dialled.connection, credential, spec.tls === null);
  });
}

async function logIn(
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
  const user = await command(connection, reader, `USER ${credential.username}`);
  if (user.kind !== "ok") {
    return user.kind === "refusal"
      ? run.mismatch("login", refusalReason(user.text, "command"), user.text)
      : run.fail("login", user);
  }
  run.login = "unanswered";
  const pass = await command(connection, reader, `PASS ${password.text}`);
  run.phase("login");
  if (pass.kind !== "ok") {
    return pass.kind === "refusal" ? refusedLogin(run, pass.text) : run.fail("login", pass);
  }
  run.login = "accepted";
  run.responseTimeMs = run.elapsedMs();
  await command(connection, reader, "QUIT");
  run.phase("quit");
  return run.match("login");
}

type Pop3Answer =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "refusal"; readonly text: string }
  | ExchangeError;

async function command(
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

/** A rejected account says nothing of the server: that lies between the account and us. */
function refusedLogin(run: ProbeRun, text: string): Observation {
  const { reason, login } = mailLoginRefusal({ protocol: "pop3", text });
  run.login = login;
  return reason === "auth_rejected"
    ? run.fault("login", reason, text)
    : run.mismatch("login", reason, text);
}
