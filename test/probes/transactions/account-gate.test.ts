import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLoginState, encodeLoginState } from "../../../src/agent/accounts/login-state.ts";
import {
  decideLogin,
  NEW_SECRET_MS,
  MIN_GAP_MS,
  RECOVERED_RETRY_MS,
  type GateDecision,
} from "../../../src/probes/transactions/account-gate/decide-login.ts";
import {
  initialGate,
  SUSPENSION_MS,
  type GateState,
  type LoginEndpoint,
  stepGate,
  MAX_SUSPENSION_MS,
  MAX_SUSPECTS,
  suspendedUntil,
} from "../../../src/probes/transactions/account-gate/gate.ts";

const MINUTE = 60_000;
const EX01: LoginEndpoint = {
  key: "imap_login backend ex01:993",
  server: "ex01",
  throughAdc: false,
};
const EX01_POP: LoginEndpoint = { ...EX01, key: "pop3_login backend ex01:995" };
const EX02: LoginEndpoint = {
  key: "imap_login backend ex02:993",
  server: "ex02",
  throughAdc: false,
};
const EX03: LoginEndpoint = {
  key: "imap_login backend ex03:993",
  server: "ex03",
  throughAdc: false,
};
const VIP: LoginEndpoint = { key: "imap_login vip v_imap", server: "192.0.2.1", throughAdc: true };

/** What stands against a place: it rejected a secret that another place accepted afterwards. */
function faultOf(state: GateState, key: string): string | null {
  return state.broken.find((place) => place.key === key)?.reason ?? null;
}

/** A gate with a clock, for telling stories. */
class Story {
  state: GateState = stepGate(initialGate(), { kind: "secret", mark: "one", at: 0 });
  now = 0;
  #logins = 0;

  /** What the gate says once the shortest gap between two logins has passed. */
  ask(place: LoginEndpoint, mark?: string): GateDecision {
    const decision = this.askNow(place, mark);
    if (decision.kind === "wait" && decision.why === "paced") {
      this.now = decision.until ?? this.now;
      return this.askNow(place, mark);
    }
    return decision;
  }

  askNow(place: LoginEndpoint, mark?: string): GateDecision {
    return decideLogin(this.state, place, this.now, mark);
  }

  /** Another probe of the place recovered at that time: from when on it may be asked, or null: now. */
  recovered(place: LoginEndpoint, at: number): number | null {
    const decision = decideLogin(this.state, place, this.now, undefined, at);
    return decision.kind === "wait" ? decision.until : null;
  }

  secret(mark: string): void {
    this.state = stepGate(this.state, { kind: "secret", mark, at: this.now });
  }

