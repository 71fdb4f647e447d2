import type { Probe } from "../probe.ts";
import { resolveTarget } from "../../net/dial.ts";
import { observe } from "../../net/probe-run.ts";
import { runCommand } from "../../net/run-command.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

const MOST_OUTPUT_BYTES = 64 * 1024;

/**
 * USER with a script of the operator's own, which exists only on the ADC: a command of the configuration stands for it.
 * The command is an argument vector that no shell reads; `{address}`, `{port}`, `{timeout}` (seconds) and `{args}` (the
 * monitor's scriptArgs) are replaced in its words. Exit status 0 passes, any other is a failure, as the ADC's dispatcher
 * has it; a command that cannot be started or is ended by a signal says nothing about the server. A configured credential
 * reaches it as ADC_WITNESS_USERNAME and ADC_WITNESS_PASSWORD. NetScaler docs: "Custom user monitors".
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
      ? `the script ${spec.monitor.parameters.scriptName ?? ""} runs only on the ADC: configure monitors.${spec.monitor.name} with a command that stands for it`
      : null,
};

function probeByCommand(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    run.hide(spec.credential?.password ?? null, spec.credential?.secret ?? null);
    const resolved = await resolveTarget(run, target, "tcp");
    if (resolved.kind === "failed") {
      return run.broken(resolved.step, resolved.why);
    }
    const values: Readonly<Record<string, string>> = {
      address: resolved.address,
      port: String(resolved.port),
      timeout: String(Math.ceil(context.timeoutMs / 1000)),
      args: spec.monitor.parameters.scriptArgs ?? "",
    };
    const command = (spec.command ?? []).map((word) =>
      word.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole),
    );
    const exit = await runCommand(run, command, {
      mostOutputBytes: MOST_OUTPUT_BYTES,
      environment: {
        ADC_WITNESS_USERNAME: spec.credential?.username ?? "",
        ADC_WITNESS_PASSWORD: spec.credential?.password ?? "",
      },
    });
    if (exit.kind !== "exit") {
      return run.broken("transaction", exit);
    }
    run.transcript.received(exit.output);
    run.responseTimeMs = run.phase("transaction");
    return exit.code === 0
      ? run.match("transaction")
      : run.mismatch("transaction", "bad_status", `exit status ${exit.code}`);
  });
}
