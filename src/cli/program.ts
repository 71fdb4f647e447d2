import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_SCENARIO, SCENARIO_NAMES } from "../../lab/scenarios.ts";
import { parseDuration } from "../lib/timers.ts";
import { configFile, configFileIfAny } from "./config-file.ts";
import { completionScript, SHELLS, type Shell } from "./completion.ts";
import { examples } from "./help.ts";
import type { LintFormat } from "./lint.ts";
import { addMaintenance, addSlo } from "./main-maintenance.ts";
import { terminalOutput, withoutErrorPrefix, type Output } from "./output.ts";
import { versionText } from "./package-info.ts";

const USAGE_ERROR = 3;
const CONFIG =
  "configuration file; default: $ADC_WITNESS_CONFIG, then /etc/adc-witness/adc-witness.yml";

const PROGRAM_HELP = `
Examples:
  adc-witness demo                             the whole story on this machine, without an ADC
  adc-witness lint ns.conf                     what the monitors of an ns.conf cannot see
  adc-witness compare --config adc-witness.yml one round against a real ADC
  adc-witness run --config adc-witness.yml     stay: page and /metrics on http://127.0.0.1:9743/

Scenarios of the demo: ${SCENARIO_NAMES.join(", ")}.

Exit status: 0 success, 1 failure or a usage error. compare, probe, maintenance and slo answer as
monitoring plug-ins do: 0 OK, 1 warning, 2 critical, 3 unknown or a usage error.`;

const PLUGINS: ReadonlySet<string> = new Set(["compare", "probe", "maintenance", "slo"]);

/** Exit status of a command that could not do its work; monitoring plug-ins return unknown. */
export function failureStatus(argv: readonly string[]): number {
  return PLUGINS.has(argv[2] ?? "") ? USAGE_ERROR : 1;
}

