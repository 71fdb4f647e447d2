import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Named, ScenarioRun } from "../../lab/scenario.ts";
import { scenario, type ScenarioName } from "../../lab/scenarios.ts";
import type { LiveMember, LiveState, LiveVserver } from "../../src/model/live.ts";
import { declareAt, tokenFileOf } from "../../src/cli/lab-config.ts";
import { until, withLabAgent, type LabAgent } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";
import { looksAlike, singleLook, verdictsIn } from "../support/single-looks.ts";

/*
 * Every story the demo tells, with the part of its estate that the story is about. The stories wait for the agent most
 * of the time, so that they are told side by side, the longest first.
 */

interface Story extends LabAgent {
  readonly member: (adcService: string, server: string) => LiveMember;
  readonly vserver: (name: string) => LiveVserver;
  /** Waits until every member and vserver is well. */
  readonly allWell: () => Promise<void>;
  /** Takes the scenario's step; the others follow in the script's own time. */
  readonly change: () => Promise<void>;
  /** Whether the script has taken its last step. */
  readonly isOver: () => boolean;
  /** The world stays as it is. */
  readonly hold: () => void;
}

/** Plays a story on its part of the demo. It begins with the change, as soon as all is well. */
async function told(
  name: ScenarioName,
  groups: readonly string[],
  use: (story: Story) => Promise<void>,
): Promise<void> {
  const whole = scenario(name);
  const changeAtMs = whole.steps[1]?.atMs ?? 0;
  const steps = whole.steps.map((step) => ({ ...step, atMs: Math.max(0, step.atMs - changeAtMs) }));
  const options = { scenario: { ...whole, steps }, confText: partOfDemo({ groups }) };
  await withLabAgent(options, async (world) => {
    const { state } = world.service.agent;
    let run: ScenarioRun | null = null;
    await use({
      ...world,
      member: (adcService, server) =>
        known(
          state.members.find((each) => each.adcService === adcService && each.server === server),
        ),
      vserver: (vserver) => known(state.vservers.find((each) => each.vserver === vserver)),
      allWell: async () => {
        await until(
          `${name}: all is well`,
          () => [
            ...state.members.map((each) => `${each.server} ${each.verdict} ${each.replica}`),
            ...state.vservers.map((each) => `${each.vserver} ${each.verdict}`),
          ],
          (seen) => seen.every((each) => /agree_up( up)?$|vip_protected$/.test(each)),
          90_000,
        );
      },
      change: async () => {
        const played = world.lab.play(
          undefined,
          declareAt(world.url, tokenFileOf(world.directory)),
        );
        run = played;
        await until(
          `${name}: the change`,
          () => played.done().length,
          (done) => done >= Math.min(2, steps.length),
          30_000,
        );
      },
      isOver: () => run?.done().length === steps.length,
      hold: () => run?.stop(),
    });
  });
}

function known<T>(found: T | undefined): T {
  if (found === undefined) {
    throw new Error("not in the estate");
  }
  return found;
}

/**
 * Waits for the verdict, and then until all of this is so beside it: a probe that this busy process held says nothing, and
 * the next one does.
 */
async function becomes(
  what: string,
  look: () => LiveMember | LiveVserver,
  verdict: string | null,
  deadlineMs: number,
  beside: object = {},
): Promise<void> {
  const wait = async (expected: object, ms: number): Promise<void> => {
    await until(
      `${what}: ${JSON.stringify(expected)}`,
      () => {
        const now = look();
        const names = Object.keys(expected);
        return Object.fromEntries(names.map((name) => [name, Reflect.get(now, name) as unknown]));
      },
      (seen) => JSON.stringify(seen) === JSON.stringify(expected),
      ms,
    );
  };
  const said = verdict === null ? {} : { verdict };
  await wait(said, deadlineMs);
  await wait({ ...said, ...beside }, 90_000);
}

const LIMIT = { timeout: 400_000 };

/** The part of the estate each story is about, and what stands beside what it names. */
const NAMED: Readonly<
  Partial<Record<ScenarioName, { readonly groups: readonly string[]; readonly beside?: object }>>
