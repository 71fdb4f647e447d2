import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { ScenarioName } from "../../lab/scenarios.ts";
import { tokenFileOf } from "../../src/cli/lab-config.ts";
import type { LiveState } from "../../src/model/live.ts";
import { until, withLabAgent } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";
import { compareWithSingleLooks, verdictsIn } from "../support/single-looks.ts";
import { becomes, STORY_LIMIT, withStory } from "../support/story.ts";

/* The stories of the demo that name nothing that is wrong, or whose diagnosis is what counts: side by side. */

test.concurrent(
  "demo scenarios › healthy: passes every probe, at the servers and through the VIPs",
  STORY_LIMIT,
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
            .map(
              ({ id, last, heldBack }) =>
                `${id} ${last?.step ?? ""} ${last?.reason ?? `has not run: ${heldBack?.why ?? "not started"}`}`,
            ),
        (failing) => failing.length === 0,
        // One login that was not answered in time holds the account's others back for minutes.
        360_000,
      );
      const through = state.probes.filter(({ vantage }) => vantage === "vip");
      expect(through.filter(({ kind }) => kind === "monitor").length).toBeGreaterThan(8);
    });
  },
);

test.concurrent(
  "demo scenarios › healthy: reports no mismatch, in the agent and in ten single looks",
  STORY_LIMIT,
  async () => {
    await withStory("healthy", ["sg_owa", "sg_imaps", "sg_smtp"], async (story) => {
      await story.allWell();
      await compareWithSingleLooks(story, (once) => {
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
  "demo scenarios › $name: gives the story's diagnosis, in the agent and in ten single looks",
  STORY_LIMIT,
  async ({ name, group, says, shows = reasonOf(group) }) => {
    await withStory(name, [group], async (story) => {
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
      await compareWithSingleLooks(story, (once) => {
        expect(shows(once)).toBe(says);
      });
    });
  },
);

test.concurrent.each([
  ["redirect", /write https in adcs\[\]\.nitro\.urls/],
  ["factory-certificate", /fingerprint_sha256/],
] as const)(
  "demo scenarios › %s: names the setting to correct, and runs the probes",
  STORY_LIMIT,
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
      await compareWithSingleLooks({ service }, (once) => {
        expect(once.adcs[0]?.lastError).toMatch(words);
      });
      expect(lab.nitro[0]?.openedSessions()).toBe(0);
    });
  },
);

test.concurrent(
  "demo scenarios › drained: is undeclared, then declared, then ready to return",
  STORY_LIMIT,
  async () => {
    await withStory("drained", ["sg_owa"], async ({ member, allWell, change, url, directory }) => {
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
  "demo scenarios › split-brain: believes neither node until one gives way, in the agent and in ten single looks",
  STORY_LIMIT,
  async () => {
    await withStory("split-brain", ["sg_owa"], async ({ service, lab, allWell, change, hold }) => {
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
      await compareWithSingleLooks({ service }, (once) => {
        expect(once.adcs[0]?.splitBrain).toBe(true);
      });
      lab.adc.setSplitBrain(false);
      await until("one is believed again", look, (now) => now === "false up", 60_000);
    });
  },
);

test.concurrent(
  "demo scenarios › failover: follows the primary and reports no mismatch",
  STORY_LIMIT,
  async () => {
    await withStory("failover", ["sg_owa"], async ({ service, lab, allWell, change }) => {
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
      await compareWithSingleLooks({ service }, (once) => {
        expect(once.members.filter(({ mismatch }) => mismatch)).toEqual([]);
      });
    });
  },
);

test.concurrent(
  "demo scenarios › aaa: reports vservers behind the ADC's login as protected",
  STORY_LIMIT,
  async () => {
    await withStory("aaa", ["sg_owa", "sg_activesync"], async (story) => {
      const { member, vserver, allWell } = story;
      await becomes("ActiveSync", () => vserver("v_activesync"), "vip_protected", 40_000, {
        vip: "protected",
        reason: "aaa_login",
      });
      await allWell();
      await becomes("its member", () => member("sg_activesync", "ex01"), "agree_up", 30_000);
      await compareWithSingleLooks(story, () => undefined);
    });
  },
);
