import type { VserverState } from "../adc-state.ts";
import { number, text, type Row } from "./coerce.ts";
import { ticksAsMs } from "./member-states.ts";
import { adcOpinion } from "./states.ts";

/** What the ADC says of its vservers, by name. Content-switching ones have no effective state of their own on the wire. */
export function vserverStates(
  lbRows: readonly Row[],
  csRows: readonly Row[],
): Map<string, VserverState> {
  const states = new Map<string, VserverState>();
  for (const [kind, rows] of [
    ["lb", lbRows],
    ["cs", csRows],
  ] as const) {
    for (const row of rows) {
      const name = text(row, "name");
      if (name !== null) {
        states.set(name, vserverState(name, kind, row));
      }
    }
  }
  return states;
}

function vserverState(name: string, kind: "lb" | "cs", row: Row): VserverState {
  const rawState = text(row, "curstate") ?? "";
  const effective = text(row, "effectivestate");
  const state = adcOpinion(rawState);
  return {
    name,
    kind,
    state,
    effectiveState: effective === null ? state : adcOpinion(effective),
    rawState,
    healthPercent: number(row, "health", 0, 100),
    // "(Backup Active)", as `show lb vserver` prints it behind the backup's name.
    backupActive: /\bactive\b/i.test(text(row, "backupvserverstatus") ?? ""),
    remark: text(row, "value"),
    sinceMs: ticksAsMs(row),
  };
}
