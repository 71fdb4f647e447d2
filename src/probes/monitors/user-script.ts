import type { Probe } from "../probe.ts";
import { resolveTarget } from "../../net/dial.ts";
import { discloseWithoutProof } from "../../net/server-proof.ts";
import { NO_SECRET } from "../../lib/secret.ts";
import { observe } from "../../net/probe-run.ts";
import { runCommand } from "../../net/child-process.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * USER with a custom script, which exists only on the ADC; a configured command replaces it. The command is an argument
 * vector and no shell is involved. `{address}`, `{port}`, `{timeout}` (seconds) and `{args}` (the monitor's scriptArgs,
 * always within one word) are replaced in its words. A value from the ADC never becomes an option: see `commandWords`. Exit
 * status 0 passes and any other fails, as with the ADC's dispatcher. A command that cannot be started or is ended by a signal
 * says nothing about the server. It receives a configured credential in ADC_WITNESS_USERNAME and ADC_WITNESS_PASSWORD.
 * NetScaler docs: "Custom user monitors".
 */
export const userScriptMonitor: MonitorType = {
  type: "USER",
  probe: probeByCommand,
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: null,
  unsupported: (spec) =>
    spec.command === null || spec.command.length === 0
      ? `the script ${spec.monitor.parameters.scriptName ?? ""} runs only on the ADC: configure monitors.${spec.monitor.name} with a command that replaces it`
      : null,
};

const PLACEHOLDER = /\{(\w+)\}/g;

/**
 * Replaces `{name}` in a command's words. A value from the ADC must not become an option: a space is prepended to a word that
 * starts with a placeholder and would start with `-` after the replacement. This does not apply where the command itself
 * determines the meaning: after `--` with only placeholders in between, or within an option (`--args={args}`).
 */
export function commandWords(
  command: readonly string[],
  values: Readonly<Record<string, string>>,
): readonly string[] {
  let optionsAreOver = false;
  return command.map((written) => {
    const word = written.replace(PLACEHOLDER, (whole, name: string) => values[name] ?? whole);
    optionsAreOver = written === "--" || (optionsAreOver && word !== written);
    return word.startsWith("-") && !written.startsWith("-") && !optionsAreOver ? ` ${word}` : word;
  });
}

function probeByCommand(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    run.redact(spec.credential?.password ?? null, spec.credential?.secret ?? null);
    const resolved = await resolveTarget(run, target, "tcp");
    if (resolved.kind === "failed") {
      return run.fail(resolved.step, resolved.why);
    }
    const values: Readonly<Record<string, string>> = {
      address: resolved.address,
      port: String(resolved.port),
      timeout: String(Math.ceil(context.timeoutMs / 1000)),
      args: spec.monitor.parameters.scriptArgs ?? "",
    };
    const mayLogIn = spec.credential !== null && spec.credential.password !== NO_SECRET;
    run.login = mayLogIn ? "unanswered" : null;
    const exit = await runCommand(run, commandWords(spec.command ?? [], values), {
      mostOutputBytes: MAX_OUTPUT_BYTES,
      environment: {
        ADC_WITNESS_USERNAME: spec.credential?.username ?? "",
        ADC_WITNESS_PASSWORD: discloseWithoutProof(spec.credential?.password ?? NO_SECRET),
      },
    });
    if (exit.kind !== "exit") {
      return run.fail("transaction", exit);
    }
    run.transcript.received(exit.output);
    run.responseTimeMs = run.phase("transaction");
    if (mayLogIn && exit.code === 0) {
      run.login = "accepted";
    }
    return exit.code === 0
      ? run.match("transaction")
      : run.mismatch("transaction", "bad_status", `exit status ${exit.code}`);
  });
}
