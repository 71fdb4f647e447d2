import { compareOnce } from "../change/compare.ts";
import { readMaintenanceWindows } from "../agent/declarations.ts";
import { barePortSentence } from "../model/depth.ts";
import type { LiveMember, LiveVserver } from "../model/live.ts";
import type { MemberRecord } from "../agent/records/member-record.ts";
import type { VserverRecord } from "../agent/records/vserver-record.ts";
import { gapSentence } from "../model/nitro-gap.ts";
import { printableLine } from "../lib/printable.ts";
import { exitStatus, pluginWord, type JudgedRow, MISMATCH_VERDICTS } from "../model/verdicts.ts";
import { compareJson } from "../web/api/verdicts.ts";
import { columns, type Output } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { untilInterrupted } from "./run.ts";

export interface CompareCommand {
  readonly config: string;
  readonly server: string | null;
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly strict: boolean;
  readonly json: boolean;
}

/** `compare`: one round now. 2 any mismatch, 3 any unexpected unknown, 1 anything to look at, 0 all agree. */
export async function runCompare(command: CompareCommand, output: Output): Promise<number> {
  const config = await readConfig(command.config, output);
  if (config === null) {
    return failed("invalid configuration", command, output);
  }
  const { declarations, warning } = await readMaintenanceWindows(config);
  if (warning !== null) {
    output.err(`warning: ${warning}\n`);
  }
  const compared = await untilInterrupted((interrupted) =>
    compareOnce({ ...command, config, declarations, interrupted }),
  );
  if (compared.kind === "failed") {
    return failed(compared.message, command, output);
  }
  const { members, vservers, findings } = compared.state;
  const rows = [...members, ...vservers];
  const heard = rows.some((row) => row.adcOpinion !== "unknown");
  const judgedStatus = exitStatus(rows.map(judged), command.strict);
  // Without a word of the ADC nothing was compared, whatever our own opinions are.
  const blind = compared.state.adcs.some(({ gaps = [] }) => gaps.some(({ blinds }) => blinds));
  // A kind of vserver that was not seen may hide anything, but a mismatch that was seen is worse.
  const status = judgedStatus !== 2 && (blind || (judgedStatus === 0 && !heard)) ? 3 : judgedStatus;
  if (command.json) {
    const told = compared.state.adcs.flatMap(({ name, gaps = [] }) =>
      gaps.map((gap) => ({ adc: name, ...gap })),
    );
    output.out(
      `${JSON.stringify({ ...compareJson({ members, vservers }), gaps: told }, null, 1)}\n`,
    );
  } else {
    const summary = printableLine(pluginLine(status, members, vservers));
    output.out(`${summary}\n${comparisonTable(members, vservers)}\n`);
    for (const { name, gaps = [], up, lastError } of compared.state.adcs) {
      if (up === false && lastError !== null) {
        output.out(`${printableLine(`${name}: ${lastError}`)}\n`);
      }
      for (const gap of gaps) {
        output.out(`${printableLine(gapSentence(name, gap))}\n`);
      }
    }
    const bare = barePortSentence(members.map(({ depth }) => depth.adc));
    output.out(bare === null ? "" : `${bare}\n`);
    for (const finding of findings) {
      output.out(`${printableLine(finding.message)}\n`);
    }
  }
  return status;
}

function failed(reason: string, command: CompareCommand, output: Output): number {
  const message = printableLine(reason);
  output.err(`${message}\n`);
  if (!command.json) {
    output.out(`WITNESS UNKNOWN - ${message}\n`);
  }
  return 3;
}

/**
 * An unknown is the configuration's doing when there is no NITRO, when nothing about the row can be probed at all, or when
 * the monitor by which the ADC says DOWN cannot be repeated.
 */
function judged(row: MemberRecord | VserverRecord): JudgedRow {
  const nothingToProbe = row.probes.every((probe) => probe.planned.action.run === null);
  return {
    verdict: row.verdict,
    unknownByConfiguration:
      row.verdict === "unknown" &&
      (row.reason === "not_configured" || row.reason === "unsupported" || nothingToProbe),
  };
}

function pluginLine(
  status: ReturnType<typeof exitStatus>,
  members: readonly LiveMember[],
  vservers: readonly LiveVserver[],
): string {
  const rows = [
    ...members.map((row) => ({ row, name: `${row.adcService}/${row.server}:${String(row.port)}` })),
    ...vservers.map((row) => ({ row, name: row.vserver })),
  ];
  const wrong = rows.filter(({ row }) => MISMATCH_VERDICTS.has(row.verdict));
  const unknown = rows.filter(({ row }) => row.verdict === "unknown");
  const named = wrong.slice(0, 3).map(({ row, name }) => `${name} ${row.verdict}`);
  const more = wrong.length > 3 ? ", …" : "";
  const list = named.length === 0 ? "" : `: ${named.join(", ")}${more}`;
  const count = `${String(wrong.length)} of ${String(rows.length)} disagree${list}`;
  return `WITNESS ${pluginWord(status)} - ${count} | mismatches=${String(wrong.length)} unknown=${String(unknown.length)}`;
}

/** The table of opinions and verdicts, worst first. */
export function comparisonTable(
  members: readonly LiveMember[],
  vservers: readonly LiveVserver[],
): string {
  const worstFirst = (a: { mismatch: boolean }, b: { mismatch: boolean }): number =>
    Number(b.mismatch) - Number(a.mismatch);
  const memberRows = [...members]
    .sort(worstFirst)
    .map((row) => [
      row.vservers[0] ?? "-",
      row.adcService,
      `${row.server}:${String(row.port)}`,
      row.adcOpinion,
      row.replica,
      row.service,
      row.verdict,
      why(row),
    ]);
  const vserverRows = [...vservers]
    .sort(worstFirst)
    .map((row) => [
      row.vserver,
      "(vserver)",
      `${row.address ?? "-"}:${String(row.port ?? "-")}`,
      row.adcOpinion,
      `${String(row.members.reallyUp)}/${String(row.members.configured)}`,
      row.vip,
      row.verdict,
      row.reason === null || row.reason === "ok" ? "" : row.reason,
    ]);
  return columns([
    ["VSERVER", "SERVICE", "MEMBER", "ADC", "REPLICA", "SERVICE", "VERDICT", "WHY"],
    ...memberRows,
    ...vserverRows,
  ]);
}

function why(row: LiveMember): string {
  if (row.reason === null || row.reason === "ok") {
    return "";
  }
  const step = row.step === null ? "" : `${row.step}: `;
  return `${step}${row.reason}${row.decidedBy === null ? "" : ` (${row.decidedBy})`}`;
}