> = {
  maintenance: { groups: ["sg_imaps", "sg_owa"], beside: { adcOpinion: "up", replica: "up" } },
  "custom-banner": {
    groups: ["sg_imap"],
    beside: { adcOpinion: "down", replica: "down", service: "up", reason: "banner_mismatch" },
  },
  "tls10-off": {
    groups: ["sg_owa"],
    beside: { adcOpinion: "down", replica: "up", service: "up", step: "tls", decidedBy: "mon_owa" },
  },
  "dead-backend": {
    groups: ["sg_imaps"],
    beside: { adcOpinion: "up", replica: "up", reason: "backend_unavailable" },
  },
  "neutral-names": { groups: ["sg_imaps"], beside: { adcOpinion: "up", replica: "up" } },
  "aaa-sso-broken": { groups: ["sg_owa"], beside: { reason: "sso_not_passed", mismatch: true } },
  certificate: { groups: ["sg_imaps", "sg_owa"] },
  "mailbox-down": { groups: ["sg_imaps", "sg_submission"] },
  "false-up": { groups: ["sg_owa"], beside: { adcOpinion: "up", reason: "refused" } },
  drained: { groups: ["sg_owa"] },
  "left-inactive": {
    groups: ["sg_owa"],
    beside: { adcOpinion: "down", replica: "down" },
  },
  flapping: { groups: ["sg_owa"], beside: {} },
};

/** Whether this is said of that, by the agent or by a single look. */
function isSaid(state: LiveState, { says, of }: Named): boolean {
  const about = subject(state, of);
  switch (says) {
    case "certificate_differs":
      return about !== null && "vserver" in about && about.certificateDiffers === true;
    case "mailbox_side":
    case "adc_flapping":
      return (state.findings ?? []).some(({ kind }) => kind === says);
    default:
      return about?.verdict === says;
  }
}

function subject(state: LiveState, of: Named["of"]): LiveMember | LiveVserver | null {
  if (of === null) {
    return null;
  }
  return known<LiveMember | LiveVserver>(
    "vserver" in of
      ? state.vservers.find(({ vserver }) => vserver === of.vserver)
      : state.members.find(
          ({ adcService, server }) => adcService === of.adcService && server === of.server,
        ),
  );
}

/** For the message of a test that fails. */
function standing(state: LiveState, { of }: Named): object {
  const about = subject(state, of);
  if (about === null || "vserver" in about) {
    return { verdict: about?.verdict, findings: state.findings };
  }
  const { verdict, adcOpinion, replica, service, reason, maintenance, awaySince, probes } = about;
  const seen = probes.map((probe) => ({
    name: probe.monitor || probe.transaction,
    opinion: probe.opinion,
    reason: probe.last?.reason,
    heldBack: probe.heldBack?.why,
  }));
  return { verdict, adcOpinion, replica, service, reason, maintenance, awaySince, seen };
}

/** That an ADC flaps only time tells: a single look, before a flap, in it or after it, accuses nobody. */
async function looksWhileItFlaps(story: Story, { of }: Named): Promise<void> {
  const about = (state: LiveState) => known(subject(state, of) ?? undefined);
  const { state } = story.service.agent;
  await looksAlike(
    story,
    (once) => {
      const accused = [...once.members, ...once.vservers].filter(({ mismatch }) => mismatch);
      expect(accused.map(({ verdict }) => verdict)).toEqual([]);
      const { verdict, adcOpinion } = about(once);
      expect(verdict).toBe(adcOpinion === "down" ? "settling" : "agree_up");
    },
    async (look) => {
      const awaited = look % 3 === 1 ? "down" : "up";
      await until(
        `the ADC says ${awaited}`,
        () => about(state).adcOpinion,
        (adcOpinion) => adcOpinion === awaited || story.isOver(),
        90_000,
      );
    },
  );
}

async function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "adc-witness-look-"));
}

/** Each of them knows nothing of the others and is rejected once: the lab's directory locks nobody out. */
const LOOKS_AT_A_BROKEN_LOGIN = 10;

