import { request } from "node:http";
import { expect, test } from "vitest";
import { createHistory } from "../../src/web/history/history.ts";
import { aLiveState, aMember, NOON } from "../support/live-state.ts";
import { serve } from "./support.ts";
import { until } from "./until.ts";

// The watch runs in the same process: an uncaught exception would end it.

test("history sampling › logs an internal error and takes the next sample when one sample throws", async () => {
  const history = createHistory({ maxBytes: 1e6, now: () => NOON });
  const member = aMember();
  let samples = 0;
  const web = await serve(
    () => {
      samples += 1;
      if (samples === 1) {
        throw new RangeError("a mistake");
      }
      return aLiveState({ members: [member] });
    },
    { history },
  );
  await until(() => history.memberTimeline(member).length > 0);
  expect(web.logged).toContain("internal error, history sample lost");
});

test("answer › is aborted alone, and logged, when an internal error occurs while it is sent", async () => {
  const history = createHistory({ maxBytes: 1e6, now: () => NOON });
  const web = await serve(aLiveState({}), {
    history: {
      ...history,
      changesAfter: () => {
        throw new RangeError("a mistake");
      },
    },
  });
  const broken = await new Promise<string>((resolve) => {
    const headers = { "last-event-id": "1" };
    const asked = request(`${web.url}/api/v1/events`, { headers, agent: false }, (response) => {
      response.on("error", () => resolve("aborted"));
      response.on("end", () => resolve("ended"));
      response.resume();
    });
    asked.on("error", () => resolve("aborted"));
    asked.end();
  });
  expect(broken).toBe("aborted");
  expect(web.logged).toContain("internal error, response aborted");
  expect((await web.get("/-/healthy")).status).toBe(200);
});
