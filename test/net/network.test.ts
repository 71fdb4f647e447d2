import { describe, expect, test } from "vitest";
import type { ResolvedAddress } from "../../src/net/network.ts";
import { readHostPort } from "../../src/lib/host-port.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { NameMemory } from "../../src/net/name-memory.ts";

describe("connect_to", () => {
  const network = createNetwork({
    connectTo: {
      "192.168.1.154:143": "127.0.0.1:20143",
      "192.168.1.155": "127.0.0.2",
      "EX01.example.com:443": "[::1]:8443",
      "[2001:db8::1]:25": "127.0.0.1:2525",
      "2001:db8::2": "::1",
    },
    unmapped: "refuse",
    now: () => 0,
  });
  test.each([
    ["192.168.1.154", 143, "tcp", "127.0.0.1", 20143, 4],
    ["192.168.1.155", 25, "tcp", "127.0.0.2", 25, 4],
    ["192.168.1.155", 0, "icmp", "127.0.0.2", 0, 4],
    ["ex01.EXAMPLE.com", 443, "tcp", "::1", 8443, 6],
    ["2001:db8::1", 25, "udp", "127.0.0.1", 2525, 4],
    ["2001:db8::2", 993, "tcp", "::1", 993, 6],
  ] as const)("maps %s:%i over %s to %s:%i", async (host, port, transport, address, to, family) => {
    expect(await network.resolve(host, port, transport)).toEqual({
      kind: "address",
      address,
      port: to,
      family,
    });
  });

  test.each([
    ["192.168.1.154", 993, "tcp"],
    ["192.168.1.154", 143, "icmp"],
    ["127.0.0.1", 80, "tcp"],
  ] as const)("refuses %s:%i over %s when nothing maps it", async (host, port, transport) => {
    expect(await network.resolve(host, port, transport)).toMatchObject({ kind: "forbidden" });
  });

  test.each([
    ["host", "host", null],
    ["host:1", "host", 1],
    ["[::1]", "::1", null],
    ["[::1]:2", "::1", 2],
    ["::1", "::1", null],
    ["10.0.0.1:65535", "10.0.0.1", 65535],
  ])("reads the endpoint %s", (text, host, port) => {
    expect(readHostPort(text)).toEqual({ host, port });
  });
});

describe("name resolution", () => {
  function counting(answers: readonly (readonly ResolvedAddress[] | Error)[]) {
    let asked = 0;
    let time = 0;
    const network = createNetwork({
      connectTo: {},
      unmapped: "allow",
      now: () => time,
      ttlMs: 1000,
      failureTtlMs: 100,
      async lookup() {
        const answer = answers[Math.min(asked, answers.length - 1)] ?? [];
        asked += 1;
        if (answer instanceof Error) {
          throw answer;
        }
        return answer;
      },
    });
    return {
      resolve: (name: string) => network.resolve(name, 25, "tcp"),
      asked: () => asked,
      advance(ms: number) {
        time += ms;
      },
    };
  }

  test("shares running lookups and caches answers for their TTL in any letter case", async () => {
    const names = counting([
      [{ address: "10.0.0.1", family: 4 }],
      [{ address: "10.0.0.2", family: 4 }],
    ]);
    const both = await Promise.all([names.resolve("ex01"), names.resolve("EX01")]);
    expect(both.map((resolution) => resolution.kind)).toEqual(["address", "address"]);
    names.advance(999);
    expect(await names.resolve("ex01")).toMatchObject({ address: "10.0.0.1" });
    expect(names.asked()).toBe(1);
    names.advance(2);
    expect(await names.resolve("ex01")).toMatchObject({ address: "10.0.0.2" });
    expect(names.asked()).toBe(2);
  });

  test("caches a failure only briefly", async () => {
    const names = counting([new Error("ENOTFOUND ex01"), [{ address: "10.0.0.1", family: 4 }]]);
    expect(await names.resolve("ex01")).toMatchObject({
      kind: "dns_failure",
      message: "ENOTFOUND ex01",
    });
    expect(await names.resolve("ex01")).toMatchObject({ kind: "dns_failure" });
    expect(names.asked()).toBe(1);
    names.advance(101);
    expect(await names.resolve("ex01")).toMatchObject({ kind: "address" });
  });
});

test("name resolution › keeps the last address while DNS is silent, until DNS says otherwise", async () => {
  const memory = new NameMemory();
  const fails = (code: string) => Object.assign(new Error(code), { code });
  const network = (answer: readonly ResolvedAddress[] | Error) =>
    createNetwork({
      connectTo: {},
      unmapped: "allow",
      now: () => 0,
      memory,
      lookup: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
    });
  const first = [{ address: "10.0.0.1", family: 4 }] as const;
  expect(await network(first).resolve("ex01", 25, "tcp")).toMatchObject({ address: "10.0.0.1" });
  const silent = network(fails("ETIMEOUT"));
  expect(await silent.resolve("EX01", 25, "tcp")).toMatchObject({ address: "10.0.0.1" });
  expect(await silent.resolve("ex02", 25, "tcp")).toMatchObject({ kind: "dns_failure" });
  expect(await network(fails("ENOTFOUND")).resolve("ex01", 25, "tcp")).toMatchObject({
    kind: "dns_failure",
    absent: true,
  });
  expect(await silent.resolve("ex01", 25, "tcp")).toMatchObject({ kind: "dns_failure" });
});

test("name resolution › remembers what clients resolve separately", async () => {
  const memory = new NameMemory();
  const network = (isForClients: boolean, answer: Promise<readonly ResolvedAddress[]>) =>
    createNetwork({
      connectTo: {},
      unmapped: "allow",
      now: () => 0,
      memory,
      lookup: () => answer,
      ...(isForClients
        ? { clientNames: { names: new Set(["mail.example.com"]), lookup: () => answer } }
        : {}),
    });
  const known = network(true, Promise.resolve([{ address: "192.0.2.1", family: 4 }]));
  await known.resolve("mail.example.com", 443, "tcp");
  const silent = Promise.reject(new Error("silent"));
  silent.catch(() => undefined);
  const ask = (isForClients: boolean) =>
    network(isForClients, silent).resolve("mail.example.com", 443, "tcp");
  const forClients = await ask(true);
  const forUs = await ask(false);
  expect(forClients).toMatchObject({ address: "192.0.2.1" });
  expect(forUs).toMatchObject({ kind: "dns_failure" });
});

describe("invalid host name", () => {
  test.each([
    ["a NUL that cuts it off", "127.0.0.1\0.evil.example"],
    ["900,000 characters", "a".repeat(900_000)],
    ["an escape sequence", "ex01\u001b[2K"],
    ["a direction override", "ex01\u202e"],
  ])("is not looked up when it has %s", async (_what, name) => {
    const asked: string[] = [];
    const network = createNetwork({
      connectTo: {},
      unmapped: "allow",
      now: () => 0,
      lookup: (each) => {
        asked.push(each);
        return Promise.resolve([{ address: "127.0.0.1", family: 4 as const }]);
      },
    });
    expect(await network.resolve(name, 80, "tcp")).toMatchObject({
      kind: "dns_failure",
      absent: true,
    });
    expect(asked).toEqual([]);
  });
});