test.concurrent.each(Object.keys(NAMED) as (keyof typeof NAMED)[])(
  "demo scenarios › %s: what the story names is said before it moves on, and by ten single looks",
  LIMIT,
  async (name) => {
    const { groups, beside = {} } = known(NAMED[name]);
    const named = known(scenario(name).named ?? undefined);
    await told(name, groups, async (story) => {
      const { state } = story.service.agent;
      await story.allWell();
      await story.change();
      const waited = until(
        `${name}: ${JSON.stringify(named)}`,
        () => ({
          said: isSaid(state, named),
          isOver: story.isOver(),
          verdicts: [...verdictsIn(state)],
        }),
        ({ said, isOver }) => said || isOver,
        300_000,
      );
      if (named.says === "adc_flapping") {
        await Promise.all([waited, looksWhileItFlaps(story, named)]);
      }
      await waited;
      expect(isSaid(state, named) ? "said in time" : "over").toBe("said in time");
      story.hold();
      const { of } = named;
      if (of !== null) {
        await becomes(name, () => known(subject(state, of) ?? undefined), null, 0, beside);
      }
      if (named.says === "adc_flapping") {
        // Only time tells.
        return;
      }
      const isSaidOnce = (once: LiveState): void => {
        expect(isSaid(once, named), JSON.stringify(standing(once, named))).toBe(true);
      };
      if (name !== "dead-backend") {
        await looksAlike(story, isSaidOnce);
        return;
      }
      // The agent backs off from the broken login, and says nothing of it once its last answer is too old.
      for (let look = 0; look < LOOKS_AT_A_BROKEN_LOGIN; look++) {
        isSaidOnce(await singleLook(story, await newFolder()));
      }
    });
  },
);

test.concurrent(
  "demo scenarios › healthy: every probe passes, at the servers and through the VIPs",
  LIMIT,
  async () => {
    await withLabAgent({ scenario: "healthy" }, async ({ service }) => {
      const { state } = service.agent;
      await until(
        "healthy",
        () =>
          state.probes
            .filter(({ scheduled }) => scheduled !== false)
            // A handshake with a VIP passes and says nothing.
            .filter(({ last, lastPassed }) => lastPassed !== true && last?.outcome !== "match")
            .map(({ id, last }) => `${id} ${last?.step ?? ""} ${last?.reason ?? "has not run"}`),
        (failing) => failing.length === 0,
        90_000,
      );
      const through = state.probes.filter(({ vantage }) => vantage === "vip");
      expect(through.filter(({ kind }) => kind === "monitor").length).toBeGreaterThan(8);
    });
  },
);

test.concurrent(
  "demo scenarios › healthy: nobody is blamed, nor by ten single looks",
  LIMIT,
  async () => {
    await told("healthy", ["sg_owa", "sg_imaps", "sg_smtp"], async (story) => {
      await story.allWell();
      await looksAlike(story, (once) => {
        expect(new Set(verdictsIn(once).values())).toEqual(new Set(["agree_up", "vip_agree_up"]));
      });
    });
  },
);

/** How a login through the VIP stands, and how many rows blame anybody. */
function loginAndBlame({ probes, members, vservers }: LiveState): string {
  const login = probes.find(({ transaction }) => transaction === "owa_form");
  const blamed = [...members, ...vservers].filter(({ mismatch }) => mismatch);
  return `${login?.opinion ?? ""} ${login?.last?.reason ?? ""} ${String(blamed.length)}`;
}

/** How ex02 stands in a group: verdict, the ADC's opinion, the replica's, and why. */
function reasonOf(group: string): (state: LiveState) => string {
  return ({ members }) => {
    const about = members.find((each) => each.adcService === group && each.server === "ex02");
    return `${about?.verdict ?? ""} ${about?.adcOpinion ?? ""} ${about?.replica ?? ""} ${about?.reason ?? ""}`;
  };
}

interface Said {
  readonly name: ScenarioName;
  readonly group: string;
  readonly says: string;
  /** Default: how ex02 stands. */
  readonly shows?: (state: LiveState) => string;
}

