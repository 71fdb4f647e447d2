import { get as httpGet, type IncomingMessage } from "node:http";
import { queryObjects } from "node:v8";
import { describe, expect, onTestFinished, test } from "vitest";
import type { LiveState } from "../../src/model/live.ts";
import { changeAnswer } from "../../src/web/api/events.ts";
import { createHistory } from "../../src/web/history/history.ts";
import { ObservationRing } from "../../src/web/history/observations.ts";
import { TIMELINE_MS } from "../../src/web/history/timelines.ts";
import {
  aFailure,
  aLargeEstate,
  aLiveState,
  aMember,
  anObservation,
  aProbe,
  aVserver,
  maintenanceHour,
  NOON,
} from "../support/live-state.ts";
import { serve } from "./support.ts";
import { until } from "./until.ts";

function clocked(maxBytes = 1e6) {
  const clock = { now: NOON };
  return { clock, history: createHistory({ maxBytes, now: () => clock.now }) };
}

describe("timelines", () => {
  const well = aMember();
  const ill = aMember({ service: "down", verdict: "blind_monitor", reason: "banner_timeout" });

  test("are sampled only when something was evaluated or the estate has changed", () => {
    const { clock, history } = clocked();
    const members = [{ ...well }];
    const live = { ...aLiveState({ members }), revision: 1 };
    history.sample(live);
    Object.assign(members[0] ?? {}, { verdict: "blind_monitor" });
    clock.now += 1_000;
    history.sample(live);
    expect(history.memberTimeline(well)).toHaveLength(1);
    history.sample({ ...live, revision: 2 });
    expect(history.memberTimeline(well)).toHaveLength(2);
    history.sample({ ...live, members: [well], revision: 2 });
    expect(history.memberTimeline(well)).toHaveLength(3);
  });

  test("hold each change with its time, once", () => {
    const { clock, history } = clocked();
    for (const member of [well, well, ill, ill, well]) {
      history.sample(aLiveState({ members: [member] }));
      clock.now += 1_000;
    }
    expect(history.memberTimeline(well).map(({ at, verdict }) => [at - NOON, verdict])).toEqual([
      [0, "agree_up"],
      [2_000, "blind_monitor"],
      [4_000, "agree_up"],
    ]);
  });

  test("drop what is older than their range, but keep the state at its beginning", () => {
    const { clock, history } = clocked();
    history.sample(aLiveState({ members: [ill] }));
    clock.now += 1_000;
    history.sample(aLiveState({ members: [well] }));
    clock.now += TIMELINE_MS + 60_000;
    history.sample(aLiveState({ members: [ill] }));
    expect(history.memberTimeline(well).map(({ verdict }) => verdict)).toEqual([
      "agree_up",
      "blind_monitor",
    ]);
  });

  test("are bounded when a member flaps, and are removed with the member", () => {
    const { clock, history } = clocked();
    for (let index = 0; index < 2_000; index += 1) {
      history.sample(aLiveState({ members: [index % 2 === 0 ? ill : well] }));
      clock.now += 1;
    }
    expect(history.memberTimeline(well)).toHaveLength(500);
    expect(history.changesAfter(0)).toHaveLength(1_000);
    history.sample(aLiveState());
    expect(history.memberTimeline(well)).toEqual([]);
  });

  test("keep members and vservers of one name apart", () => {
    const { history } = clocked();
    const cs = aVserver({ kind: "cs", verdict: "vip_protected" });
    history.sample(aLiveState({ vservers: [aVserver(), cs] }));
    expect(history.vserverTimeline(cs)).toMatchObject([
      { verdict: "vip_protected", replica: null },
    ]);
    expect(history.vserverTimeline(aVserver())).toMatchObject([{ verdict: "vip_agree_up" }]);
  });
});

