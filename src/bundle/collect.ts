import type { AdcListener } from "../change/adc-round.ts";
import type { JournalChange } from "../change/journal.ts";
import type { EstateRead, StateRead } from "../agent/adc-watch.ts";
import type { NitroAnswer, NitroGet } from "../adc/nitro/client.ts";
import type { UnknownText } from "../adc/nitro/row-values.ts";
import type { AdcConfig, Config } from "../config/schema.ts";
import { Secret } from "../lib/secret.ts";
import type { Estate } from "../model/estate.ts";
import type { LiveMember, LiveProbe, LiveState, LiveVserver } from "../model/live.ts";
import type { Observation } from "../model/observation.ts";
import type { TimelineEntry, TimelineOwner } from "../model/timeline.ts";
import { AnswerLog } from "./answer-log.ts";
import { BUNDLE_VERSION, type BundleLine } from "./format.ts";
import { Pseudonyms, type Replaced } from "./pseudonyms.ts";

/** Input of a bundle. */
export interface BundleSources {
  readonly config: Config;
  readonly recorder: AdcRecorder;
  /** One round of probes and verdicts. */
  readonly live: Pick<LiveState, "adcs" | "members" | "vservers" | "probes">;
  /** Import results of ns.conf files, by ADC name. */
  readonly nsConfs: ReadonlyMap<string, Estate>;
  /** The agent's history, oldest first. */
  readonly changes: readonly JournalChange[];
  readonly madeBy: { readonly version: string; readonly node: string; readonly platform: string };
  readonly now: number;
}

export interface MadeBundle {
  /** Each of one line, in the order of the file. */
  readonly lines: readonly string[];
  readonly contents: BundleContents;
}

/** Summary of a bundle, for the person who sends it. */
export interface BundleContents {
  /** Lines by kind. */
  readonly kinds: ReadonlyMap<string, number>;
  readonly characters: number;
  readonly refused: readonly string[];
  readonly replaced: Replaced;
  /** Lines that were dropped because they still contained a password of the configuration. */
  readonly dropped: number;
}

/** Records the answers of ADCs during one round. */
export class AdcRecorder implements AdcListener {
  readonly #logs = new Map<string, AnswerLog>();
  readonly #texts = new Map<string, readonly UnknownText[]>();
  readonly #estates = new Map<string, Estate>();

  answered(adc: string, node: string, request: NitroGet, answer: NitroAnswer): void {
    const log = this.#logs.get(adc) ?? new AnswerLog();
    this.#logs.set(adc, log);
    log.add(node, request, answer);
  }

  imported(adc: string, read: EstateRead): void {
    if (read.kind === "estate") {
      this.#estates.set(adc, read.estate);
    }
  }

  polled(adc: string, read: StateRead): void {
    if (read.kind === "state") {
      this.#texts.set(adc, read.unknownTexts);
    }
  }

  answers(adc: string): ReturnType<AnswerLog["answers"]> {
    return this.#logs.get(adc)?.answers() ?? [];
  }

  texts(adc: string): readonly UnknownText[] {
    return this.#texts.get(adc) ?? [];
  }

  estate(adc: string): Estate | null {
    return this.#estates.get(adc) ?? null;
  }
}

/** Makes a bundle for a report, without names, addresses and secrets. */
export function makeBundle(sources: BundleSources): MadeBundle {
  const { config } = sources;
  const pseudonyms = new Pseudonyms(secretsIn(config), identitiesIn(config));
  const lines: string[] = [];
  const kinds = new Map<string, number>();
  let characters = 0;
  let dropped = 0;
  for (const line of bundleLines(sources, pseudonyms)) {
    const written = JSON.stringify(line);
    // Last check: never write a line that contains a password of the configuration.
    if (pseudonyms.containsSecret(written)) {
      dropped += 1;
      continue;
    }
    lines.push(written);
    kinds.set(line.kind, (kinds.get(line.kind) ?? 0) + 1);
    characters += written.length + 1;
  }
  const refused = config.adcs.flatMap(({ name }) =>
    sources.recorder
      .answers(name)
      .flatMap(({ resource, rows, code }) =>
        rows === null ? [`${resource} (${String(code)})`] : [],
      ),
  );
  const { replaced } = pseudonyms;
  return { lines, contents: { kinds, characters, refused, replaced, dropped } };
}

