import { expect, test } from "vitest";
import type { NitroFaultHook } from "../../lab/nitro/faults.ts";
import { failuresIn, mismatchesIn } from "../support/built-agent.ts";
import { until } from "../support/lab-agent.ts";
import { allAgree, opinionsOf, withWatchedLab, wordsOf } from "./watched-lab.ts";

/** Stalls the agent's own thread when it is sent SIGUSR2: first for 2 s, then for 20 s. */
const HOLDER = `
const held = new Int32Array(new SharedArrayBuffer(4));
const holdsMs = [2_000, 20_000];
process.on("SIGUSR2", () => {
  process.stdout.write('{"msg":"holding"}\\n');
  Atomics.wait(held, 0, 0, holdsMs.shift() ?? 0);
  process.stdout.write('{"msg":"let go"}\\n');
});
`;

/** Waits for so long by the clock of this process. */
async function elapsed(ms: number): Promise<void> {
  const beganAt = performance.now();
  await until(
    "time goes by",
    () => performance.now() - beganAt,
    (passed) => passed >= ms,
    ms + 30_000,
  );
}

test(
  "agent › reports no failure or mismatch when the event loop stalls or the process is stopped for 2 s and 20 s",
  { timeout: 240_000 },
  async () => {
    const preload = `data:text/javascript,${encodeURIComponent(HOLDER)}`;
    const timing = "-interval 4 -resptimeout 3 -downTime 4";
    let onLastQuestion: NitroFaultHook = () => null;
    let before = "";
    // A poll asks for the node's role by configuration and statistics first, and by configuration again at its end.
    const nitroFaults: NitroFaultHook = (request) => {
      const { kind, resource } = request.query;
      if (resource !== "hanode") {
        return null;
      }
      const isLast = kind === "config" && before === "stat";
      before = kind;
      return isLast ? onLastQuestion(request) : null;
    };
    const nodeOptions = ["--import", preload];
    await withWatchedLab({ timing, nodeOptions, nitroFaults }, async ({ agent, lab }) => {
      // So slow that at any moment some probe is waiting for its answer.
      for (const name of ["ex01", "ex02", "ex03"]) {
        await lab.servers.get(name)?.set("all", { kind: "slow", delayMs: 500 });
      }
      await allAgree(agent);
      const failures = failuresIn(await agent.metrics());
      const holds: readonly (() => Promise<void>)[] = [
        () => holdInside(2_000),
        () => holdAtTheEndOfAPoll(20_000),
        () => stopProcess(2_000),
        () => stopProcess(20_000),
      ];
      for (const hold of holds) {
        await hold();
        // What the agent reports first after a stall is what counts.
        expect(await opinionsOf(agent)).not.toContain("down");
        expect(await wordsOf(agent)).toMatch(/^(agree_up|settling|unknown|vip_agree_up| )+$/);
        await allAgree(agent);
      }
      const after = await agent.metrics();
      expect(failuresIn(after)).toEqual(failures);
      expect(mismatchesIn(after)).toEqual([]);

      async function holdInside(ms: number): Promise<void> {
        const said = agent.lines.length;
        agent.signal("SIGUSR2");
        await saidSince(said, "let go", ms + 30_000);
      }
      /** The ADC answers while the agent is stalled: the response stays unread until its timeout has passed. */
      async function holdAtTheEndOfAPoll(ms: number): Promise<void> {
        await new Promise<void>((resolve, reject) => {
          onLastQuestion = () => {
            onLastQuestion = () => null;
            const said = agent.lines.length;
            holdInside(ms).then(resolve, reject);
            return { kind: "wait", until: saidSince(said, "holding", 30_000) };
          };
        });
      }
      async function saidSince(said: number, words: string, deadlineMs: number): Promise<void> {
        await until(
          `the agent says "${words}"`,
          () => agent.lines.slice(said),
          (lines) => lines.some((line) => line.includes(words)),
          deadlineMs,
        );
      }
      async function stopProcess(ms: number): Promise<void> {
        agent.signal("SIGSTOP");
        await elapsed(ms);
        agent.signal("SIGCONT");
      }
    });
  },
);