/** What is said of a story's change. */
const SAID: readonly Said[] = [
  { name: "login-monitor", group: "sg_pop3", says: "agree_down down down backend_unavailable" },
  { name: "login-rejected", group: "sg_pop3", says: "unknown down unknown auth_rejected" },
  { name: "proxy-protocol", group: "sg_owa", says: "agree_down down down closed_without_data" },
  { name: "hma", group: "sg_owa", says: "unknown scheme_unsupported 0", shows: loginAndBlame },
  ...(["cluster", "partition"] as const).map((name) => ({
    name,
    group: "sg_imaps",
    says: "routes_to_maintenance up up closed_without_data",
  })),
];

test.concurrent.each(SAID)(
  "demo scenarios › $name: the story's diagnosis, and by ten single looks",
  LIMIT,
  async ({ name, group, says, shows = reasonOf(group) }) => {
    await told(name, [group], async (story) => {
      const { state } = story.service.agent;
      await story.allWell();
      await story.change();
      await until(
        name,
        () => shows(state),
        (seen) => seen === says,
        140_000,
      );
      story.hold();
      await looksAlike(story, (once) => {
        expect(shows(once)).toBe(says);
      });
    });
  },
);

test.concurrent.each([
  ["redirect", /write https in adcs\[\]\.nitro\.urls/],
  ["factory-certificate", /fingerprint_sha256/],
] as const)(
  "demo scenarios › %s: the error says what to write, and the probes run",
  LIMIT,
  async (name, words) => {
    const options = { scenario: name, confText: partOfDemo({ groups: ["sg_imaps"] }) };
    await withLabAgent(options, async ({ service, lab }) => {
      const { state } = service.agent;
      await until(
        name,
        () =>
          `${state.adcs[0]?.lastError ?? ""} ${state.members.map(({ service: each }) => each).join()}`,
        (seen) => words.test(seen) && seen.endsWith(" up,up,up"),
        60_000,
      );
      expect(state.members.map(({ verdict }) => verdict)).toEqual([
        "unknown",
        "unknown",
        "unknown",
      ]);
      await looksAlike({ service }, (once) => {
        expect(once.adcs[0]?.lastError).toMatch(words);
      });
      expect(lab.nitro[0]?.openedSessions()).toBe(0);
    });
  },
);

test.concurrent(
  "demo scenarios › mailbox-down: one finding, and no front end is blamed",
  LIMIT,
  async () => {
    await told(
      "mailbox-down",
      ["sg_imaps", "sg_submission"],
      async ({ service, allWell, change }) => {
        const { state } = service.agent;
        await allWell();
        await change();
        const blamed = new Set<string>();
        const look = (): number => {
          for (const each of [...state.members, ...state.vservers]) {
            if (each.mismatch) {
              blamed.add(`${"vserver" in each ? each.vserver : each.adcService} ${each.verdict}`);
            }
          }
          return (state.findings ?? []).length;
        };
        await until("a finding", look, (count) => count > 0, 75_000);
        const foundAt = performance.now();
        // It stays one finding, also when every login has been tried again.
        await until("a while", look, () => performance.now() - foundAt > 17_000, 30_000);
        expect(state.findings).toMatchObject([{ kind: "mailbox_side", account: "probe-a" }]);
        expect([...blamed]).toEqual([]);
      },
    );
  },
);

test.concurrent(
  "demo scenarios › drained: out on purpose, undeclared, then declared, then good to return",
  LIMIT,
  async () => {
    await told("drained", ["sg_owa"], async ({ member, allWell, change, url, directory }) => {
      await allWell();
      await change();
      await becomes("OWA", () => member("sg_owa", "ex02"), "drained_undeclared", 60_000);
      const token = (await readFile(tokenFileOf(directory), "utf8")).trim();
      const declared = await fetch(`${url}/api/v1/maintenance`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ name: "cu15", servers: ["ex02"], for: "1h" }),
      });
      expect(declared.status).toBe(200);
      await becomes("OWA", () => member("sg_owa", "ex02"), "drained", 30_000);
      await becomes("OWA", () => member("sg_owa", "ex02"), "ready_to_return", 60_000, {
        adcOpinion: "out",
        readyToReturn: true,
      });
    });
  },
);

