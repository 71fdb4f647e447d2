import { expect, test } from "vitest";
import type { LiveVserver } from "../../src/model/live.ts";
import { until, withLabAgent, type LabAgent } from "../support/lab-agent.ts";
import { owaEstate } from "../support/owa-estate.ts";

/** Entries live for two minutes times the lab's scale; the agent itself knows only of the two minutes. */
const CONF = owaEstate("-persistenceType SOURCEIP -timeout 2");
const TIME_SCALE = 0.1;

function owaOf({ service }: LabAgent): LiveVserver | undefined {
  return service.agent.state.vservers.find(({ vserver }) => vserver === "v_owa");
}

function lastProbeAt(world: LabAgent): number {
  const starts = owaOf(world)?.probes.map((probe) => probe.last?.startedAt ?? 0) ?? [];
  return Math.max(0, ...starts);
}

/** Who answers our address: the only one that ever does. */
async function boundServer(world: LabAgent): Promise<string> {
  const served = await until(
    "a server answers through the VIP",
    () => [...(owaOf(world)?.servedBy.keys() ?? [])].filter((name) => name !== "unrecognised"),
    (names) => names.length > 0,
    60_000,
  );
  return served[0] ?? "";
}

async function persistenceOfPage(world: LabAgent): Promise<string> {
  return (await fetch(`${world.url}/vserver?adc=demo&vserver=v_owa`)).text();
}

test(
  "persistence › pauses probes only while the ADC's source-bound entries require it",
  { timeout: 300_000 },
  async () => {
    await withLabAgent({ confText: CONF, timeScale: TIME_SCALE }, async (world) => {
      const bound = await boundServer(world);
      const other = bound === "ex01" ? "ex02" : "ex01";
      expect(owaOf(world)?.persistence).toEqual({
        type: "SOURCEIP",
        probes: "running",
        sticksTo: [],
        observable: false,
      });

      // The other one leaves: our address does not stick to it, so nothing has to pause.
      world.lab.adc.disableServer(other, { graceful: true });
      await until(
        "the ADC has told whom our address sticks to",
        () => owaOf(world)?.persistence,
        (seen) => seen?.sticksTo.length === 1,
        90_000,
      );
      expect(owaOf(world)?.persistence).toEqual({
        type: "SOURCEIP",
        probes: "running",
        sticksTo: [{ source: "127.0.0.1", server: bound }],
        observable: false,
      });
      const before = lastProbeAt(world);
      await until(
        "probes go on",
        () => lastProbeAt(world),
        (at) => at > before,
        90_000,
      );
      world.lab.adc.enableServer(other);

      // Ours leaves: probes pause, until the ADC tells that it has forgotten us.
      await until(
        "the other one is back",
        () => world.service.agent.state.members.find(({ server }) => server === other)?.adcOpinion,
        (opinion) => opinion === "up",
        90_000,
      );
      const leftAt = Date.now();
      world.lab.adc.disableServer(bound, { delayMs: 3_600_000 });
      await until(
        "probes pause",
        () => owaOf(world)?.persistence?.probes,
        (probes) => probes === "paused",
        90_000,
      );
      expect(owaOf(world)?.persistence?.sticksTo).toEqual([{ source: "127.0.0.1", server: bound }]);
      expect(await persistenceOfPage(world)).toContain("One source address reaches one server");
      expect(await persistenceOfPage(world)).toContain(`The ADC sends 127.0.0.1 to ${bound}.`);
      await until(
        "probes run again",
        () => owaOf(world)?.persistence?.probes,
        (probes) => probes === "running",
        60_000,
      );
      // Sooner than the persistence time-out that the agent would have waited without being told.
      expect(Date.now() - leftAt).toBeLessThan(100_000);
      const served = owaOf(world)?.servedBy.get(other) ?? 0;
      await until(
        "the other one answers now",
        () => owaOf(world)?.servedBy.get(other) ?? 0,
        (count) => count > served,
        90_000,
      );
      expect(owaOf(world)?.verdict).not.toBe("vip_served_by_drained_server");
    });
  },
);
