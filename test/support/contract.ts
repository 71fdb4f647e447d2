import type { Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Observation } from "../../src/model/observation.ts";
import type { ProbeContext, Target } from "../../src/net/probe-context.ts";
import { TRANSCRIPT_BYTES } from "../../src/net/transcript.ts";
import { probeContext } from "./probe-context.ts";
import {
  closedPort,
  serveInSingleBytes,
  serve,
  type Behaviour,
  type ScriptedServer,
} from "./scripted-server.ts";
import { unheld } from "../../lab/unheld.ts";

export interface ContractSubject {
  readonly run: (target: Target, context: ProbeContext) => Promise<Observation>;
  /** A server with which the probe passes. */
  readonly healthy: Behaviour;
  /** The server side of TLS when the probe speaks it at once. */
  readonly tls?: TlsOptions;
  /** A bare connection is all the probe wants: what the server says later is of no interest. */
  readonly connectionIsEnough?: boolean;
  /** Whether an answer of noise may pass (a monitor without a pattern). */
  readonly noisePasses?: boolean;
}

/** Where it can only wait. */
const DEADLINE_MS = 400;
/** Where the server's doing ends it: so long that a busy machine does not. */
const PATIENCE_MS = 20_000;
/** How late a busy machine may be. */
const SLACK_MS = 5000;

/**
 * What every TCP probe must give whatever the server does: an observation and never an exception, in time, bounded, with no
 * handle left behind.
 */
export function probeContract(name: string, subject: ContractSubject): void {
  const servers: ScriptedServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  async function against(
    behaviour: Behaviour,
    change: Partial<ProbeContext> = {},
    timeoutMs = DEADLINE_MS,
    tls: TlsOptions | null = subject.tls ?? null,
  ): Promise<Observation> {
    const server = await serve(behaviour, tls);
    servers.push(server);
    return run(server.port, timeoutMs, change);
  }

  async function run(
    port: number,
    timeoutMs: number,
    change: Partial<ProbeContext> = {},
  ): Promise<Observation> {
    const target = { host: "127.0.0.1", port, server: null };
    const once = async (): Promise<{ seen: Observation; took: number }> => {
      const began = performance.now();
      const seen = await subject.run(target, probeContext(timeoutMs, change));
      return { seen, took: performance.now() - began };
    };
    const { seen, took } = await unheld(once, (result) => result.seen);
    expect(took).toBeLessThan(timeoutMs + SLACK_MS);
    expect(seen.durationMs).toBeLessThanOrEqual(took + 1);
    expect(seen.evidence.transcript.length).toBeLessThanOrEqual(TRANSCRIPT_BYTES);
    return seen;
  }

  const passesAnyway = subject.connectionIsEnough === true;

  describe(`${name} probe contract`, () => {
    test("passes and leaves no connection open when the server is healthy", async () => {
      const server = await serve(subject.healthy, subject.tls ?? null);
      servers.push(server);
      const seen = await run(server.port, PATIENCE_MS);
      expect(seen).toMatchObject({ outcome: "match", reason: "ok" });
      await until(() => server.open() === 0);
    });

    test("passes when the response arrives a byte at a time", async () => {
      const server = await serve(subject.healthy, subject.tls ?? null);
      const relay = await serveInSingleBytes(server.port);
      servers.push(server, relay);
      const seen = await run(relay.port, PATIENCE_MS);
      expect(seen).toMatchObject({ outcome: "match", reason: "ok" });
    });

    test("is refused when the port is closed", async () => {
      const seen = await run(await closedPort(), PATIENCE_MS);
      expect(seen).toMatchObject({ outcome: "refused", reason: "refused", step: "connect" });
    });

    unless(passesAnyway, "times out when the server sends nothing", async () => {
      const seen = await against(() => undefined);
      expect(seen.outcome).toBe("timeout");
      expect(seen.durationMs).toBeGreaterThanOrEqual(DEADLINE_MS - 5);
    });

    unless(passesAnyway, "fails when the server closes at once", async () => {
      const seen = await against((socket) => socket.end(), {}, PATIENCE_MS);
      expect(seen.outcome).toBe("failed");
      expect(["closed_without_data", "reset"]).toContain(seen.reason);
    });

    unless(subject.tls === undefined, "fails when the server closes before TLS", async () => {
      const seen = await against((socket) => socket.end(), {}, PATIENCE_MS, null);
      expect(seen).toMatchObject({ outcome: "failed", step: "tls" });
      expect(["closed_without_data", "reset"]).toContain(seen.reason);
    });

    unless(passesAnyway, "fails when the server resets at once", async () => {
      const reset = (socket: Socket): unknown => socket.resetAndDestroy();
      const seen = await against(reset, {}, PATIENCE_MS, null);
      expect(seen.outcome).toBe("failed");
      // Before TLS a mail server's reset means the same as its close: accepted, then not served.
      const named = subject.tls === undefined ? ["reset"] : ["reset", "closed_without_data"];
      expect(named).toContain(seen.reason);
    });

    unless(
      passesAnyway || subject.noisePasses === true,
      "never passes when the server sends noise",
      async () => {
        const seen = await against((socket) => {
          socket.end(Buffer.from(Array.from({ length: 700 }, (_, at) => (at * 7919 + 13) % 256)));
        });
        expect(["mismatch", "failed", "timeout"]).toContain(seen.outcome);
      },
    );

    unless(
      subject.noisePasses === true,
      "stays bounded when the server sends without end",
      async () => {
        const heap = process.memoryUsage().arrayBuffers;
        const seen = await against((socket) => {
          const block = Buffer.alloc(64 * 1024, "x");
          (function more(): void {
            if (!socket.destroyed) {
              socket.write(block, () => setImmediate(more));
            }
          })();
        });
        expect(["mismatch", "failed", "timeout"].concat(passesAnyway ? ["match"] : [])).toContain(
          seen.outcome,
        );
        expect(process.memoryUsage().arrayBuffers - heap).toBeLessThan(64 * 1024 * 1024);
      },
    );

    test("ends at once as a fault when the run is already aborted", async () => {
      const abandoned = AbortSignal.abort();
      const seen = await against(subject.healthy, { signal: abandoned }, 20_000);
      expect(seen).toMatchObject({ outcome: "fault", reason: "agent_fault" });
    });

    test("ends at once and leaves no timer when the run is aborted midway", async () => {
      const controller = new AbortController();
      const before = timers();
      const server = await serve(() => controller.abort(), subject.tls ?? null);
      servers.push(server);
      const seen = await run(server.port, 20_000, { signal: controller.signal });
      expect(seen.durationMs).toBeLessThan(5000);
      expect(passesAnyway ? ["match", "fault"] : ["fault"]).toContain(seen.outcome);
      await until(() => timers() <= before);
    });

    test("adds one listener to the abort signal when many probes run at once", async () => {
      const { signal } = new AbortController();
      const add = vi.spyOn(signal, "addEventListener");
      const { network } = probeContext();
      const server = await serve(subject.healthy, subject.tls ?? null);
      servers.push(server);
      const all = await Promise.all(
        Array.from({ length: 40 }, () => run(server.port, 20_000, { signal, network })),
      );
      expect(all.map((seen) => seen.outcome)).toEqual(all.map(() => "match"));
      expect(add).toHaveBeenCalledTimes(1);
    });
  });
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
}

/** Registers a case only where it applies, so that reports show no case as skipped that can never run. */
function unless(inapplicable: boolean, name: string, body: () => Promise<void>): void {
  if (!inapplicable) {
    test(name, body);
  }
}

/** Waits until a condition holds; fails after twenty seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error("the condition did not come true within 20 s");
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