/** The command line with all options; loads only the file of the command that runs. */
export function program(output: Output): Command {
  const root = new Command("adc-witness")
    .description("A second opinion on the state that your load balancer reports.")
    .version(versionText())
    .showHelpAfterError()
    .addHelpText("after", PROGRAM_HELP)
    .configureOutput({ writeOut: output.out, writeErr: output.err });

  root
    .command("run")
    .description("run the agent in the foreground")
    .option("--config <file>", CONFIG)
    .option("--listen <address...>", "address:port to listen on, instead of web.listen")
    .addOption(
      new Option("--log-level <level>", "lowest severity to log, instead of log.level").choices([
        "debug",
        "info",
        "warn",
        "error",
      ]),
    )
    .addHelpText(
      "after",
      examples("run --config adc-witness.yml", "run --listen 127.0.0.1:9743 --log-level debug"),
    )
    .action(async (options: { config?: string; listen?: string[]; logLevel?: string }) => {
      const { runAgent } = await import("./run.ts");
      const { listen = null, logLevel = null } = options;
      process.exitCode = await runAgent(
        configFile(options.config, process.env),
        { listen, logLevel },
        output,
      );
    });

  root
    .command("demo")
    .description("run the lab and an agent together; needs no configuration and no root")
    .option(
      "--port <n>",
      "port of the page and /metrics; 0: a free one; default: 9743, else a free one",
      port,
    )
    .addOption(
      new Option("--scenario <name>", "scenario to play in the lab")
        .choices(SCENARIO_NAMES)
        .default(DEFAULT_SCENARIO),
    )
    .addOption(
      new Option("--bundle <file>", "replay a file that `bundle` wrote").conflicts("scenario"),
    )
    .option("--loop", "repeat the scenario until stopped", false)
    .option(
      "--write-config <dir>",
      "also write a configuration that other commands can use while the demo runs",
    )
    .addOption(
      new Option("--adc-only", "only the ADC and its servers, with a small console to control them")
        .default(false)
        .conflicts(["bundle", "loop"]),
    )
    .option("--exit-after <duration>", "exit after this time", duration)
    .addHelpText(
      "after",
      examples(
        "demo",
        "demo --scenario certificate --loop",
        "demo --write-config try",
        "demo --adc-only --write-config walk",
      ),
    )
    .action(async (options: DemoArguments) => {
      const { runDemo } = await import("./demo.ts");
      const { bundle = null, exitAfter = null, port: wanted = null } = options;
      const { writeConfig = null } = options;
      const status = await runDemo(
        { ...options, port: wanted, bundle, exitAfterMs: exitAfter, writeConfig },
        terminalOutput(),
      );
      // Open handles must not keep the process running.
      process.stdout.write("", () => process.exit(status));
    });

  reportUsageErrors(root.command("plan"), output, { exitStatus: 1 })
    .description("print every probe that would run, and every monitor that cannot be repeated")
    .option("--ns-conf <file>", "ns.conf to read")
    .option("--config <file>", CONFIG)
    .option("--server <name>", "only this server (a name, or a pattern with *)")
    .option("--adc-service <name>", "only this service or group")
    .option("--vserver <name>", "only probes of this vserver and its members")
    .option("--monitor <name>", "only this monitor or transaction")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      examples("plan --ns-conf ns.conf", "plan --config adc-witness.yml --json"),
    )
    .action(async (options: PlanArguments, command: Command) => {
      const { nsConf = null, json } = options;
      const { server = null, adcService = null, vserver = null, monitor = null } = options;
      const config = nsConf === null ? configFileIfAny(options.config, process.env) : null;
      if (
        (nsConf === null) === (config === null) ||
        (nsConf !== null && options.config !== undefined)
      ) {
        command.error("error: give either --ns-conf or --config");
      }
      const { runPlan } = await import("./plan.ts");
      process.exitCode = await runPlan(
        { nsConf, config, json, filter: { server, adcService, vserver, monitor } },
        output,
      );
    });

  addPluginHelp(root.command("compare"), output)
    .description("probe everything once and print opinions and verdicts")
    .option("--config <file>", CONFIG)
    .option("--server <name>", "only this server: a name, or a pattern with *")
    .option("--wait <duration>", "probe mismatches again for up to this long", duration, 0)
    .option("--timeout <duration>", "time limit of the round", duration, 50_000)
    .option("--strict", "also count verdicts that are unknown because of the configuration", false)
    .option("--warning <percent>", "warn if fewer of a vserver's members work", percent)
    .option("--critical <percent>", "critical if fewer of a vserver's members work", percent)
    .option("--url <url>", "ask this running agent instead of probing and logging in")
    .option("--user <name>", "user name for the agent's basic auth; needs --password-file")
    .option("--password-file <file>", "file that holds the user's password")
    .option("--ca-file <file>", "CA certificate (PEM) to verify the agent's certificate")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      `
Exit status, and the first line, are those of a monitoring plug-in:
  0  all agree
  1  something to look at
  2  the ADC is wrong about something
  3  unknown, or no comparison was possible
${examples("compare --server ex02", "compare --wait 2m --json", "compare --url http://agent:9743 --warning 75")}`,
    )
    .action(async (options: CompareArguments) => {
      const { server = null, wait, timeout, strict, json } = options;
      const config = configFile(options.config, process.env);
      const { runCompare } = await import("./compare.ts");
      const status = await runCompare(
        {
          config,
          server,
          waitMs: wait,
          timeoutMs: timeout,
          strict,
          json,
          warningBelow: options.warning ?? null,
          criticalBelow: options.critical ?? null,
          agent: {
            config: null,
            url: options.url ?? null,
            tokenFile: null,
            user: options.user ?? null,
            passwordFile: options.passwordFile ?? null,
            caFile: options.caFile ?? null,
          },
        },
        output,
      );
      // An ADC that hangs during logout must not delay the exit.
      process.stdout.write("", () => process.exit(status));
    });

  addPluginHelp(root.command("probe"), output)
    .description("run one probe and explain its result")
    .argument("<target>", "server:port, address:port, adc_service/server:port or a vserver")
    .option("--config <file>", CONFIG)
    .requiredOption("--monitor <name>", "name of a monitor or a transaction")
    .option("--json", "print JSON", false)
    .addHelpText("after", examples("probe ex02:993 --monitor imap_greeting"))
    .action(
      async (target: string, options: { config?: string; monitor: string; json: boolean }) => {
        const { runProbeCommand } = await import("./probe.ts");
        process.exitCode = await runProbeCommand(
          { target, ...options, config: configFile(options.config, process.env) },
          output,
        );
      },
    );

  root
    .command("bundle")
    .description("write a support file without names, addresses and secrets")
    .option("--config <file>", CONFIG)
    .requiredOption("--out <file>", "file to write; it must not exist")
    .option("--timeout <duration>", "time limit of the round", duration, 120_000)
    .addHelpText("after", examples("bundle --out adc.jsonl"))
    .action(async (options: { config?: string; out: string; timeout: number }) => {
      const { askAtTerminal, runBundle } = await import("./bundle.ts");
      const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
      process.exitCode = await runBundle(
        {
          config: configFile(options.config, process.env),
          out: options.out,
          timeoutMs: options.timeout,
          ask: isTerminal ? askAtTerminal : null,
        },
        output,
      );
    });

  reportUsageErrors(root.command("check-config"), output, { exitStatus: 1 })
    .description("validate a configuration")
    .argument("[file]", CONFIG)
    .option("--json", "print JSON", false)
    .addHelpText("after", examples("check-config adc-witness.yml"))
    .action(async (file: string | undefined, { json }: { json: boolean }) => {
      const { runCheckConfig } = await import("./check-config.ts");
      process.exitCode = await runCheckConfig(
        { file: configFile(file, process.env), json },
        output,
      );
    });

  reportUsageErrors(root.command("lint"), output, { exitStatus: 1 })
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
    .option("--config <file>", "configuration file whose lint.ignore applies")
    .option("--strict", "exit with status 1 for notes too", false)
    .option("--write-fixes <file>", "write the complete fixes as a batch file, and FILE.undo")
    .option("--explain <rule>", "what a rule means")
    .option("--matrix", "also measure the blind spots against the lab", false)
    .addHelpText("after", examples("lint ns.conf", "lint ns.conf --severity warning"))
    .action(async (file: string | undefined, options: LintArguments, command: Command) => {
      const { explainRule, runLint } = await import("./lint.ts");
      const format = options.format ?? (options.json ? "json" : "text");
      if (options.explain !== undefined) {
        process.exitCode = await explainRule(options.explain, format, output);
        return;
      }
      if (file === undefined) {
        command.error("error: missing required argument 'file'");
      }
      const { severity, rule = [], object = null, strict, matrix, writeFixes = null } = options;
      const { config = null } = options;
      process.exitCode = await runLint(
        file,
        { format, matrix, severity, rules: rule, object, config, strict, writeFixes },
        output,
      );
    });

  root
    .command("notify")
    .description("test the configured notifications")
    .command("test")
    .description("send a test message and report the result")
    .argument("[name]", "only this notifier")
    .option("--config <file>", CONFIG)
    .addHelpText("after", examples("notify test", "notify test mail-team"))
    .action(async (name: string | undefined, options: { config?: string }) => {
      const { runNotifyTest } = await import("./notify.ts");
      process.exitCode = await runNotifyTest(
        configFile(options.config, process.env),
        name ?? null,
        output,
      );
    });

  root
    .command("alerts")
    .description("write the alerting rules for Prometheus, with this site's addresses and job")
    .requiredOption("--out <folder>", "folder to write to; created if missing")
    .option("--url <url>", "address of the agent for links; default: web.external_url of --config")
    .option("--config <file>", "configuration file to take web.external_url from")
    .option("--grafana <url>", "address of Grafana for links to dashboards")
    .option("--job <name>", "name of the scrape job", "adc-witness")
    .addHelpText(
      "after",
      examples(
        "alerts --out rules --url https://witness.example.com",
        "alerts --out rules --config adc-witness.yml --grafana https://grafana.example.com",
      ),
    )
    .action(async (options: AlertsArguments) => {
      const { runAlerts } = await import("./alerts.ts");
      const { out, job, url = null, config = null, grafana = null } = options;
      process.exitCode = await runAlerts({ out, job, url, config, grafana }, output);
    });

  addPluginHelp(addMaintenance(root, output, duration), output);
  addPluginHelp(addSlo(root, output), output);

  root
    .command("completion")
    .description("print a shell completion script")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText("after", "\nExample:\n  source <(adc-witness completion bash)")
    .action((shell: Shell) => {
      output.out(completionScript(shell, root));
    });
  return root;
}