  begin(place: LoginEndpoint): string {
    expect(this.ask(place)).toEqual({ kind: "allowed" });
    this.#logins += 1;
    const id = String(this.#logins);
    this.state = stepGate(this.state, {
      kind: "started",
      id,
      place,
      at: this.now,
      deadline: this.now + MINUTE,
    });
    return id;
  }

  end(id: string, kind: "accepted" | "rejected" | "unanswered" | "not_tried"): void {
    this.now += 100;
    this.state = stepGate(this.state, { kind, id, at: this.now });
  }

  login(place: LoginEndpoint, kind: "accepted" | "rejected" | "unanswered" | "not_tried"): void {
    this.end(this.begin(place), kind);
  }

  pass(ms: number): void {
    this.now += ms;
  }
}

describe("one login at a time until one succeeds", () => {
  test("a second waits for the first", () => {
    const story = new Story();
    const first = story.begin(EX01);
    expect(story.ask(EX02)).toEqual({ kind: "wait", why: "busy", until: MINUTE });
    story.end(first, "accepted");
    story.begin(EX01);
    story.begin(EX02);
  });

  test("afterwards two at a time, so that no more than two can be rejected in a row", () => {
    const story = new Story();
    story.login(EX01, "accepted");
    story.begin(EX01);
    story.begin(EX02);
    expect(story.ask(VIP)).toMatchObject({ kind: "wait", why: "busy" });
  });

  test("a login that never came to the credential counts for nothing", () => {
    const story = new Story();
    story.login(EX01, "not_tried");
    story.login(EX01, "not_tried");
    story.login(EX01, "not_tried");
    expect(story.state.suspects).toEqual([]);
  });
});

describe("after a rejection", () => {
  test("the next login goes elsewhere, first where it last worked", () => {
    const story = new Story();
    story.login(EX02, "accepted");
    story.login(EX01, "rejected");
    expect(story.ask(EX01)).toMatchObject({ kind: "wait", why: "elsewhere_first" });
    expect(story.ask(VIP)).toMatchObject({ kind: "wait", why: "elsewhere_first" });
    expect(story.ask(EX02)).toEqual({ kind: "allowed" });
    story.pass(2 * MINUTE);
    expect(story.ask(VIP)).toEqual({ kind: "allowed" });
    expect(story.ask(EX01)).toMatchObject({ kind: "wait", why: "elsewhere_first" });
  });

  test("success there lays the first to its back end", () => {
    const story = new Story();
    story.login(EX02, "accepted");
    story.login(EX01, "rejected");
    expect(faultOf(story.state, EX01.key)).toBeNull();
    story.login(EX02, "accepted");
    expect(faultOf(story.state, EX01.key)).toBe("backend_unavailable");
    expect(faultOf(story.state, EX02.key)).toBeNull();
    expect(suspendedUntil(story.state, story.now)).toBeNull();
  });

  test("through a VIP, to the ADC", () => {
    const story = new Story();
    story.login(VIP, "rejected");
    story.login(EX01, "accepted");
    expect(faultOf(story.state, VIP.key)).toBe("login_broken_by_adc");
  });

  test("the broken place backs off, longer each time, and is cleared by a success of its own", () => {
    const story = new Story();
    const waits: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      story.login(EX01, "rejected");
      const rejectedAt = story.now;
      story.login(EX02, "accepted");
      const decision = story.ask(EX01);
      expect(decision).toMatchObject({ kind: "wait", why: "backing_off" });
      const until = decision.kind === "wait" ? (decision.until ?? 0) : 0;
      waits.push((until - rejectedAt) / MINUTE);
      story.now = until;
    }
    expect(waits).toEqual([2, 4, 8, 16, 30, 30, 30]);
    story.login(EX01, "accepted");
    expect(faultOf(story.state, EX01.key)).toBeNull();
  });

  test("an acceptance that overlaps it proves nothing: which came last is not known", () => {
    const story = new Story();
    story.login(EX01, "accepted");
    const one = story.begin(EX01);
    const two = story.begin(EX02);
    story.end(one, "rejected");
    story.end(two, "accepted");
    expect(story.state.suspects).toHaveLength(1);
    expect(faultOf(story.state, EX01.key)).toBeNull();
    story.login(EX02, "accepted");
    expect(faultOf(story.state, EX01.key)).toBe("backend_unavailable");
  });

  test("an old rejection is not laid to its place", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.pass(10 * MINUTE);
    story.login(EX02, "accepted");
    expect(faultOf(story.state, EX01.key)).toBeNull();
    expect(story.state.suspects).toEqual([]);
  });

  test("an account with one place only gets its second chance there, later", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    const until = story.now + 5 * MINUTE;
    expect(story.ask(EX01)).toMatchObject({ kind: "wait", until });
    story.pass(5 * MINUTE);
    story.login(EX01, "rejected");
    expect(suspendedUntil(story.state, story.now)).toBe(story.now + SUSPENSION_MS);
  });
});

describe("a place that has recovered is tried again soon", () => {
  test("where it backs off: a minute after its last rejection, whatever the back-off has grown to", () => {
    const story = new Story();
    for (let round = 0; round < 6; round += 1) {
      story.login(EX01, "rejected");
      const rejectedAt = story.now;
      story.login(EX02, "accepted");
      story.pass(1_000);
      expect(story.recovered(EX01, story.now)).toBe(rejectedAt + RECOVERED_RETRY_MS);
      expect(story.recovered(EX01, rejectedAt)).toBeGreaterThan(rejectedAt + RECOVERED_RETRY_MS);
      story.now = rejectedAt + RECOVERED_RETRY_MS;
      expect(story.recovered(EX01, story.now)).toBeNull();
      story.pass(30 * MINUTE);
    }
  });

  test("where it is the account's only one: others had their turn first", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    const rejectedAt = story.now;
    story.pass(10_000);
    expect(story.recovered(EX01, story.now)).toBe(rejectedAt + 1.5 * MINUTE);
    expect(story.recovered(EX03, story.now)).toBeNull();
  });

  test("where its account is suspended for hours: but never as a third rejection within the first half hour", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    story.pass(SUSPENSION_MS);
    story.login(EX03, "rejected");
    const trialAt = story.now;
    expect(suspendedUntil(story.state, story.now)).toBe(trialAt + 2 * SUSPENSION_MS);
    story.pass(1_000);
    expect(story.recovered(EX01, story.now)).toBe(trialAt + SUSPENSION_MS);
    expect(story.recovered(EX01, trialAt)).toBe(trialAt + 2 * SUSPENSION_MS);
    story.now = trialAt + SUSPENSION_MS;
    expect(story.recovered(EX01, trialAt + 1)).toBeNull();
  });
});

