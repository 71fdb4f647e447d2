import { BaseSequencer, type TestSpecification } from "vitest/node";
import { groupBy } from "../../src/lib/steps.ts";

/** What is fast of rooms that share: codecs and words. */
export const FAST_OF_SHARED = [
  "test/probes/**/{registry,reverse,dcerpc,ntlm,account-gate,recognise}*.test.ts",
  "test/web/{words,history,probe-source,maintenance}.test.ts",
];

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
  "test/dashboards/lint.test.ts",
  "test/bench/options.test.ts",
  ...FAST_OF_SHARED,
];

/** Of the folders above, what needs real servers or measures the lab, and keeps or measures state of its process. */
export const NOT_FAST = [
  "test/adc/nitro/scale.test.ts",
  "test/adc/nsconf/fuzz.test.ts",
  "test/agent/{reload,churn}.test.ts",
  "test/change/compare.test.ts",
  "test/exporters/prometheus/promtool.test.ts",
  "test/lint/blind-spots.test.ts",
];

/** Likewise, or waits for an appliance's answers, a process or a stall; but keeps nothing. */
export const NOT_FAST_BUT_SHARED = [
  "test/adc/nitro/{adc-session,client,import-gaps,nitro-user}.test.ts",
  "test/agent/{adc-watch,public-names,readiness}.test.ts",
  "test/change/{any-port-vip,compare-learns,other-vips,other-worlds,refusing-greetings,root-redirect,vip-refuses}.test.ts",
  "test/config/json-schema.test.ts",
  "test/exporters/{discovery,odd-monitors}.test.ts",
  "test/lib/lock.test.ts",
  "test/lint/command.test.ts",
  "test/net/{stalled-loop,tls}.test.ts",
];

/** Real servers and the double: the files of a worker share its loaded modules, which is half of the time of most. */
export const SHARED = [
  "test/{cli,lab,notify,probes,web}/**/*.test.ts",
  "test/bundle/{fixtures,format,pseudonyms}.test.ts",
  "test/docs/{guides,links,names-agree,readme,reference,two-agents,yaml}.test.ts",
  ...NOT_FAST_BUT_SHARED,
];

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

/** Files whose tests wait most of the time, for probes and time-outs. */
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
  "test/e2e/{demo-alerts,demo-diagnoses,demo-scenarios,gslb,two-agents}.test.ts",
  "test/faults/agent-*.test.ts",
  "test/fuzz/fuzz.test.ts",
  "test/lint/proof-of-many.test.ts",
  "test/lint-page/speed.test.ts",
  "test/alerts/maintenance-hour.test.ts",
];

/** How a long file uses a machine: for how many seconds, and how much of one processor meanwhile. */
export interface Use {
  readonly seconds: number;
  readonly load: number;
}

