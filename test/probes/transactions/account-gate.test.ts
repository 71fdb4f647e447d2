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

/** A gate with a clock, to play sequences of logins. */
class Story {
  state: GateState = stepGate(initialGate(), { kind: "secret", mark: "one", at: 0 });
  now = 0;
  #logins = 0;

  /** The gate's decision once the shortest gap between two logins has passed. */
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

describe("login concurrency", () => {
  test("is one until a login succeeds", () => {
    const story = new Story();
    const first = story.begin(EX01);
    expect(story.ask(EX02)).toEqual({ kind: "wait", why: "busy", until: MINUTE });
    story.end(first, "accepted");
    story.begin(EX01);
    story.begin(EX02);
  });

  test("is two after a login has succeeded", () => {
    const story = new Story();
    story.login(EX01, "accepted");
    story.begin(EX01);
    story.begin(EX02);
    expect(story.ask(VIP)).toMatchObject({ kind: "wait", why: "busy" });
  });

  test("ignores a login that never sent the credential", () => {
    const story = new Story();
    story.login(EX01, "not_tried");
    story.login(EX01, "not_tried");
    story.login(EX01, "not_tried");
    expect(story.state.suspects).toEqual([]);
  });
});

describe("rejection", () => {
  test("sends the next login elsewhere, first where one last worked", () => {
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

  test("is blamed on the back end when another server accepts afterwards", () => {
    const story = new Story();
    story.login(EX02, "accepted");
    story.login(EX01, "rejected");
    expect(faultOf(story.state, EX01.key)).toBeNull();
    story.login(EX02, "accepted");
    expect(faultOf(story.state, EX01.key)).toBe("backend_unavailable");
    expect(faultOf(story.state, EX02.key)).toBeNull();
    expect(suspendedUntil(story.state, story.now)).toBeNull();
  });

  test("is blamed on the ADC when it came through a VIP and a server accepts afterwards", () => {
    const story = new Story();
    story.login(VIP, "rejected");
    story.login(EX01, "accepted");
    expect(faultOf(story.state, VIP.key)).toBe("login_broken_by_adc");
  });

  test("backs off its endpoint ever longer until a login there succeeds", () => {
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

  test("is blamed on no endpoint when the acceptance overlapped it", () => {
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

  test("is blamed on no endpoint when it is ten minutes old", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.pass(10 * MINUTE);
    story.login(EX02, "accepted");
    expect(faultOf(story.state, EX01.key)).toBeNull();
    expect(story.state.suspects).toEqual([]);
  });

  test("is followed by a second try at the same endpoint after five minutes when there is no other", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    const until = story.now + 5 * MINUTE;
    expect(story.ask(EX01)).toMatchObject({ kind: "wait", until });
    story.pass(5 * MINUTE);
    story.login(EX01, "rejected");
    expect(suspendedUntil(story.state, story.now)).toBe(story.now + SUSPENSION_MS);
  });
});

describe("retry after recovery", () => {
  test("comes one minute after the last rejection when the endpoint backs off", () => {
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

  test("comes 1.5 minutes after a first rejection when no other endpoint was tried", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    const rejectedAt = story.now;
    story.pass(10_000);
    expect(story.recovered(EX01, story.now)).toBe(rejectedAt + 1.5 * MINUTE);
    expect(story.recovered(EX03, story.now)).toBeNull();
  });

  test("comes no sooner than half an hour after the last trial when the account is suspended", () => {
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

describe("suspension", () => {
  test("lasts 30 minutes after a second rejection and doubles with each failed trial up to six hours", () => {
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

  test("is lifted and the state reset when a trial succeeds", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    story.pass(SUSPENSION_MS);
    story.login(VIP, "accepted");
    expect(story.state).toMatchObject({ suspension: null, suspects: [], proven: true, broken: [] });
  });

  test("makes its trial first where the secret last worked, and last where it was rejected", () => {
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

  test("makes its trial at a server that did not reject, even if the secret last worked at one that did", () => {
    const story = new Story();
    story.login(EX01_POP, "accepted");
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    story.pass(SUSPENSION_MS);
    expect(story.ask(EX01_POP)).toMatchObject({ kind: "wait", why: "elsewhere_first" });
    expect(story.ask(EX03)).toEqual({ kind: "allowed" });
  });

  test("begins when a second login stays unanswered after a first", () => {
    const story = new Story();
    story.login(EX01, "unanswered");
    story.begin(EX02);
    story.pass(2 * MINUTE);
    expect(suspendedUntil(story.state, story.now)).not.toBeNull();
  });

  test("ends for a new secret half an hour after the first rejection, but not for the same secret", () => {
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

  test("ends for a new secret one minute after a rejected trial", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    story.pass(SUSPENSION_MS);
    story.login(EX03, "rejected");
    const rejection = story.now;
    story.secret("two");
    expect(story.ask(EX03)).toMatchObject({ why: "suspended", until: rejection + NEW_SECRET_MS });
  });

  test("permits no try within its time when the secret changes repeatedly", () => {
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

  test("is lifted when a new secret works", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.login(EX02, "rejected");
    story.secret("two");
    story.pass(SUSPENSION_MS);
    story.login(EX03, "accepted");
    expect(story.state).toMatchObject({ suspension: null, suspects: [], broken: [] });
  });
});

describe("endpoints on one server", () => {
  test("share a rejection, so that the next login goes to another server", () => {
    const story = new Story();
    story.login(EX01_POP, "accepted");
    story.login(EX01, "rejected");
    expect(story.ask(EX01_POP)).toMatchObject({ kind: "wait", why: "elsewhere_first" });
    expect(story.ask(EX02)).toEqual({ kind: "allowed" });
  });

  test("allow no concurrent logins on two ports", () => {
    const story = new Story();
    story.login(EX02, "accepted");
    story.begin(EX01);
    expect(story.ask(EX01_POP)).toMatchObject({ kind: "wait", why: "busy" });
    expect(story.ask(VIP)).toMatchObject({ kind: "wait", why: "busy" });
    expect(story.ask(EX02)).toEqual({ kind: "allowed" });
  });
});

describe("login rate", () => {
  test("is limited per account when several endpoints ask", () => {
    const story = new Story();
    story.login(EX01, "accepted");
    expect(story.askNow(EX02)).toEqual({ kind: "wait", why: "paced", until: MIN_GAP_MS });
    story.pass(MIN_GAP_MS);
    expect(story.askNow(EX02)).toEqual({ kind: "allowed" });
  });
});

describe("two secrets of one account", () => {
  test("make the process with the unused secret wait three minutes", () => {
    const story = new Story();
    story.login(EX01, "accepted");
    expect(story.ask(EX02, "two")).toMatchObject({ kind: "wait", why: "other_secret" });
    story.pass(3 * MINUTE);
    expect(story.ask(EX02, "two")).toEqual({ kind: "allowed" });
  });

  test("let the earlier secret return half an hour after the other was rejected", () => {
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

  test("get no new try when a rejected one is loaded again", () => {
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

  test("blame no endpoint when one is accepted where the other was rejected", () => {
    const story = new Story();
    story.login(EX01, "rejected");
    story.secret("two");
    story.pass(NEW_SECRET_MS);
    story.login(EX02, "accepted");
    expect(story.state).toMatchObject({ broken: [], suspects: [] });
  });
});

describe("login state file", () => {
  const bookOf = (state: GateState) => ({
    clock: { run: "boot", monotonicMs: 5, wallMs: 7, at: 6 },
    firstLoginAt: 3,
    gates: new Map([["probe-a", state]]),
    nitro: new Map(),
    bindings: new Map(),
  });

  test("attaches suspects to the current secret and knows no servers when of version 1", () => {
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

  test("is decoded as it was encoded", () => {
    const story = new Story();
    story.login(EX02, "accepted");
    story.login(EX01, "rejected");
    story.login(EX02, "accepted");
    story.begin(EX02);
    const book = bookOf(story.state);
    expect(decodeLoginState(encodeLoginState(book))).toEqual(book);
  });

  test.each(["", "{", "[]", '{"version":2,"accounts":{}}', '{"version":1,"accounts":{"a":{}}}'])(
    "is rejected when it is %j",
    (text) => {
      expect(decodeLoginState(text)).toBeNull();
    },
  );
});

/**
 * The whole thing as a domain controller sees it. Processes share the state file; each may die at any moment, also in the
 * middle of a login. The controller decides each login at some moment between its start and its end, in any order.
 */
describe("login gate", () => {
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

  test("never lets a third rejection into the suspension time, whatever the events", () => {
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

  test("never suspends an account whose logins succeed", () => {
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
