import { afterEach, expect, test, vi } from "vitest";
import { networkOf } from "../../src/agent/import-once.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("network of › resolves a name again after its lifetime when the wall clock is set back", async () => {
  // Time is the subject here: the wall clock goes another way than the monotonic one.
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  const network = networkOf({
    connectTo: {},
    unmapped: "allow",
    allowTargets: [],
    dnsServers: [],
    vservers: new Map(),
    web: { listen: [], configFile: null, hosts: [], externalUrl: null },
  });
  const first = await network.addresses("localhost");
  expect(await network.addresses("localhost")).toBe(first);
  vi.setSystemTime(Date.now() - 3_600_000);
  vi.advanceTimersByTime(60_000);
  expect(await network.addresses("localhost")).not.toBe(first);
});
