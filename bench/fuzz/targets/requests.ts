import { WitnessState } from "../../../src/agent/records/witness-state.ts";
import { buildRecords } from "../../../src/agent/records/build-records.ts";
import { BARE_SETTINGS } from "../../../src/agent/plan/settings.ts";
import { planProbes } from "../../../src/agent/plan/plan.ts";
import {
  declaredFor,
  listWindows,
  declaredWindows,
  declareWindow,
} from "../../../src/maintenance/declarations.ts";
import { EMPTY_STORE, readStored, writeStored } from "../../../src/maintenance/store.ts";
import { maintenanceBody, toRequest, windowJson } from "../../../src/web/api/maintenance.ts";
import {
  readSelection,
  selectionQuery,
  selectMembers,
  selectProbes,
  selectVservers,
} from "../../../src/web/selection.ts";
import { findTarget } from "../../../src/web/probe/target.ts";
import { simulatedEstate } from "../../simulation/estate.ts";
import { mutateJson } from "../mutate-json.ts";
import type { FuzzTarget } from "../target.ts";

/** What clients send to the agent's own doors. */

const NOW = Date.UTC(2026, 10, 3, 12);

/** `POST /api/v1/maintenance`: from the body to the stored window and back. */
export function maintenanceTarget(): FuzzTarget {
  const bodies: readonly unknown[] = [
    { servers: ["ex01"], for: "2h" },
    {
      name: "patch",
      servers: ["ex01", "ex*"],
      start: "2026-11-03T20:00:00+01:00",
      end: "2026-11-04T20:00:00Z",
      reason: "updates",
      author: "anna",
      auto_end: true,
      flexible: true,
    },
    { servers: ["*"], end: "never" },
  ];
  return {
    name: "maintenance",
    seeds: bodies.map((body) => Buffer.from(JSON.stringify(body))),
    words: ['"for":"never"', '"flexible":true', "2026-02-30T00:00:00Z", "+99:99", "ex**", "*****a"],
    mutate: (random) => Buffer.from(JSON.stringify(mutateJson(random.pick(bodies), random))),
    read: (input) => {
      let value: unknown;
      try {
        value = JSON.parse(input.toString("utf8"));
      } catch {
        return;
      }
      const parsed = maintenanceBody.safeParse(value);
      const asked = parsed.success ? toRequest(parsed.data, [], NOW) : null;
      if (asked?.kind !== "request") {
        return;
      }
      const declared = declareWindow(EMPTY_STORE, [], asked.request, NOW);
      if (declared.kind !== "done") {
        return;
      }
      const stored = readStored(writeStored(declared.state));
      if (stored?.windows.length !== 1) {
        throw new Error("what was declared cannot be read from the store again");
      }
      const windows = declaredWindows([], stored);
      declaredFor("ex01", windows, NOW, NOW);
      listWindows(windows, NOW).map(windowJson);
    },
  };
}

/** `/probe?…` and the selections of page and API. */
export function queryTarget(): FuzzTarget {
  const estate = simulatedEstate(20);
  const state = new WitnessState({
    agent: "fuzz",
    stabilityMs: 1_000,
    overdueAfterMs: 14_400_000,
    declarations: {
      declaredFor: () => ({ state: "no", window: null, endAt: null }),
      observe: () => undefined,
    },
    grace: "watched",
    now: () => NOW,
  });
  state.addAdc(estate.adc, { nitro: false, pollMs: 1_000 });
  state.setRecords(
    estate.adc,
    buildRecords(
      estate,
      planProbes(estate, BARE_SETTINGS),
      { pollMs: 1_000, vservers: new Map(), now: () => NOW },
      null,
    ),
  );
  state.evaluateAll();
  return {
    name: "query",
    seeds: [
      "target=ex001:993&monitor=mon_port&debug=true",
      "target=prod/sg_imap/ex001:993",
      "target=[2001:db8::1]:443&monitor=",
      "server=ex001&vserver=v_imap&verdict=agree_up&adc=prod",
    ].map((text) => Buffer.from(text)),
    words: ["%00", "%ff", "%", "&&", "=", "target=", "server=ex*", "+", "[", "]:", "//", "#"],
    read: (input) => {
      const url = new URL(`http://agent/probe?${input.toString("utf8")}`);
      const query = url.searchParams;
      findTarget(state, query.get("target") ?? "");
      const selection = readSelection(query);
      selectMembers(state, selection);
      selectVservers(state, selection);
      selectProbes(state, selection);
      selectionQuery(selection);
    },
  };
}
