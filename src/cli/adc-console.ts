import { aborted } from "../lib/timers.ts";
import { createInterface } from "node:readline";
import type { Lab } from "../../lab/lab.ts";
import {
  LISTENER_GROUPS,
  VIRTUAL_DIRECTORIES,
  type LabProtocol,
} from "../../lab/exchange/condition.ts";
import type { Member } from "../model/adc-service.ts";
import { printableLine } from "../lib/printable.ts";
import { columns, type Output } from "./output.ts";

/** Faults of a server that need no further argument. */
const CONDITIONS = [
  "healthy",
  "maintenance",
  "draining",
  "hub_draining",
  "stopped",
  "hung",
  "open_port_silent",
  "accept_then_close",
  "reset",
  "no_certificate",
  "dead_backend",
  "proxy_refused",
  "app_pool_stopped",
  "health_always_up",
  "modern_authentication",
] as const;
type SelectableCondition = (typeof CONDITIONS)[number];

const PROTOCOLS: readonly LabProtocol[] = ["all", ...LISTENER_GROUPS, ...VIRTUAL_DIRECTORIES];

/** Object that is enabled or disabled at the ADC. */
type SwitchTarget =
  | { readonly kind: "server" | "service"; readonly name: string }
  /** One member of a service group. */
  | {
      readonly kind: "member";
      readonly name: string;
      readonly server: string;
      readonly port: number;
    };

/** One line typed at the console of the lab. */
export type ConsoleCommand =
  | { readonly kind: "help" | "quit" | "status" | "nothing" }
  | {
      readonly kind: "disable";
      readonly what: SwitchTarget;
      readonly delaySeconds: number;
      readonly graceful: boolean;
    }
  | { readonly kind: "enable"; readonly what: SwitchTarget }
  | {
      readonly kind: "exchange";
      readonly name: string;
      readonly condition: SelectableCondition;
      readonly protocol: LabProtocol;
    }
  | { readonly kind: "not_understood"; readonly message: string };

const HELP = `disable server NAME [SECONDS] [-graceFul YES]   as at the ADC's command line; also disable service NAME,
                                                disable serviceGroup NAME [SERVER PORT] [-delay SECONDS]
enable server NAME                              also: enable service, enable serviceGroup
exchange NAME CONDITION [PROTOCOL]              what becomes of an Exchange server
status                                          the ADC's state of each member
quit                                            ends the ADC and its servers

CONDITION  ${CONDITIONS.slice(0, 7).join(", ")},
           ${CONDITIONS.slice(7).join(", ")}
PROTOCOL   ${PROTOCOLS.slice(0, 7).join(", ")},
           ${PROTOCOLS.slice(7).join(", ")}; without one: all
`;

/** Parses a line like the ADC's command line; keywords are case-insensitive. */
export function parseConsoleLine(line: string): ConsoleCommand {
  const words = line.trim().split(/\s+/);
  const [verb = "", what = "", name = "", ...rest] = words;
  switch (verb.toLowerCase()) {
    case "":
      return { kind: "nothing" };
    case "help":
    case "?":
      return { kind: "help" };
    case "quit":
    case "exit":
      return { kind: "quit" };
    case "status":
      return { kind: "status" };
    case "disable":
    case "enable":
      return parseSwitch(verb.toLowerCase(), what, name, rest);
    case "exchange":
      return parseExchange(what, name, rest);
    default:
      return syntaxError(`no command ${verb}; type help for a list`);
  }
}

function parseSwitch(
  verb: string,
  object: string,
  name: string,
  words: readonly string[],
): ConsoleCommand {
  const kind = OBJECT_KEYWORDS.get(object.toLowerCase());
  if (kind === undefined || name === "") {
    return syntaxError(`${verb} server NAME, service NAME, or serviceGroup NAME [SERVER PORT]`);
  }
  const [server = "", port = ""] = words;
  const isMember = object.toLowerCase() === "servicegroup" && /^\d{1,5}$/.test(port);
  const what: SwitchTarget = isMember
    ? { kind: "member", name, server, port: Number(port) }
    : { kind, name };
  const options = words.slice(isMember ? 2 : 0);
  if (verb === "enable") {
    return options.length === 0 ? { kind: "enable", what } : syntaxError("enable takes no options");
  }
  const written = /^(?:(?:-delay )?(\d{1,6}))?(?: ?-graceful (yes|no))?$/i.exec(options.join(" "));
  if (written === null) {
    return syntaxError("after the name, give seconds to drain, -graceFul YES, both, or nothing");
  }
  const [, seconds = "0", graceful = "no"] = written;
  return {
    kind: "disable",
    what,
    delaySeconds: Number(seconds),
    graceful: graceful.toLowerCase() === "yes",
  };
}

