import type { Observation } from "../../model/observation.ts";
import type { Probe } from "../probe.ts";
import type { Break } from "../../net/break.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/dial.ts";
import { signsOfGreeting } from "../../model/exchange-signs.ts";
import { LineReader } from "../../net/line-reader.ts";
import { reasonOfMailRefusal } from "../protocols/mail-replies.ts";
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
    run.hide(credential.password, credential.secret);
    const dialled = await dial(run, target, { tls: spec.tls });
    return dialled.kind === "failed"
      ? run.broken(dialled.step, dialled.why)
      : logIn(run, dialled.connection, credential);
  });
}

async function logIn(
  run: ProbeRun,
  connection: Connection,
  credential: MonitorCredential,
): Promise<Observation> {
  const reader = new LineReader(connection);
  const greeting = await reader.line();
  run.phase("banner");
  if (greeting.kind !== "line") {
    return run.broken("banner", greeting);
  }
  run.sign(signsOfGreeting(greeting.text));
  if (!greeting.text.startsWith("+OK")) {
    return greeting.text.startsWith("-ERR")
      ? run.mismatch("banner", reasonOfMailRefusal(greeting.text), greeting.text)
      : run.ended("failed", "banner", "protocol_error", `not POP3: ${greeting.text}`);
  }
  const user = await command(connection, reader, `USER ${credential.username}`);
  if (user.kind !== "ok") {
    return user.kind === "refusal" ? refusedLogin(run, user.text) : run.broken("login", user);
  }
  const pass = await command(connection, reader, `PASS ${credential.password}`);
  run.phase("login");
  if (pass.kind !== "ok") {
    return pass.kind === "refusal" ? refusedLogin(run, pass.text) : run.broken("login", pass);
  }
  run.responseTimeMs = run.elapsedMs();
  await command(connection, reader, "QUIT");
  run.phase("quit");
  return run.match("login");
}

type Pop3Answer =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "refusal"; readonly text: string }
  | Break;

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

/** The server wants TLS first: that is the monitor's mistake. Anything else lies between the account and the server. */
function refusedLogin(run: ProbeRun, text: string): Observation {
  return /not valid in this state|\b(TLS|SSL|encrypt\w*|plaintext)\b/i.test(text)
    ? run.mismatch("login", "ssl_required", text)
    : run.fault("login", "auth_rejected", text);
}
