import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { membersFromRows } from "../../src/adc/nitro/services.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { createNetwork, lookupAt } from "../../src/net/dns.ts";
import { createTargetPolicy } from "../../src/net/target-policy.ts";
import type { ResolvedAddress } from "../../src/net/network.ts";
import { createSystemLookup } from "../../src/net/system-names.ts";
import { missing } from "../support/real-servers.ts";
import { startBind } from "../support/servers/bind.ts";

/** A DNS server that takes every question and never answers; how many came. */
async function silentServer(): Promise<{ readonly at: string; readonly asked: () => number }> {
  const socket: Socket = createSocket("udp4");
  let asked = 0;
  socket.on("message", () => (asked += 1));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => {
    socket.close();
  });
  return { at: `127.0.0.1:${String(socket.address().port)}`, asked: () => asked };
}

async function hostsFile(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-hosts-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, "hosts");
  await writeFile(file, text);
  return file;
}

describe("createSystemLookup", () => {
  test("answers a name of the hosts file without waiting for DNS", async () => {
    const dns = await silentServer();
    const file = await hostsFile(
      "# servers\n192.0.2.11 ex01.example.com EX01 # first\n2001:db8::11\tex01.example.com\nnonsense here\n",
    );
    const lookup = createSystemLookup({ hostsFile: file, servers: [dns.at] });
    const silent = lookup("gone.example.com").catch((error: unknown) => error);
    expect(await lookup("EX01.example.com.")).toEqual([
      { address: "192.0.2.11", family: 4 },
      { address: "2001:db8::11", family: 6 },
    ]);
    expect(await lookup("ex01")).toEqual([{ address: "192.0.2.11", family: 4 }]);
    expect(dns.asked()).toBeLessThanOrEqual(2);
    void silent;
  });

  test("uses the hosts file as it is now, even when it was removed", async () => {
    const file = await hostsFile("192.0.2.11 ex01.example.com\n");
    const lookup = createSystemLookup({ hostsFile: file, servers: ["127.0.0.1:9"] });
    expect(await lookup("ex01.example.com")).toMatchObject([{ address: "192.0.2.11" }]);
    await writeFile(file, "192.0.2.111 ex01.example.com\n");
    expect(await lookup("ex01.example.com")).toMatchObject([{ address: "192.0.2.111" }]);
    await rm(file);
    await expect(lookup("ex01.example.invalid")).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
  });

  const skip = missing("named", "bind9");
  test.skipIf(skip !== null)("returns addresses of both families with their TTL", async () => {
    const bind = await startBind({
      zone: "example.com",
      records: "ex01 7 IN AAAA 2001:db8::11\nex01 7 IN A 192.0.2.11\n",
    });
    onTestFinished(() => bind.stop());
    const lookup = createSystemLookup({
      hostsFile: "/nowhere",
      servers: [`127.0.0.1:${String(bind.ports["dns"] ?? 0)}`],
    });
    expect(await lookup("ex01.example.com")).toEqual([
      { address: "192.0.2.11", family: 4, ttlMs: 7_000 },
      { address: "2001:db8::11", family: 6, ttlMs: 7_000 },
    ]);
  });
});