const OBJECT_KEYWORDS: ReadonlyMap<string, "server" | "service"> = new Map([
  ["server", "server"],
  ["service", "service"],
  ["servicegroup", "service"],
]);

function parseExchange(
  name: string,
  wanted: string,
  [protocolName = "all", ...more]: readonly string[],
): ConsoleCommand {
  const condition = CONDITIONS.find((one) => one === wanted.toLowerCase());
  const protocol = PROTOCOLS.find((one) => one === protocolName.toLowerCase());
  if (name === "" || condition === undefined) {
    return syntaxError(`exchange NAME CONDITION, with one of: ${CONDITIONS.join(", ")}`);
  }
  return protocol === undefined || more.length > 0
    ? syntaxError(`after the condition nothing, or one of: ${PROTOCOLS.join(", ")}`)
    : { kind: "exchange", name, condition, protocol };
}

function syntaxError(message: string): ConsoleCommand {
  return { kind: "not_understood", message };
}

/** Executes a command and returns its output; null: quit. */
async function runConsoleCommand(lab: Lab, command: ConsoleCommand): Promise<string | null> {
  switch (command.kind) {
    case "nothing":
      return "";
    case "help":
      return HELP;
    case "quit":
      return null;
    case "status":
      return `${statusTable(lab)}\n`;
    case "not_understood":
      return `ERROR: ${printableLine(command.message)}\n`;
    case "disable":
    case "enable":
      return switchObject(lab, command);
    case "exchange": {
      const server = lab.servers.get(command.name);
      if (server === undefined) {
        const names = [...lab.servers.keys()].join(", ");
        return `ERROR: ${printableLine(`no Exchange server ${command.name}; there are ${names}`)}\n`;
      }
      await server.set(command.protocol, { kind: command.condition });
      return "Done\n";
    }
  }
}

function switchObject(
  { adc }: Lab,
  command: Extract<ConsoleCommand, { readonly kind: "disable" | "enable" }>,
): string {
  const { what } = command;
  if (!adc.members().some(({ member }) => matchesTarget(member, what))) {
    // The ADC's own message.
    const field = what.kind === "server" ? "name" : "serviceName";
    return `ERROR: No such resource [${field}, ${printableLine(what.name)}]\n`;
  }
  const options =
    command.kind === "disable"
      ? { delayMs: command.delaySeconds * 1_000, graceful: command.graceful }
      : null;
  switch (what.kind) {
    case "server":
      if (options === null) {
        adc.enableServer(what.name);
      } else {
        adc.disableServer(what.name, options);
      }
      break;
    case "service":
      if (options === null) {
        adc.enableService(what.name);
      } else {
        adc.disableService(what.name, options);
      }
      break;
    case "member":
      if (options === null) {
        adc.enableMember(what.name, what.server, what.port);
      } else {
        adc.disableMember(what.name, what.server, what.port, options);
      }
      break;
  }
  return "Done\n";
}

function matchesTarget(member: Member, what: SwitchTarget): boolean {
  switch (what.kind) {
    case "server":
      return member.server === what.name;
    case "service":
      return member.adcService === what.name;
    case "member":
      return (
        member.adcService === what.name &&
        member.server === what.server &&
        member.port === what.port
      );
  }
}

function statusTable({ adc }: Lab): string {
  return columns([
    ["SERVICE", "MEMBER", "STATE"],
    ...adc
      .members()
      .map(({ member, state }) => [
        member.adcService,
        `${member.server}:${String(member.port)}`,
        state,
      ]),
  ]);
}

/**
 * Runs the console until `quit`, end of input at a terminal, or the signal. Without a terminal, end of input is ignored and the
 * lab runs until it is stopped.
 */
export async function readConsole(
  lab: Lab,
  input: NodeJS.ReadStream,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const lines = createInterface({ input, signal });
  const prompt = (): void => {
    output.out(input.isTTY ? "> " : "");
  };
  output.out("Type help for a list of commands.\n");
  prompt();
  for await (const line of lines) {
    const answer = await runConsoleCommand(lab, parseConsoleLine(line));
    if (answer === null) {
      return;
    }
    output.out(answer);
    prompt();
  }
  if (!input.isTTY) {
    await aborted(signal);
  }
}