interface CompareArguments {
  readonly config?: string;
  readonly server?: string;
  readonly wait: number;
  readonly timeout: number;
  readonly strict: boolean;
  readonly warning?: number;
  readonly critical?: number;
  readonly url?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly json: boolean;
}

interface AlertsArguments {
  readonly out: string;
  readonly url?: string;
  readonly config?: string;
  readonly grafana?: string;
  readonly job: string;
}

interface DemoArguments {
  readonly port?: number;
  readonly scenario: string;
  readonly bundle?: string;
  readonly loop: boolean;
  readonly writeConfig?: string;
  readonly adcOnly: boolean;
  readonly exitAfter?: number;
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
  readonly config?: string;
  readonly strict: boolean;
  readonly writeFixes?: string;
  readonly explain?: string;
  readonly matrix: boolean;
}

/** Copied from `runLint`, so that other commands do not load lint. */
const LINT_FORMATS: readonly LintFormat[] = ["text", "json", "sarif", "junit"];

/** Usage errors must not exit with 1 or 2, which monitoring systems treat as warning and critical. */
function addPluginHelp(command: Command, output: Output): Command {
  reportUsageErrors(command, output, { exitStatus: USAGE_ERROR, status: "UNKNOWN" });
  for (const one of command.commands) {
    addPluginHelp(one, output);
  }
  return command;
}

/** Usage errors are also printed as JSON if requested. */
function reportUsageErrors(
  command: Command,
  output: Output,
  { exitStatus, ...beside }: { readonly exitStatus: number; readonly status?: "UNKNOWN" },
): Command {
  return command.exitOverride(({ exitCode, message }) => {
    if (exitCode !== 0 && wantsJson(process.argv)) {
      output.out(`${JSON.stringify({ ...beside, error: withoutErrorPrefix(message) }, null, 1)}\n`);
    }
    process.exit(exitCode === 0 ? 0 : exitStatus);
  });
}

function wantsJson(argv: readonly string[]): boolean {
  return (
    argv.includes("--json") ||
    argv.includes("--format=json") ||
    argv[argv.indexOf("--format") + 1] === "json"
  );
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) {
    throw new InvalidArgumentError("expected a duration such as 500ms, 5s, 10m, 1h30m or 1d");
  }
  return ms;
}

/** `80`, `80%`, or the plug-in range `80:`, which alerts below 80. */
function percent(text: string): number {
  const number = /^(\d{1,3}(?:\.\d+)?)[%:]?$/.exec(text)?.[1];
  if (number === undefined || Number(number) > 100) {
    throw new InvalidArgumentError("expected a percentage from 0 to 100");
  }
  return Number(number);
}

function port(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new InvalidArgumentError("expected a port from 0 to 65535");
  }
  return number;
}
