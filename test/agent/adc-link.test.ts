import { expect, onTestFinished, test } from "vitest";
import type { NodeBelief } from "../../lab/nitro/backend.ts";
import type { NitroFaultHook } from "../../lab/nitro/faults.ts";
import { startNitroServer } from "../../lab/nitro/server.ts";
import { AdcLink } from "../../src/agent/adc-watch.ts";
import { Secret } from "../../src/lib/secret.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { CREDENTIALS } from "../adc/nitro/lab-client.ts";
import { ESTATE, IMAP, NS1, NS2, secondary } from "../adc/nitro/pair-of-nodes.ts";
import { steadyBackend } from "../adc/nitro/steady-backend.ts";

async function node(own: NodeBelief, peer: NodeBelief) {
  const backend = steadyBackend(ESTATE);
  backend.set.nodes = [own, peer];
  const faults: { current: NitroFaultHook } = { current: () => null };
  const server = await startNitroServer(backend, {
    ...CREDENTIALS,
    faults: (request) => faults.current(request),
  });
  return { backend, server, faults };
}

/** A link to a pair, NS1 the primary and NS2 the secondary. */
async function pair() {
  const clock = { ms: 0 };
  const ns1 = await node(NS1, secondary(NS2));
  const ns2 = await node(secondary(NS2), NS1);
  const link = new AdcLink({
    config: {
      name: "prod",
      nitro: {
        urls: [ns1.server.url, ns2.server.url],
        username: CREDENTIALS.username,
        password: new Secret(CREDENTIALS.password),
        tls: { verify: true, ca: null, serverName: null },
        importEveryMs: 600_000,
        pollEveryMs: 1_000,
        timeoutMs: 2_000,
      },
      nsConf: null,
      monitorTls: null,
    },
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
    events: { adcRequest: () => undefined },
    now: Date.now,
    monotonic: () => clock.ms,
    wantsConnections: () => false,
  });
  onTestFinished(async () => {
    await link.close();
    await Promise.all([ns1.server.close(), ns2.server.close()]);
  });
  expect(await link.poll(ESTATE)).toMatchObject({ kind: "state" });
  return { ns1, ns2, link, clock };
}

test("adc link › holds the last known state for three polls when the primary is silent and only the secondary answers", async () => {
  const { ns1, link, clock } = await pair();
  ns1.faults.current = () => ({ kind: "reset" });
  // The time of three polls, however seldom it was asked in it.
  for (const ms of [0, 1_000, 2_999]) {
    clock.ms = ms;
    expect(await link.poll(ESTATE)).toMatchObject({
      kind: "held",
      forMs: 3_000 - ms,
      nodes: [{ reachable: false }, { role: "secondary", reachable: true }],
    });
  }
  clock.ms = 3_000;
  const lost = await link.poll(ESTATE);
  expect(lost).toMatchObject({ kind: "lost" });
  expect(lost.kind === "lost" && lost.state?.members.get(IMAP)).toMatchObject({
    state: "unknown",
    blind: ["secondary"],
  });
});

test("adc link › loses the ADC's state at once when both nodes report themselves as secondary", async () => {
  const { ns1, link } = await pair();
  ns1.backend.set.nodes = [secondary(NS1), NS2];
  expect(await link.poll(ESTATE)).toMatchObject({ kind: "lost", state: { members: {} } });
});

test("adc link › takes the surviving node's answer when it has become primary while its peer is silent", async () => {
  const { ns1, ns2, link } = await pair();
  ns1.faults.current = () => ({ kind: "reset" });
  expect(await link.poll(ESTATE)).toMatchObject({ kind: "held" });
  ns2.backend.set.nodes = [NS2, secondary(NS1)];
  expect(await link.poll(ESTATE)).toMatchObject({ kind: "state" });
});