describe("a second rejection suspends", () => {
  test("for 30 minutes, then one trial, then twice as long, up to six hours", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    const lengths: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const until = suspendedUntil(story.state, story.now) ?? 0;
      lengths.push((until - story.now) / MINUTE);
      const fresh: LoginEndpoint = { ...EX03, server: `ex1${String(round)}` };
      expect(story.ask(fresh)).toEqual({ kind: "wait", why: "suspended", until });
      story.now = until;
      const trial = story.begin(fresh);
      expect(story.ask(EX01)).toMatchObject({ kind: "wait", why: "busy" });
      story.end(trial, "rejected");
    }
    expect(lengths).toEqual([30, 60, 120, 240, 360, 360]);
    expect(MAX_SUSPENSION_MS).toBe(360 * MINUTE);
  });

  test("a trial that succeeds lifts it and starts afresh", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    story.pass(SUSPENSION_MS);
    story.login(VIP, "accepted");
    expect(story.state).toMatchObject({ suspension: null, suspects: [], proven: true, broken: [] });
  });

  test("the trial is made where the secret last worked, for a while", () => {
    const story = new Story();
    story.login(VIP, "accepted");
    story.login(EX01, "rejected");
    story.pass(2 * MINUTE);
    story.login(EX02, "rejected");
    story.pass(SUSPENSION_MS);
    for (const place of [EX01, EX03]) {
      expect(story.ask(place)).toMatchObject({ kind: "wait", why: "elsewhere_first" });
    }
    expect(story.ask(VIP)).toEqual({ kind: "allowed" });
    story.pass(2 * MINUTE);
    expect(story.ask(EX03)).toEqual({ kind: "allowed" });
    expect(story.ask(EX01)).toMatchObject({ kind: "wait", why: "elsewhere_first" });
    story.pass(2 * MINUTE);
    expect(story.ask(EX01)).toEqual({ kind: "allowed" });
  });

  test("the trial prefers a server that did not reject, wherever the secret last worked", () => {
    const story = new Story();
    story.login(EX01_POP, "accepted");
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    story.pass(SUSPENSION_MS);
    expect(story.ask(EX01_POP)).toMatchObject({ kind: "wait", why: "elsewhere_first" });
    expect(story.ask(EX03)).toEqual({ kind: "allowed" });
  });

  test("silence after the credential was sent counts like a rejection", () => {
    const story = new Story();
    story.login(EX01, "unanswered");
    story.begin(EX02);
    story.pass(2 * MINUTE);
    expect(suspendedUntil(story.state, story.now)).not.toBeNull();
  });

  test("a new secret is tried once it can be no third rejection in half an hour, the same one after a restart is not", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    const firstRejection = story.now;
    story.pass(10 * MINUTE);
    story.login(EX02, "rejected");
    story.secret("one");
    expect(story.ask(EX03)).toMatchObject({ why: "suspended", until: story.now + SUSPENSION_MS });
    story.secret("two");
    const until = firstRejection + SUSPENSION_MS;
    expect(story.ask(EX03)).toMatchObject({ why: "suspended", until });
    story.now = until;
    story.login(EX03, "rejected");
    expect((suspendedUntil(story.state, story.now) ?? 0) - story.now).toBe(2 * SUSPENSION_MS);
  });

  test("a new secret is tried a minute after a trial that was rejected", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    story.pass(SUSPENSION_MS);
    story.login(EX03, "rejected");
    const rejection = story.now;
    story.secret("two");
    expect(story.ask(EX03)).toMatchObject({ why: "suspended", until: rejection + NEW_SECRET_MS });
  });

  test("a secret that changes again and again gets no further try within the suspension time", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    const firstRejection = story.now;
    let tries = 0;
    for (let minute = 0; minute < 29; minute += 1) {
      story.secret(`secret ${String(minute)}`);
      if (story.ask(EX03).kind === "allowed") {
        story.login(EX03, "rejected");
        tries += 1;
      }
      story.now = firstRejection + minute * MINUTE;
    }
    expect(tries).toBe(0);
  });

  test("a new secret that works lifts it", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    story.secret("two");
    story.pass(SUSPENSION_MS);
    story.login(EX03, "accepted");
    expect(story.state).toMatchObject({ suspension: null, suspects: [], broken: [] });
  });
});

