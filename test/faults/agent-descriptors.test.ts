import { connect } from "node:net";
import { expect, test } from "vitest";
import { failuresIn, mismatchesIn } from "../support/built-agent.ts";
import { debianProgram } from "../support/debian-program.ts";
import { until } from "../support/lab-agent.ts";
import { allAgree, opinionsOf, withWatchedLab, wordsOf } from "./watched-lab.ts";

/** Time for a lab on a busy machine to answer what was asked before descriptors ran out. */
const TIMING = "-interval 4 -resptimeout 3 -downTime 4";
const prlimit = debianProgram("prlimit", "util-linux");

test.skipIf(prlimit === null)(
  "agent › reports unknown without mismatches when descriptors run out, and recovers with them",
  { timeout: 180_000 },
  async () => {
    await withWatchedLab({ timing: TIMING }, async ({ agent }) => {
      const failures = failuresIn(await agent.metrics());
      // Fewer than are open: nothing can be opened any more, and nothing that is open is lost.
      await agent.limit("nofile", 12);
      await until(
        "nobody says anything any more",
        async () => `${await opinionsOf(agent)}: ${await wordsOf(agent)}`,
        // A redirect is looked at so seldom that its last answer still counts.
        (words) => /^unknown: unknown( vip_agree_up)?$/.test(words),
        60_000,
      );
      expect(failuresIn(await agent.metrics())).toEqual(failures);

      // Somebody who comes now finds no place; the agent outlives that, and does not burn a processor over it.
      const { hostname, port } = new URL(agent.url);
      const visitors = Array.from({ length: 20 }, () => connect(Number(port), hostname));
      visitors.forEach((visitor) => visitor.on("error", () => undefined));
      const before = await agent.processorMs();
      const beganAt = performance.now();
      await until(
        "time goes by",
        () => performance.now() - beganAt,
        (ms) => ms > 3_000,
        10_000,
      );
      const used = (await agent.processorMs()) - before;
      expect(used).toBeLessThan((performance.now() - beganAt) / 2);
      const turnedAway = await until(
        "it says that it accepts no connections",
        () => agent.lines.filter((line) => line.includes("not accepting connections")),
        (lines) => lines.length > 0,
        30_000,
      );
      expect(turnedAway).toHaveLength(1);
      expect(agent.ended).toBe(false);
      visitors.forEach((visitor) => visitor.destroy());

      await agent.limit("nofile", 1024);
      await allAgree(agent);
      // Over a connection of its own, as a scrape comes.
      const scraped = await (await fetch(`${agent.url}/metrics`)).text();
      expect(mismatchesIn(scraped)).toEqual([]);
      expect(failuresIn(scraped)).toEqual(failures);
      expect(await agent.end()).toBe(0);
    });
  },
);