describe("probe runs", () => {
  test("are returned newest first for each probe", () => {
    const { history } = clocked();
    const [one, other] = [aProbe({ id: "one" }), aProbe({ id: "other" })];
    history.probeFinished(one, anObservation({ startedAt: 1 }), true);
    history.probeFinished(other, aFailure("connect", "refused", { startedAt: 2 }), false);
    history.probeFinished(one, anObservation({ startedAt: 3 }), true);
    expect(history.runs("one", 10).map(({ observation }) => observation.startedAt)).toEqual([3, 1]);
    expect(history.runs("one", 1)).toHaveLength(1);
    expect(history.runs("nobody", 10)).toEqual([]);
  });

  /** Runs of one probe as a table shows them: when, how long, and which evidence. */
  const shown = (ring: ObservationRing, probeId: string, count: number) =>
    ring
      .last(probeId, count)
      .map(({ observation: { startedAt, durationMs, evidence } }) => [
        startedAt,
        durationMs,
        evidence.transcript,
      ]);

  test("are dropped oldest first when their memory is full", () => {
    const ring = new ObservationRing(100_000);
    const transcript = "x".repeat(1_000);
    for (let index = 0; index < 5_000; index += 1) {
      const observation = aFailure("banner", "closed_without_data", {
        startedAt: index,
        evidence: { transcript, detail: null },
      });
      ring.add({ probeId: `p${String(index % 7)}`, observation, passed: false });
    }
    expect(ring.bytes).toBeLessThanOrEqual(100_000);
    const kept = Array.from({ length: 7 }, (_, index) =>
      ring.last(`p${String(index)}`, 100),
    ).flat();
    expect(kept).toHaveLength(26);
    expect(kept.map(({ observation }) => observation.startedAt).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 26 }, (_, index) => 4_974 + index),
    );
  });

  test("keep their times and share the first evidence when they repeat one another", () => {
    const ring = new ObservationRing(1e6);
    const run = (startedAt: number, passed: boolean) => ({
      probeId: "p",
      observation: passed
        ? anObservation({
            startedAt,
            durationMs: startedAt / 10,
            phases: { connect: 1, banner: startedAt },
            evidence: { transcript: `good ${String(startedAt)}`, detail: null },
          })
        : aFailure("connect", "refused", { startedAt, durationMs: 1 }),
      passed,
    });
    for (const [startedAt, passed] of [
      [10, true],
      [20, true],
      [30, true],
      [40, false],
      [50, true],
      [60, true],
    ] as const) {
      ring.add(run(startedAt, passed));
    }
    const failure = run(40, false).observation.evidence.transcript;
    expect(shown(ring, "p", 100)).toEqual([
      [60, 6, "good 50"],
      [50, 5, "good 50"],
      [40, 1, failure],
      [30, 3, "good 10"],
      [20, 2, "good 10"],
      [10, 1, "good 10"],
    ]);
    expect(shown(ring, "p", 2)).toEqual([
      [60, 6, "good 50"],
      [50, 5, "good 50"],
    ]);
    expect(ring.last("p", 1)[0]?.observation.phases).toEqual({ connect: 1, banner: 60 });
    expect(ring.last("other", 5)).toEqual([]);
  });

  test("keep the newest within their memory when they repeat endlessly", () => {
    const maxBytes = 400_000;
    const ring = new ObservationRing(maxBytes);
    for (let index = 0; index < 50_000; index += 1) {
      const observation = anObservation({ startedAt: index });
      ring.add({ probeId: `p${String(index % 5)}`, observation, passed: true });
    }
    expect(ring.bytes).toBeLessThanOrEqual(maxBytes);
    expect(shown(ring, "p4", 3).map(([startedAt]) => startedAt)).toEqual([49_999, 49_994, 49_989]);
    const all = ring.last("p4", 1e6).map(({ observation }) => observation.startedAt);
    // All that is remembered without a gap, and the run whose evidence they share.
    expect(all.slice(0, -1)).toEqual(
      Array.from({ length: all.length - 1 }, (_, index) => 49_999 - 5 * index),
    );
    expect(all.length).toBeGreaterThan(100);
    expect(all.at(-1)).toBe(4);
  });

  test("are collectable when they were dropped", () => {
    class Evidence {
      readonly transcript = "x".repeat(1_000);
      readonly detail = null;
    }
    const ring = new ObservationRing(40_000);
    for (let index = 0; index < 500; index += 1) {
      const observation = { ...aFailure("response", "bad_status"), evidence: new Evidence() };
      ring.add({ probeId: `p${String(index % 5)}`, observation, passed: false });
    }
    const kept = Array.from({ length: 5 }, (_, at) => ring.last(`p${String(at)}`, 500).length);
    // Counts what is left when everything is collected that can be.
    expect(queryObjects(Evidence, { format: "count" })).toBe(
      kept.reduce((sum, runs) => sum + runs, 0),
    );
  });

  test("leave nothing behind when one is larger than the ring", () => {
    const ring = new ObservationRing(1_000);
    const evidence = { transcript: "x".repeat(10_000), detail: null };
    ring.add({ probeId: "p", observation: anObservation({ evidence }), passed: true });
    expect([ring.bytes, ring.last("p", 1)]).toEqual([0, []]);
  });
});

