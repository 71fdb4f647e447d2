import { series, type Alert } from "./alert.ts";

/** That an alert on a gauge of 0 and 1 fires as soon as something is wrong, and not before. */
export function provenByFlag(
  metric: string,
  labels: Readonly<Record<string, string>>,
  because: string,
  { wrong, right }: { readonly wrong: "0" | "1"; readonly right: "0" | "1" } = WRONG_WHEN_SET,
): Pick<Alert, "fires" | "nearMiss"> {
  return {
    fires: { series: [series(metric, labels, `${right} ${wrong}x240`)], labels },
    nearMiss: { because, series: [series(metric, labels, `${right}x240`)] },
  };
}

const WRONG_WHEN_SET = { wrong: "1", right: "0" } as const;
