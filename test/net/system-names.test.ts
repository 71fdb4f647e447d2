import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { membersFromRows } from "../../src/adc/nitro/services.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { createNetwork } from "../../src/net/dns.ts";
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
  test("a name of the hosts file › waits for no DNS server", async () => {
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

  test("a hosts file › counts as it is now, also where it is gone", async () => {
    const file = await hostsFile("192.0.2.11 ex01.example.com\n");
    const lookup = createSystemLookup({ hostsFile: file, servers: ["127.0.0.1:9"] });
    expect(await lookup("ex01.example.com")).toMatchObject([{ address: "192.0.2.11" }]);
    await writeFile(file, "192.0.2.111 ex01.example.com\n");
    expect(await lookup("ex01.example.com")).toMatchObject([{ address: "192.0.2.111" }]);
    await rm(file);
    await expect(lookup("ex01.example.invalid")).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
  });

  const skip = missing("named", "bind9");
  test.skipIf(skip !== null)("DNS › tells addresses of both families and their TTL", async () => {
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

describe("createNetwork › a server known by name", () => {
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
  ] as const)("the ADC's family %j decides", async (family, address) => {
    expect(await answering([BOTH]).resolve(family)).toMatchObject({ kind: "address", address });
  });

  test("without an address of that family it has none", async () => {
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
    ["nothing at all", null],
  ] as const)("the last address is kept › after %s", async (_, silence) => {
    const { resolve, later } = answering([BOTH, silence]);
    await resolve(4);
    later();
    expect(await resolve(4)).toMatchObject({ address: "192.0.2.11" });
    later();
    expect(await resolve(4)).toMatchObject({ address: "192.0.2.11" });
  });

  test("the last address is forgotten › when DNS says that the name is gone", async () => {
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
  ])("add server s name %s › asks for IPv%i", (options, family) => {
    const estate = parseNsConf(
      `add server s ex01.example.com ${options}
add service svc s TCP 25
bind service svc -monitorName tcp`,
      { adc: "prod" },
    );
    const [probe] = planProbes(estate, BARE_SETTINGS);
    expect(probe?.action.run?.target).toMatchObject({ host: "ex01.example.com", family });
  });

  test("NITRO tells the address › it is the one that is probed, and each of several is a member", () => {
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