describe("two ports of one server", () => {
  test("are one place: after a rejection at the one, the other waits for another server", () => {
    const story = new Story();
    story.login(EX01_POP, "accepted");
    story.login(EX01, "rejected");
    expect(story.ask(EX01_POP)).toMatchObject({ kind: "wait", why: "elsewhere_first" });
    expect(story.ask(EX02)).toEqual({ kind: "allowed" });
  });

  test("are never logged in to at once: its dead back end would reject both", () => {
    const story = new Story();
    story.login(EX02, "accepted");
    story.begin(EX01);
    expect(story.ask(EX01_POP)).toMatchObject({ kind: "wait", why: "busy" });
    expect(story.ask(VIP)).toMatchObject({ kind: "wait", why: "busy" });
    expect(story.ask(EX02)).toEqual({ kind: "allowed" });
  });
});

describe("the rate of one account", () => {
  test("is bounded, however many places there are", () => {
    const story = new Story();
    story.login(EX01, "accepted");
    expect(story.askNow(EX02)).toEqual({ kind: "wait", why: "paced", until: MIN_GAP_MS });
    story.pass(MIN_GAP_MS);
    expect(story.askNow(EX02)).toEqual({ kind: "allowed" });
  });
});

describe("two processes with two secrets of one account", () => {
  test("the one whose secret is not in use waits, so that turning round wins no further try", () => {
    const story = new Story();
    story.login(EX01, "accepted");
    expect(story.ask(EX02, "two")).toMatchObject({ kind: "wait", why: "other_secret" });
    story.pass(3 * MINUTE);
    expect(story.ask(EX02, "two")).toEqual({ kind: "allowed" });
  });

  test("comes back where the other turned out to be wrong", () => {
    const story = new Story();
    story.login(EX01, "accepted");
    story.secret("wrong");
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    expect(story.ask(EX03)).toMatchObject({ why: "suspended" });
    story.pass(NEW_SECRET_MS);
    expect(story.ask(EX03, "one")).toMatchObject({ why: "suspended" });
    story.pass(SUSPENSION_MS - NEW_SECRET_MS - MINUTE / 2);
    expect(story.ask(EX03, "one")).toMatchObject({ why: "suspended" });
    story.pass(MINUTE);
    expect(story.ask(EX03, "one")).toEqual({ kind: "allowed" });
  });

  test("a secret that was rejected is not tried again by being loaded again", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.secret("two");
    expect(story.ask(EX02)).toMatchObject({ why: "new_secret" });
    story.pass(NEW_SECRET_MS);
    story.login(EX02, "rejected");
    for (const mark of ["one", "two", "one"]) {
      story.secret(mark);
      expect(story.ask(EX03)).toMatchObject({ why: "suspended" });
      story.pass(MINUTE);
    }
  });

  test("an acceptance of the one lays nothing to the places that rejected the other", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.secret("two");
    story.pass(NEW_SECRET_MS);
    story.login(EX02, "accepted");
    expect(story.state).toMatchObject({ broken: [], suspects: [] });
  });
});

describe("the state file", () => {
  const bookOf = (state: GateState) => ({
    clock: { run: "boot", monotonicMs: 5, wallMs: 7, at: 6 },
    firstLoginAt: 3,
    gates: new Map([["probe-a", state]]),
    nitro: new Map(),
    bindings: new Map(),
  });

  test("of an earlier version lays its suspects to the secret in use, and knows of no servers", () => {
    const story = new Story();
    story.login(EX02, "accepted");
    story.login(EX01, "rejected");
    const { key, throughAdc } = EX01;
    const gate = {
      ...story.state,
      lastStartedAt: undefined,
      lastWorked: EX02.key,
      suspects: story.state.suspects.map((each) => ({
        ...each,
        secret: undefined,
        place: { key, throughAdc },
      })),
    };
    const read = decodeLoginState(JSON.stringify({ version: 1, accounts: { "probe-a": gate } }));
    expect(read?.clock).toBeNull();
    expect(read?.gates.get("probe-a")).toEqual({
      ...story.state,
      lastStartedAt: null,
      lastWorked: { ...EX02, server: EX02.key },
      suspects: story.state.suspects.map((each) => ({
        ...each,
        place: { ...EX01, server: EX01.key },
      })),
    });
  });

  test("comes back as it was written", () => {
    const story = new Story();
    story.login(EX02, "accepted");
    story.login(EX01, "rejected");
    story.login(EX02, "accepted");
    story.begin(EX02);
    const book = bookOf(story.state);
    expect(decodeLoginState(encodeLoginState(book))).toEqual(book);
  });

  test.each(["", "{", "[]", '{"version":2,"accounts":{}}', '{"version":1,"accounts":{"a":{}}}'])(
    "%j is none",
    (text) => {
      expect(decodeLoginState(text)).toBeNull();
    },
  );
});

