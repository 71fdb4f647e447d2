import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Pure rooms and codecs, for `npm run test:fast`: no Debian package, no built command, nothing that waits. What is named
 * in another lane is left out of this one.
 */
export const FAST = [
  "test/{lib,model,verdict,config,maintenance,change}/**/*.test.ts",
  "test/adc/**/*.test.ts",
  "test/agent/**/*.test.ts",
  "test/lint/**/*.test.ts",
  "test/exporters/**/*.test.ts",
  "test/net/**/*.test.ts",
  "test/probes/**/{registry,reverse,dcerpc,ntlm,account-gate,recognise}*.test.ts",
  "test/web/{words,history,probe-source,maintenance}.test.ts",
  "test/dashboards/lint.test.ts",
];

/** Of the folders above, what needs real servers or measures the lab. */
export const NOT_FAST = [
  "test/adc/nitro/{scale,nitro-user,import-gaps}.test.ts",
  "test/adc/nsconf/fuzz.test.ts",
  "test/agent/{public-names,readiness,reload,churn}.test.ts",
  "test/change/{compare,compare-learns}.test.ts",
  "test/config/json-schema.test.ts",
  "test/exporters/discovery.test.ts",
  "test/exporters/prometheus/promtool.test.ts",
  "test/lint/{blind-spots,command}.test.ts",
  "test/net/tls.test.ts",
];

/** Real servers and the double: the files of a worker share its loaded modules, which is half of the time of most. */
export const SHARED = ["test/{cli,lab,notify,probes,web}/**/*.test.ts"];

/** Of the folders above, what measures memory or timers, sets the environment, or draws in a browser. */
export const ALONE = [
  "test/cli/{built-command,demo-story,heap-growth}.test.ts",
  "test/lab/exchange/{directory,robustness}.test.ts",
  "test/notify/deliver.test.ts",
  "test/probes/monitors/{lying-lengths,scripted}.test.ts",
  "test/probes/transactions/mail-logins.test.ts",
  "test/probes/transactions/hostile/*.test.ts",
  "test/web/{accessibility,crowd,page}.test.ts",
];

/** Files whose tests wait most of the time (for probes, time-outs): more of them run side by side. */
export const WAITING = [
  "test/docs/{api,commands}.test.ts",
  "test/e2e/*.test.ts",
  "test/faults/agent*.test.ts",
  "test/lab/adc/lab.test.ts",
  "test/probes/monitors/ping.test.ts",
  "test/probes/transactions/hostile/{hostile-tls,hostile-udp}.test.ts",
];

/** Kills, stalls, descriptors, whole stories, soak and long fuzz: `npm run test:long`. */
export const LONG = [
  "test/soak/*.test.ts",
  "test/packages/*.test.ts",
  "test/e2e/{demo-alerts,demo-scenarios,gslb,two-agents}.test.ts",
  "test/faults/agent-*.test.ts",
  "test/fuzz/fuzz.test.ts",
  "test/lint/proof-of-many.test.ts",
  "test/lint-page/speed.test.ts",
  "test/alerts/maintenance-hour.test.ts",
];

/** The longest first: whatever begins last should be short. */
const LONGEST = [
  "test/soak/real.test.ts",
  "test/e2e/two-agents.test.ts",
  "test/faults/agent-kill.test.ts",
  "test/e2e/demo-scenarios.test.ts",
  "test/docs/commands.test.ts",
  "test/e2e/maintenance.test.ts",
  "test/faults/agent-descriptors.test.ts",
  "test/e2e/vip.test.ts",
  "test/e2e/demo-command.test.ts",
  "test/probes/transactions/hostile/hostile.test.ts",
  "test/web/page.test.ts",
  "test/security/canary.test.ts",
  "test/security/expressions.test.ts",
  "test/bundle/round-trip.test.ts",
  "test/lab/adc/lab.test.ts",
  "test/e2e/maintenance-commands.test.ts",
  "test/docs/integrations.test.ts",
  "test/probes/transactions/hostile/hostile-tls.test.ts",
  "test/faults/table.test.ts",
  "test/fuzz/",
  "test/soak/simulation.test.ts",
];

/** Runs the longest files first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((one, other) => rankOf(one) - rankOf(other));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex((path) => moduleId.includes(`/${path}`));
  return at === -1 ? LONGEST.length : at;
}