function* bundleLines(sources: BundleSources, pseudonyms: Pseudonyms): Generator<BundleLine> {
  const { config, live, madeBy, now } = sources;
  yield {
    kind: "bundle",
    version: BUNDLE_VERSION,
    made_at: new Date(now).toISOString(),
    adc_witness: madeBy.version,
    node: madeBy.node,
    platform: madeBy.platform,
  };
  for (const adc of config.adcs) {
    yield* adcLines(adc, sources, pseudonyms);
  }
  for (const member of live.members) {
    yield memberLine(member, pseudonyms);
  }
  for (const vserver of live.vservers) {
    yield vserverLine(vserver, pseudonyms);
  }
  for (const probe of live.probes) {
    yield probeLine(probe, pseudonyms);
  }
  for (const { owner, entry } of sources.changes.slice(-MAX_CHANGES)) {
    yield {
      kind: "change",
      owner: namedOwner(owner, pseudonyms),
      entry: namedEntry(entry, pseudonyms),
    };
  }
}

const MAX_CHANGES = 50_000;

function namedOwner(owner: TimelineOwner, pseudonyms: Pseudonyms): TimelineOwner {
  const adc = pseudonyms.name(owner.adc);
  return owner.kind === "vserver"
    ? { ...owner, adc, vserver: pseudonyms.name(owner.vserver) }
    : {
        ...owner,
        adc,
        adcService: pseudonyms.name(owner.adcService),
        server: pseudonyms.name(owner.server),
        vservers: owner.vservers.map((one) => pseudonyms.name(one)),
      };
}

function namedEntry(entry: TimelineEntry, pseudonyms: Pseudonyms): TimelineEntry {
  const { decidedBy } = entry;
  return { ...entry, decidedBy: decidedBy === null ? null : pseudonyms.name(decidedBy) };
}

function* adcLines(
  { name, nitro, nsConf }: AdcConfig,
  { recorder, nsConfs, live }: BundleSources,
  pseudonyms: Pseudonyms,
): Generator<BundleLine> {
  const adc = pseudonyms.name(name);
  const hosts = (nitro?.urls ?? []).map((url) => new URL(url).host);
  const fromFile = nsConfs.get(name) ?? null;
  const estate = recorder.estate(name) ?? fromFile;
  const failure = live.adcs.find((one) => one.name === name)?.lastError ?? null;
  yield {
    kind: "adc",
    adc,
    firmware: estate?.firmware?.text ?? null,
    nodes: hosts.length,
    partition: (nitro?.partition ?? null) !== null,
    ns_conf: nsConf !== null,
    failure: failure === null ? null : pseudonyms.text(failure),
  };
  for (const { node, api, resource, rows, secondary, code, words } of recorder.answers(name)) {
    const lines = (rows ?? []).map((row): BundleLine => ({
      kind: "row",
      fields: pseudonyms.row(row),
    }));
    const kept = lines.filter((line) => !pseudonyms.containsSecret(JSON.stringify(line)));
    yield {
      kind: "answer",
      adc,
      node: Math.max(0, hosts.indexOf(node)),
      api,
      resource,
      rows: rows === null ? null : kept.length,
      secondary,
      code,
      words: words === null ? null : pseudonyms.text(words),
    };
    yield* kept;
  }
  for (const { kind, text } of recorder.texts(name)) {
    yield { kind: "text", adc, of: kind, text: pseudonyms.text(text) };
  }
  for (const [statement, count] of fromFile?.otherStatements ?? []) {
    yield { kind: "statement", adc, statement: pseudonyms.text(statement), count };
  }
  for (const { rule, severity, line, object } of estate?.diagnostics ?? []) {
    yield { kind: "finding", adc, rule, severity, line, object: pseudonyms.name(object) };
  }
}

function memberLine(member: LiveMember, pseudonyms: Pseudonyms): BundleLine {
  return {
    kind: "verdict",
    adc: pseudonyms.name(member.adc),
    vservers: member.vservers.map((one) => pseudonyms.name(one)),
    adc_service: pseudonyms.name(member.adcService),
    server: pseudonyms.name(member.server),
    port: member.port,
    opinions: { adc: member.adcOpinion, replica: member.replica, service: member.service },
    verdict: member.verdict,
    step: member.step,
    reason: member.reason,
    decided_by: member.decidedBy === null ? null : pseudonyms.name(member.decidedBy),
    since: instant(member.since),
  };
}

