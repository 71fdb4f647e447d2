import { execFile, type ChildProcess } from "node:child_process";
import { namedBreak, type Break } from "../break.ts";
import type { ProbeRun } from "../probe-run.ts";
import type { EchoQuestion, EchoResult } from "./echo.ts";
import { localRefusal } from "./local-refusal.ts";

/** One echo by one process of the system's own `ping`: what every system has, and dear. */
export async function pingOnce(run: ProbeRun, question: EchoQuestion): Promise<EchoResult> {
  const command = pingCommand(process.platform, { ...question, timeoutMs: run.remainingMs() });
  const result = await spawnPing(run, command);
  if (result.kind !== "exit") {
    return result;
  }
  run.transcript.received(result.output);
  return readPing(process.platform, result);
}

interface PingPlan extends EchoQuestion {
  readonly timeoutMs: number;
}

interface PingExit {
  readonly kind: "exit";
  readonly code: number;
  readonly output: string;
}

/** The command line for one echo on this platform; units of the wait differ between systems. */
export function pingCommand(platform: NodeJS.Platform, plan: PingPlan): readonly string[] {
  const { address, family, localAddress } = plan;
  const waitMs = Math.max(1, Math.ceil(plan.timeoutMs));
  if (platform === "win32") {
    const source = localAddress === null ? [] : ["-S", localAddress];
    return [
      "ping",
      family === 6 ? "-6" : "-4",
      "-n",
      "1",
      "-w",
      String(waitMs),
      ...source,
      address,
    ];
  }
  if (platform === "darwin") {
    const source = localAddress === null ? [] : ["-S", localAddress];
    return family === 6
      ? ["ping6", "-n", "-c", "1", ...source, address]
      : ["ping", "-n", "-c", "1", "-W", String(waitMs), ...source, address];
  }
  const source = localAddress === null ? [] : ["-I", localAddress];
  const seconds = String(Math.ceil(waitMs / 1000));
  return ["ping", family === 6 ? "-6" : "-4", "-n", "-c", "1", "-W", seconds, ...source, address];
}

function spawnPing(run: ProbeRun, command: readonly string[]): Promise<PingExit | Break> {
  const [program = "ping", ...args] = command;
  if (run.interrupted !== null) {
    return Promise.resolve(run.interrupted);
  }
  return new Promise((resolve) => {
    let child: ChildProcess | null = null;
    const resource = {
      interrupt(why: Break): void {
        child?.kill("SIGKILL");
        resolve(why);
      },
      release(): void {
        child?.kill("SIGKILL");
      },
    };
    run.hold(resource);
    child = execFile(
      program,
      args,
      {
        encoding: "utf8",
        maxBuffer: 16 * 1024,
        windowsHide: true,
        env: { ...process.env, LC_ALL: "C" },
      },
      (error, stdout, stderr) => {
        run.drop(resource);
        if (error !== null && typeof error.code !== "number") {
          resolve(namedBreak("fault", "agent_fault", `${program}: ${String(error.code)}`));
        } else {
          const code = typeof error?.code === "number" ? error.code : 0;
          resolve({ kind: "exit", code, output: `${stdout}${stderr}` });
        }
      },
    );
  });
}

/** What the system's ping said: exit 0 is a reply on Unix, 1 no reply, else an error of ours; Windows needs the words. */
export function readPing(platform: NodeJS.Platform, exit: PingExit): EchoResult {
  const { code, output } = exit;
  const replied = platform === "win32" ? /TTL=\d+|time[=<]/i.test(output) : code === 0;
  if (replied) {
    const time = /time[=<]\s*([\d.]+)\s*ms/i.exec(output)?.[1];
    return {
      kind: "reply",
      roundTripMs: time === undefined ? null : Number(time),
      words: output,
    };
  }
  const refusal = localRefusal(output);
  if (refusal !== null) {
    return namedBreak("fault", refusal, firstLine(output));
  }
  if (/host unreachable|unreachable/i.test(output)) {
    return namedBreak("timeout", "unreachable", firstLine(output));
  }
  const noReply = code === 1 || (platform === "darwin" && code === 2);
  return noReply ? { kind: "timeout" } : namedBreak("fault", "agent_fault", firstLine(output));
}

function firstLine(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("PING"));
  return (lines[0] ?? "ping failed without a word").trim();
}
