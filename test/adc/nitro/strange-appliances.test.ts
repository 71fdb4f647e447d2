import { X509Certificate } from "node:crypto";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { startNitroServer, type NitroServerOptions } from "../../../lab/nitro/server.ts";
import type { NitroClient, NitroClientOptions } from "../../../src/adc/nitro/client.ts";
import { createAdcSession } from "../../../src/adc/nitro/adc-session.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { pollState } from "../../../src/adc/nitro/poll.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { labAuthority, labCertificate } from "../../../lab/certificates/lab-certificate.ts";
import { makeCertificate } from "../../support/made-certificate.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { ESTATE, IMAP, NS1, NS2, secondary } from "./pair-of-nodes.ts";
import { steadyBackend } from "./steady-backend.ts";

/** As appliances leave the factory: self-signed, a common name and no alternative names. */
const FACTORY = makeCertificate({ commonName: "default ABCDEF" });
const WRONG_NAME = labCertificate("wrong_name");
const FINGERPRINT = new X509Certificate(FACTORY.cert).fingerprint256
  .replaceAll(":", "")
  .toLowerCase();
const SERVERS = { kind: "config", resource: "server" } as const;
const TRUST_NOBODY = { ca: null, serverName: null, verify: true };

async function against(
  server: Partial<NitroServerOptions>,
  client: Partial<NitroClientOptions> = {},
  url: (url: string) => string = (own) => own,
): Promise<NitroClient> {
  const lab = await startNitroServer(steadyBackend(ESTATE), { ...CREDENTIALS, ...server });
  const made = labClient(url(lab.url), client);
  onTestFinished(async () => {
    await made.close();
    expect(lab.openSessions()).toBe(0);
    await lab.close();
  });
  return made;
}

describe("certificate of a management address", () => {
  test.each([
    ["its fingerprint", { ...TRUST_NOBODY, fingerprints: [FINGERPRINT] }],
    ["a ca_file that holds it", { ...TRUST_NOBODY, ca: FACTORY.cert }],
    [
      "a ca_file with others too",
      { ...TRUST_NOBODY, ca: `${labAuthority().certificate}${FACTORY.cert}` },
    ],
    ["ca_file and its own name", { ca: FACTORY.cert, serverName: "default ABCDEF", verify: true }],
  ])("client › trusts a factory certificate by %s", async (_how, tls) => {
    const client = await against({ tls: FACTORY }, { tls });
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
  });

  test.each([
    ["no trust configured", TRUST_NOBODY, /ca_file or adcs\[\]\.nitro\.fingerprint_sha256/],
    [
      "another ca_file",
      { ...TRUST_NOBODY, ca: labAuthority().certificate },
      /ca_file or .*fingerprint_sha256/,
    ],
    [
      "another fingerprint",
      { ...TRUST_NOBODY, fingerprints: ["0".repeat(64)] },
      new RegExp(`SHA-256 is ${FINGERPRINT}; see adcs\\[\\]\\.nitro\\.fingerprint_sha256`),
    ],
  ])(
    "client › refuses a factory certificate with %s, sends no password, and says what to configure",
    async (_how, tls, words) => {
      const lab = await startNitroServer(steadyBackend(ESTATE), { ...CREDENTIALS, tls: FACTORY });
      const client = labClient(lab.url, { tls });
      expect(await client.get(SERVERS)).toMatchObject({
        kind: "failed",
        code: "tls",
        message: expect.stringMatching(words) as unknown,
      });
      expect(lab.requests).toEqual([]);
      await client.close();
      await lab.close();
    },
  );

  test("client › names server_name when a trusted issuer's certificate holds another name", async () => {
    const client = await against(
      { tls: { key: WRONG_NAME.key, cert: WRONG_NAME.certificate } },
      { tls: { ca: labAuthority().certificate, serverName: "ns1.example.com", verify: true } },
    );
    const answer = await client.get(SERVERS);
    expect(answer).toMatchObject({
      message: expect.stringContaining("adcs[].nitro.tls.server_name") as unknown,
    });
  });
});

