import type { MemberVerdict } from "../../src/model/verdicts.ts";
import type { Situation } from "./expected.ts";
import { seesPortAlone } from "./world.ts";

/** How long a verdict lasted in a situation, and how much of that was neither expected nor about to change. */
export interface Cell {
  heldMs: number;
  /** Given although another had been expected for longer than the agent may need to notice. */
  wrongMs: number;
  wrongTimes: number;
}

/** Situations by verdicts: who was right, in member-milliseconds. Plain data, so that a worker can send it. */
export type Tally = Record<string, Partial<Record<MemberVerdict, Cell>>>;

/** A situation's name in the table: true state, ADC state, declared maintenance. */
export function situationName(situation: Situation): string {
  const { kind, truth, adc, window, overdue, login, monitorLogin } = situation;
  const isOpen = seesPortAlone(kind) && truth.condition === "maintenance";
  const port = isOpen ? " (port open)" : "";
  const known = login === "works" ? "" : `, our login ${login}`;
  const monitors = monitorLogin === "works" ? "" : `, the monitor's login ${monitorLogin}`;
  const monitoring = truth.adc === "honest" ? "" : `, ${truth.adc.replace("_", " ")}`;
  const declared = window === "no" ? (overdue ? ", overdue" : "") : `, window ${window}`;
  return `${truth.condition}${port}${monitoring}${known}${monitors}, ADC ${adc}${declared}`;
}

export function cellOf(tally: Tally, situation: string, said: MemberVerdict): Cell {
  const row = (tally[situation] ??= {});
  return (row[said] ??= { heldMs: 0, wrongMs: 0, wrongTimes: 0 });
}

/** Adds one tally to another. */
export function addTally(sum: Tally, more: Tally): void {
  for (const [situation, row] of Object.entries(more)) {
    for (const [said, cell] of Object.entries(row) as [MemberVerdict, Cell][]) {
      const into = cellOf(sum, situation, said);
      into.heldMs += cell.heldMs;
      into.wrongMs += cell.wrongMs;
      into.wrongTimes += cell.wrongTimes;
    }
  }
}