/**
 * The whole thing as a domain controller sees it. Processes share the state file; each may die at any moment, also in the
 * middle of a login. The controller decides each login at some moment between its start and its end, in any order.
 */
describe("no account is ever locked", () => {
  const places = [EX01, EX02, VIP, EX01_POP];
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("login" as const),
        place: fc.nat(3),
        // Mostly the same one; two processes may hold different ones.
        mark: fc.constantFrom("s", "s", "s", "t"),
        recoveredAgo: fc.constantFrom(Infinity, 0, MINUTE),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("decide" as const),
        which: fc.nat(3),
        accepts: fc.boolean(),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("answer" as const), which: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), which: fc.nat(3) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("pass" as const),
        ms: fc.oneof(
          fc.integer({ min: 1, max: 2 * MINUTE }),
          fc.integer({ min: 1, max: 40 * MINUTE }),
        ),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("restart" as const),
        mark: fc.constantFrom("s", "s", "t"),
      }),
    },
  );

  interface Login {
    readonly id: string;
    readonly deadline: number;
    readonly mark: string;
    decided: "accepted" | "rejected" | null;
  }

  test("never more than two rejections in a row inside the suspension time", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
        let file = "";
        const load = (): GateState => decodeLoginState(file)?.gates.get("a") ?? initialGate();
        const save = (state: GateState): void => {
          const gates = new Map([["a", state]]);
          file = encodeLoginState({
            clock: null,
            firstLoginAt: 0,
            gates,
            nitro: new Map(),
            bindings: new Map(),
          });
        };
        save(stepGate(initialGate(), { kind: "secret", mark: "s", at: 0 }));
        let now = 1;
        let ids = 0;
        let open: Login[] = [];
        const seen: { at: number; mark: string; accepted: boolean }[] = [];

        for (const action of steps) {
          // The controller never decides later than the login's own time allows.
          open = open.filter(({ deadline }) => now <= deadline);
          const at = (which: number): Login | undefined => open[which % Math.max(1, open.length)];
          switch (action.do) {
            case "login": {
              const place = places[action.place] ?? EX01;
              const { mark, recoveredAgo } = action;
              let decision = decideLogin(load(), place, now, mark, now - recoveredAgo);
              if (decision.kind === "wait" && decision.why === "paced") {
                now = decision.until ?? now;
                decision = decideLogin(load(), place, now, mark, now - recoveredAgo);
              }
              if (decision.kind === "allowed") {
                ids += 1;
                const login: Login = {
                  id: String(ids),
                  deadline: now + MINUTE,
                  mark,
                  decided: null,
                };
                save(stepGate(load(), { kind: "secret", mark, at: now }));
                save(stepGate(load(), { kind: "started", ...login, place, at: now }));
                open.push(login);
              }
              break;
            }
            case "decide": {
              const login = at(action.which);
              if (login?.decided === null) {
                login.decided = action.accepts ? "accepted" : "rejected";
                seen.push({ at: now, mark: login.mark, accepted: action.accepts });
              }
              break;
            }
            case "answer": {
              const login = at(action.which);
              if (login !== undefined) {
                const kind = login.decided ?? "not_tried";
                save(stepGate(load(), { kind, id: login.id, at: now }));
                open = open.filter((each) => each !== login);
              }
              break;
            }
            case "lose": {
              const login = at(action.which);
              if (login !== undefined) {
                save(stepGate(load(), { kind: "unanswered", id: login.id, at: now }));
                open = open.filter((each) => each !== login);
              }
              break;
            }
            case "restart":
              save(stepGate(load(), { kind: "secret", mark: action.mark, at: now }));
              break;
            case "pass":
              now += action.ms;
              break;
          }
          now += 1;
        }

        // No turning from one secret to another and back wins a third try.
        for (const [marks, most] of [
          [["s"], MAX_SUSPECTS],
          [["t"], MAX_SUSPECTS],
          [["s", "t"], MAX_SUSPECTS],
        ] as const) {
          let row: number[] = [];
          for (const each of seen) {
            const counts = marks.some((mark) => mark === each.mark);
            row = each.accepted ? [] : counts ? [...row, each.at] : row;
            const first = row.at(-1 - most);
            if (first !== undefined) {
              expect((row.at(-1) ?? 0) - first).toBeGreaterThanOrEqual(SUSPENSION_MS);
            }
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("and a healthy account is never kept out for long", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { minLength: 10, maxLength: 60 }), (order) => {
        const story = new Story();
        for (const place of order) {
          story.pass(30_000);
          story.login(places[place] ?? EX01, "accepted");
        }
        expect(story.state.suspension).toBeNull();
      }),
    );
  });
});
