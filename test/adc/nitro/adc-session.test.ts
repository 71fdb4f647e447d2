import { describe, expect, onTestFinished, test } from "vitest";
import type { NodeBelief } from "../../../lab/nitro/backend.ts";
import type { NitroFaultHook } from "../../../lab/nitro/faults.ts";
import { startNitroServer, type NitroServer } from "../../../lab/nitro/server.ts";
import {
  createAdcSession,
  type AdcSession,
  type AdcSessionOptions,
} from "../../../src/adc/nitro/adc-session.ts";
import type { PollResult } from "../../../src/adc/nitro/poll.ts";
import { EventLoopMonitor } from "../../../src/net/event-loop-monitor.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { closedPort } from "../../support/scripted-server.ts";
import { CREDENTIALS } from "./lab-client.ts";
import { ESTATE, IMAP, NS1, NS2, secondary } from "./pair-of-nodes.ts";
import { steadyBackend, type SteadyBackend } from "./steady-backend.ts";

interface Node {
  readonly backend: SteadyBackend;
  readonly server: NitroServer;
  /** What happens to requests from now on. */
  fault: NitroFaultHook;
}

interface Pair {
  readonly ns1: Node;
  readonly ns2: Node;
  readonly session: AdcSession;
  readonly clock: { now: number };
  /** Makes one node primary and the other secondary, from the next request on. */
  readonly failOverTo: (primary: 1 | 2) => void;
  readonly poll: () => Promise<PollResult>;
}

async function node(belief: NodeBelief, peer: NodeBelief): Promise<Node> {
  const backend = steadyBackend(ESTATE);
  backend.set.nodes = [belief, peer];
  const faults: { current: NitroFaultHook } = { current: () => null };
  const server = await startNitroServer(backend, {
    ...CREDENTIALS,
    faults: (request) => faults.current(request),
  });
  return {
    backend,
    server,
    get fault() {
      return faults.current;
    },
    set fault(hook) {
      faults.current = hook;
    },
  };
}

function sessionOf(urls: readonly string[], options: Partial<AdcSessionOptions> = {}): AdcSession {
  return createAdcSession({
    adc: "prod",
    urls,
    ...CREDENTIALS,
    tls: { ca: null, serverName: null, verify: true },
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
    ...options,
  });
}

async function standAlone(options: Partial<AdcSessionOptions> = {}) {
  const faults: { current: NitroFaultHook } = { current: () => null };
  const server = await startNitroServer(steadyBackend(ESTATE), {
    ...CREDENTIALS,
    faults: (request) => faults.current(request),
  });
  const session = sessionOf([server.url], options);
  onTestFinished(async () => {
    await session.close();
    await server.close();
  });
  return { session, server, faults };
}

/** NS1 primary, NS2 secondary; the two disagree about the member, so that a test sees whose answer was taken. */
async function pair(): Promise<Pair> {
  const ns1 = await node(NS1, secondary(NS2));
  const ns2 = await node(secondary(NS2), NS1);
  ns2.backend.set.members.set(IMAP, { state: "DOWN" });
  const clock = { now: 1_000_000 };
  const session = sessionOf([ns1.server.url, ns2.server.url], { now: () => clock.now });
  onTestFinished(async () => {
    await session.close();
    expect([ns1.server.openSessions(), ns2.server.openSessions()]).toEqual([0, 0]);
    await Promise.all([ns1.server.close(), ns2.server.close()]);
  });
  return {
    ns1,
    ns2,
    session,
    clock,
    failOverTo: (primary) => {
      ns1.backend.set.nodes = primary === 1 ? [NS1, secondary(NS2)] : [secondary(NS1), NS2];
      ns2.backend.set.nodes = primary === 2 ? [NS2, secondary(NS1)] : [secondary(NS2), NS1];
    },
    poll: () => session.poll(ESTATE),
  };
}

function memberState(result: PollResult): string | undefined {
  return result.kind === "state" || result.kind === "secondary"
    ? result.state.members.get(IMAP)?.state
    : undefined;
}

