import { execFile, type ChildProcess } from "node:child_process";
import type { Probe } from "../probe.ts";
import { namedBreak, type Break } from "../wire/break.ts";
import { resolveTarget } from "../wire/dial.ts";
import { observe, type ProbeRun } from "../wire/probe-run.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

const LARGEST_OUTPUT_BYTES = 64 * 1024;

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
    const exit = await runCommand(run, command, spec);
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

interface CommandExit {
  readonly kind: "exit";
  readonly code: number;
  readonly output: string;
}

function runCommand(
  run: ProbeRun,
  command: readonly string[],
  spec: MonitorSpec,
): Promise<CommandExit | Break> {
  const [program = "", ...args] = command;
  if (run.interrupted !== null) {
    return Promise.resolve(run.interrupted);
  }
  return new Promise((resolve) => {
    let child: ChildProcess | null = null;
    const resource = {
      interrupt(why: Break): void {
        child?.kill("SIGKILL");
        resolve(why);
      },
      release(): void {
        child?.kill("SIGKILL");
      },
    };
    run.hold(resource);
    child = execFile(
      program,
      args,
      {
        encoding: "utf8",
        maxBuffer: LARGEST_OUTPUT_BYTES,
        windowsHide: true,
        env: {
          ...process.env,
          ADC_WITNESS_USERNAME: spec.credential?.username ?? "",
          ADC_WITNESS_PASSWORD: spec.credential?.password ?? "",
        },
      },
      (error, stdout, stderr) => {
        run.drop(resource);
        const output = `${stdout}${stderr}`;
        if (error === null) {
          resolve({ kind: "exit", code: 0, output });
        } else if (typeof error.code === "number") {
          resolve({ kind: "exit", code: error.code, output });
        } else {
          const why = error.signal ?? error.code ?? error.message;
          resolve(namedBreak("fault", "agent_fault", `${program}: ${why}`));
        }
      },
    );
  });
}
