import { Option, type Command } from "commander";
import { configFileIfAny } from "./config-file.ts";
import { examples } from "./help.ts";
import type { AgentAddress } from "./agent-client.ts";
import type { MaintenanceCommand } from "./maintenance.ts";
import type { Output } from "./output.ts";

interface Common {
  readonly config?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly json: boolean;
}

/** Adds `slo`: minutes a month in which the ADC was wrong, per vserver. */
export function addSlo(root: Command, output: Output): Command {
  return common(
    root.command("slo").description("how long the ADC was wrong in a month, per vserver"),
  )
    .option("--month <yyyy-mm>", "the month, in this machine's zone; default: this one")
    .addHelpText("after", examples("slo", "slo --month 2026-11 --json"))
    .action(async (options: Common & { month?: string }) => {
      await run(options, output, { kind: "slo", month: options.month ?? null });
    });
}

/** Adds `maintenance start|end|extend|list|preflight|verify|report` to the command line. */
export function addMaintenance(
  root: Command,
  output: Output,
  duration: (text: string) => number,
): Command {
  const group = root
    .command("maintenance")
    .description("maintenance windows, and checks before and after a change");

  common(group.command("start").description("declare a maintenance window"))
    .argument("<server...>", "server names or patterns with *")
    .option("--for <duration>", "duration, counted from the start")
    .option("--end <time>", 'end: 22:00 or "2026-12-01 22:00" in this zone, RFC 3339, or never')
    .option("--start <time>", "start, as --end; default: now")
    .option("--name <name>", "name of the window; default: the servers' names")
    .option("--reason <text>", "reason shown on the page")
    .option("--author <name>", "author; default: the current user")
    .option(
      "--auto-end",
      "end the window once every check has passed for the stability time",
      false,
    )
    .option("--flexible", "start the window when the server first fails inside it", false)
    .option("--force", "also accept a server that is not in the estate", false)
    .addHelpText(
      "after",
      examples(
        'maintenance start ex02 --for 1h30m --reason "CU15"',
        "maintenance start 'ex0*' --start 22:00 --end 02:00 --name patch-night",
      ),
    )
    .action(
      async (
        servers: string[],
        options: Common & {
          for?: string;
          end?: string;
          start?: string;
          name?: string;
          reason?: string;
          author?: string;
          autoEnd: boolean;
          flexible: boolean;
          force: boolean;
        },
      ) => {
        await run(options, output, {
          kind: "start",
          servers,
          name: options.name ?? null,
          start: options.start ?? null,
          end: options.end ?? null,
          for: options.for ?? null,
          reason: options.reason ?? null,
          author: options.author ?? null,
          autoEnd: options.autoEnd,
          flexible: options.flexible,
          force: options.force,
        });
      },
    );

  common(group.command("end").description("end a maintenance window now"))
    .argument("<name>", "name of the window")
    .option("--author <name>", "author; default: the current user")
    .addHelpText("after", examples("maintenance end ex02"))
    .action(async (name: string, options: Common & { author?: string }) => {
      await run(options, output, { kind: "end", name, author: options.author ?? null });
    });

  common(group.command("extend").description("extend a maintenance window"))
    .argument("<name>", "name of the window")
    .option("--for <duration>", "how much longer")
    .option("--end <time>", 'the new end: 22:00 or "2026-12-01 22:00" in this zone, or RFC 3339')
    .option("--author <name>", "author; default: the current user")
    .addHelpText(
      "after",
      examples("maintenance extend ex02 --for 30m", "maintenance extend ex02 --end 23:30"),
    )
    .action(
      async (name: string, options: Common & { for?: string; end?: string; author?: string }) => {
        await run(options, output, {
          kind: "extend",
          name,
          for: options.for ?? null,
          end: options.end ?? null,
          author: options.author ?? null,
        });
      },
    );

  common(group.command("report").description("report on a window, for the change ticket"))
    .argument("<name>", "name of the window")
    .addOption(
      new Option("--format <format>", "output format").choices(["text", "html", "csv", "json"]),
    )
    .addHelpText(
      "after",
      examples("maintenance report ex02", "maintenance report ex02 --format html > ticket.html"),
    )
    .action(
      async (
        name: string,
        { format, ...options }: Common & { format?: "text" | "html" | "csv" | "json" },
      ) => {
        await run(options, output, {
          kind: "report",
          name,
          format: format ?? (options.json ? "json" : "text"),
        });
      },
    );

  common(group.command("list").description("list open and upcoming windows"))
    .addHelpText("after", examples("maintenance list --json"))
    .action(async (options: Common) => {
      await run(options, output, { kind: "list" });
    });

  common(
    group.command("preflight").description("check whether a server can be taken out of service"),
  )
    .argument("<server>", "server name")
    .option("--min-capacity <n>", "number of working servers each vserver must keep; default: 1")
    .option("--horizon <duration>", "how far ahead to look for other servers' windows; default: 4h")
    .addHelpText("after", examples("maintenance preflight ex02 --min-capacity 2"))
    .action(
      async (server: string, options: Common & { minCapacity?: string; horizon?: string }) => {
        const { minCapacity = null, horizon = null } = options;
        await run(options, output, { kind: "preflight", server, minCapacity, horizon });
      },
    );

  common(
    group.command("verify").description("check whether a server is drained or back in service"),
  )
    .argument("<server>", "server name")
    .option("--drained", "check that the ADC sends it no clients and none is connected", false)
    .option("--returned", "check that it works and receives clients again", false)
    .option("--wait <duration>", "keep checking for up to this long", duration, 0)
    .addHelpText(
      "after",
      `
Exit status: 0 it is so, 1 with a warning, 2 it is not, 3 no agent answered or a usage error.
${examples("maintenance verify ex02 --drained --wait 5m", "maintenance verify ex02 --returned")}`,
    )
    .action(
      async (
        server: string,
        options: Common & { drained: boolean; returned: boolean; wait: number },
        command: Command,
      ) => {
        if (options.drained === options.returned) {
          command.error("error: give either --drained or --returned");
        }
        await run(options, output, {
          kind: "verify",
          server,
          want: options.drained ? "drained" : "returned",
          waitMs: options.wait,
        });
      },
    );
  return group;
}

function common(command: Command): Command {
  return command
    .option("--config <file>", "configuration file, for the agent's address and token")
    .option("--url <url>", "URL of the agent")
    .option("--token-file <file>", "file that holds the bearer token")
    .option("--user <name>", "user name for basic auth; needs --password-file")
    .option("--password-file <file>", "file that holds the user's password")
    .option("--ca-file <file>", "CA certificate (PEM) to verify the agent's certificate")
    .option("--json", "print JSON", false);
}

async function run(options: Common, output: Output, command: MaintenanceCommand): Promise<void> {
  const address: AgentAddress = {
    config:
      options.config ??
      (options.url === undefined ? configFileIfAny(undefined, process.env) : null),
    url: options.url ?? null,
    tokenFile: options.tokenFile ?? null,
    user: options.user ?? null,
    passwordFile: options.passwordFile ?? null,
    caFile: options.caFile ?? null,
  };
  const { runMaintenance } = await import("./maintenance.ts");
  process.exitCode = await runMaintenance({ ...address, command, json: options.json }, output);
}