describe("session with a pair", () => {
  test("reads the primary and asks the secondary only for its role", async () => {
    const { ns1, ns2, session, poll } = await pair();
    expect(await session.importEstate()).toMatchObject({ kind: "estate" });
    const result = await poll();
    expect(memberState(result)).toBe("up");
    expect(result).toMatchObject({
      state: {
        nodes: [
          {
            node: new URL(ns1.server.url).host,
            role: "primary",
            masterState: "PRIMARY",
            reachable: true,
          },
          {
            node: new URL(ns2.server.url).host,
            role: "secondary",
            masterState: "SECONDARY",
            reachable: true,
          },
        ],
        failedOverAt: null,
        primaryAddress: NS1.address,
      },
    });
    const asked = new Set(ns2.server.requests.map(({ path }) => path));
    expect(asked).toEqual(
      new Set(["/nitro/v1/config/login", "/nitro/v1/config/hanode", "/nitro/v1/stat/hanode"]),
    );
  });

  test("follows a failover at the next poll and keeps its time", async () => {
    const { clock, failOverTo, poll } = await pair();
    expect(memberState(await poll())).toBe("up");
    failOverTo(2);
    clock.now += 15_000;
    const after = await poll();
    expect(memberState(after)).toBe("down");
    expect(after).toMatchObject({
      state: { failedOverAt: clock.now, primaryAddress: NS2.address },
    });
    const marked = clock.now;
    clock.now += 15_000;
    expect(await poll()).toMatchObject({ state: { failedOverAt: marked } });
    failOverTo(1);
    clock.now += 15_000;
    expect(await poll()).toMatchObject({ state: { failedOverAt: clock.now } });
  });

  test("follows a failover in the same poll when it happens during it", async () => {
    const { ns1, failOverTo, poll } = await pair();
    await poll();
    ns1.fault = ({ query }) => {
      if (query.resource === "service_lbmonitor_binding") {
        failOverTo(2);
      }
      return null;
    };
    expect(memberState(await poll())).toBe("down");
  });

  test("takes the survivor's answer once it has taken over when the primary dies during a poll", async () => {
    const { ns1, failOverTo, poll } = await pair();
    await poll();
    ns1.fault = () => ({ kind: "reset" });
    expect(await poll()).toMatchObject({
      kind: "secondary",
      state: { nodes: [{ reachable: false }, { role: "secondary", reachable: true }] },
    });
    failOverTo(2);
    expect(memberState(await poll())).toBe("down");
    ns1.fault = () => null;
  });

  test.each(["CLAIMING", "FORCE CHANGE"] as const)(
    "treats a node as secondary when its master state is %s",
    async (masterState) => {
      const { ns1, ns2, poll } = await pair();
      ns1.fault = () => ({ kind: "reset" });
      ns2.backend.set.nodes = [{ ...NS2, masterState }, NS1];
      const result = await poll();
      expect(result).toMatchObject({ kind: "secondary" });
      expect(memberState(result)).toBe("unknown");
    },
  );

  test("makes every member unknown and imports nothing when both nodes are secondary", async () => {
    const { ns1, session, poll } = await pair();
    ns1.backend.set.nodes = [secondary(NS1), NS2];
    const result = await poll();
    expect(result).toMatchObject({ kind: "secondary" });
    expect(result.kind === "secondary" && result.state.members.get(IMAP)).toMatchObject({
      state: "unknown",
      blind: ["secondary"],
    });
    expect(await session.importEstate()).toMatchObject({ kind: "secondary" });
  });

  test("makes members unknown when both nodes claim to be primary", async () => {
    const { ns1, ns2, failOverTo, poll } = await pair();
    failOverTo(2);
    await poll();
    ns1.backend.set.nodes = [NS1, NS2];
    ns2.backend.set.nodes = [NS2, NS1];
    expect(memberState(await poll())).toBe("unknown");
  });

  test("sends the password to no other node when one rejects it", async () => {
    const { ns1, ns2, session, poll } = await pair();
    ns1.fault = ({ query }) => (query.resource === "login" ? { kind: "error", code: 354 } : null);
    expect(await session.importEstate()).toMatchObject({ kind: "stopped", code: "354" });
    expect(await session.importEstate()).toMatchObject({ kind: "stopped", code: "354" });
    expect(await poll()).toMatchObject({ kind: "stopped", code: "354" });
    expect([ns1.server.requests.length, ns2.server.requests.length]).toEqual([1, 0]);
  });

  test("does not wait for a secondary that hangs, nor ask it again meanwhile", async () => {
    const { ns2, poll } = await pair();
    await poll();
    const before = ns2.server.requests.length;
    let release: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    ns2.fault = () => ({ kind: "wait", until });
    for (let polls = 0; polls < 2; polls += 1) {
      expect(await poll()).toMatchObject({
        kind: "state",
        state: { nodes: [{ role: "primary" }, { role: "unknown", reachable: false }] },
      });
    }
    expect(ns2.server.requests).toHaveLength(before + 1);
    ns2.fault = () => null;
    release();
    expect(await poll()).toMatchObject({ state: { nodes: [{}, { role: "secondary" }] } });
    // The one question that hung, answered late, and nothing that had queued up behind it.
    expect(ns2.server.requests).toHaveLength(before + 2);
  });
});