describe("/api/v1/events", () => {
  interface Stream {
    readonly response: IncomingMessage;
    readonly events: { readonly id: string; readonly name: string; readonly data: unknown }[];
  }

  /** Reads a stream as EventSource does. */
  function listen(url: string, headers: Record<string, string> = {}): Promise<Stream> {
    return new Promise((resolve, reject) => {
      const asked = httpGet(`${url}/api/v1/events`, { headers, agent: false }, (response) => {
        const events: Stream["events"] = [];
        let text = "";
        response.on("data", (data: Buffer) => {
          text += data.toString();
          const blocks = text.split("\n\n");
          text = blocks.pop() ?? "";
          for (const block of blocks) {
            const field = (name: string): string =>
              new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
            if (field("event") !== "") {
              events.push({
                id: field("id"),
                name: field("event"),
                data: JSON.parse(field("data")) as unknown,
              });
            }
          }
        });
        response.on("error", () => undefined);
        resolve({ response, events });
      });
      asked.on("error", reject);
      onTestFinished(() => {
        asked.destroy();
      });
    });
  }

  test("sends each change once and resumes after the last one seen", async () => {
    let live: LiveState = aLiveState({ members: [aMember()] });
    const web = await serve(() => live);
    const stream = await listen(web.url);
    expect(stream.response.headers["content-type"]).toBe("text/event-stream");
    await until(() => stream.events.some(({ name }) => name === "change"));
    live = maintenanceHour();
    await until(() => stream.events.filter(({ name }) => name === "change").length >= 8);
    const changes = stream.events.filter(({ name }) => name === "change");
    for (const { data } of changes) {
      changeAnswer.parse(data);
    }
    expect(changes.map(({ data }) => data)).toContainEqual({
      at: "2026-11-22T12:00:00.000Z",
      kind: "member",
      adc: "prod",
      vserver: "v_imap",
      adc_service: "svc_imap",
      server: "ex02",
      port: 143,
      opinions: { adc: "up", replica: "up", service: "down" },
      verdict: "routes_to_maintenance",
      previous_verdict: null,
      step: "banner",
      reason: "closed_without_data",
    });
    expect(new Set(changes.map(({ id }) => id)).size).toBe(changes.length);
    const seen = changes.at(-3)?.id ?? "";
    const resumed = await listen(web.url, { "last-event-id": seen });
    await until(() => resumed.events.some(({ name }) => name === "hello"));
    expect(resumed.events.map(({ id }) => Number(id))).toEqual([
      Number(seen) + 1,
      Number(seen) + 2,
      Number(changes.at(-1)?.id),
    ]);
  });

  test("sends the newest changes that fit into 64 KB when a client has missed a thousand", async () => {
    const web = await serve(aLargeEstate({ members: 1_000, monitors: 1 }));
    let events: Stream["events"] = [];
    let last = 0;
    await until(async () => {
      ({ events } = await listen(web.url, { "last-event-id": "1" }));
      await until(() => events.some(({ name }) => name === "hello"));
      last = Number(events.find(({ name }) => name === "hello")?.id);
      return last >= 1_000;
    });
    const missed = events.filter(({ name }) => name === "change");
    expect(missed.map(({ id }) => Number(id))).toEqual(
      missed.map((_, index) => last - missed.length + 1 + index),
    );
    expect(missed.length).toBeGreaterThan(50);
    expect(missed.reduce((sum, { data }) => sum + JSON.stringify(data).length, 0)).toBeLessThan(
      64 * 1024,
    );
  });
});