test.concurrent(
  "demo scenarios › dead-backend: a blind monitor, and the back end is named",
  LIMIT,
  async () => {
    await told("dead-backend", ["sg_imaps"], async ({ member, allWell, change, url }) => {
      await allWell();
      await change();
      await becomes("IMAPS", () => member("sg_imaps", "ex02"), "blind_monitor", 110_000, {
        adcOpinion: "up",
        replica: "up",
        reason: "backend_unavailable",
      });
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(
        /adc_witness_verdict\{[^}]*server="ex02",port="993"[^}]*verdict="blind_monitor"\} 1\n/,
      );
    });
  },
);

test.concurrent(
  "demo scenarios › split-brain: neither node is believed until one gives way, and by ten single looks",
  LIMIT,
  async () => {
    await told("split-brain", ["sg_owa"], async ({ service, lab, allWell, change, hold }) => {
      const { state } = service.agent;
      await allWell();
      await change();
      const look = (): string => {
        const opinions = new Set(state.members.map(({ adcOpinion }) => adcOpinion));
        return `${String(state.adcs[0]?.splitBrain)} ${[...opinions].join()}`;
      };
      await until("nobody is believed", look, (now) => now === "true unknown", 60_000);
      expect(state.adcs[0]?.lastError).toMatch(
        /both say that they are the primary \(split brain\)/,
      );
      hold();
      await looksAlike({ service }, (once) => {
        expect(once.adcs[0]?.splitBrain).toBe(true);
      });
      lab.adc.setSplitBrain(false);
      await until("one is believed again", look, (now) => now === "false up", 60_000);
    });
  },
);

test.concurrent(
  "demo scenarios › failover: the agent follows, and nothing disagrees",
  LIMIT,
  async () => {
    await told("failover", ["sg_owa"], async ({ service, lab, allWell, change }) => {
      const { state } = service.agent;
      await allWell();
      const primaries = (): readonly boolean[] =>
        state.adcs.flatMap((adc) => adc.nodes.map(({ primary }) => primary));
      const before = primaries();
      expect(before.filter(Boolean)).toHaveLength(1);
      await change();
      const odd = new Set<string>();
      const look = (): string => {
        for (const each of [...state.members, ...state.vservers]) {
          if (each.mismatch) {
            odd.add(each.verdict);
          }
        }
        return primaries().join();
      };
      const swapped = before.map((primary) => !primary).join();
      await until("the other node is primary", look, (now) => now === swapped, 60_000);
      // The state now comes from the other node: what changes there is heard.
      lab.adc.disableServer("ex02");
      await until(
        "ex02 is out",
        () => {
          look();
          return state.members.map((each) => `${each.server} ${each.adcOpinion}`);
        },
        (seen) => seen.includes("ex02 out"),
        60_000,
      );
      expect([...odd]).toEqual([]);
      expect(state.adcs[0]).toMatchObject({ up: true, lastError: null });
      await looksAlike({ service }, (once) => {
        expect(once.members.filter(({ mismatch }) => mismatch)).toEqual([]);
      });
    });
  },
);

test.concurrent(
  "demo scenarios › certificate: the odd one out is counted where clients see it",
  LIMIT,
  async () => {
    await told("certificate", ["sg_imaps", "sg_owa"], async ({ vserver, allWell, change, url }) => {
      await allWell();
      expect(vserver("v_imaps").certificateDiffers).toBe(false);
      await change();
      await until(
        "v_imaps",
        () => vserver("v_imaps").certificateDiffers,
        (differs) => differs === true,
        40_000,
      );
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(/adc_witness_certificate_differs\{[^}]*vserver="v_imaps"[^}]*\} 1\n/);
      // Clients of v_owa see the ADC's certificate, and the members' own are nobody's mistake.
      expect(vserver("v_owa").certificateDiffers).toBeNull();
    });
  },
);

test.concurrent(
  "demo scenarios › aaa: the ADC's own login protects its vservers",
  LIMIT,
  async () => {
    await told("aaa", ["sg_owa", "sg_activesync"], async (story) => {
      const { member, vserver, allWell } = story;
      await becomes("ActiveSync", () => vserver("v_activesync"), "vip_protected", 40_000, {
        vip: "protected",
        reason: "aaa_login",
      });
      await allWell();
      await becomes("its member", () => member("sg_activesync", "ex01"), "agree_up", 30_000);
      await looksAlike(story, () => undefined);
    });
  },
);
