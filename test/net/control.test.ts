import { expect, onTestFinished, test } from "vitest";
import { isCutOff } from "../../src/net/control.ts";
import type { Network, Resolution } from "../../src/net/network.ts";
import { EventLoopMonitor } from "../../src/net/event-loop-monitor.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { closedPort, serve } from "../support/scripted-server.ts";

const TIMEOUT_MS = 5_000;
const STALL_MS = 500;
const SILENCE: Resolution = { kind: "dns_failure", message: "ETIMEOUT", absent: false };

/** A network in which the first `times` lookups go unanswered, with the event loop stalled for so long at each. */
function silentNetwork(times: number, stallMs: number): Network & { asked: number } {
  const network = createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now });
  const clock = { now: 0 };
  const silent = {
    ...network,
    loop: new EventLoopMonitor(() => clock.now),
    asked: 0,
    resolve: (...asked: Parameters<Network["resolve"]>) => {
      silent.asked += 1;
      if (silent.asked > times) {
        return network.resolve(...asked);
      }
      clock.now += stallMs;
      return SILENCE;
    },
  };
  return silent;
}

async function target() {
  const server = await serve(() => undefined);
  onTestFinished(() => server.close());
  return { host: "127.0.0.1", port: server.port };
}

test("isCutOff › asks the targets again when the event loop stalled during their silence", async () => {
  const network = silentNetwork(1, STALL_MS);
  expect(await isCutOff([await target()], network, TIMEOUT_MS)).toBe(false);
  expect(network.asked).toBe(2);
});

test("isCutOff › is true at once when the targets are silent without an event loop stall", async () => {
  const network = silentNetwork(1, 0);
  expect(await isCutOff([await target()], network, TIMEOUT_MS)).toBe(true);
  expect(network.asked).toBe(1);
});

test("isCutOff › gives up after three attempts when the event loop stalls each time", async () => {
  const network = silentNetwork(Infinity, STALL_MS);
  expect(await isCutOff([await target()], network, TIMEOUT_MS)).toBe(true);
  expect(network.asked).toBe(3);
});

test("isCutOff › is false when one target answers or none are configured", async () => {
  const network = createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now });
  const closed = { host: "127.0.0.1", port: await closedPort() };
  expect(await isCutOff([closed, await target()], network, TIMEOUT_MS)).toBe(false);
  expect(await isCutOff([closed], network, TIMEOUT_MS)).toBe(true);
  expect(await isCutOff([], network, TIMEOUT_MS)).toBe(false);
});
