import { expect, onTestFinished, test } from "vitest";
import type { NitroState } from "../../lab/nitro/backend.ts";
import type { NitroFaultHook } from "../../lab/nitro/faults.ts";
import { startNitroServer, type NitroServer } from "../../lab/nitro/server.ts";
import { AdcLink, AdcWatch } from "../../src/agent/adc-watch.ts";
import type { LiveAdc } from "../../src/model/live.ts";
import { Secret } from "../../src/lib/secret.ts";
import { memberKey, type AdcState } from "../../src/model/adc-state.ts";
import type { Estate } from "../../src/model/estate.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import type { Network } from "../../src/net/network.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { CREDENTIALS } from "../adc/nitro/lab-client.ts";
import { steadyBackend, type SteadyBackend } from "../adc/nitro/steady-backend.ts";
import { until } from "../support/lab-agent.ts";

const CONF = `add server ex01 192.0.2.11
add service svc_imap ex01 TCP 143
add lb vserver v_imap TCP 192.0.2.1 143
bind lb vserver v_imap svc_imap
`;
function noLine(): void {
  // Nothing else is said in tests.
}

/** So long that nothing of a busy machine's comes near it. */
const NITRO_TIMEOUT_MS = 20_000;

interface Watched {
  readonly backend: SteadyBackend;
  readonly server: NitroServer;
  readonly watch: AdcWatch;
  readonly estates: Estate[];
  /** What was told, oldest first; null: no longer to be believed. */
  readonly states: (AdcState | null)[];
  readonly live: Partial<LiveAdc>[];
  /** What was told as an error, oldest first. */
  readonly errors: unknown[];
  readonly warnings: string[];
  fault: NitroFaultHook;
  /** Called before an estate comes into force, and before a state is taken in: what it throws is an internal error. */
  onHeard: (what: "estate" | "state") => void;
  /** Resolves names; what it throws is an internal error in the middle of a poll. */
  resolve: Network["resolve"];
}

/** A watch over a NITRO server that tells what a test writes; its polls are as quick as its answers. */
async function watched(pollEveryMs = 20, importEveryMs = 600_000): Promise<Watched> {
  const backend = steadyBackend(parseNsConf(CONF, { adc: "prod" }));
  const network = createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now });
  const holder: Pick<Watched, "fault" | "onHeard" | "resolve"> = {
    fault: () => null,
    onHeard: () => undefined,
    resolve: (...asked) => network.resolve(...asked),
  };
  const server = await startNitroServer(backend, {
    ...CREDENTIALS,
    faults: (request) => holder.fault(request),
  });
  const estates: Estate[] = [];
  const states: (AdcState | null)[] = [];
  const live: Partial<LiveAdc>[] = [];
  const errors: unknown[] = [];
  const warnings: string[] = [];
  const link = new AdcLink({
    config: {
      name: "prod",
      nitro: {
        urls: [server.url],
        username: CREDENTIALS.username,
        password: new Secret(CREDENTIALS.password),
        tls: { verify: true, ca: null, serverName: null },
        importEveryMs,
        pollEveryMs,
        timeoutMs: NITRO_TIMEOUT_MS,
      },
      nsConf: null,
      monitorTls: null,
    },
    network: { ...network, resolve: (...asked) => holder.resolve(...asked) },
    events: { adcRequest: () => undefined },
    now: Date.now,
    monotonic: () => performance.now(),
    wantsConnections: () => false,
  });
  const watch = new AdcWatch({
    link,
    importEveryMs,
    log: {
      debug: noLine,
      info: noLine,
      warn: (_about, text) => warnings.push(text),
      error: (told) => errors.push(told),
    },
    now: Date.now,
    monotonic: () => performance.now(),
    earlierEstate: null,
    onEstate: async (estate) => {
      await Promise.resolve();
      holder.onHeard("estate");
      estates.push(estate);
    },
    onState: (state) => {
      holder.onHeard("state");
      states.push(state);
    },
    onLive: (change) => live.push(change),
  });
  onTestFinished(async () => {
    await watch.stop();
    expect(server.openSessions()).toBe(0);
    await server.close();
  });
  return Object.assign(holder, { backend, server, watch, estates, states, live, errors, warnings });
}

const IMAP = memberKey("svc_imap", "ex01", 143);

test("adc watch › logs each gap and unknown text once and counts it when every poll repeats it", async () => {
  const world = await watched();
  world.fault = ({ query }) =>
    query.resource === "csvserver" || query.resource === "sslcertkey"
      ? { kind: "error", code: 4_242 }
      : null;
  world.backend.set.vservers.set("v_imap", { state: "HALF ASLEEP" as NitroState });
  world.watch.start();
  await until(
    "several polls",
    () => world.states.length,
    (polls) => polls >= 4,
    NITRO_TIMEOUT_MS,
  );
  expect(world.warnings).toEqual([
    expect.stringMatching(/^prod: .* does not return csvserver .*code 4242/),
    expect.stringMatching(/^prod: .* does not return sslcertkey .*Not watched: certificates/),
    "unknown text in a NITRO answer",
  ]);
  const told = world.live.findLast(({ unknownTexts }) => unknownTexts !== undefined);
  expect(told?.unknownTexts?.get("state")).toBe(1);
});

test("adc watch › imports the estate, polls, and follows the ADC's member states", async () => {
  const one = await watched();
  one.watch.start();
  await one.watch.firstRound();
  expect(one.estates).toHaveLength(1);
  expect(one.states.at(-1)?.members.get(IMAP)?.state).toBe("up");
  one.backend.set.members.set(IMAP, { state: "OUT OF SERVICE" });
  await until(
    "the member is out",
    () => one.states.at(-1)?.members.get(IMAP)?.state,
    (state) => state === "out",
    5_000,
  );
});

