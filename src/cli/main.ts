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
    .description("A second opinion on what your load balancer believes.")
    .version(versionText())
    .showHelpAfterError()
    .configureOutput({ writeOut: output.out, writeErr: output.err });

  root
    .command("run")
    .description("run the agent in the foreground")
    .requiredOption("--config <file>", "configuration file")
    .option("--listen <address...>", "address:port to listen on, instead of web.listen")
    .action(async ({ config, listen }: { config: string; listen?: string[] }) => {
      const { runAgent } = await import("./run.ts");
      process.exitCode = await runAgent(config, listen ?? null, output);
    });

  root
    .command("demo")
    .description("run the lab and an agent together; needs no configuration and no root")
    .option("--port <n>", "port of the status page and /metrics; 0 picks a free one", port, 0)
    .option("--scenario <name>", "scenario to play in the lab", "maintenance")
    .option("--exit-after <duration>", "exit after this time", duration)
    .action(async (options: { port: number; scenario: string; exitAfter?: number }) => {
      const { runDemo } = await import("./demo.ts");
      process.exitCode = await runDemo(
        { ...options, exitAfterMs: options.exitAfter ?? null },
        terminalOutput(),
      );
    });

  root
    .command("plan")
    .description("print every probe that would run, and every monitor that cannot be repeated")
    .option("--ns-conf <file>", "ns.conf to read")
    .option("--config <file>", "configuration file")
    .option("--server <name>", "only this server (a name, or a pattern with *)")
    .option("--adc-service <name>", "only this service or group")
    .option("--vserver <name>", "only what serves this vserver")
    .option("--monitor <name>", "only this monitor or transaction")
    .option("--json", "print JSON", false)
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
    .description("probe everything once and print opinions and verdicts")
    .requiredOption("--config <file>", "configuration file")
    .option("--server <name>", "only this server: a name, or a pattern with *")
    .option("--wait <duration>", "probe mismatches again for up to this long", duration, 0)
    .option("--timeout <duration>", "time limit of the round", duration, 50_000)
    .option("--strict", "also count verdicts that are unknown because of the configuration", false)
    .option("--json", "print JSON", false)
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
    .description("run one probe and explain its result")
    .argument("<target>", "server:port, address:port, adc_service/server:port or a vserver")
    .requiredOption("--config <file>", "configuration file")
    .requiredOption("--monitor <name>", "name of a monitor or a transaction")
    .option("--json", "print JSON", false)
    .action(async (target: string, options: { config: string; monitor: string; json: boolean }) => {
      const { runProbeCommand } = await import("./probe.ts");
      process.exitCode = await runProbeCommand({ target, ...options }, output);
    });

  root
    .command("check-config")
    .description("validate a configuration")
    .argument("<file>", "configuration file")
    .action(async (file: string) => {
      const { runCheckConfig } = await import("./read-config.ts");
      process.exitCode = await runCheckConfig(file, output);
    });

  root
    .command("lint")
    .description("find blind spots and mistakes in an ns.conf, with the commands that fix them")
    .argument("[file]", "ns.conf to read")
    .addOption(new Option("--format <format>", "output format").choices(LINT_FORMATS))
    .option("--json", "the same as --format json", false)
    .addOption(
      new Option("--severity <severity>", "lowest severity to print")
        .choices(["error", "warning", "info"])
        .default("info"),
    )
    .option("--rule <rule...>", "only these rules")
    .option("--object <name>", "only objects of this name (a name, or a pattern with *)")
    .option("--strict", "exit status 1 for notes too", false)
    .option("--write-fixes <file>", "write the complete fixes as a batch file, and FILE.undo")
    .option("--explain <rule>", "what a rule means")
    .option("--matrix", "also measure the blind spots against the lab", false)
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
