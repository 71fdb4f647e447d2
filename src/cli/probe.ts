import { importOnce, networkOf } from "../agent/import-once.ts";
import { planProbes } from "../agent/plan/plan.ts";
import { probeName, type PlannedProbe } from "../agent/plan/planned-probe.ts";
import { planSettings } from "../agent/plan/settings.ts";
import { runProbe, type ProbeResult } from "../agent/run-probe.ts";
import type { TlsFacts } from "../probes/probe.ts";
import type { Output } from "./output.ts";
import { readConfig } from "./read-config.ts";

export interface ProbeCommand {
  readonly config: string;
  readonly target: string;
  readonly monitor: string;
  readonly json: boolean;
}

/** `probe`: one probe, explained. 0 passed, 2 failed, 3 nothing could be said. */
export async function runProbeCommand(command: ProbeCommand, output: Output): Promise<number> {
  const config = await readConfig(command.config, output);
  if (config === null) {
    return 3;
  }
  const plan: PlannedProbe[] = [];
  for (const adc of config.adcs) {
    const read = await importOnce(config, adc);
    if (read.kind === "failed") {
      output.err(`${adc.name}: ${read.message}\n`);
      return 3;
    }
    plan.push(...planProbes(read.estate, planSettings(config, adc)));
  }
  const named = plan.filter((probe) => probeName(probe) === command.monitor);
  const found = named.filter((probe) => isTarget(probe, command.target));
  const [probe] = found;
  if (probe === undefined || found.length > 1) {
    output.err(candidates(command, found.length > 1 ? found : named, found.length > 1));
    return 3;
  }
  const result = await runProbe(probe, {
    network: networkOf(config),
    signal: new AbortController().signal,
    localAddress: config.sourceAddresses[0] ?? null,
    now: Date.now,
    monotonic: () => performance.now(),
  });
  if (result === null) {
    output.err(`not repeated: ${probe.action.unsupportedReason ?? "nothing to run"}\n`);
    return 3;
  }
  output.out(command.json ? `${JSON.stringify(result, null, 1)}\n` : explained(probe, result));
  return result.passed === null ? 3 : result.passed ? 0 : 2;
}

/** `server:port`, `address:port`, `adc_service/server:port` or a vserver. */
export function isTarget(probe: PlannedProbe, target: string): boolean {
  const port = String(probe.memberPort ?? probe.port ?? "");
  const names =
    probe.vantage === "backend"
      ? [
          `${probe.server ?? ""}:${port}`,
          `${probe.memberAddress ?? ""}:${port}`,
          `${probe.adcService}/${probe.server ?? ""}:${port}`,
          `${probe.adc}/${probe.adcService}/${probe.server ?? ""}:${port}`,
        ]
      : [probe.vserver, `${probe.adc}/${probe.vserver}`];
  return names.includes(target);
}

function candidates(
  { target, monitor }: ProbeCommand,
  probes: readonly PlannedProbe[],
  ambiguous: boolean,
): string {
  const what = ambiguous
    ? `${target} with ${monitor} is ambiguous`
    : `no probe ${monitor} at ${target}`;
  const list = probes.map((probe) =>
    probe.vantage === "backend"
      ? `${probe.adc}/${probe.adcService}/${probe.server ?? ""}:${String(probe.memberPort ?? "")}`
      : `${probe.adc}/${probe.vserver}`,
  );
  const hint =
    list.length === 0 ? `no target has a probe of that name` : `one of: ${list.join(", ")}`;
  return `${what} (${hint})\n`;
}

function explained(probe: PlannedProbe, { observation, passed }: ProbeResult): string {
  const result = passed === null ? "UNKNOWN" : passed ? "PASSED" : "FAILED";
  const { evidence, phases, tls } = observation;
  const lines = [
    `${result}: ${probe.type} ${probeName(probe)} at ${probe.address ?? ""}:${String(probe.port ?? "")} (${probe.vantage})`,
    `outcome   ${observation.outcome} at step ${observation.step}, reason ${observation.reason}`,
    `took      ${observation.durationMs.toFixed(1)} ms: ${Object.entries(phases)
      .map(([phase, ms]) => `${phase} ${ms.toFixed(1)}`)
      .join(", ")}`,
    evidence.detail === null ? null : `detail    ${evidence.detail}`,
    observation.servedBy === null ? null : `served by ${observation.servedBy}`,
    ...(tls === null ? [] : tlsLines(tls)),
    evidence.transcript === "" ? null : `transcript\n${evidence.transcript.replace(/^/gm, "  ")}`,
  ];
  return `${lines.filter((line) => line !== null).join("\n")}\n`;
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
