import type { Steps } from "../../../lib/steps.ts";
import { PHASES, type TlsFacts, neededChain } from "../../../model/observation.ts";
import { labelPairs, labelSuffix, withLabel } from "../text-format.ts";
import {
  bit,
  closedStates,
  each,
  valueFamily,
  type Scope,
  stateSetFamily,
  type Labelled,
} from "./scope.ts";
import type { LiveProbe } from "../../../model/live.ts";

const PHASE_LABELS = PHASES.map((phase) => ({ phase, text: labelSuffix("phase", phase) }));

/** The last run of each probe, and the servers that answered at the VIPs. */
export function* probeFamilies(scope: Scope): Steps<void> {
  const { probes, vservers, writer } = scope;
  yield* valueFamily(scope, "adc_witness_probe_success", probes, (probe) =>
    probe.lastPassed === null ? null : bit(probe.lastPassed || meetsLogin(probe)),
  );
  yield* valueFamily(scope, "adc_witness_probe_duration_seconds", probes, (probe) =>
    probe.last === null ? null : probe.last.durationMs / 1000,
  );
  yield* valueFamily(scope, "adc_witness_mail_round_trip_seconds", probes, (probe) => {
    const found = probe.transaction === "mail_round_trip" ? probe.last : null;
    return found === null || found.responseTimeMs === null ? null : found.responseTimeMs / 1000;
  });
  writer.family("adc_witness_probe_failure_info");
  yield* each(probes, ({ entity, labels }) => {
    if (
      entity.last !== null &&
      entity.last.reason !== "ok" &&
      entity.lastPassed !== true &&
      !meetsLogin(entity)
    ) {
      const { step, reason } = entity.last;
      writer.sample(withLabel(withLabel(labels, "step", step), "reason", reason), 1);
    }
  });
  if (scope.phases) {
    writer.family("adc_witness_probe_phase_seconds");
    yield* each(probes, ({ entity, labels }) => {
      for (const { phase, text } of PHASE_LABELS) {
        const durationMs = entity.last?.phases[phase];
        if (durationMs !== undefined) {
          writer.sample(labels + text, durationMs / 1000);
        }
      }
    });
  }
  yield* valueFamily(scope, "adc_witness_client_address_kept", vservers, ({ clientAddressKept }) =>
    clientAddressKept === undefined || clientAddressKept === null ? null : bit(clientAddressKept),
  );
  yield* valueFamily(scope, "adc_witness_auth_schemes_differ", vservers, ({ oddSchemes = null }) =>
    oddSchemes === null ? null : bit(oddSchemes.length > 0),
  );
  writer.family("adc_witness_vip_served_by_total");
  yield* each(vservers, ({ entity }) => {
    for (const [server, answers] of entity.servedBy) {
      const pairs = [
        ["adc", entity.adc],
        ["vserver", entity.vserver],
        ["server", server],
      ] as const;
      writer.sample(labelPairs(pairs), answers);
    }
  });
  yield* drainedServerFamily(scope);
}

/** An anonymous look that gets the ADC's own login page passes, since more is not visible without an account. */
function meetsLogin({ kind, account = null, last }: LiveProbe): boolean {
  return kind === "transaction" && account === null && last?.reason === "aaa_login";
}

/** Drained servers that a vserver still sends clients to, according to its verdict. */
function* drainedServerFamily({ writer, vservers }: Scope): Steps<void> {
  writer.family("adc_witness_vip_served_by_drained");
  yield* each(vservers, ({ entity: { verdict, drainedServers }, labels }) => {
    if (verdict === "vip_served_by_drained_server") {
      for (const server of drainedServers ?? []) {
        writer.sample(withLabel(labels, "server", server), 1);
      }
    }
  });
}

/** `unverified` (no certificate received) is not a result: all series of the set are 0. */
const TLS_RESULTS = closedStates("result", ["ok", "expired", "not_yet_valid", "name", "untrusted"]);

const MAX_CERTIFICATES = 8;
/** Maximum length of a name from a certificate in a label. */
const MAX_NAME_LENGTH = 256;

/** TLS facts of every endpoint that presented a certificate, also if verification failed. */
export function* tlsFamilies(scope: Scope): Steps<void> {
  const { writer, vservers } = scope;
  const endpoints: Labelled<Endpoint>[] = [];
  yield* each(scope.members, ({ entity }) => {
    addEndpoint(endpoints, entity, [
      ["adc", entity.adc],
      ["vserver", ""],
      ["adc_service", entity.adcService],
      ["server", entity.server],
      ["port", entity.port],
    ]);
  });
  yield* each(vservers, ({ entity }) => {
    addEndpoint(endpoints, entity, [
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
    ({ facts }) => earliestEnd(facts),
  );
  yield* certificateFamily(scope, endpoints);
  writer.family("adc_witness_tls_certificate_info");
  yield* each(endpoints, ({ entity, labels }) => {
    const seen = new Set<string>();
    for (const { subject, issuer, sha256 } of entity.facts.chain.slice(0, MAX_CERTIFICATES)) {
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
    TLS_RESULTS,
    endpoints,
    ({ facts }) => TLS_RESULTS.bitOf(facts.verification),
  );
  writer.family("adc_witness_tls_version_info");
  yield* each(endpoints, ({ entity, labels }) => {
    if (entity.facts.protocol !== null) {
      writer.sample(withLabel(labels, "version", entity.facts.protocol), 1);
    }
  });
  yield* valueFamily(scope, "adc_witness_certificate_differs", vservers, (vserver) =>
    vserver.certificateDiffers === null ? null : bit(vserver.certificateDiffers),
  );
}

/** Labels of a TLS endpoint. */
interface Endpoint {
  readonly adc: string;
  readonly facts: TlsFacts;
}

function addEndpoint(
  endpoints: Labelled<Endpoint>[],
  { adc, probes }: { readonly adc: string; readonly probes: readonly LiveProbe[] },
  pairs: readonly (readonly [string, string | number])[],
): void {
  const facts = endpointFacts(probes);
  if (facts !== null) {
    endpoints.push({ entity: { adc, facts }, labels: labelPairs(pairs) });
  }
}

/**
 * Transactions use TLS as a client does (name, trust), monitors as the ADC does, so transactions take precedence. A public
 * address may belong to another site, so it counts for a vserver only if there is nothing else.
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

/** Each certificate in use once, since a certificate on several servers is renewed once. */
function* certificateFamily(
  { writer }: Scope,
  endpoints: readonly Labelled<Endpoint>[],
): Steps<void> {
  const ends = new Map<string, number>();
  yield* each(endpoints, ({ entity: { adc, facts } }) => {
    for (const { subject, sha256, notAfter } of neededChain(facts).slice(0, MAX_CERTIFICATES)) {
      const pairs = [
        ["adc", adc],
        ["subject", cut(subject)],
        ["sha256", sha256],
      ] as const;
      ends.set(labelPairs(pairs), notAfter / 1000);
    }
  });
  writer.family("adc_witness_certificate_not_after_timestamp_seconds");
  yield* each(ends, ([labels, end]) => {
    writer.sample(labels, end);
  });
}

function cut(name: string): string {
  return name.length > MAX_NAME_LENGTH ? name.slice(0, MAX_NAME_LENGTH) : name;
}
