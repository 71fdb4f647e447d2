import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { startNitroServer } from "../../../lab/nitro/server.ts";
import { openAccountKeeper } from "../../../src/agent/accounts/account-keeper.ts";
import { createAdcSession, type AdcSession } from "../../../src/adc/nitro/adc-session.ts";
import {
  RETRY_REJECTED_MS,
  beginNitroLogin,
  decideNitroLogin,
  endNitroLogin,
  type NitroLoginEnd,
  type NitroLogins,
} from "../../../src/adc/nitro/login-gate.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { CREDENTIALS } from "./lab-client.ts";
import { ESTATE } from "./pair-of-nodes.ts";
import { steadyBackend } from "./steady-backend.ts";

const MINUTE_MS = 60_000;
const REJECTED: NitroLoginEnd = { kind: "rejected", code: "354", message: "Invalid username" };

/** A gate with a clock. */
class Story {
  logins: NitroLogins | null = null;
  now = 1_000_000;
  #count = 0;

  ask(secret = "one"): ReturnType<typeof decideNitroLogin> {
    return decideNitroLogin(this.logins, secret, this.now);
  }

  begin(secret = "one"): string {
    expect(this.ask(secret)).toEqual({ kind: "allowed" });
    this.#count += 1;
    const id = String(this.#count);
    const login = { id, at: this.now, deadline: this.now + 30_000 };
    this.logins = beginNitroLogin(this.logins, secret, login);
    return id;
  }

  end(id: string, end: NitroLoginEnd): void {
    this.now += 10;
    this.logins = this.logins === null ? null : endNitroLogin(this.logins, id, end, this.now);
  }

  login(end: NitroLoginEnd, secret = "one"): void {
    this.end(this.begin(secret), end);
  }
}

describe("rejected NITRO password", () => {
  test("is sent once, however long one waits, when it never worked", () => {
    const story = new Story();
    story.login(REJECTED);
    story.now += 30 * 24 * RETRY_REJECTED_MS;
    expect(story.ask()).toMatchObject({ kind: "stopped", until: null });
  });

  test("is tried again every hour when it had worked before", () => {
    const story = new Story();
    story.login({ kind: "accepted" });
    story.login(REJECTED);
    const since = story.now;
    story.now += RETRY_REJECTED_MS - 1;
    expect(story.ask()).toMatchObject({ kind: "stopped", until: since + RETRY_REJECTED_MS });
    story.now += 1;
    story.login(REJECTED);
    expect(story.ask()).toMatchObject({ rejection: { since, at: story.now } });
    story.now += RETRY_REJECTED_MS;
    story.login({ kind: "accepted" });
    expect(story.ask()).toEqual({ kind: "allowed" });
  });

  test("is replaced by another after a minute, twice in half an hour at most", () => {
    const story = new Story();
    let tries = 0;
    for (let minute = 0; minute < 30; minute += 1) {
      for (const half of [0, 1]) {
        const secret = `${String(minute)} ${String(half)}`;
        if (story.ask(secret).kind === "allowed") {
          story.login(REJECTED, secret);
          tries += 1;
        }
        story.now += MINUTE_MS / 2;
      }
    }
    expect(tries).toBe(2);
  });

  test("holds the gate after an unanswered login until one is accepted", () => {
    const story = new Story();
    story.begin();
    story.now += MINUTE_MS;
    expect(story.ask()).toMatchObject({ kind: "wait" });
    story.now += 30 * MINUTE_MS;
    story.login({ kind: "accepted" });
    expect(story.ask()).toEqual({ kind: "allowed" });
  });

  test("is not assumed when the login got no answer", () => {
    const story = new Story();
    for (let round = 0; round < 5; round += 1) {
      story.login({ kind: "unheard" });
    }
    expect(story.ask()).toEqual({ kind: "allowed" });
  });
});

test("login gate › tries no rejected secret more than once an hour, and never again if it never worked, for any sequence", () => {
  const step = fc.record({
    end: fc.constantFrom<NitroLoginEnd | null>({ kind: "accepted" }, REJECTED, REJECTED, null),
    secret: fc.constantFrom("one", "one", "two"),
    waitMs: fc.oneof(fc.nat(5_000), fc.nat(2 * RETRY_REJECTED_MS)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const story = new Story();
      let last: { secret: string; at: number; worked: boolean } | null = null;
      for (const { end, secret, waitMs } of steps) {
        story.now += waitMs;
        if (story.ask(secret).kind !== "allowed") {
          continue;
        }
        const id = story.begin(secret);
        if (end !== null) {
          story.end(id, end);
        }
        if (end?.kind === "rejected") {
          if (last !== null && last.secret === secret) {
            expect(last.worked).toBe(true);
            expect(story.now - last.at).toBeGreaterThanOrEqual(RETRY_REJECTED_MS);
          }
          last = { secret, at: story.now, worked: story.logins?.worked === true };
        } else if (end?.kind === "accepted") {
          last = null;
        }
      }
    }),
  );
});

describe("sessions over one state directory", () => {
  async function site() {
    const stateDir = await mkdtemp(join(tmpdir(), "nitro-gate-"));
    const server = await startNitroServer(steadyBackend(ESTATE), CREDENTIALS);
    onTestFinished(async () => {
      await server.close();
      await rm(stateDir, { recursive: true, force: true });
    });
    const clock = { run: "boot", monotonicMs: 0, wallMs: Date.now() };
    let logins = 0;
    /** An agent's life: a keeper and a session. */
    const open = async (
      password: string,
      directory = stateDir,
      adc = "prod",
    ): Promise<AdcSession> => {
      const keeper = await openAccountKeeper({
        stateDir: directory,
        clock: () => ({ ...clock }),
        firstLoginDelayMs: 0,
      });
      const { username } = CREDENTIALS;
      return createAdcSession({
        adc,
        urls: [server.url],
        username,
        password,
        tls: { ca: null, serverName: null, verify: true },
        network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
        loginGate: keeper.nitroGate({ adc, username, password }),
        onRequest: ({ resource }) => {
          logins += resource === "login" ? 1 : 0;
        },
      });
    };
    return { stateDir, clock, open, logins: () => logins };
  }

  test("send a wrong password once over any number of restarts and report since when", async () => {
    const { open, logins } = await site();
    for (let start = 0; start < 4; start += 1) {
      const session = await open("wrong");
      const read = await session.importEstate();
      expect(read).toMatchObject({ kind: "stopped", code: "354" });
      expect("message" in read ? read.message : "").toMatch(
        /^stopped: wrong credentials since \d{4}-.* \(.*\[354\]\); no retry until the password changes$/,
      );
      await session.close();
    }
    expect(logins()).toBe(1);
  });

  test("try the corrected password a minute later", async () => {
    const { open, clock, logins } = await site();
    await (await open("wrong")).importEstate();
    const early = await open(CREDENTIALS.password);
    expect(await early.importEstate()).toMatchObject({ kind: "failed", code: "held_back" });
    clock.monotonicMs += MINUTE_MS;
    const session = await open(CREDENTIALS.password);
    expect(await session.importEstate()).toMatchObject({ kind: "estate" });
    await session.close();
    expect(logins()).toBe(2);
  });

  test("send a wrong password twice in half an hour when several appliances have one user", async () => {
    const { open, clock, logins } = await site();
    const round = () =>
      Promise.all(
        ["a", "b", "c", "d", "e"].map(async (adc) => {
          const session = await open("wrong", undefined, adc);
          const { kind } = await session.importEstate();
          await session.close();
          return kind;
        }),
      );
    expect((await round()).sort()).toEqual(["failed", "failed", "failed", "stopped", "stopped"]);
    await round();
    expect(logins()).toBe(2);
    clock.monotonicMs += 31 * MINUTE_MS;
    await round();
    expect(logins()).toBe(4);
  });

  test("log in at once when several appliances have one user with the right password", async () => {
    const { open, logins } = await site();
    const kinds = await Promise.all(
      ["a", "b", "c", "d", "e"].map(async (adc) => {
        const session = await open(CREDENTIALS.password, undefined, adc);
        const { kind } = await session.importEstate();
        await session.close();
        return kind;
      }),
    );
    expect(kinds).toEqual(kinds.map(() => "estate"));
    expect(logins()).toBe(5);
  });

  test("log in when the state directory cannot be written", async () => {
    const { open, stateDir } = await site();
    const file = join(stateDir, "file");
    await writeFile(file, "");
    const session = await open(CREDENTIALS.password, file);
    expect(await session.importEstate()).toMatchObject({ kind: "estate" });
    await session.close();
  });
});
