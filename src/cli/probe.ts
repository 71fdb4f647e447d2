import { z } from "zod";
import { importOnce, resolveOnce, networkOf } from "../agent/import-once.ts";
import { probeName, type PlannedProbe } from "../agent/plan/planned-probe.ts";
import type { AccountKeeper } from "../agent/accounts/account-keeper.ts";
import { ProbeRecord } from "../agent/records/probe-record.ts";
import type { ProbeResult } from "../agent/run-probe.ts";
import {
  accountKeeperForCommand,
  planForCommand,
  probeRunnerForCommand,
} from "../change/command-context.ts";
import type { Config } from "../config/schema.ts";
import type { TlsFacts } from "../model/observation.ts";
import { pluginJson, withJsonOnFailure, type Output } from "./output.ts";
import { printableLine } from "../lib/printable.ts";
import { observationJson, observationShape } from "../web/api/evidence.ts";
import type { Answer } from "../web/api/shapes.ts";
import { readConfig } from "./read-config.ts";
import { untilInterrupted } from "./run.ts";
import { withPort } from "../lib/ip.ts";

export interface ProbeCommand {
  readonly config: string;
  readonly target: string;
  readonly monitor: string;
  readonly json: boolean;
}

/** `probe`: runs one probe and explains it. Exit status 0: passed; 2: failed; 3: no result. */
export function runProbeCommand(command: ProbeCommand, output: Output): Promise<number> {
  return command.json
    ? withJsonOnFailure({ status: "UNKNOWN" }, output, (listening) => probeOnce(command, listening))
    : probeOnce(command, output);
}

async function probeOnce(command: ProbeCommand, output: Output): Promise<number> {
  const config = await readConfig(command.config, output);
  if (config === null) {
    return 3;
  }
  const plan: PlannedProbe[] = [];
  const keeper = await accountKeeperForCommand(config);
  const network = networkOf(config);
  const resolved = await resolveOnce(config, network);
  for (const adc of config.adcs) {
    const read = await untilInterrupted((interrupted) => importOnce(config, adc, interrupted));
    if (read.kind === "failed") {
      output.err(`${printableLine(`${adc.name}: ${read.message}`)}\n`);
      return 3;
    }
    const planned = await planForCommand(read.estate, config, adc, resolved, keeper, network);
    for (const probe of planned) {
      plan.push(probe);
    }
  }
  const named = plan.filter((probe) => namesOf(probe).includes(command.monitor));
  const found = vipFirst(named.filter((probe) => isTarget(probe, command.target)));
  const [probe] = found;
  if (probe === undefined || found.length > 1) {
    output.err(candidates(command, found.length > 1 ? found : named, found.length > 1));
    return 3;
  }
  const { unsupportedReason } = probe.action;
  if (probe.action.run === null) {
    output.err(`not repeated: ${unsupportedReason ?? "no probe to run"}\n`);
    return 3;
  }
  const result = await runOnce(probe, config, keeper);
  if (result === null) {
    output.err("held back: another failed login could lock the account (see login_suspended)\n");
    return 3;
  }
  const status = result.passed === null ? 3 : result.passed ? 0 : 2;
  output.out(
    command.json ? pluginJson(status, null, probeJson(result)) : resultText(probe, result),
  );
  return status;
}

/** `probe --json`: the observation as in the agent's API, with more detail. */
export const probeAnswer = z.strictObject({
  passed: z.boolean().nullable().describe("Null where it says nothing about the service."),
  observation: z.strictObject({
    ...observationShape.shape,
    exchange_seen: z
      .boolean()
      .describe("Whether the response shows that Exchange itself answered."),
    client_address: z
      .strictObject({ seen_as: z.string(), own: z.boolean() })
      .nullable()
      .describe("The agent's address as an SMTP server sees it."),
    auth_schemes: z.string().nullable().describe("Login schemes that a 401 offered."),
    answered: z.array(z.string()).nullable().describe("Records in the DNS answer."),
    login: z
      .enum(["accepted", "rejected", "unanswered", "not_tried"])
      .nullable()
      .describe("Result of the credential; null where none was sent."),
    channel_bound: z.boolean().describe("The login was bound to the server's certificate."),
    stall: z
      .strictObject({ caused_ms: z.number(), excused: z.boolean() })
      .nullable()
      .describe("How stalls of this process affected it."),
    name_checks: z
      .array(z.strictObject({ name: z.string(), carried: z.boolean() }))
      .describe("Whether the certificate holds each name that clients use here."),
  }),
});