describe("error message", () => {
  test("client › names https when the appliance redirects to it", async () => {
    const client = await against({ redirectTo: "https://ns1.example.com" });
    expect(await client.get(SERVERS)).toMatchObject({
      kind: "failed",
      code: "http_3xx",
      message: `${client.node}, login: HTTP 307 to https://ns1.example.com/nitro/v1/config/login; write https in adcs[].nitro.urls`,
    });
  });

  test("client › names the right scheme when https is spoken to an http port and the reverse", async () => {
    const clear = await against({}, {}, (url) => url.replace("http:", "https:"));
    expect(await clear.get(SERVERS)).toMatchObject({
      kind: "failed",
      message: expect.stringContaining("write http in adcs[].nitro.urls") as unknown,
    });
    const secure = await against({ tls: FACTORY }, {}, (url) => url.replace("https:", "http:"));
    expect(await secure.get(SERVERS)).toMatchObject({
      kind: "failed",
      message: expect.stringContaining("write https in adcs[].nitro.urls") as unknown,
    });
  });

  test("client › says that a page with 200 is not NITRO", async () => {
    const client = await against({
      faults: () => ({ kind: "answer", status: 200, body: "<html>" }),
    });
    expect(await client.get(SERVERS)).toMatchObject({
      kind: "failed",
      code: "not_nitro",
      message: expect.stringMatching(
        /HTTP 200 with a body that is not NITRO's JSON \(text\/html\)/,
      ) as unknown,
    });
  });

  test("session › gives each node's answer when there is no primary", async () => {
    const backend = steadyBackend(ESTATE);
    backend.set.nodes = [secondary(NS2), NS1];
    const ns2 = await startNitroServer(backend, CREDENTIALS);
    const closed = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => closed.once("listening", resolve));
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const session = sessionOf([`http://127.0.0.1:${String(port)}`, ns2.url]);
    onTestFinished(async () => {
      await session.close();
      await ns2.close();
    });
    const result = await session.importEstate();
    expect(result).toMatchObject({
      kind: "secondary",
      message: expect.stringMatching(
        /no node reports itself as primary: .*ECONNREFUSED.*see adcs\[\]\.nitro\.urls; .* is the secondary/,
      ) as unknown,
    });
  });
});

function sessionOf(urls: readonly string[]) {
  return createAdcSession({
    adc: "prod",
    urls,
    ...CREDENTIALS,
    tls: TRUST_NOBODY,
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
  });
}

describe("pair whose nodes both claim to be primary", () => {
  async function pairOf(first: typeof NS1, other: typeof NS1) {
    const backends = [steadyBackend(ESTATE), steadyBackend(ESTATE)] as const;
    backends[0].set.nodes = [first, secondary(NS2)];
    backends[1].set.nodes = [other, secondary(NS1)];
    const servers = [
      await startNitroServer(backends[0], CREDENTIALS),
      await startNitroServer(backends[1], CREDENTIALS),
    ];
    const session = sessionOf(servers.map(({ url }) => url));
    onTestFinished(async () => {
      await session.close();
      await Promise.all(servers.map((server) => server.close()));
    });
    return { session, backends };
  }

  test("poll › believes neither node until one gives way", async () => {
    const { session, backends } = await pairOf(NS1, NS2);
    const split = await session.poll(ESTATE);
    expect(split).toMatchObject({
      kind: "secondary",
      code: "split_brain",
      message: expect.stringMatching(/ and .* both say that they are the primary/) as unknown,
    });
    expect(split.kind === "secondary" && split.state.members.get(IMAP)).toMatchObject({
      state: "unknown",
      blind: ["split_brain"],
    });
    expect(await session.importEstate()).toMatchObject({ kind: "estate" });
    backends[1].set.nodes = [secondary(NS2), NS1];
    const healed = await session.poll(ESTATE);
    expect(healed.kind === "state" && healed.state.members.get(IMAP)?.state).toBe("up");
  });

  test("poll › is no split brain when two addresses lead to one node", async () => {
    const { session } = await pairOf(NS1, NS1);
    expect(await session.poll(ESTATE)).toMatchObject({ kind: "state" });
  });
});

