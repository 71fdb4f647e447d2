import { describe, expect, onTestFinished, test } from "vitest";
import type { NitroFault, NitroFaultRequest } from "../../../lab/nitro/faults.ts";
import { startNitroServer, type NitroServer } from "../../../lab/nitro/server.ts";
import type { NitroClient, NitroRequestEvent } from "../../../src/adc/nitro/client.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { pollState } from "../../../src/adc/nitro/poll.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

const ESTATE = parseNsConf(
  "add server ex01 192.0.2.11\nadd service svc_imap ex01 TCP 143\nadd lb vserver v_imap TCP 192.0.2.1 143\nbind lb vserver v_imap svc_imap\n",
  { adc: "prod" },
);
const SERVERS = { kind: "config", resource: "server" } as const;

interface Driven {
  readonly server: NitroServer;
  readonly client: NitroClient;
  readonly events: readonly NitroRequestEvent[];
  /** Milliseconds on the client's monotonic clock. */
  readonly clock: { now: number };
  readonly asked: (resource: string) => number;
}

/** A client of an appliance that fails as told; sessions must be gone when the test ends, whatever happened. */
async function driven(fault: (request: NitroFaultRequest) => NitroFault | null): Promise<Driven> {
  const server = await startNitroServer(steadyBackend(ESTATE), { ...CREDENTIALS, faults: fault });
  const events: NitroRequestEvent[] = [];
  const clock = { now: 0 };
  const client = labClient(server.url, {
    onRequest: (event) => events.push(event),
    monotonic: () => clock.now,
  });
  onTestFinished(async () => {
    await client.close();
    expect(server.openSessions()).toBe(0);
    await server.close();
  });
  return {
    server,
    client,
    events,
    clock,
    asked: (resource) =>
      server.requests.filter(({ path }) => path.startsWith(`/nitro/v1/config/${resource}`)).length,
  };
}

function always(resource: string, fault: NitroFault) {
  return ({ query }: NitroFaultRequest): NitroFault | null =>
    query.resource === resource ? fault : null;
}

function once(resource: string, fault: NitroFault) {
  let left = 1;
  return ({ query }: NitroFaultRequest): NitroFault | null => {
    if (query.resource !== resource || left === 0) {
      return null;
    }
    left -= 1;
    return fault;
  };
}

describe("no permission", () => {
  test.each([257, 269, 371, 2138])(
    "%i is a gap, not a failure, and is not asked again",
    async (code) => {
      const { client, asked, events } = await driven(always("server", { kind: "error", code }));
      const polls = [];
      for (let poll = 0; poll < 2; poll += 1) {
        polls.push(await pollState(client, ESTATE, null, () => 0));
      }
      expect(polls).toMatchObject([
        { kind: "state", gaps: [{ resource: "server", code: String(code) }] },
        { kind: "state", gaps: [{ resource: "server", code: String(code) }] },
      ]);
      expect(asked("server?")).toBe(1);
      expect(events.filter((event) => event.code === String(code))).toHaveLength(1);
    },
  );

  test("is a gap when only HTTP 403 says so", async () => {
    const { client } = await driven(always("server", { kind: "answer", status: 403, body: "" }));
    expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({
      kind: "state",
      gaps: [{ resource: "server", code: "http_403", words: "HTTP 403" }],
    });
  });

  test("is asked again by the next import and reported in the estate", async () => {
    let allowed = false;
    const { client } = await driven(({ query }) =>
      query.resource === "sslcertkey" && !allowed ? { kind: "error", code: 257 } : null,
    );
    const first = await importEstate(client, { adc: "prod" });
    expect(first).toMatchObject({ kind: "estate", gaps: [{ resource: "sslcertkey" }] });
    expect(first.kind === "estate" && first.estate.diagnostics).toContainEqual(
      expect.objectContaining({ rule: "nitro_permission_gap", object: "sslcertkey" }),
    );
    allowed = true;
    expect(await importEstate(client, { adc: "prod" })).toMatchObject({ kind: "estate", gaps: [] });
  });

  test("fails the import when an essential resource is refused", async () => {
    const { client } = await driven(always("servicegroup", { kind: "error", code: 257 }));
    const result = await importEstate(client, { adc: "prod" });
    expect(result).toMatchObject({ kind: "failed", code: "257" });
    expect(result.kind === "failed" && result.message).toContain("servicegroup");
  });

  test("leaves a stand-alone appliance usable when roles are refused", async () => {
    const { client } = await driven(always("hanode", { kind: "error", code: 257 }));
    expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({
      kind: "state",
      gaps: [{ resource: "hanode", code: "257" }],
    });
  });
});