test("adc watch › holds the last known state for the time of three polls when the ADC fails and is asked less often", async () => {
  const one = await watched(200);
  one.watch.start();
  await one.watch.firstRound();
  const heardAt = performance.now();
  one.fault = () => ({ kind: "answer", status: 500, body: "no" });
  const saidBefore = one.states.length;
  await until(
    "the ADC is given up",
    () => one.states.at(-1),
    (state) => state === null,
    10_000,
  );
  // It was asked just before it was heard.
  expect(performance.now() - heardAt).toBeGreaterThan(400);
  expect(one.live.some((change) => change.up === false)).toBe(true);
  expect(one.states.slice(saidBefore)).toEqual([null]);
  one.fault = () => null;
  await until(
    "the ADC is believed again",
    () => one.states.at(-1)?.members.get(IMAP)?.state,
    (state) => state === "up",
    20_000,
  );
}, 30_000);

test("adc watch › imports the estate again at its interval when polls are rare", async () => {
  const one = await watched(600_000, 50);
  one.watch.start();
  await until(
    "it has been imported four times",
    () => one.estates.length,
    (count) => count >= 4,
    10_000,
  );
});

test("adc watch › reports an import failure with its start time until an import succeeds when polls succeed meanwhile", async () => {
  const one = await watched(20, 50);
  one.watch.start();
  await one.watch.firstRound();
  one.fault = ({ query }) =>
    query.resource === "lbmonitor" ? { kind: "error", code: 1_043 } : null;
  const failures = () => one.live.flatMap(({ importFailure }) => importFailure ?? []);
  const failed = await until("it has failed twice", failures, (all) => all.length >= 2, 10_000);
  expect(failed[0]?.message).toContain("lbmonitor");
  expect(failed[1]?.since).toBe(failed[0]?.since);
  expect(one.states.at(-1)?.members.get(IMAP)?.state).toBe("up");
  one.fault = () => null;
  await until(
    "it has succeeded",
    () => one.live.findLast(({ importFailure }) => importFailure !== undefined)?.importFailure,
    (last) => last === null,
    10_000,
  );
});

test("adc watch › imports once more, not with every poll, when the estate keeps differing from the ADC", async () => {
  const one = await watched();
  one.watch.start();
  await one.watch.firstRound();
  const imported = one.estates.length;
  // A refusal in the ADC's own words: it does not know what our estate names, whatever we import.
  one.fault = ({ path }) =>
    path.includes("service_lbmonitor_binding") ? { kind: "error", code: 344 } : null;
  await until(
    "ten more polls",
    () => one.states.length,
    (count) => count >= 12,
    10_000,
  );
  expect(one.states.at(-1)?.estateStale).toBe(true);
  expect(one.estates.length - imported).toBeLessThanOrEqual(1);
});

test.each(["estate", "state"] as const)(
  "adc watch › logs the error and goes on when taking in the first %s throws an internal error",
  async (where) => {
    const one = await watched();
    let mistakes = 0;
    one.onHeard = (what) => {
      if (what === where && ++mistakes === 1) {
        throw new RangeError("a mistake");
      }
    };
    one.watch.start();
    await one.watch.firstRound();
    await until(
      "it has read and asked all the same",
      () => one.states.at(-1)?.members.get(IMAP)?.state,
      (state) => state === "up",
      10_000,
    );
    expect(one.estates).toHaveLength(1);
    expect(one.errors).toEqual([
      { adc: "prod", error: expect.stringContaining("RangeError: a mistake") as unknown },
    ]);
  },
);

test("adc watch › holds the last known state and then gives the ADC up when every poll fails by an internal error", async () => {
  const one = await watched();
  one.watch.start();
  await one.watch.firstRound();
  const { resolve } = one;
  one.resolve = () => {
    throw new RangeError("a mistake");
  };
  const saidBefore = one.states.length;
  const heardBefore = one.live.length;
  await until(
    "the ADC is given up",
    () => one.states.at(-1),
    (state) => state === null,
    10_000,
  );
  expect(one.states[saidBefore]).toBeNull();
  const failed = one.live.slice(heardBefore).filter((change) => change.up === false);
  expect(failed.length).toBeGreaterThanOrEqual(1);
  expect(failed[0]?.lastError).toContain("RangeError: a mistake");
  one.resolve = resolve;
  await until(
    "the ADC is believed again",
    () => one.states.at(-1)?.members.get(IMAP)?.state,
    (state) => state === "up",
    10_000,
  );
});

test("adc watch › stops at once and does not start again when a request to the ADC hangs", async () => {
  const one = await watched();
  const never = new Promise<void>(() => undefined);
  one.fault = ({ path }) => (path.includes("login") ? null : { kind: "wait", until: never });
  one.watch.start();
  await until(
    "a request hangs",
    () => one.server.requests.length,
    (count) => count >= 2,
    5_000,
  );
  const began = performance.now();
  one.fault = () => null;
  await one.watch.stop();
  expect(performance.now() - began).toBeLessThan(NITRO_TIMEOUT_MS / 2);
  await one.watch.firstRound();
  const asked = one.server.requests.length;
  one.watch.start();
  await one.watch.firstRound();
  expect(one.server.requests).toHaveLength(asked);
  expect(one.server.openSessions()).toBe(0);
});
