import { execFile, type ChildProcess } from "node:child_process";
import type { Probe } from "../probe.ts";
import { namedBreak, type Break } from "../wire/break.ts";
import { resolveTarget } from "../wire/dial.ts";
import { observe, type ProbeRun } from "../wire/probe-run.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

/**
 * PING: one ICMP echo, sent by the system's own `ping` because raw sockets need privileges. Reverse passes on silence.
 * NetScaler docs: "PING monitors"; Citrix support: CTX115525.
 */
export const pingMonitor: MonitorType = {
  type: "PING",
  probe: probePing,
  reversePasses: ["timeout"],
  source: "SNIP",
  transport: "icmp",
  meaningfulAtVip: false,
  defaultPort: null,
  unsupported: () => null,
};

function probePing(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  void spec;
  return observe(context, async (run) => {
    const resolved = await resolveTarget(run, target, "icmp");
    if (resolved.kind === "failed") {
      return run.broken(resolved.step, resolved.why);
    }
    const command = pingCommand(process.platform, {
      address: resolved.address,
      family: resolved.family,
      timeoutMs: run.remainingMs(),
      localAddress: context.localAddress,
    });
    const result = await spawnPing(run, command);
    if (result.kind !== "exit") {
      return run.broken("response", result);
    }
    run.transcript.received(result.output);
    const reply = readPing(process.platform, result);
    if (reply.kind !== "reply") {
      return run.broken("response", reply);
    }
    run.responseTimeMs = reply.roundTripMs;
    return run.match("response");
  });
}

interface PingPlan {
  readonly address: string;
  readonly family: 4 | 6;
  readonly timeoutMs: number;
  readonly localAddress: string | null;
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

type PingReply = { readonly kind: "reply"; readonly roundTripMs: number | null } | Break;

/** What the system's ping said: exit 0 is a reply on Unix, 1 no reply, else an error of ours; Windows needs the words. */
export function readPing(platform: NodeJS.Platform, exit: PingExit): PingReply {
  const { code, output } = exit;
  const replied = platform === "win32" ? /TTL=\d+|time[=<]/i.test(output) : code === 0;
  if (replied) {
    const time = /time[=<]\s*([\d.]+)\s*ms/i.exec(output)?.[1];
    return { kind: "reply", roundTripMs: time === undefined ? null : Number(time) };
  }
  if (/network is unreachable|no route to host|transmit failed|general failure/i.test(output)) {
    return namedBreak("fault", "unreachable", firstLine(output));
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
