import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { scenario, type ScenarioName } from "../../lab/scenarios.ts";
import type { LiveMember, LiveVserver } from "../../src/model/live.ts";
import { tokenFileOf } from "../../src/cli/demo.ts";
import { until, withLabAgent, type LabAgent } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";

/*
 * Every story the demo tells, with the part of its estate that the story is about. The stories wait for the agent most
 * of the time, so that they are told side by side, the longest first.
 */

interface Story extends LabAgent {
  readonly member: (adcService: string, server: string) => LiveMember;
  readonly vserver: (name: string) => LiveVserver;
  /** Waits until every member and vserver is well. */
  readonly allWell: () => Promise<void>;
  /** Takes the scenario's step, of which the demo's script says only when. */
  readonly change: () => Promise<void>;
}

async function told(
  name: ScenarioName,
  groups: readonly string[],
  use: (story: Story) => Promise<void>,
): Promise<void> {
  const whole = scenario(name);
  const steps = whole.steps.slice(0, 2).map((step) => ({ ...step, atMs: 0 }));
  const options = { scenario: { ...whole, steps }, confText: partOfDemo({ groups }) };
  await withLabAgent(options, async (world) => {
    const { state } = world.service.agent;
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
      change: () => world.lab.play().finished,
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
  verdict: string,
  deadlineMs: number,
  beside: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const wait = async (expected: Readonly<Record<string, unknown>>, ms: number): Promise<void> => {
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
  await wait({ verdict }, deadlineMs);
  await wait({ verdict, ...beside }, 90_000);
}

const LIMIT = { timeout: 400_000 };

test.concurrent(
  "healthy: every probe passes, at the servers and through the VIPs",
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

test.concurrent("custom-banner: a monitor stricter than the clients", LIMIT, async () => {
  await told("custom-banner", ["sg_imap"], async ({ member, allWell, change }) => {
    await allWell();
    await change();
    await becomes("it settles", () => member("sg_imap", "ex02"), "settling", 60_000);
    // An IMAP server may take 60 s to show its state, and that much is granted.
    await becomes("IMAP", () => member("sg_imap", "ex02"), "strict_monitor", 110_000, {
      adcOpinion: "down",
      replica: "down",
      service: "up",
      reason: "banner_mismatch",
    });
  });
});

test.concurrent("false-up: the ADC believes an old answer", LIMIT, async () => {
  await told("false-up", ["sg_owa"], async ({ member, allWell, change }) => {
    await allWell();
    await change();
    await becomes("OWA", () => member("sg_owa", "ex02"), "false_up", 90_000, {
      adcOpinion: "up",
      reason: "refused",
    });
  });
});

test.concurrent("tls10-off: a member lost to the ADC's own TLS", LIMIT, async () => {
  await told("tls10-off", ["sg_owa"], async ({ member, allWell, change }) => {
    await allWell();
    await change();
    await becomes("OWA", () => member("sg_owa", "ex02"), "false_down", 90_000, {
      adcOpinion: "down",
      replica: "up",
      service: "up",
      step: "tls",
      decidedBy: "mon_owa",
    });
    const seen = member("sg_owa", "ex02");
    expect(seen.adcLastResponse).toMatch(/SSL|TLS/);
    expect(seen.reason).toMatch(/^tls_/);
  });
});

test.concurrent("aaa-sso-broken: the rung that broke is named", LIMIT, async () => {
  await told("aaa-sso-broken", ["sg_owa"], async ({ vserver, allWell, change, url }) => {
    await allWell();
    await change();
    await becomes("OWA", () => vserver("v_owa"), "vip_login_broken", 60_000, {
      reason: "sso_not_passed",
      mismatch: true,
    });
    const page = await (await fetch(`${url}/api/v1/verdicts`)).text();
    expect(page).toContain("sso_not_passed");
  });
});

test.concurrent("mailbox-down: one finding, and no front end is blamed", LIMIT, async () => {
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
});

test.concurrent(
  "drained: out on purpose, undeclared, then declared, then good to return",
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

test.concurrent("dead-backend: a blind monitor, and the back end is named", LIMIT, async () => {
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
});

test.concurrent("failover: the agent follows, and nothing disagrees", LIMIT, async () => {
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
  });
});

test.concurrent("certificate: the odd one out is counted where clients see it", LIMIT, async () => {
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
});

test.concurrent("aaa: the ADC's own login protects its vservers", LIMIT, async () => {
  await told("aaa", ["sg_owa", "sg_activesync"], async ({ member, vserver, allWell }) => {
    await becomes("ActiveSync", () => vserver("v_activesync"), "vip_protected", 40_000, {
      vip: "protected",
      reason: "aaa_login",
    });
    await allWell();
    await becomes("its member", () => member("sg_activesync", "ex01"), "agree_up", 30_000);
  });
});
