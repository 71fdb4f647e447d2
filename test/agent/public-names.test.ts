import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PublicNames, MISSED_BEFORE_DROPPED } from "../../src/agent/public-names.ts";
import type { Network } from "../../src/net/network.ts";
import { lookupAt, createNetwork } from "../../src/net/dns.ts";
import { until } from "../support/lab-agent.ts";
import { missing, type RealServer } from "../support/real-servers.ts";
import { startBind, updateZone } from "../support/servers/bind.ts";

const ZONE = "example.com";
const skip = missing("named", "bind9") ?? missing("nsupdate", "bind9-dnsutils");

describe.skipIf(skip !== null)(`names at a real BIND${skip === null ? "" : ` (${skip})`}`, () => {
  let bind: RealServer;

  beforeAll(async () => {
    bind = await startBind({
      zone: ZONE,
      records: `mail 1 IN A 127.0.0.2
mail 1 IN A 127.0.0.3
mail 1 IN AAAA ::1
webmail 300 IN CNAME mail
`,
    });
  }, 30_000);

  afterAll(async () => {
    await bind.stop();
  });

  /** A network that asks BIND, wherever `connect_to` says the DNS server is, and keeps answers only for a moment. */
  function networkAt(connectTo: Readonly<Record<string, string>> = {}): Network {
    const at = `127.0.0.1:${String(bind.ports["dns"])}`;
    const network: Network = createNetwork({
      connectTo: { "192.0.2.53:53": at, ...connectTo },
      unmapped: "refuse",
      now: Date.now,
      ttlMs: 20,
      minTtlMs: 20,
      failureTtlMs: 20,
      clientNames: {
        names: new Set(["mail.example.com", "webmail.example.com", "gone.example.com"]),
        lookup: lookupAt(["192.0.2.53"], (host, port) => network.resolve(host, port, "udp")),
      },
    });
    return network;
  }

  test("gives all IPv4 and IPv6 addresses with their time to live, also through an alias", async () => {
    for (const name of ["mail.example.com", "WEBMAIL.example.com"]) {
      const answer = await networkAt().addresses(name);
      expect(answer).toMatchObject({ kind: "addresses" });
      const { addresses } = answer as Extract<typeof answer, { kind: "addresses" }>;
      expect(addresses.map(({ address }) => address).sort()).toEqual([
        "127.0.0.2",
        "127.0.0.3",
        "::1",
      ]);
      expect(addresses[0]?.ttlMs).toBe(1000);
    }
    expect(await networkAt().addresses("gone.example.com")).toMatchObject({
      kind: "dns_failure",
      message: expect.stringContaining("ENOTFOUND") as unknown,
    });
    // Nobody but the chosen servers is asked, and for nothing but clients' names.
    expect(await networkAt().addresses("other.example.com")).toMatchObject({ kind: "forbidden" });
  });

  test("applies connect_to to the name and then to the answered addresses, and refuses others", async () => {
    const mapped = networkAt({ "mail.example.com:443": "127.0.0.9:8443" });
    expect(await mapped.addresses("mail.example.com")).toEqual({ kind: "mapped" });
    expect(await mapped.resolve("mail.example.com", 443, "tcp")).toMatchObject({
      address: "127.0.0.9",
      port: 8443,
    });
    const answered = networkAt({
      "127.0.0.2": "127.0.0.4",
      "127.0.0.3:443": "127.0.0.4",
      "::1": "127.0.0.4",
    });
    expect(await answered.resolve("mail.example.com", 443, "tcp")).toMatchObject({
      kind: "address",
      address: "127.0.0.4",
    });
    expect(await networkAt().resolve("mail.example.com", 443, "tcp")).toMatchObject({
      kind: "forbidden",
      message: expect.stringMatching(/^127\.0\.0\.[23]:443|^::1:443/) as unknown,
    });
  });

  test("contacts no DNS server that is not mapped", async () => {
    const network: Network = createNetwork({
      connectTo: {},
      unmapped: "refuse",
      now: Date.now,
      clientNames: {
        names: new Set(["mail.example.com"]),
        lookup: lookupAt(["192.0.2.53"], (host, port) => network.resolve(host, port, "udp")),
      },
    });
    expect(await network.addresses("mail.example.com")).toMatchObject({
      kind: "dns_failure",
      message: expect.stringContaining("192.0.2.53:53 is not mapped") as unknown,
    });
  });

  test("adds a site at once and drops it after enough answers without it when the zone changes", async () => {
    const names = new PublicNames(networkAt(), new Set(["mail.example.com"]));
    const known = (): readonly string[] => {
      names.ask();
      const name = names.resolved.get("mail.example.com");
      return name?.kind === "asked" ? name.addresses.map(({ address }) => address).sort() : [];
    };
    const holds = (wanted: readonly string[]) => (seen: readonly string[]) =>
      JSON.stringify(seen) === JSON.stringify(wanted);
    const became = (wanted: readonly string[]) =>
      until(`sites ${wanted.join(" ")}`, known, holds(wanted), 30_000);

    await became(["127.0.0.2", "127.0.0.3", "::1"]);
    expect(names.takeSitesChanged()).toBe(true);
    expect(names.takeSitesChanged()).toBe(false);

    updateZone(bind, ZONE, "update add mail.example.com. 1 A 127.0.0.5");
    await became(["127.0.0.2", "127.0.0.3", "127.0.0.5", "::1"]);
    updateZone(bind, ZONE, "update delete mail.example.com. A 127.0.0.3");
    const at = performance.now();
    await became(["127.0.0.2", "127.0.0.5", "::1"]);
    expect(performance.now() - at).toBeGreaterThan(20 * (MISSED_BEFORE_DROPPED - 1));
    expect(names.takeSitesChanged()).toBe(true);

    updateZone(bind, ZONE, "update delete mail.example.com.");
    await until(
      "a failure",
      () => {
        names.ask();
        return names.resolved.get("mail.example.com");
      },
      (name) => name?.kind === "asked" && name.failure !== null,
      30_000,
    );
    expect(names.takeSitesChanged()).toBe(true);
    await became([]);
  });

  test("waits for the answer of a single look, but not past its limit", async () => {
    const names = new PublicNames(networkAt(), new Set(["gone.example.com"]));
    await names.askOnce(20_000);
    expect(names.resolved.get("gone.example.com")).toMatchObject({ kind: "asked", addresses: [] });
    const silent = new PublicNames({ addresses: () => new Promise(() => undefined) }, new Set("a"));
    await silent.askOnce(50);
    expect(silent.resolved.size).toBe(0);
  });
});
