import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Named } from "../../lab/scenario.ts";
import { scenario, type ScenarioName } from "../../lab/scenarios.ts";
import type { LiveState } from "../../src/model/live.ts";
import { until } from "../support/lab-agent.ts";
import { compareWithSingleLooks, singleLook, verdictsIn } from "../support/single-looks.ts";
import { becomes, known, STORY_LIMIT, subject, withStory, type Story } from "../support/story.ts";

/* Every story of the demo that names something, with the part of its estate that it is about: side by side. */

interface NamedStory {
  readonly name: ScenarioName;
  /** The part of the estate that the story is about. */
  readonly groups: readonly string[];
  /** What stands beside what it names. */
  readonly beside?: object;
  /** Before the change. */
  readonly before?: (story: Story) => void;
  /** At every moment from the change on. */
  readonly always?: (state: LiveState) => void;
  /** As soon as the story has been named. */
  readonly atOnce?: (story: Story) => Promise<void>;
  /** After the single looks. */
  readonly afterwards?: (story: Story) => Promise<void>;
  /** Default: ten single looks call every row what the agent calls it, once the story has been named. */
  readonly looks?: "each_from_nothing" | "while_it_flaps";
}

/** Those that take longest first. */
const NAMED: readonly NamedStory[] = [
  {
    name: "custom-banner",
    groups: ["sg_imap"],
    beside: { adcOpinion: "down", replica: "down", service: "up", reason: "banner_mismatch" },
  },
  {
    name: "left-inactive",
    groups: ["sg_owa"],
    beside: { adcOpinion: "down", replica: "down" },
  },
  {
    name: "false-up",
    groups: ["sg_owa"],
    beside: { adcOpinion: "up", reason: "refused" },
  },
  { name: "flapping", groups: ["sg_owa"], looks: "while_it_flaps" },
  {
    name: "aaa-sso-broken",
    groups: ["sg_owa"],
    beside: { reason: "sso_not_passed", mismatch: true },
  },
  {
    name: "maintenance",
    groups: ["sg_imaps", "sg_owa"],
    beside: { adcOpinion: "up", replica: "up" },
  },
  {
    name: "tls10-off",
    groups: ["sg_owa"],
    beside: {
      ...{ adcOpinion: "down", replica: "up", service: "up" },
      ...{ step: "tls", decidedBy: "mon_owa" },
    },
  },
  {
    name: "dead-backend",
    groups: ["sg_imaps"],
    beside: { adcOpinion: "up", replica: "up", reason: "backend_unavailable" },
    // The agent backs off from the broken login, and says nothing of it once its last answer is too old.
    looks: "each_from_nothing",
    atOnce: async ({ url }) => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(
        /adc_witness_verdict\{[^}]*server="ex02",port="993"[^}]*verdict="blind_monitor"\} 1\n/,
      );
    },
  },
  {
    name: "neutral-names",
    groups: ["sg_imaps"],
    beside: { adcOpinion: "up", replica: "up" },
  },
  {
    name: "certificate",
    groups: ["sg_imaps", "sg_owa"],
    before: ({ vserver }) => {
      expect(vserver("v_imaps").certificateDiffers).toBe(false);
    },
    atOnce: async ({ url, vserver }) => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(/adc_witness_certificate_differs\{[^}]*vserver="v_imaps"[^}]*\} 1\n/);
      // Clients of v_owa see the ADC's certificate, and the members' own are no mistake.
      expect(vserver("v_owa").certificateDiffers).toBeNull();
    },
  },
  {
    // One finding, also when every login has been tried again, and no front end is blamed.
    name: "mailbox-down",
    groups: ["sg_imaps", "sg_submission"],
    always: ({ members, vservers }) => {
      const blamed = [...members, ...vservers].filter(({ mismatch }) => mismatch);
      expect(blamed.map(({ verdict }) => verdict)).toEqual([]);
    },
    afterwards: async ({ service }) => {
      expect(service.agent.state.findings).toMatchObject([
        { kind: "mailbox_side", account: "probe-a" },
      ]);
    },
  },
  { name: "drained", groups: ["sg_owa"] },
];

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

/** Looks at the state every 50 ms until `use` is over; rejects with what `look` threw first. */
async function watching(
  state: LiveState,
  look: (state: LiveState) => void,
  use: () => Promise<void>,
): Promise<void> {
  const thrown: unknown[] = [];
  const timer = setInterval(() => {
    try {
      look(state);
    } catch (error) {
      thrown.push(error);
    }
  }, 50);
  try {
    await use();
  } finally {
    clearInterval(timer);
  }
  if (thrown.length > 0) {
    throw thrown[0];
  }
}

/** Flapping shows only over time: a single look before, in or after a flap reports no mismatch. */
async function looksWhileItFlaps(story: Story, { of }: Named): Promise<void> {
  const about = (state: LiveState) => known(subject(state, of) ?? undefined);
  const { state } = story.service.agent;
  await compareWithSingleLooks(
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

/** Each of them knows nothing of the others and is rejected once: the lab's directory locks no account. */
const LOOKS_FROM_NOTHING = 10;

test.concurrent.each(NAMED)(
  "demo scenarios › $name: names what the story names before it moves on, in the agent and in single looks",
  STORY_LIMIT,
  async (named) => {
    await withStory(named.name, named.groups, async (story) => {
      const { state } = story.service.agent;
      await story.allWell();
      named.before?.(story);
      await watching(state, named.always ?? (() => undefined), async () => {
        await story.change();
        await isNamed(story, named);
        await named.atOnce?.(story);
        await looksFrom(story, named);
      });
      await named.afterwards?.(story);
    });
  },
);

/** What the story names is said in time; then it moves on no more. */
async function isNamed(story: Story, { name, beside = {}, looks }: NamedStory): Promise<void> {
  const { state } = story.service.agent;
  const expected = known(scenario(name).named ?? undefined);
  const waited = until(
    `${name}: ${JSON.stringify(expected)}`,
    () => ({
      said: isSaid(state, expected),
      isOver: story.isOver(),
      verdicts: [...verdictsIn(state)],
    }),
    ({ said, isOver }) => said || isOver,
    300_000,
  );
  if (looks === "while_it_flaps") {
    await Promise.all([waited, looksWhileItFlaps(story, expected)]);
  }
  await waited;
  expect(isSaid(state, expected) ? "said in time" : "over").toBe("said in time");
  story.hold();
  const { of } = expected;
  if (of !== null) {
    await becomes(name, () => known(subject(state, of) ?? undefined), null, 0, beside);
  }
}

async function looksFrom(story: Story, { name, looks }: NamedStory): Promise<void> {
  const expected = known(scenario(name).named ?? undefined);
  const isSaidOnce = (once: LiveState): void => {
    expect(isSaid(once, expected), JSON.stringify(standing(once, expected))).toBe(true);
  };
  switch (looks) {
    case undefined:
      await compareWithSingleLooks(story, isSaidOnce);
      return;
    case "each_from_nothing":
      for (let look = 0; look < LOOKS_FROM_NOTHING; look++) {
        const folder = await mkdtemp(join(tmpdir(), "adc-witness-look-"));
        isSaidOnce(await singleLook(story, folder));
      }
      return;
    case "while_it_flaps":
      return;
  }
}
