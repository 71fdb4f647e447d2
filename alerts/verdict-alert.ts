import { type MemberVerdict, type VserverVerdict, VERDICT_WORDS } from "../src/model/verdicts.ts";
import { series, type Alert, type Shown } from "./alert.ts";

/** Makes alerts for single verdicts of one state set; the near miss is another verdict that looks alike. */
export function verdictAlerts<Verdict extends MemberVerdict | VserverVerdict>(
  metric: string,
  labels: Readonly<Record<string, string>>,
  kind: { readonly key: readonly string[]; readonly shownAt: Shown },
) {
  return (
    name: string,
    severity: Alert["severity"],
    verdict: Verdict,
    summary: string,
    [other, because]: readonly [other: Verdict, because: string],
  ): Alert => {
    const { meaning, advice } = VERDICT_WORDS[verdict];
    return {
      name,
      severity,
      expr: `${metric}{verdict="${verdict}"} == 1`,
      for: "1m",
      heldBy: kind.key,
      summary,
      description: `${meaning} ${advice}`,
      shownAt: kind.shownAt,
      verdict,
      fires: {
        series: [series(metric, { ...labels, verdict }, "0 1x240")],
        labels: { ...labels, verdict },
      },
      nearMiss: {
        because: `while ${because}`,
        series: [
          series(metric, { ...labels, verdict }, "0x240"),
          series(metric, { ...labels, verdict: other }, "1x240"),
        ],
      },
    };
  };
}