function probeJson({ passed, observation }: ProbeResult): Answer<typeof probeAnswer> {
  const { clientAddress, stall, tls } = observation;
  return {
    passed,
    observation: {
      ...observationJson(observation),
      exchange_seen: observation.exchangeSeen,
      client_address:
        clientAddress === undefined
          ? null
          : { seen_as: clientAddress.seenAs, own: clientAddress.own },
      auth_schemes: observation.authSchemes ?? null,
      answered: observation.answered ?? null,
      login: observation.login ?? null,
      channel_bound: observation.channelBound ?? false,
      stall: stall === undefined ? null : { caused_ms: stall.causedMs, excused: stall.excused },
      name_checks: tls?.nameChecks ?? [],
    },
  };
}

/** Runs the probe once; null if its account does not allow a login now. */
async function runOnce(
  probe: PlannedProbe,
  config: Config,
  keeper: AccountKeeper,
): Promise<ProbeResult | null> {
  const { signal } = new AbortController();
  const runner = probeRunnerForCommand(config, networkOf(config), signal, keeper);
  return runner.now(new ProbeRecord(probe, Date.now), probe.timeoutMs);
}

/** The names of a probe: its monitor or transaction, also with account and path (`imap_login probe-a`). */
function namesOf(probe: PlannedProbe): readonly string[] {
  const whole = probe.id.slice(probe.id.lastIndexOf("/") + 1).replaceAll("%2F", "/");
  return [probeName(probe), whole];
}

/** A vserver's public addresses are used only if its own address has no such probe. */
function vipFirst(found: readonly PlannedProbe[]): readonly PlannedProbe[] {
  const vip = found.filter((probe) => probe.vantage !== "public");
  return vip.length === 0 ? found : vip;
}

/** `server:port`, `address:port`, `adc_service/server:port` or a vserver. */
function isTarget(probe: PlannedProbe, target: string): boolean {
  const port = String(probe.memberPort ?? probe.port ?? "");
  const names =
    probe.vantage === "backend"
      ? [
          ...places(probe.server ?? "", port),
          ...places(probe.memberAddress ?? "", port),
          ...places(probe.server ?? "", port).map((place) => `${probe.adcService}/${place}`),
          ...places(probe.server ?? "", port).map(
            (place) => `${probe.adc}/${probe.adcService}/${place}`,
          ),
        ]
      : [probe.vserver, `${probe.adc}/${probe.vserver}`];
  return names.includes(target);
}

/** As it is shown, and without the brackets around an IPv6 address. */
function places(host: string, port: string): readonly string[] {
  return [withPort(host, port), `${host}:${port}`];
}

function candidates(
  { target, monitor }: ProbeCommand,
  probes: readonly PlannedProbe[],
  ambiguous: boolean,
): string {
  const what = ambiguous
    ? `${target} with ${monitor} is ambiguous`
    : `no probe ${monitor} at ${target}`;
  const list = probes.map((probe) => {
    const where =
      probe.vantage === "backend"
        ? `${probe.adc}/${probe.adcService}/${withPort(probe.server ?? "", probe.memberPort ?? "")}`
        : `${probe.adc}/${probe.vserver}`;
    const [name, whole = name] = namesOf(probe);
    return whole === name ? where : `${where} --monitor "${whole}"`;
  });
  const hint =
    list.length === 0 ? `no target has a probe of this name` : `one of: ${list.join(", ")}`;
  return `${printableLine(`${what} (${hint})`)}\n`;
}

function resultText(probe: PlannedProbe, { observation, passed }: ProbeResult): string {
  const result = passed === null ? "UNKNOWN" : passed ? "PASSED" : "FAILED";
  const { evidence, phases, tls } = observation;
  const lines = [
    `${result}: ${probe.type} ${probeName(probe)} at ${withPort(probe.address ?? "", probe.port ?? "")} (${probe.vantage})`,
    `outcome   ${observation.outcome} at step ${observation.step}, reason ${observation.reason}`,
    `took      ${observation.durationMs.toFixed(1)} ms: ${Object.entries(phases)
      .map(([phase, ms]) => `${phase} ${ms.toFixed(1)}`)
      .join(", ")}`,
    evidence.detail === null ? null : `detail    ${evidence.detail}`,
    observation.servedBy === null ? null : `served by ${observation.servedBy}`,
    ...(tls === null ? [] : tlsLines(tls)),
  ];
  const said = lines.filter((line) => line !== null).map(printableLine);
  const { transcript } = evidence;
  return [
    ...said,
    ...(transcript === "" ? [] : ["transcript", transcript.replace(/^/gm, "  ")]),
    "",
  ].join("\n");
}

function tlsLines(tls: TlsFacts): string[] {
  const leaf = tls.chain[0];
  return [
    `tls       ${tls.protocol ?? "no protocol agreed"} ${tls.cipher ?? ""}, SNI ${tls.serverName ?? "none"}, verification ${tls.verification}`,
    ...(leaf === undefined
      ? []
      : [
          `          ${leaf.subject}, issued by ${leaf.issuer}, until ${new Date(leaf.notAfter).toISOString()}`,
          `          names ${leaf.names.join(", ")}; sha256 ${leaf.sha256}`,
        ]),
  ];
}