describe("missing resource", () => {
  test("258 is an empty answer", async () => {
    const { client } = await driven(always("sslcertkey", { kind: "error", code: 258 }));
    expect(await importEstate(client, { adc: "prod" })).toMatchObject({ kind: "estate", gaps: [] });
  });

  test.each([344, 351, 461, 462, 463])("%i makes the estate stale", async (code) => {
    const { client } = await driven(always("server", { kind: "error", code }));
    expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({
      kind: "state",
      state: { estateStale: true },
    });
  });

  test.each([356, 1067])("%i means that a feature is off", async (code) => {
    const { client } = await driven(always("csvserver", { kind: "error", code }));
    const result = await importEstate(client, { adc: "prod" });
    expect(result).toMatchObject({ kind: "estate", gaps: [] });
  });
});

describe("unsupported query", () => {
  test.each([278, 1090, 1092, 1093, 1097, 1232, 1240, 1243, 987_654])(
    "%i drops the attributes and goes on",
    async (code) => {
      const { client, server } = await driven(({ query }) =>
        query.attributes === null || query.resource !== "lbvserver"
          ? null
          : { kind: "error", code },
      );
      for (let poll = 0; poll < 2; poll += 1) {
        expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({ kind: "state" });
      }
      const asked = server.requests.filter(({ path }) => path.includes("/lbvserver?"));
      expect(asked.filter(({ path }) => path.includes("attrs="))).toHaveLength(1);
    },
  );

  test("drops paging as well", async () => {
    const { client } = await driven(({ query }) =>
      query.page === null ? null : { kind: "error", code: 278 },
    );
    expect(await importEstate(client, { adc: "prod" })).toMatchObject({ kind: "estate" });
  });
});

describe("ended session", () => {
  test.each([352, 444, 452, 471, 1026, 1027])("%i logs in once again and goes on", async (code) => {
    const { client, server, asked } = await driven(once("server", { kind: "error", code }));
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    expect([asked("login"), asked("server")]).toEqual([2, 2]);
    // The first session still exists on the appliance here, which only claimed to have forgotten it.
    server.killSessions();
  });

  test("is recognised when the code comes with HTTP 200", async () => {
    const body = '{"errorcode": 444, "message": "Session expired", "severity": "ERROR"}';
    const { client, server } = await driven(once("server", { kind: "answer", status: 200, body }));
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    server.killSessions();
  });

  test("fails once without further logins when it ends again after the new login", async () => {
    const { client, server, asked } = await driven(always("server", { kind: "error", code: 444 }));
    expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "444" });
    expect([asked("login"), asked("server")]).toEqual([2, 2]);
    server.killSessions();
  });
});

describe("rejected credentials", () => {
  test.each([354, 355, 1025, 1034, 1046, 1047, 1244])(
    "%i at the login stops every further request",
    async (code) => {
      const { client, server } = await driven(always("login", { kind: "error", code }));
      expect(await client.get(SERVERS)).toMatchObject({ kind: "stopped", code: String(code) });
      expect(await client.get(SERVERS)).toMatchObject({ kind: "stopped" });
      expect(await importEstate(client, { adc: "prod" })).toMatchObject({ kind: "stopped" });
      expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({ kind: "stopped" });
      expect(server.requests).toHaveLength(1);
    },
  );

  test("stop every further request when the login gets HTTP 401", async () => {
    const { client, server } = await driven(
      always("login", { kind: "answer", status: 401, body: "" }),
    );
    expect(await client.get(SERVERS)).toMatchObject({ kind: "stopped", code: "http_401" });
    await client.get(SERVERS);
    expect(server.requests).toHaveLength(1);
  });

  // A question carries no password: nothing can be locked by asking another one.
  test.each([354, 355, 1025, 1244])("%i to a query refuses that query only", async (code) => {
    const { client, server } = await driven(always("server", { kind: "error", code }));
    expect(await client.get(SERVERS)).toMatchObject({ kind: "refused", code: String(code) });
    expect(await client.get({ kind: "config", resource: "service" })).toMatchObject({
      kind: "rows",
    });
    await client.close();
    expect(server.openSessions()).toBe(0);
  });
});

