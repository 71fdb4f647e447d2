#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../lib/duration.ts";
import type { LintFormat } from "./lint.ts";
import { addMaintenance } from "./main-maintenance.ts";
import { processOutput, terminalOutput } from "./output.ts";
import { versionText } from "./package-info.ts";

/** The command line: what every command takes; each command's own file does the work, and only that one is loaded. */
function program(output = processOutput()): Command {
  const root = new Command("adc-witness")
    .description("An independent witness for your load balancer.")
    .version(versionText())
    .showHelpAfterError()
    .configureOutput({ writeOut: output.out, writeErr: output.err });

  root
    .command("run")
    .description("run the agent")
    .requiredOption("--config <file>", "configuration")
    .option("--listen <address...>", "address:port in place of the configuration's")
    .action(async ({ config, listen }: { config: string; listen?: string[] }) => {
      const { runAgent } = await import("./run.ts");
      process.exitCode = await runAgent(config, listen ?? null, output);
    });

  root
    .command("demo")
    .description("lab and agent together: no configuration, no root")
    .option("--port <n>", "port of the page and of /metrics", port, 0)
    .option("--scenario <name>", "what happens in the lab", "maintenance")
    .option("--exit-after <duration>", "end by itself", duration)
    .action(async (options: { port: number; scenario: string; exitAfter?: number }) => {
      const { runDemo } = await import("./demo.ts");
      process.exitCode = await runDemo(
        { ...options, exitAfterMs: options.exitAfter ?? null },
        terminalOutput(),
      );
    });

  root
    .command("plan")
    .description("every probe that would run, and every monitor that cannot be repeated")
    .option("--ns-conf <file>", "an ns.conf")
    .option("--config <file>", "configuration")
    .option("--server <name>", "only this server (a name, or a pattern with *)")
    .option("--adc-service <name>", "only this service or group")
    .option("--vserver <name>", "only what serves this vserver")
    .option("--monitor <name>", "only this monitor or transaction")
    .option("--json", "JSON on stdout", false)
    .action(async (options: PlanArguments, command: Command) => {
      const { nsConf = null, config = null, json } = options;
      const { server = null, adcService = null, vserver = null, monitor = null } = options;
      if ((nsConf === null) === (config === null)) {
        command.error("error: give either --ns-conf or --config");
      }
      const { runPlan } = await import("./plan.ts");
      process.exitCode = await runPlan(
        { nsConf, config, json, filter: { server, adcService, vserver, monitor } },
        output,
      );
    });

  root
    .command("compare")
    .description("one round now: a table of opinions and verdicts")
    .requiredOption("--config <file>", "configuration")
    .option("--server <name>", "only this server (a name, or a pattern with *)")
    .option("--wait <duration>", "look again at mismatches for so long", duration, 0)
    .option("--timeout <duration>", "time for the round", duration, 50_000)
    .option("--strict", "unknowns of the configuration's making count too", false)
    .option("--json", "JSON on stdout", false)
    .action(
      async (options: {
        config: string;
        server?: string;
        wait: number;
        timeout: number;
        strict: boolean;
        json: boolean;
      }) => {
        const { config, server = null, wait, timeout, strict, json } = options;
        const { runCompare } = await import("./compare.ts");
        process.exitCode = await runCompare(
          { config, server, waitMs: wait, timeoutMs: timeout, strict, json },
          output,
        );
      },
    );

  root
    .command("probe")
    .description("one probe, explained")
    .argument("<target>", "server:port, address:port, adc_service/server:port or a vserver")
    .requiredOption("--config <file>", "configuration")
    .requiredOption("--monitor <name>", "name of the monitor, or of a transaction")
    .option("--json", "JSON on stdout", false)
    .action(async (target: string, options: { config: string; monitor: string; json: boolean }) => {
      const { runProbeCommand } = await import("./probe.ts");
      process.exitCode = await runProbeCommand({ target, ...options }, output);
    });

  root
    .command("check-config")
    .description("validate a configuration")
    .argument("<file>", "configuration")
    .action(async (file: string) => {
      const { runCheckConfig } = await import("./read-config.ts");
      process.exitCode = await runCheckConfig(file, output);
    });

  root
    .command("lint")
    .description(
      "what the ADC's monitors cannot see, and mistakes, each with the command that mends it",
    )
    .argument("[file]", "an ns.conf")
    .addOption(new Option("--format <format>", "how findings are printed").choices(LINT_FORMATS))
    .option("--json", "the same as --format json", false)
    .addOption(
      new Option("--severity <severity>", "nothing less grave than this")
        .choices(["error", "warning", "info"])
        .default("info"),
    )
    .option("--rule <rule...>", "only these rules")
    .option("--object <name>", "only objects of this name (a name, or a pattern with *)")
    .option("--strict", "exit status 1 for notes too", false)
    .option("--write-fixes <file>", "write the complete fixes as a batch file, and FILE.undo")
    .option("--explain <rule>", "what a rule means")
    .option("--matrix", "measure the blind spots against the lab", false)
    .action(async (file: string | undefined, options: LintArguments, command: Command) => {
      const { explainRule, runLint } = await import("./lint.ts");
      if (options.explain !== undefined) {
        process.exitCode = explainRule(options.explain, output);
        return;
      }
      if (file === undefined) {
        command.error("error: missing required argument 'file'");
      }
      const { severity, rule = [], object = null, strict, matrix, writeFixes = null } = options;
      const format = options.format ?? (options.json ? "json" : "text");
      process.exitCode = await runLint(
        file,
        { format, matrix, severity, rules: rule, object, strict, writeFixes },
        output,
      );
    });

  addMaintenance(root, output, duration);
  return root;
}

interface PlanArguments {
  readonly nsConf?: string;
  readonly config?: string;
  readonly server?: string;
  readonly adcService?: string;
  readonly vserver?: string;
  readonly monitor?: string;
  readonly json: boolean;
}

interface LintArguments {
  readonly format?: LintFormat;
  readonly json: boolean;
  readonly severity: "error" | "warning" | "info";
  readonly rule?: readonly string[];
  readonly object?: string;
  readonly strict: boolean;
  readonly writeFixes?: string;
  readonly explain?: string;
  readonly matrix: boolean;
}

/** As \`runLint\` has them; written here too, so that no other command loads lint. */
const LINT_FORMATS: readonly LintFormat[] = ["text", "json", "sarif", "junit"];

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) {
    throw new InvalidArgumentError("expected a duration such as 500ms, 5s, 10m or 4h");
  }
  return ms;
}

function port(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new InvalidArgumentError("expected a port from 0 to 65535");
  }
  return number;
}

await program().parseAsync();
