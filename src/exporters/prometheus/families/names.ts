import type { Steps } from "../../../lib/steps.ts";
import type { LiveVserver } from "../../../model/live.ts";
import { labelPairs, withLabel } from "../text-format.ts";
import { bit, each, type Labelled, type Scope } from "./scope.ts";

/** What names lead to: the sites that GSLB hands out, and the public addresses of vservers. */
export function* nameFamilies(scope: Scope): Steps<void> {
  const names = scope.vservers.filter(({ entity }) => (entity.gslb ?? null) !== null);
  yield* siteFamily(scope, "adc_witness_gslb_site_handed_out", names, ({ handedOut }) => handedOut);
  yield* siteFamily(scope, "adc_witness_gslb_site_serving", names, ({ serves }) =>
    serves === "unknown" ? null : serves === "up",
  );
  const { writer } = scope;
  writer.family("adc_witness_gslb_mep_up");
  const exchanges = new Map(
    names.flatMap(({ entity }) =>
      (entity.gslb?.sites ?? []).flatMap(({ site, mep }) =>
        site === null || mep === null
          ? []
          : [
              [
                labelPairs([
                  ["adc", entity.adc],
                  ["site", site],
                ]),
                mep === "up",
              ] as const,
            ],
      ),
    ),
  );
  yield* each(exchanges, ([labels, up]) => {
    writer.sample(labels, bit(up));
  });
  writer.family("adc_witness_public_address_up");
  yield* each(scope.vservers, ({ entity, labels }) => {
    for (const { name, address, up } of publicAddresses(entity)) {
      writer.sample(withLabel(withLabel(labels, "name", name), "address", address), bit(up));
    }
  });
}

type Site = NonNullable<LiveVserver["gslb"]>["sites"][number];

function* siteFamily(
  { writer }: Scope,
  metric: "adc_witness_gslb_site_handed_out" | "adc_witness_gslb_site_serving",
  names: readonly Labelled<LiveVserver>[],
  value: (site: Site) => boolean | null,
): Steps<void> {
  writer.family(metric);
  yield* each(names, ({ entity, labels }) => {
    for (const site of entity.gslb?.sites ?? []) {
      const told = value(site);
      if (told !== null) {
        const pairs = labelPairs([
          ["site", site.site ?? ""],
          ["adc_service", site.adcService],
          ["server", site.server],
          ["port", String(site.port)],
        ]);
        writer.sample(`${labels},${pairs}`, bit(told));
      }
    }
  });
}

interface PublicAddress {
  /** Empty where the configuration names the address itself. */
  readonly name: string;
  readonly address: string;
  readonly up: boolean;
}

/** Each public address that is probed and known, as good as what fares worst there. */
function publicAddresses({ probes, publicNames = [] }: LiveVserver): readonly PublicAddress[] {
  const worst = new Map<string, boolean>();
  for (const { vantage, address = null, opinion } of probes) {
    if (vantage === "public" && address !== null && opinion !== "unknown") {
      worst.set(address, opinion === "up" && (worst.get(address) ?? true));
    }
  }
  return [...worst].flatMap(([address, up]) => {
    const named = publicNames.filter(
      ({ name, addresses }) => name === address || addresses.some((one) => one.address === address),
    );
    return named.length === 0
      ? [{ name: "", address, up }]
      : named.map(({ name }) => ({ name, address, up }));
  });
}
