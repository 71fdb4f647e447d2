import type { Steps } from "../../../lib/steps.ts";
import type { LiveProbe } from "../../../model/live.ts";
import type { TlsFacts } from "../../../model/observation.ts";
import { neededChain } from "../../../model/observation.ts";
import { labelPairs, withLabel } from "../text-format.ts";
import { bit, each, stateSetFamily, valueFamily, type Labelled, type Scope } from "./scope.ts";

/** `unverified` (no certificate was seen) is no result: every series of the set is 0 then. */
const TLS_RESULTS = ["ok", "expired", "not_yet_valid", "name", "untrusted"] as const;

const MAX_CERTIFICATES = 8;
/** Names in certificates come from outside: a label holds no more than this many characters of one. */
const MAX_NAME_LENGTH = 256;

/** TLS facts of every endpoint that showed a certificate, also where verification fails. */
export function* tlsFamilies(scope: Scope): Steps<void> {
  const { writer, vservers } = scope;
  const endpoints: Labelled<TlsFacts>[] = [];
  yield* each(scope.members, ({ entity }) => {
    addEndpoint(endpoints, entity.probes, [
      ["adc", entity.adc],
      ["vserver", ""],
      ["adc_service", entity.adcService],
      ["server", entity.server],
      ["port", entity.port],
    ]);
  });
  yield* each(vservers, ({ entity }) => {
    addEndpoint(endpoints, entity.probes, [
      ["adc", entity.adc],
      ["vserver", entity.vserver],
      ["adc_service", ""],
      ["server", ""],
      ["port", ""],
    ]);
  });
  yield* valueFamily(
    scope,
    "adc_witness_tls_certificate_not_after_timestamp_seconds",
    endpoints,
    earliestEnd,
  );
  writer.family("adc_witness_tls_certificate_info");
  yield* each(endpoints, ({ entity, labels }) => {
    const seen = new Set<string>();
    for (const { subject, issuer, sha256 } of entity.chain.slice(0, MAX_CERTIFICATES)) {
      if (!seen.has(sha256)) {
        seen.add(sha256);
        const names = withLabel(withLabel(labels, "subject", cut(subject)), "issuer", cut(issuer));
        writer.sample(withLabel(names, "sha256", sha256), 1);
      }
    }
  });
  yield* stateSetFamily(
    scope,
    "adc_witness_tls_verification",
    "result",
    TLS_RESULTS,
    endpoints,
    (facts) => [facts.verification],
  );
  writer.family("adc_witness_tls_version_info");
  yield* each(endpoints, ({ entity, labels }) => {
    if (entity.protocol !== null) {
      writer.sample(withLabel(labels, "version", entity.protocol), 1);
    }
  });
  yield* valueFamily(scope, "adc_witness_certificate_differs", vservers, (vserver) =>
    vserver.certificateDiffers === null ? null : bit(vserver.certificateDiffers),
  );
}

function addEndpoint(
  endpoints: Labelled<TlsFacts>[],
  probes: readonly LiveProbe[],
  pairs: readonly (readonly [string, string | number])[],
): void {
  const facts = endpointFacts(probes);
  if (facts !== null) {
    endpoints.push({ entity: facts, labels: labelPairs(pairs) });
  }
}

/**
 * A transaction speaks TLS as a client does (name, trust), a monitor as the ADC does: the client's look goes first. A public
 * address may be another site's: it speaks for a vserver only where nothing else does.
 */
export function endpointFacts(probes: readonly LiveProbe[]): TlsFacts | null {
  return factsAt(probes, false) ?? factsAt(probes, true);
}

function factsAt(probes: readonly LiveProbe[], atPublic: boolean): TlsFacts | null {
  let found: TlsFacts | null = null;
  for (const probe of probes) {
    const facts = probe.last?.tls ?? null;
    const counts = (probe.vantage === "public") === atPublic;
    if (counts && facts !== null && facts.chain.length > 0) {
      if (probe.kind === "transaction") {
        return facts;
      }
      found ??= facts;
    }
  }
  return found;
}

function earliestEnd(facts: TlsFacts): number {
  return Math.min(...neededChain(facts).map((certificate) => certificate.notAfter)) / 1000;
}

function cut(name: string): string {
  return name.length > MAX_NAME_LENGTH ? name.slice(0, MAX_NAME_LENGTH) : name;
}
