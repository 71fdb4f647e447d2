import type { Command } from "commander";
import { configFileIfAny } from "./default-config.ts";
import type { AgentAddress } from "./maintenance-access.ts";
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

/** Adds `maintenance start|end|list|preflight|verify` to the command line. */
export function addMaintenance(
  root: Command,
  output: Output,
  duration: (text: string) => number,
): Command {
  const group = root.command("maintenance").description("windows, and looks before and after");

  common(group.command("start").description("declare a window"))
    .argument("<server...>", "server names or patterns with *")
    .option("--for <duration>", "how long from its start")
    .option("--end <time>", "RFC 3339 time, or never")
    .option("--start <time>", "RFC 3339 time; default: now")
    .option("--name <name>", "name of the window; default: the servers")
    .option("--reason <text>", "why")
    .option("--author <name>", "who; default: this user")
    .option(
      "--auto-end",
      "end by itself when everything has been good for the stability time",
      false,
    )
    .option("--flexible", "begin when the server first goes bad inside the window", false)
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
        });
      },
    );

  common(group.command("end").description("end a window now"))
    .argument("<name>", "name of the window")
    .option("--author <name>", "who; default: this user")
    .action(async (name: string, options: Common & { author?: string }) => {
      await run(options, output, { kind: "end", name, author: options.author ?? null });
    });

  common(group.command("list").description("windows that are open or coming")).action(
    async (options: Common) => {
      await run(options, output, { kind: "list" });
    },
  );

  common(group.command("preflight").description("may this server go?"))
    .argument("<server>", "server name")
    .option("--min-capacity <n>", "really good servers that each vserver must keep; default: 1")
    .option("--horizon <duration>", "how far ahead another server's window matters; default: 4h")
    .action(
      async (server: string, options: Common & { minCapacity?: string; horizon?: string }) => {
        const { minCapacity = null, horizon = null } = options;
        await run(options, output, { kind: "preflight", server, minCapacity, horizon });
      },
    );

  common(group.command("verify").description("is it really drained, or really back?"))
    .argument("<server>", "server name")
    .option("--drained", "out of the ADC's rotation, and no client left", false)
    .option("--returned", "everything good, and used again", false)
    .option("--wait <duration>", "look again for so long", duration, 0)
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
    .option("--config <file>", "configuration, for the agent's address and token")
    .option("--url <url>", "the agent's address")
    .option("--token-file <file>", "file of the bearer token")
    .option("--user <name>", "name for the agent's basic auth; needs --password-file")
    .option("--password-file <file>", "file of that user's password")
    .option("--ca-file <file>", "authority (PEM) that signed the agent's certificate")
    .option("--json", "JSON on stdout", false);
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
