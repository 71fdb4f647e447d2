import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { serveNitro } from "../../lab/nitro/server.ts";
import { recordedAdcs } from "../../lab/recorded-lab.ts";
import { importEstate } from "../../src/adc/nitro/import.ts";
import { pollState } from "../../src/adc/nitro/poll.ts";
import {
  type Bundle,
  type BundleAdc,
  type BundleProbe,
  readBundle,
} from "../../src/bundle/format.ts";
import { CREDENTIALS, labClient } from "../adc/nitro/lab-client.ts";

/** Bundles that were sent in, or made of the lab: each is an appliance that must go on being read as it was. */
const FOLDER = join(import.meta.dirname, "..", "fixtures", "bundles");

test("bundle › gives each ADC's VIP its own address when two ADCs have the same VIP", async () => {
  const answer = (adc: string, resource: string, fields: Record<string, unknown>[]) =>
    ({
      ...{ kind: "answer", adc, node: 0, api: "config", resource, secondary: false },
      ...{ rows: fields, fields, code: null, words: null },
    }) as unknown as Bundle["answers"][number];
  const vserver = (adc: string) =>
    answer(adc, "lbvserver", [{ name: "v", servicetype: "SSL", ipv46: "198.18.0.10", port: 443 }]);
  const recorded = await recordedAdcs({
    adcs: ["adc1", "adc2"].map((adc) => ({ kind: "adc", adc, nodes: 1 }) as BundleAdc),
    answers: [vserver("adc1"), vserver("adc2")],
    probes: ["adc1", "adc2"].map(
      (adc) => ({ kind: "probe", adc, address: "198.18.0.10" }) as BundleProbe,
    ),
    ...{ verdicts: [], changes: [], madeAt: 0, skippedLines: 0 },
  });
  const vips = recorded.map(({ estate }) => estate.lbVservers.get("v")?.address);
  expect(vips).toEqual(["198.18.0.10", "198.51.100.1"]);
  expect(recorded.map(({ probes }) => probes.map(({ address }) => address))).toEqual(
    vips.map((vip) => [vip]),
  );
});

describe.each(readdirSync(FOLDER))("bundle %s", (file) => {
  test("import and poll › give the opinions that were recorded for every member and vserver", async () => {
    const read = await readBundle(join(FOLDER, file));
    if (read.kind === "failed") {
      throw new Error(read.message);
    }
    const [recorded] = await recordedAdcs(read.bundle);
    const [node] = recorded?.nodes ?? [];
    if (recorded === undefined || node === undefined) {
      throw new Error("no ADC in it has told its vservers");
    }
    const server = await serveNitro(node, CREDENTIALS);
    const client = labClient(server.url);
    onTestFinished(async () => {
      await client.close();
      await server.close();
    });
    const imported = await importEstate(client, { adc: recorded.adc });
    if (imported.kind !== "estate") {
      throw new Error(imported.message);
    }
    const polled = await pollState(client, imported.estate, null, () => 0);
    if (polled.kind !== "state") {
      throw new Error(polled.message);
    }
    const refused = read.bundle.answers.filter(({ rows, code }) => rows === null && code !== "258");
    // What a later version asks for is in no bundle of an earlier one.
    const recordedResources = new Set(read.bundle.answers.map(({ resource }) => resource));
    expect(
      imported.gaps
        .map(({ resource }) => resource)
        .filter((resource) => recordedResources.has(resource))
        .sort(),
    ).toEqual(refused.map(({ resource }) => resource).sort());
    const own = read.bundle.verdicts.filter(({ adc }) => adc === recorded.adc);
    const told = own.map(({ adc_service, server: name, port, vservers }) =>
      adc_service === null
        ? (polled.state.vservers.get(vservers[0] ?? "")?.state ?? "unknown")
        : ([...polled.state.members.values()].find(
            (one) => one.adcService === adc_service && one.server === name && one.port === port,
          )?.state ?? "unknown"),
    );
    expect(told).toEqual(own.map(({ opinions }) => opinions["adc"]));
    expect(own.length).toBeGreaterThan(0);
  });
});