describe("session with one shared address", () => {
  test("detects a failover by the name of the node behind it", async () => {
    const shared = await node(NS1, secondary(NS2));
    const clock = { now: 1_000_000 };
    const session = sessionOf([shared.server.url], { now: () => clock.now });
    onTestFinished(async () => {
      await session.close();
      await shared.server.close();
    });
    expect(await session.poll(ESTATE)).toMatchObject({ state: { failedOverAt: null } });
    shared.backend.set.nodes = [NS2, secondary(NS1)];
    clock.now += 15_000;
    expect(await session.poll(ESTATE)).toMatchObject({
      state: { failedOverAt: clock.now, primaryAddress: NS2.address },
    });
  });
});

describe("session with a stand-alone appliance", () => {
  test("treats it as primary", async () => {
    const { session } = await standAlone();
    expect(await session.poll(ESTATE)).toMatchObject({
      kind: "state",
      state: { nodes: [{ role: "primary" }], failedOverAt: null },
    });
  });

  test.each([
    ["no answer", { kind: "reset" }, { kind: "failed", code: "reset" }],
    ["an error of any other kind", { kind: "error", code: 1205 }, { kind: "state" }],
    ["no such resource", { kind: "error", code: 258 }, { kind: "state" }],
    ["an answer that it is the secondary", { kind: "warning", code: 1028 }, { kind: "secondary" }],
  ] as const)(
    "judges the role that it asks for at the end of a poll: %s",
    async (_what, fault, expected) => {
      const { session, faults } = await standAlone();
      expect(memberState(await session.poll(ESTATE))).toBe("up");
      let asked = 0;
      faults.current = ({ query }) =>
        query.kind === "config" && query.resource === "hanode" && ++asked > 1 ? fault : null;
      expect(await session.poll(ESTATE)).toMatchObject(expected);
      faults.current = () => null;
      expect(memberState(await session.poll(ESTATE))).toBe("up");
    },
  );

  test("does not lengthen its pause when our own event loop stalls during a poll", async () => {
    const clock = { now: 0 };
    const monotonic = (): number => clock.now;
    const network = createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now });
    const { session, faults } = await standAlone({
      monotonic,
      network: { ...network, loop: new EventLoopMonitor(monotonic) },
    });
    faults.current = ({ query }) => {
      clock.now += query.resource === "lbvserver" ? 20_000 : 0;
      return null;
    };
    expect(memberState(await session.poll(ESTATE))).toBe("up");
    expect(session.nextPollDelayMs(2_000)).toBe(2_000);
  });

  test.each([
    ["a proxy's 403", { kind: "answer", status: 403, body: "" }],
    ["no right to read", { kind: "error", code: 2138 }],
  ] as const)(
    "asks again after five minutes, not at every poll, when it gets %s",
    async (_what, fault) => {
      const clock = { now: 0 };
      const { session, server, faults } = await standAlone({ monotonic: () => clock.now });
      faults.current = ({ method }) => (method === "GET" ? fault : null);
      expect(memberState(await session.poll(ESTATE))).toBe("unknown");
      const asked = server.requests.length;
      clock.now = 299_999;
      expect(memberState(await session.poll(ESTATE))).toBe("unknown");
      expect(server.requests).toHaveLength(asked);
      clock.now = 300_000;
      expect(memberState(await session.poll(ESTATE))).toBe("unknown");
      expect(server.requests.length).toBeGreaterThan(asked);
      faults.current = () => null;
      clock.now = 599_999;
      expect(memberState(await session.poll(ESTATE))).toBe("unknown");
      clock.now = 600_000;
      expect(memberState(await session.poll(ESTATE))).toBe("up");
    },
  );
});