function vserverLine(vserver: LiveVserver, pseudonyms: Pseudonyms): BundleLine {
  return {
    kind: "verdict",
    adc: pseudonyms.name(vserver.adc),
    vservers: [pseudonyms.name(vserver.vserver)],
    adc_service: null,
    server: null,
    port: vserver.port,
    opinions: { adc: vserver.adcOpinion, vip: vserver.vip },
    verdict: vserver.verdict,
    step: null,
    reason: vserver.reason,
    decided_by: null,
    since: instant(vserver.since),
  };
}

function probeLine(probe: LiveProbe, pseudonyms: Pseudonyms): BundleLine {
  const { last } = probe;
  const detail = last?.evidence.detail;
  return {
    kind: "probe",
    adc: pseudonyms.name(probe.adc),
    vserver: orNull(probe.vserver, pseudonyms),
    adc_service: orNull(probe.adcService, pseudonyms),
    server: orNull(probe.server, pseudonyms),
    address: orNull(probe.address ?? "", pseudonyms),
    port: probe.port === "" ? null : probe.port,
    vantage: probe.vantage,
    // Names and types of transactions are adc-witness's own and need no pseudonym.
    probe: probe.kind === "monitor" ? pseudonyms.name(probe.monitor) : probe.transaction,
    type:
      probe.kind === "monitor" ? String(pseudonyms.value("type", probe.type)) : probe.transaction,
    opinion: probe.opinion,
    not_repeated: probe.notRepeated === null ? null : pseudonyms.text(probe.notRepeated),
    outcome: last?.outcome ?? null,
    step: last?.step ?? null,
    reason: last?.reason ?? null,
    duration_ms: last?.durationMs ?? null,
    served_by: orNull(last?.servedBy ?? "", pseudonyms),
    tls: last === null ? null : tlsFields(last, pseudonyms),
    transcript: last === null ? null : pseudonyms.text(last.evidence.transcript),
    detail: typeof detail === "string" ? pseudonyms.text(detail) : null,
  };
}

function tlsFields({ tls }: Observation, pseudonyms: Pseudonyms): Record<string, unknown> | null {
  return tls === null
    ? null
    : {
        protocol: tls.protocol,
        cipher: tls.cipher === null ? null : pseudonyms.text(tls.cipher),
        verification: tls.verification,
        server_name: orNull(tls.serverName ?? "", pseudonyms),
        chain: tls.chain.map((one) => ({
          subject: pseudonyms.text(one.subject),
          issuer: pseudonyms.text(one.issuer),
          serial: pseudonyms.serial(one.serial),
          sha256: pseudonyms.name(one.sha256),
          names: one.names.map((name) => pseudonyms.name(name)),
          not_before: instant(one.notBefore),
          not_after: instant(one.notAfter),
          key: pseudonyms.text(one.key),
        })),
      };
}

function orNull(name: string, pseudonyms: Pseudonyms): string | null {
  return name === "" ? null : pseudonyms.name(name);
}

function instant(atMs: number | null): string | null {
  return atMs === null || !Number.isFinite(atMs) ? null : new Date(atMs).toISOString();
}

/** All secrets of a configuration. */
function secretsIn(value: unknown, depth = 0): readonly string[] {
  if (value instanceof Secret) {
    return [value.reveal()];
  }
  if (typeof value !== "object" || value === null || depth > 8) {
    return [];
  }
  const inner: Iterable<unknown> = value instanceof Map ? value.values() : Object.values(value);
  return [...inner].flatMap((one) => secretsIn(one, depth + 1));
}

/** User names of ADCs, monitors and transactions, with their parts. */
function identitiesIn({ adcs, monitors, transactions }: Config): readonly string[] {
  const names = [
    ...adcs.flatMap(({ nitro }) => nitro?.username ?? []),
    ...[...monitors.values()].flatMap(({ username }) => username ?? []),
    ...transactions.accounts.flatMap(({ name, username, address }) => [name, username, address]),
  ].filter((name) => typeof name === "string");
  return [...new Set(names.flatMap((name) => [name, ...name.split(/[\\@]/)]))]
    .filter((name) => name !== "")
    .sort((a, b) => b.length - a.length);
}