describe("admin partitions", () => {
  const OTHER = parseNsConf("add server p1 192.0.2.99\nadd service svc_p1 p1 TCP 25\n", {
    adc: "p",
  });
  const partitions = new Map([["p1", steadyBackend(OTHER)]]);

  test("client › switches after each login and sees that partition alone", async () => {
    const client = await against({ partitions }, { partition: "p1" });
    const imported = await importEstate(client, { adc: "p" });
    expect(imported.kind === "estate" && [...imported.estate.services.keys()]).toEqual(["svc_p1"]);
    expect(await pollState(client, OTHER, null, () => 0)).toMatchObject({
      kind: "state",
      gaps: [],
    });
  });

  test("client › names the key of a missing partition and leaves no session", async () => {
    const client = await against({ partitions }, { partition: "px" });
    expect(await client.get(SERVERS)).toMatchObject({
      kind: "failed",
      code: "2755",
      message: expect.stringMatching(
        /Partition name doesnt exist .*partition px: see adcs\[\]\.nitro\.partition/,
      ) as unknown,
    });
  });
});

describe("special builds and set-ups", () => {
  test("import and poll › have no gap for what a cluster does not have", async () => {
    const client = await against({ habits: { cluster: "clip" } });
    const imported = await importEstate(client, { adc: "prod" });
    expect(imported).toMatchObject({ kind: "estate", gaps: [] });
    expect(imported.kind === "estate" && imported.estate.diagnostics).toEqual([]);
    expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({
      kind: "state",
      gaps: [],
      state: { nodes: [{ role: "primary" }] },
    });
  });

  test("poll › reports an address that is one cluster node's own and prefers the cluster's", async () => {
    const servers = {
      node: await startNitroServer(steadyBackend(ESTATE), {
        ...CREDENTIALS,
        habits: { cluster: "node" },
      }),
      clip: await startNitroServer(steadyBackend(ESTATE), {
        ...CREDENTIALS,
        habits: { cluster: "clip" },
      }),
    };
    const alone = sessionOf([servers.node.url]);
    const both = sessionOf([servers.node.url, servers.clip.url]);
    onTestFinished(async () => {
      await alone.close();
      await both.close();
      await Promise.all(Object.values(servers).map((server) => server.close()));
    });
    const host = (url: string): string => new URL(url).host;
    const ofNode = await alone.poll(ESTATE);
    expect(ofNode).toMatchObject({
      kind: "state",
      gaps: [
        {
          node: host(servers.node.url),
          resource: "cluster",
          code: "1044",
          words: expect.stringContaining("NSIP of a cluster node") as unknown,
          unwatched: expect.stringContaining("CLIP, in adcs[].nitro.urls") as unknown,
        },
      ],
    });
    expect(await both.poll(ESTATE)).toMatchObject({ kind: "state", gaps: [] });
    await servers.clip.close();
    expect(await both.poll(ESTATE)).toMatchObject({ kind: "state", gaps: [{ code: "1044" }] });
  });

  test.each([278, 1090, 1093, 1097, 4_242])(
    "poll › goes on when attrs is refused with %i",
    async (code) => {
      const client = await against({ habits: { attributesRefusedWith: code } });
      expect(await importEstate(client, { adc: "prod" })).toMatchObject({
        kind: "estate",
        gaps: [],
      });
      expect(await pollState(client, ESTATE, null, () => 0)).toMatchObject({
        kind: "state",
        gaps: [],
      });
    },
  );

  test("poll › knows a disabled service when lists hold no state", async () => {
    const backend = steadyBackend(ESTATE);
    backend.set.members.set(IMAP, { state: "OUT OF SERVICE" });
    const lab = await startNitroServer(backend, CREDENTIALS);
    const client = labClient(lab.url);
    const polled = await pollState(client, ESTATE, null, () => 0);
    expect(polled.kind === "state" && polled.state.members.get(IMAP)).toMatchObject({
      state: "out",
      enabled: false,
    });
    await client.close();
    await lab.close();
  });

  test("poll › reports each text that it does not understand once", async () => {
    const backend = steadyBackend(ESTATE);
    backend.set.monitors.set(`${IMAP}/tcp-default`, { lastResponse: "The moon is full" });
    const lab = await startNitroServer(backend, CREDENTIALS);
    const client = labClient(lab.url);
    const polled = await pollState(client, ESTATE, null, () => 0);
    expect(polled.kind === "state" && polled.unknownTexts).toEqual([
      { kind: "lastresponse", text: "The moon is full" },
    ]);
    await client.close();
    await lab.close();
  });

  test("import › leaves built-in monitors out of the estate when nothing binds them", async () => {
    const client = await against({});
    const imported = await importEstate(client, { adc: "prod" });
    expect(imported.kind === "estate" && [...imported.estate.monitors.keys()]).toEqual([
      "tcp-default",
    ]);
  });
});