describe("overloaded appliance", () => {
  test("445 at the login backs off, doubling", async () => {
    const { client, clock, asked } = await driven(always("login", { kind: "error", code: 445 }));
    const pauses = [];
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "445" });
      expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "445" });
      expect(asked("login")).toBe(attempt);
      pauses.push(client.pausedForMs());
      clock.now += client.pausedForMs();
    }
    expect(pauses).toEqual([15_000, 30_000, 60_000, 120_000, 240_000, 300_000]);
  });

  test("446 closes our own session and backs off for a minute", async () => {
    const { client, clock, server } = await driven(once("server", { kind: "error", code: 446 }));
    expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "446" });
    expect(server.openSessions()).toBe(0);
    expect(client.pausedForMs()).toBe(60_000);
    clock.now += 60_000;
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    expect(client.pausedForMs()).toBe(0);
  });

  test("503 backs off and keeps the session", async () => {
    const { client, clock, asked, server } = await driven(
      once("server", { kind: "answer", status: 503, body: "busy" }),
    );
    expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "http_503" });
    expect(server.openSessions()).toBe(1);
    clock.now += client.pausedForMs();
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    expect(asked("login")).toBe(1);
  });

  test("answers 445 when it has no free sessions", async () => {
    const server = await startNitroServer(steadyBackend(ESTATE), {
      ...CREDENTIALS,
      maxSessions: 1,
    });
    onTestFinished(() => server.close());
    const first = labClient(server.url);
    const second = labClient(server.url);
    expect(await first.get(SERVERS)).toMatchObject({ kind: "rows" });
    expect(await second.get(SERVERS)).toMatchObject({ kind: "failed", code: "445" });
    await first.close();
    await second.close();
    expect(server.openSessions()).toBe(0);
  });
});

describe("roles", () => {
  test("1028 as a warning on an answer makes the node secondary", async () => {
    const { client } = await driven(({ query }) =>
      query.resource === "hanode" ? null : { kind: "warning", code: 1028 },
    );
    const result = await pollState(client, ESTATE, null, () => 0);
    expect(result).toMatchObject({ kind: "secondary" });
    expect(await importEstate(client, { adc: "prod" })).toMatchObject({ kind: "secondary" });
  });

  test("1028 as a warning on the login opens the session and closes it again", async () => {
    const { client, server } = await driven(always("login", { kind: "warning", code: 1028 }));
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    expect(server.openedSessions()).toBe(1);
  });

  test("1028 as an error makes the node secondary", async () => {
    const { client } = await driven(always("service", { kind: "error", code: 1028 }));
    expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({ kind: "secondary" });
  });

  test("1203, a read-only session, is enough to poll", async () => {
    const { client } = await driven(({ query }) =>
      query.resource === "login" ? null : { kind: "warning", code: 1203 },
    );
    expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({ kind: "state" });
  });
});

describe("other failures", () => {
  test.each([1205, 1206])("%i fails this poll only", async (code) => {
    let well = false;
    const { client, clock } = await driven(({ query }) =>
      query.resource === "service" && !well ? { kind: "error", code } : null,
    );
    expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({
      kind: "failed",
      code: String(code),
    });
    clock.now += 1;
    well = true;
    expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({ kind: "state" });
  });

  test("are counted as other when the code is unknown, to bound the labels", async () => {
    const { client, events } = await driven(always("service", { kind: "error", code: 987_654 }));
    const result = await pollState(client, ESTATE, null, () => 0);
    expect(result).toMatchObject({ kind: "failed", code: "987654" });
    expect(result.kind === "failed" && result.message).toContain("987654");
    expect(events.at(-1)?.code).toBe("other");
  });

  test("pause nothing after the first silence, then more and more up to a minute", async () => {
    const { client, clock, events } = await driven(always("login", { kind: "reset" }));
    const pauses = [];
    for (let attempt = 1; attempt <= 7; attempt += 1) {
      expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "reset" });
      expect(events).toHaveLength(attempt);
      pauses.push(client.pausedForMs());
      clock.now += client.pausedForMs();
    }
    expect(pauses).toEqual([0, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });
});
