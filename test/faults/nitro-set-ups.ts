import { X509Certificate } from "node:crypto";
import { startNitroServer, type NitroServerOptions } from "../../lab/nitro/server.ts";
import { createAdcSession } from "../../src/adc/nitro/adc-session.ts";
import type { NitroTls } from "../../src/adc/nitro/transport.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { makeCertificate } from "../support/made-certificate.ts";
import { CREDENTIALS } from "../adc/nitro/lab-client.ts";
import { ESTATE, NS1, NS2, secondary } from "../adc/nitro/pair-of-nodes.ts";
import { steadyBackend } from "../adc/nitro/steady-backend.ts";

/** Appliances that are set up otherwise than one with a certificate of its own, and what is written of them. */
interface SetUp {
  readonly what: string;
  /** One for each management address. */
  readonly servers: readonly Partial<NitroServerOptions>[];
  readonly tls?: NitroTls;
  readonly partition?: string;
  /** Both nodes of a pair take themselves for the primary. */
  readonly split?: true;
  /** How import and poll end, and words that somebody hears. */
  readonly expected: SetUpSeen;
}

interface SetUpSeen {
  readonly imported: string;
  readonly polled: string;
  /** Of what is said; empty: nothing. */
  readonly said: string;
}

/** As appliances leave the factory: self-signed, a common name and no alternative names. */
const FACTORY = makeCertificate({ commonName: "default ABCDEF" });
const FINGERPRINT = new X509Certificate(FACTORY.cert).fingerprint256;
const BARE: NitroTls = { ca: null, serverName: null, verify: true };
const OTHER = new Map([["exchange", steadyBackend(ESTATE)]]);

const factory = { tls: FACTORY };
const seen = (imported: string, polled: string, said: string): SetUpSeen => ({
  imported,
  polled,
  said,
});
const WELL = seen("estate", "state", "");

export const SET_UPS: readonly SetUp[] = [
  {
    what: "factory certificate, nothing written of it",
    servers: [factory],
    expected: seen(
      "failed",
      "failed",
      "see adcs[].nitro.tls.ca_file or adcs[].nitro.fingerprint_sha256",
    ),
  },
  {
    what: "factory certificate, `fingerprint_sha256`",
    servers: [factory],
    tls: { ...BARE, fingerprints: [FINGERPRINT.replaceAll(":", "").toLowerCase()] },
    expected: WELL,
  },
  {
    what: "factory certificate, a `ca_file` that holds it",
    servers: [factory],
    tls: { ...BARE, ca: FACTORY.cert },
    expected: WELL,
  },
  {
    what: "factory certificate, another `fingerprint_sha256`",
    servers: [factory],
    tls: { ...BARE, fingerprints: ["0".repeat(64)] },
    expected: seen("failed", "failed", "see adcs[].nitro.fingerprint_sha256"),
  },
  {
    what: "cluster, its own address (CLIP)",
    servers: [{ habits: { cluster: "clip" } }],
    expected: WELL,
  },
  {
    what: "cluster, one node's address",
    servers: [{ habits: { cluster: "node" } }],
    expected: seen("estate", "state", "write the cluster's, the CLIP, in adcs[].nitro.urls"),
  },
  {
    what: "cluster, one node's address and the CLIP",
    servers: [{ habits: { cluster: "node" } }, { habits: { cluster: "clip" } }],
    expected: WELL,
  },
  {
    what: "admin partition, named",
    servers: [{ partitions: OTHER }],
    partition: "exchange",
    expected: WELL,
  },
  {
    what: "admin partition that is not there",
    servers: [{ partitions: OTHER }],
    partition: "exchange2",
    expected: seen("failed", "failed", "partition exchange2: see adcs[].nitro.partition"),
  },
  {
    what: "http that leads to https",
    servers: [{ redirectTo: "https://ns1.example.com" }],
    expected: seen("failed", "failed", "write https in adcs[].nitro.urls"),
  },
  {
    what: "both nodes of a pair are the primary",
    servers: [{}, {}],
    split: true,
    expected: seen("estate", "secondary", "both say that they are the primary (split brain)"),
  },
];

/** One import, and one poll after it. */
export async function judgeSetUp(setUp: SetUp): Promise<SetUpSeen & { readonly all: string }> {
  const servers = await Promise.all(
    setUp.servers.map((options, at) => {
      const backend = steadyBackend(ESTATE);
      if (setUp.split === true) {
        backend.set.nodes = at === 0 ? [NS1, secondary(NS2)] : [NS2, secondary(NS1)];
      }
      return startNitroServer(backend, { ...CREDENTIALS, ...options });
    }),
  );
  const session = createAdcSession({
    adc: "prod",
    urls: servers.map(({ url }) => url),
    ...CREDENTIALS,
    tls: setUp.tls ?? BARE,
    partition: setUp.partition ?? null,
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
  });
  try {
    const imported = await session.importEstate();
    const polled = await session.poll(ESTATE);
    const all = [imported, polled]
      .flatMap((one) => [
        "message" in one ? one.message : "",
        ...("gaps" in one ? one.gaps.map(({ unwatched }) => unwatched) : []),
      ])
      .filter((words) => words !== "")
      .join("; ");
    const { said } = setUp.expected;
    return {
      imported: imported.kind,
      polled: polled.kind,
      said: all.includes(said) ? said : all,
      all,
    };
  } finally {
    await session.close();
    await Promise.all(servers.map((server) => server.close()));
  }
}

/** As Markdown. */
export function setUpTable(): string {
  return [
    "| set-up | import | poll | what is said |",
    "| --- | --- | --- | --- |",
    ...SET_UPS.map(
      ({ what, expected: { imported, polled, said } }) =>
        `| ${[what, imported, polled, said === "" ? "–" : `… ${said}`].join(" | ")} |`,
    ),
  ].join("\n");
}
