import pc from "picocolors";
import type { LiveMember, LiveState, LiveVserver } from "../agent/live.ts";
import { WARNING_VERDICTS, type Verdict } from "../verdict/verdicts.ts";
import { comparisonTable } from "./compare.ts";

/** How many lines of the story are kept in sight. */
const STORY_LINES = 4;
/** Lines that are neither table nor story: headline, blank lines, column heads, the count. */
const OTHER_LINES = 8;

/**
 * One screen of the demo: the headline, the story so far, and as much of the table as fits, what disagrees first.
 * `rows` and `width` are the terminal's.
 */
export function demoScreen(
  state: LiveState,
  headline: string,
  stories: readonly string[],
  terminal: { readonly rows: number; readonly width: number },
): string {
  const told = stories.slice(-STORY_LINES).map((line) => pc.bold(line.slice(0, terminal.width)));
  const room = Math.max(4, terminal.rows - OTHER_LINES - told.length);
  const ranked = [
    ...state.members.map((member) => ({ rank: rankOf(member), member, vserver: null })),
    ...state.vservers.map((vserver) => ({ rank: rankOf(vserver), member: null, vserver })),
  ].sort((a, b) => a.rank - b.rank);
  const shown = ranked.slice(0, room);
  const table = comparisonTable(
    shown.flatMap(({ member }) => member ?? []),
    shown.flatMap(({ vserver }) => vserver ?? []),
  );
  const hidden = ranked.length - shown.length;
  const agree = ranked.filter(({ rank }) => rank === RANK_AGREES).length;
  const count = `${String(agree)} of ${String(ranked.length)} agree${hidden > 0 ? `, ${String(hidden)} rows not shown` : ""}`;
  const lines = table.split("\n").map((line) => coloured(line.slice(0, terminal.width)));
  return [headline, "", ...told, "", ...lines, "", count].join("\n");
}

const RANK_AGREES = 3;

/** What a reader must see first: the ADC is wrong, something to look at, maintenance and the like, agreement. */
function rankOf(row: Pick<LiveMember | LiveVserver, "verdict" | "mismatch">): number {
  if (row.mismatch) {
    return 0;
  }
  const verdict: Verdict = row.verdict;
  if (WARNING_VERDICTS.has(verdict)) {
    return 1;
  }
  return /agree/.test(verdict) ? RANK_AGREES : 2;
}

/** Colour is never the only sign: the verdict stands in the line. */
function coloured(line: string): string {
  if (
    / (routes_to_maintenance|blind_monitor|false_up|false_down|strict_monitor|return_overdue|vip_(?!agree|protected|backup)\w+)/.test(
      line,
    )
  ) {
    return pc.red(line);
  }
  if (/ (settling|drained_undeclared|replica_differs)/.test(line)) {
    return pc.yellow(line);
  }
  return / maintenance_expected| drained| ready_to_return/.test(line) ? pc.cyan(line) : line;
}