describe("a web server's 404 in place of NITRO's answer", () => {
  const NOT_FOUND = { kind: "answer", status: 404, body: "<html>no</html>" } as const;

  test.each([
    ["hanode", "state"],
    ["lbvserver", "failed"],
    ["server", "state"],
    ["service", "failed"],
    ["servicegroup", "failed"],
    ["service_lbmonitor_binding", "state"],
  ] as const)(
    "when only %s answers it gives %s, and the next poll is whole again",
    async (resource, kind) => {
      const { session, faults } = await standAlone();
      expect(memberState(await session.poll(ESTATE))).toBe("up");
      faults.current = ({ query }) =>
        query.resource === resource && query.kind === "config" ? NOT_FOUND : null;
      expect(await session.poll(ESTATE)).toMatchObject({ kind });
      faults.current = () => null;
      expect(memberState(await session.poll(ESTATE))).toBe("up");
    },
  );

  test("changes nothing in how resources are asked for when it is over", async () => {
    const { session, server, faults } = await standAlone();
    const asked = async (): Promise<readonly string[]> => {
      const before = server.requests.length;
      await session.poll(ESTATE);
      return server.requests.slice(before).map(({ path }) => path);
    };
    await session.poll(ESTATE);
    const well = await asked();
    faults.current = ({ query }) => (query.resource === "lbvserver" ? NOT_FOUND : null);
    await session.poll(ESTATE);
    faults.current = () => null;
    expect(await asked()).toEqual(well);
  });

  test("leaves no node primary when every query gets it, so that the node that took over is believed", async () => {
    const { ns1, failOverTo, poll } = await pair();
    expect(memberState(await poll())).toBe("up");
    failOverTo(2);
    ns1.fault = ({ method }) => (method === "GET" ? NOT_FOUND : null);
    expect(memberState(await poll())).toBe("down");
  });
});

describe("closing a session", () => {
  test("logs out everywhere and ends the import when one is running", async () => {
    const { ns1, ns2, session } = await pair();
    ns1.fault = ({ query }) =>
      query.resource === "lbvserver" ? { kind: "wait", until: new Promise(() => undefined) } : null;
    const importing = session.importEstate();
    await expect
      .poll(() => ns1.server.requests.some(({ path }) => path.includes("/lbvserver?")))
      .toBe(true);
    await session.close();
    expect(await importing).toMatchObject({ kind: "failed", code: "aborted" });
    expect([ns1.server.openSessions(), ns2.server.openSessions()]).toEqual([0, 0]);
  });

  test("sends nothing when nothing was asked", async () => {
    const { ns1, ns2, session } = await pair();
    await session.close();
    expect(ns1.server.requests.length + ns2.server.requests.length).toBe(0);
  });
});

describe("session with an address that does not answer", () => {
  test("fails with its nodes and delays the next poll by the pause", async () => {
    const port = await closedPort();
    const clock = { now: 0 };
    const session = sessionOf([`http://127.0.0.1:${String(port)}`], { monotonic: () => clock.now });
    for (let polls = 0; polls < 2; polls += 1) {
      expect(await session.poll(ESTATE)).toMatchObject({
        kind: "failed",
        code: "refused",
        nodes: [{ reachable: false }],
      });
    }
    expect(session.nextPollDelayMs(1_000)).toBe(5_000);
    await session.close();
  });
});
