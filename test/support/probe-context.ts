import type { ProbeContext } from "../../src/net/probe-context.ts";
import { createNetwork } from "../../src/net/dns.ts";

/** A context on the real network (loopback in tests) with this deadline. */
export function probeContext(timeoutMs = 10_000, change: Partial<ProbeContext> = {}): ProbeContext {
  return {
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: () => performance.now() }),
    signal: new AbortController().signal,
    timeoutMs,
    localAddress: null,
    vantage: "backend",
    now: Date.now,
    monotonic: () => performance.now(),
    ...change,
  };
}