/** Measured on two processors with nothing beside; only how they compare counts. Any other file works for a moment. */
export const LONGEST: Readonly<Record<string, readonly [seconds: number, load: number]>> = {
  "test/e2e/gslb.test.ts": [275, 0.1],
  "test/e2e/demo-scenarios.test.ts": [220, 0.3],
  "test/e2e/two-agents.test.ts": [135, 0.3],
  "test/soak/real.test.ts": [130, 0.3],
  "test/e2e/demo-diagnoses.test.ts": [120, 0.5],
  "test/e2e/demo-alerts.test.ts": [105, 0.2],
  "test/faults/agent-reloads.test.ts": [80, 0.2],
  "test/change/other-worlds.test.ts": [16, 0.5],
  "test/e2e/vip.test.ts": [75, 0.1],
  "test/faults/agent-clock.test.ts": [65, 0.1],
  "test/alerts/maintenance-hour.test.ts": [65, 0.2],
  "test/e2e/demo-command.test.ts": [45, 0.6],
  "test/faults/agent-hold.test.ts": [60, 0.1],
  "test/packages/packages.test.ts": [60, 0.7],
  "test/faults/agent-kill.test.ts": [58, 0.4],
  "test/faults/table.test.ts": [60, 0.6],
  "test/faults/agent-descriptors.test.ts": [55, 0.1],
  "test/docs/commands.test.ts": [45, 0.9],
  "test/web/page.test.ts": [32, 0.9],
  "test/bundle/round-trip.test.ts": [50, 0.1],
  "test/change/refusing-greetings.test.ts": [9, 0.4],
  "test/faults/agent-disk.test.ts": [47, 0.2],
  "test/security/canary.test.ts": [55, 0.3],
  "test/e2e/compare.test.ts": [45, 0.3],
  "test/e2e/maintenance-commands.test.ts": [42, 0.1],
  "test/lab/adc/lab.test.ts": [41, 0.1],
  "test/e2e/maintenance.test.ts": [39, 0.2],
  "test/change/vip-refuses.test.ts": [36, 0.2],
  "test/probes/transactions/hostile/hostile-tls.test.ts": [34, 0.1],
  "test/probes/transactions/hostile/hostile.test.ts": [40, 0.9],
  "test/lint/proof-of-many.test.ts": [37, 1],
  "test/change/other-vips.test.ts": [9, 0.4],
  "test/fuzz/fuzz.test.ts": [30, 1],
  "test/security/expressions.test.ts": [22, 1],
  "test/probes/monitors/ping.test.ts": [27, 0.1],
  "test/change/compare.test.ts": [25, 0.1],
  "test/e2e/public.test.ts": [24, 0.1],
  "test/e2e/persistence.test.ts": [24, 0.1],
  "test/e2e/reload.test.ts": [22, 0.2],
  "test/docs/api.test.ts": [22, 0.3],
  "test/lint/blind-spots.test.ts": [22, 0.1],
  "test/web/accessibility.test.ts": [20, 0.6],
  "test/probes/transactions/hostile/hostile-udp.test.ts": [19, 0.6],
  "test/probes/transactions/peers/blackbox.test.ts": [20, 0.1],
  "test/probes/monitors/haproxy.test.ts": [18, 0.1],
  "test/docs/integrations.test.ts": [25, 0.4],
  "test/probes/transactions/real-support-servers.test.ts": [17, 0.1],
  "test/lab/adc/administration.test.ts": [16, 0.1],
  "test/probes/monitors/contract.test.ts": [15, 0.2],
  "test/lint-page/page.test.ts": [16, 0.8],
  "test/alerts/rules.test.ts": [15, 1],
  "test/cli/built-command.test.ts": [17, 0.5],
  "test/web/load.test.ts": [12, 0.5],
  "test/e2e/signals.test.ts": [15, 0.3],
  "test/e2e/ns-conf-only.test.ts": [14, 0.2],
  "test/probes/transactions/hostile/hostile-fields.test.ts": [18, 0.8],
  "test/probes/proxy-protocol.test.ts": [12, 0.1],
  "test/exporters/discovery.test.ts": [12, 0.1],
  "test/change/compare-learns.test.ts": [12, 0.1],
  "test/agent/churn.test.ts": [7, 1],
  "test/probes/ntlm/channel-binding.test.ts": [11, 0.2],
  "test/lab/adc/aaa-steps.test.ts": [10, 0.1],
  "test/lab/faults/faults.test.ts": [10, 0.1],
};
const SHORT: Use = { seconds: 3, load: 1 };
/** The smallest machine that the tests are for. */
const PROCESSORS = 2;

/** Runs the longest files first, those that wait beside those that work. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Vitest runs one group of projects after another.
    const groups = groupBy(await super.sort(files), ({ project }) =>
      String(project.config.sequence.groupOrder),
    );
    return [...groups].flatMap(([, group]) =>
      sideBySide(group, useOf, group[0]?.project.config.maxWorkers ?? this.ctx.config.maxWorkers),
    );
  }
}

function useOf({ moduleId }: TestSpecification): Use {
  const at = moduleId.lastIndexOf("/test/");
  const [seconds, load] = LONGEST[moduleId.slice(at + 1)] ?? [SHORT.seconds, SHORT.load];
  return { seconds, load };
}

/**
 * An order in which so many workers, each of which takes the next file when it is free, keep the processors busy and not
 * busier: of what fits beside the files that run, the longest; else what takes least.
 */
export function sideBySide<File>(
  files: readonly File[],
  useOfFile: (file: File) => Use,
  workers: number,
): File[] {
  const waiting = files
    .map((file) => ({ file, ...useOfFile(file) }))
    .sort((one, other) => other.seconds - one.seconds);
  const order: File[] = [];
  let running: { readonly endsAt: number; readonly load: number }[] = [];
  let now = 0;
  while (waiting.length > 0) {
    if (running.length === workers) {
      now = Math.min(...running.map(({ endsAt }) => endsAt));
      running = running.filter(({ endsAt }) => endsAt > now);
    }
    const room = PROCESSORS - running.reduce((sum, { load }) => sum + load, 0);
    const fitting = waiting.findIndex(({ load }) => load <= room);
    const least = Math.min(...waiting.map(({ load }) => load));
    const at = fitting === -1 ? waiting.findIndex(({ load }) => load === least) : fitting;
    for (const { file, seconds, load } of waiting.splice(at, 1)) {
      order.push(file);
      running.push({ endsAt: now + seconds, load });
    }
  }
  return order;
}