describe("lookup at a faulty DNS server", () => {
  const u16 = (value: number): number[] => [value >> 8, value & 0xff];
  const u32 = (value: number): number[] => [
    ...u16(Math.floor(value / 65_536)),
    ...u16(value % 65_536),
  ];
  const [A, CNAME] = [1, 5];
  /** A record of the name in question, or of the name at another place of the message. */
  const record = (type: number, ttl: number, data: readonly number[], name = 12): number[] => [
    ...[0xc0, name],
    ...u16(type),
    ...u16(1),
    ...u32(ttl),
    ...u16(data.length),
    ...data,
  ];
  const address = (ttl: number, last = 11): number[] => record(A, ttl, [192, 0, 2, last]);
  /** The question sent back with these records after it, of which as many are announced. */
  function answer(
    question: Buffer,
    records: readonly number[][],
    announced = records.length,
  ): Buffer {
    const end = question.indexOf(0, 12) + 5;
    const all = Buffer.concat([question.subarray(0, end), Buffer.from(records.flat())]);
    Buffer.from([0x81, 0x80, 0, 1, ...u16(announced), 0, 0, 0, 0]).copy(all, 2);
    return all;
  }
  type Say = (question: Buffer) => Buffer | null;

  /** Answers over UDP and TCP of one port; questions for IPv6 get an answer without records. */
  async function hostile(say: Say): Promise<{ readonly at: string; readonly asked: () => number }> {
    let asked = 0;
    const hear = (question: Buffer): Buffer | null => {
      const type = question.readUInt16BE(question.indexOf(0, 12) + 1);
      asked += type === A ? 1 : 0;
      return type === A ? say(question) : answer(question, []);
    };
    const { tcp, udp, port } = await listenOnBoth();
    tcp.on("connection", (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (data: Buffer) => {
        const said = hear(data.subarray(2));
        if (said !== null) {
          socket.write(Buffer.concat([Buffer.from(u16(said.length)), said]));
        }
      });
    });
    udp.on("message", (question, from) => {
      const said = hear(question);
      if (said !== null && said.length > 1_200) {
        // Truncated: the client asks again over TCP.
        const cut = answer(question, []);
        cut.writeUInt8(0x83, 2);
        udp.send(cut, from.port, from.address);
      } else if (said !== null) {
        udp.send(said, from.port, from.address);
      }
    });
    onTestFinished(() => {
      udp.close();
      tcp.close();
    });
    return { at: `127.0.0.1:${String(port)}`, asked: () => asked };
  }

  function nameIn(question: Buffer): string {
    const labels: string[] = [];
    for (let at = 12; question.readUInt8(at) > 0; at += 1 + question.readUInt8(at)) {
      labels.push(question.toString("latin1", at + 1, at + 1 + question.readUInt8(at)));
    }
    return labels.join(".");
  }

  test("tries each search domain for a name without a dot, and silence delays no other name", async () => {
    const names = new Map([
      ["ex01.corp.example.com", 11],
      ["ex02", 12],
    ]);
    const asked = new Set<string>();
    const answering = await hostile((question) => {
      const name = nameIn(question);
      asked.add(name);
      const last = names.get(name);
      return answer(question, last === undefined ? [] : [address(60, last)]);
    });
    const resolverFile = await hostsFile(
      "domain old.example.com\nsearch lab.example.com corp.example.com. trailing.example.com\noptions ndots:1\n",
    );
    const files = { hostsFile: "/nowhere", resolverFile };
    const lookup = createSystemLookup({ ...files, servers: [answering.at] });
    expect(await lookup("ex01")).toMatchObject([{ address: "192.0.2.11" }]);
    expect([...asked]).toEqual(["ex01.lab.example.com", "ex01.corp.example.com"]);
    expect(await lookup("ex02")).toMatchObject([{ address: "192.0.2.12" }]);
    const silent = await silentServer();
    const unheard = createSystemLookup({ ...files, servers: [silent.at] });
    for (let count = 0; count < 50; count += 1) {
      void unheard(`gone${String(count)}`).catch(() => undefined);
    }
    await expect.poll(silent.asked).toBeGreaterThanOrEqual(100);
    expect(await lookup("ex01")).toMatchObject([{ address: "192.0.2.11" }]);
  });

  async function askedOf(say: Say) {
    const server = await hostile(say);
    const clock = { now: 0 };
    const network = createNetwork({
      connectTo: {},
      unmapped: "allow",
      now: () => clock.now,
      targets: createTargetPolicy({ allowTargets: [], listen: [] }),
      lookup: lookupAt([server.at], (_host, port) => ({
        kind: "address",
        address: "127.0.0.1",
        port,
        family: 4,
      })),
    });
    return {
      network,
      clock,
      asked: server.asked,
      found: await network.addresses("ex01.example.com"),
    };
  }

  test("keeps the IPv4 address when the server fails for IPv4 and answers for IPv6", async () => {
    const AAAA = 28;
    let isBroken = false;
    const socket = createSocket("udp4");
    socket.on("message", (question, { port }) => {
      const type = question.readUInt16BE(question.indexOf(0, 12) + 1);
      const v6 = record(AAAA, 6, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11]);
      const told = answer(question, type === AAAA ? [v6] : isBroken ? [] : [address(6)]);
      if (type === A && isBroken) {
        told.writeUInt8(0x82, 3);
      }
      socket.send(told, port, "127.0.0.1");
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    onTestFinished(() => {
      socket.close();
    });
    const clock = { now: 0 };
    const network = createNetwork({
      connectTo: {},
      unmapped: "allow",
      now: () => clock.now,
      lookup: lookupAt([`127.0.0.1:${String(socket.address().port)}`], (host, port) => ({
        kind: "address",
        address: host,
        port,
        family: 4,
      })),
    });
    const resolve = (family: 4 | 6) =>
      network.resolve("ex01.example.com", 25, "tcp", "adc", family);
    expect(await resolve(4)).toMatchObject({ address: "192.0.2.11" });
    expect(await resolve(6)).toMatchObject({ address: "2001:db8::11" });
    isBroken = true;
    clock.now = 31_000;
    expect(await resolve(4)).toMatchObject({ address: "192.0.2.11" });
    expect(await resolve(6)).toMatchObject({ address: "2001:db8::11" });
  });

  test.each([
    ["the IPv6 address of a server with both", true],
    ["the IPv6 address of a server without another", false],
  ])("keeps %s when the server answers for IPv4 only", async (_, hasIpv4) => {
    const AAAA = 28;
    const REFUSED = 5;
    let isBroken = false;
    const socket = createSocket("udp4");
    socket.on("message", (question, { port }) => {
      const isAaaa = question.readUInt16BE(question.indexOf(0, 12) + 1) === AAAA;
      const v6 = record(AAAA, 6, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11]);
      const told = answer(question, isAaaa ? (isBroken ? [] : [v6]) : hasIpv4 ? [address(6)] : []);
      if (isAaaa && isBroken) {
        // REFUSED comes at once, where silence would take seconds; neither says anything of the name.
        told.writeUInt8(0x80 | REFUSED, 3);
      }
      socket.send(told, port, "127.0.0.1");
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    onTestFinished(() => {
      socket.close();
    });
    const clock = { now: 0 };
    const network = createNetwork({
      connectTo: {},
      unmapped: "allow",
      now: () => clock.now,
      lookup: lookupAt([`127.0.0.1:${String(socket.address().port)}`], (host, port) => ({
        kind: "address",
        address: host,
        port,
        family: 4,
      })),
    });
    const resolve = (family: 4 | 6) =>
      network.resolve("ex01.example.com", 25, "tcp", "adc", family);
    expect(await resolve(6)).toMatchObject({ address: "2001:db8::11" });
    isBroken = true;
    for (const now of [31_000, 62_000, 93_000]) {
      clock.now = now;
      expect(await resolve(6)).toMatchObject({ address: "2001:db8::11" });
      expect(await resolve(4)).toMatchObject(
        hasIpv4 ? { address: "192.0.2.11" } : { kind: "dns_failure" },
      );
    }
  });

  const junk = (question: Buffer, ...bytes: number[]): Buffer =>
    Buffer.concat([question.subarray(0, 2), Buffer.from(bytes)]);
  test.each<readonly [string, Say]>([
    ["half a header", (question) => junk(question, 0x81, 0x80, 0)],
    ["a count of 65,535 records", (question) => answer(question, [], 0xffff)],
    [
      "a record longer than the message",
      (question) => answer(question, [[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0xff, 0xff, 1]]),
    ],
    ["an address of three bytes", (question) => answer(question, [record(A, 9, [192, 0, 2])])],
    [
      "a name that points at itself",
      (question) => answer(question, [record(A, 9, [192, 0, 2, 1], question.length)]),
    ],
    [
      "an alias of itself",
      (question) =>
        answer(
          question,
          Array.from({ length: 60 }, () => record(CNAME, 9, [0xc0, 12])),
        ),
    ],
    [
      "64 KB of aliases in a circle",
      (question) =>
        answer(
          question,
          Array.from({ length: 4_000 }, () => record(CNAME, 9, [0xc0, 12])),
        ),
    ],
    [
      "64 KB of zeros",
      (question) => answer(question, [Array.from({ length: 60_000 }, () => 0)], 5_000),
    ],
    [
      "only an alias of control characters",
      (question) => answer(question, [record(CNAME, 9, [4, 27, 91, 50, 74, 0])]),
    ],
  ])("returns no address when the answer is %s", async (_case, say) => {
    const { found, network } = await askedOf(say);
    expect(found.kind === "addresses" ? found.addresses : []).toEqual([]);
    expect(JSON.stringify(found)).not.toMatch(/\\u00[01]/);
    expect(await network.resolve("ex01.example.com", 25, "tcp")).toMatchObject({
      kind: "dns_failure",
    });
  });

  test("keeps 32 addresses when the server sends 3,000", async () => {
    const { found } = await askedOf((question) =>
      answer(
        question,
        Array.from({ length: 3_000 }, (_, at) => address(9, at % 256)),
      ),
    );
    expect(found).toMatchObject({ kind: "addresses", addresses: { length: 32 } });
  });

  test.each([
    [0, 5_000],
    [1, 5_000],
    [20, 20_000],
    [2 ** 31 - 1, 30_000],
    [2 ** 31, 30_000],
    [2 ** 32 - 1, 30_000],
  ])("caches a TTL of %i s for %i ms", async (ttl, keptMs) => {
    const { network, clock, asked } = await askedOf((question) => answer(question, [address(ttl)]));
    const resolve = () => network.resolve("ex01.example.com", 25, "tcp");
    expect(await resolve()).toMatchObject({ kind: "address", address: "192.0.2.11" });
    clock.now = keptMs - 1;
    await resolve();
    expect(asked()).toBe(1);
    clock.now = keptMs + 1;
    await resolve();
    expect(asked()).toBe(2);
  });

  test.each([
    [127, 0, 0, 1],
    [169, 254, 169, 254],
    [0, 0, 0, 0],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
  ])("forbids a connection when the answer is %i.%i.%i.%i", async (...bytes) => {
    const { network } = await askedOf((question) => answer(question, [record(A, 9, bytes)]));
    expect(await network.resolve("ex01.example.com", 25, "tcp")).toMatchObject({
      kind: "forbidden",
      reason: "agent_path",
    });
  });
});

describe("createNetwork with a server known by name", () => {
  const BOTH: readonly ResolvedAddress[] = [
    { address: "2001:db8::11", family: 6 },
    { address: "192.0.2.11", family: 4 },
  ];
  const failing = (code: string): Error => Object.assign(new Error(`query ${code}`), { code });

  function answering(answers: readonly (readonly ResolvedAddress[] | Error | null)[]) {
    let time = 0;
    let asked = 0;
    const network = createNetwork({
      connectTo: {},
      unmapped: "allow",
      now: () => time,
      ttlMs: 1_000,
      lookup: async () => {
        const answer = answers[Math.min(asked, answers.length - 1)] ?? null;
        asked += 1;
        if (answer === null) {
          return new Promise<never>(() => undefined);
        }
        if (answer instanceof Error) {
          throw answer;
        }
        return answer;
      },
    });
    return {
      resolve: (family?: 4 | 6) => network.resolve("ex01.example.com", 25, "tcp", "adc", family),
      later: () => (time += 60_000),
    };
  }

  test.each([
    [undefined, "2001:db8::11"],
    [4, "192.0.2.11"],
    [6, "2001:db8::11"],
  ] as const)("returns the address of the ADC's family %j", async (family, address) => {
    expect(await answering([BOTH]).resolve(family)).toMatchObject({ kind: "address", address });
  });

  test("reports dns_failure when there is no address of that family", async () => {
    const { resolve } = answering([BOTH.slice(0, 1)]);
    expect(await resolve(4)).toMatchObject({
      kind: "dns_failure",
      absent: true,
      message: "ex01.example.com has no IPv4 address",
    });
  });

  test.each([
    ["no answer in time", failing("ETIMEOUT")],
    ["a server that fails", failing("ESERVFAIL")],
    ["no response at all", null],
  ] as const)("keeps the last address after %s", async (_, silence) => {
    const { resolve, later } = answering([BOTH, silence]);
    await resolve(4);
    later();
    expect(await resolve(4)).toMatchObject({ address: "192.0.2.11" });
    later();
    expect(await resolve(4)).toMatchObject({ address: "192.0.2.11" });
  });

  test("forgets the last address when DNS says that the name is gone", async () => {
    const { resolve, later } = answering([BOTH, failing("ENOTFOUND"), failing("ETIMEOUT")]);
    await resolve(4);
    later();
    expect(await resolve(4)).toMatchObject({ kind: "dns_failure", absent: true });
    later();
    expect(await resolve(4)).toMatchObject({ kind: "dns_failure", absent: false });
  });
});

describe("members behind a domain name", () => {
  test.each([
    ["", 4],
    ["-IPv6Address YES", 6],
    ["-IPv6Address NO", 4],
    ["-queryType AAAA", 6],
  ])('with options "%s" are looked up over IPv%i', (options, family) => {
    const estate = parseNsConf(
      `add server s ex01.example.com ${options}
add service svc s TCP 25
bind service svc -monitorName tcp`,
      { adc: "prod" },
    );
    const [probe] = planProbes(estate, BARE_SETTINGS);
    expect(probe?.action.run?.target).toMatchObject({ host: "ex01.example.com", family });
  });

  test("take the addresses that NITRO reports, one member for each", () => {
    const server = {
      name: "fqdn",
      address: null,
      domain: "web.example.com",
      enabled: true,
      trafficDomain: 0,
      queryType: "A",
      ipv6: false,
      comment: null,
      line: null,
    } as const;
    const members = membersFromRows(
      ["192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.12"].map((ip) => ({
        servicegroupname: "sg",
        servername: "fqdn",
        ip,
        port: 443,
      })),
      { name: "sg", enabled: true, memberPort: null },
      new Map([["fqdn", server]]),
      () => undefined,
    );
    expect(members.map(({ server: name, address }) => [name, address])).toEqual([
      ["fqdn", "192.0.2.11"],
      ["192.0.2.12", "192.0.2.12"],
      ["192.0.2.13", "192.0.2.13"],
    ]);
  });
});

/** A port that is free for TCP and UDP; which one is, only binding shows. */
async function listenOnBoth(): Promise<{
  readonly tcp: Server;
  readonly udp: Socket;
  readonly port: number;
}> {
  for (;;) {
    const tcp = createServer();
    tcp.listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const bound = tcp.address();
    const port = typeof bound === "object" ? (bound?.port ?? 0) : 0;
    const udp = createSocket("udp4");
    udp.bind(port, "127.0.0.1");
    try {
      await once(udp, "listening");
      return { tcp, udp, port };
    } catch (error) {
      udp.close();
      tcp.close();
      expect(error).toMatchObject({ code: "EADDRINUSE" });
    }
  }
}
