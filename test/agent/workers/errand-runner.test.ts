import { expect, test } from "vitest";
import { networkOfWays } from "../../../src/agent/import-once.ts";
import type { Errand } from "../../../src/agent/run-probe.ts";
import { ErrandRunner } from "../../../src/agent/workers/errand-runner.ts";
import { sharedClockMs, type Answer } from "../../../src/agent/workers/messages.ts";
import { until } from "../../support/lab-agent.ts";
import { monitorSpec } from "../../support/monitor-spec.ts";
import { closedPort } from "../../support/scripted-server.ts";

const SPEC = monitorSpec("TCP", {});

/** An errand that no planner makes: its probe breaks before it has begun. */
const BROKEN = { ...SPEC, monitor: null } as unknown as typeof SPEC;

test("a mistake of ours in one probe costs that probe its opinion, and no other", async () => {
  const answers: Answer[] = [];
  const runner = new ErrandRunner(
    networkOfWays({ connectTo: {}, unmapped: "allow" }),
    (answer) => void answers.push(answer),
  );
  const target = { host: "127.0.0.1", port: await closedPort(), server: null };
  for (const [ticket, spec] of [BROKEN, SPEC].entries()) {
    const errand: Errand = {
      vantage: "backend",
      action: { kind: "monitor", run: { spec, target } },
    };
    runner.obey({
      kind: "run",
      ticket,
      probe: String(ticket),
      errand,
      localAddress: null,
      timeoutMs: 5_000,
      askedAtMs: sharedClockMs(),
    });
  }
  await until(
    "both have been answered",
    () => answers.length,
    (count) => count === 2,
    10_000,
  );
  const byTicket = answers.toSorted((one, other) => one.ticket - other.ticket);
  expect(byTicket.map(({ result }) => result)).toMatchObject([
    { passed: null, observation: { outcome: "fault", reason: "agent_fault" } },
    { passed: false, observation: { outcome: "refused" } },
  ]);
  await runner.stop();
});
