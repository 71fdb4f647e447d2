import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { Journal } from "../../src/change/journal.ts";
import { StorageWatch } from "../../src/lib/durable-file.ts";
import { recordedAdcs, recordedPast } from "../../lab/recorded-lab.ts";
import type { Condition, LabProtocol } from "../../lab/exchange/condition.ts";
import type { Lab } from "../../lab/lab.ts";
import { type Bundle, parseBundle } from "../../src/bundle/format.ts";
import { runBundle } from "../../src/cli/bundle.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";

/** A bundle of a lab, as the command writes it, and what the command printed. */
interface Told {
  readonly text: string;
  readonly bundle: Bundle;
  readonly printed: string;
}

async function bundleOf(configFile: string, directory: string): Promise<Told> {
  const out = join(directory, "bundle.jsonl");
  let printed = "";
  const output = {
    out: (words: string) => (printed += words),
    err: (words: string) => (printed += words),
  };
  const status = await runBundle({ config: configFile, out, timeoutMs: 60_000, ask: null }, output);
  expect([status, printed]).toEqual([0, expect.any(String)]);
  const text = await readFile(out, "utf8");
  expect((await stat(out)).mode & 0o777).toBe(0o600);
  const read = parseBundle(text);
  if (read.kind === "failed") {
    throw new Error(read.message);
  }
  return { text, bundle: read.bundle, printed };
}

function rowsOf({ answers }: Bundle, of: string): unknown {
  return answers
    .filter(({ adc }) => adc === of)
    .map(({ node, api, resource, code, fields }) => ({
      what: `${String(node)} ${api} ${resource} ${code ?? ""}`,
      fields,
    }));
}

/** Of members; of vservers too where it is not left to chance which member a client meets. */
function verdictsOf({ verdicts }: Bundle, of: string): unknown {
  const isMixed = verdicts.some(({ verdict }) => verdict === "routes_to_maintenance");
  return verdicts
    .filter(({ adc, server }) => adc === of && (server !== null || !isMixed))
    .map(({ vservers, adc_service, server, port, opinions, verdict }) => ({
      vservers,
      adc_service,
      server,
      port,
      opinions,
      verdict,
    }));
}

/** Names, hosts and addresses of the demo's ns.conf: none of them may leave. */
function namesIn(conf: string): readonly string[] {
  const words = conf.match(/[\w-]+\.example\.com|\b(?:\d{1,3}\.){3}\d{1,3}\b|\bex0\d\b/g) ?? [];
  const names = [
    ...conf.matchAll(
      /^add (?:server|serviceGroup|service|lb vserver|cs vserver|cs policy|cs action|lb monitor) (\S+)/gm,
    ),
  ].map(([, name = ""]) => name);
  return [...new Set([...words, ...names])].filter((word) => !/^(?:0|127|255)\./.test(word));
}

const PART = partOfDemo({
  groups: ["sg_owa", "sg_imap_offload", "sg_smtp"],
  // Time-outs that a busy machine keeps, too: what is recorded of it is compared row by row.
  timing: "-interval 3 -resptimeout 2900 MSEC -downTime 1",
});

describe("bundle of the demo", () => {
  test.each<readonly [string, Readonly<Record<string, readonly [LabProtocol, Condition]>>, RegExp]>(
    [
      ["all is well", {}, /^vip_agree_up$/],
      [
        "one server is in maintenance, and another stopped",
        { ex01: ["all", { kind: "maintenance" }], ex02: ["https", { kind: "stopped" }] },
        /^routes_to_maintenance$/,
      ],
    ],
  )(
    "gives the same rows and verdicts without any of its names when it is played back and %s",
    async (_what, conditions, expected) => {
      let first: Told | null = null;
      await withLab({ confText: PART }, async ({ directory, configFile, lab }) => {
        for (const [server, [protocol, condition]] of Object.entries(conditions)) {
          await lab.servers.get(server)?.set(protocol, condition);
        }
        if (Object.keys(conditions).length > 0) {
          await adcKnows(lab);
        }
        await rememberedAt(directory);
        first = await bundleOf(configFile, directory);
        const accounts = [...lab.accounts, lab.nitroCredentials].flatMap((one) => [
          one.username,
          one.password,
        ]);
        const never = [...namesIn(PART), ...accounts].map((one) => one.toLowerCase());
        const text = first.text.toLowerCase();
        expect(never.filter((one) => text.includes(one))).toEqual([]);
      });
      const { bundle } = first as unknown as Told;
      const [recorded] = await recordedAdcs(bundle);
      if (recorded === undefined) {
        throw new Error("the bundle holds no ADC");
      }
      // A second one that is its twin: every ADC of a bundle is played.
      const both = [recorded, { ...recorded, adc: "twin" }] as const;
      await withLab({ recorded: both, timeScale: 0.5 }, async ({ directory, configFile }) => {
        const again = (await bundleOf(configFile, directory)).bundle;
        expect(again.adcs.length).toBe(2);
        for (const { adc } of again.adcs) {
          expect(rowsOf(again, adc)).toEqual(rowsOf(bundle, recorded.adc));
          expect(verdictsOf(again, adc)).toEqual(verdictsOf(bundle, recorded.adc));
        }
        expect(bundle.verdicts.some(({ verdict }) => expected.test(verdict))).toBe(true);
      });
      const now = Date.now();
      const [past] = recordedPast(bundle, now);
      const { adc, servers } = recorded.estate;
      expect(past).toMatchObject({
        owner: { adc, kind: "member" },
        entries: [{ verdict: "agree_up" }, {}],
      });
      expect(past?.owner.kind === "member" && servers.has(past.owner.server)).toBe(true);
      expect(now - (past?.entries[0]?.at ?? 0)).toBeGreaterThanOrEqual(60_000);
    },
    240_000,
  );
});

/** As an agent that ran with this state directory a minute ago, and has ended. */
async function rememberedAt(stateDir: string): Promise<void> {
  let now = Date.now() - 120_000;
  const journal = new Journal({
    stateDir,
    storage: new StorageWatch(pino({ level: "silent" })),
    current: () => [],
    now: () => now,
  });
  const adcService = "sg_owa";
  const owner = {
    kind: "member",
    adc: "demo",
    adcService,
    server: "ex01",
    port: 443,
    vservers: [],
  } as const;
  const opinions = { adc: "up", replica: "up", service: "up", verdict: "agree_up" } as const;
  const rest = {
    step: null,
    reason: null,
    decidedBy: adcService,
    detected: false,
    working: null,
    clientsLeft: null,
  };
  journal.record([{ owner, entry: { at: now, ...opinions, ...rest } }]);
  now += 60_000;
  await journal.close();
}

/** Half of what the ADC takes to call a member DOWN: three probes that fail, the last by its time-out. */
const HALF_A_CHANGE_MS = 6_500;

/** Waits until no monitor of the lab's ADC is in the middle of changing its mind. */
async function adcKnows(lab: Lab): Promise<void> {
  const states = (): string =>
    JSON.stringify(lab.adc.members().map((member) => member.belief().state));
  let before = "";
  await until(
    "the ADC knows",
    async () => {
      const last = before;
      before = states();
      await new Promise((resolve) => setTimeout(resolve, HALF_A_CHANGE_MS));
      return last === before && before === states();
    },
    (isStill) => isStill,
    60_000,
  );
}
