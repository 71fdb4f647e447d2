import type { LiveMember, LiveProbe, LiveState, LiveVserver } from "../model/live.ts";

/** The filter of page and API, also the query of a permalink; an absent key does not filter. */
export interface Selection {
  readonly adc?: string;
  readonly vserver?: string;
  readonly adcService?: string;
  readonly server?: string;
  readonly port?: string;
  readonly verdict?: string;
}

/** Reads the query; empty form values count as absent. */
export function readSelection(query: URLSearchParams): Selection {
  const value = (name: string): string | undefined => query.get(name) ?? undefined;
  return withoutBlanks({
    adc: value("adc"),
    vserver: value("vserver"),
    adcService: value("adc_service"),
    server: value("server"),
    port: value("port"),
    verdict: value("verdict"),
  });
}

/** The query that `readSelection` reads, with its question mark; empty for no selection. */
export function selectionQuery(selection: Selection): string {
  const query = new URLSearchParams();
  const pairs = [
    ["adc", selection.adc],
    ["vserver", selection.vserver],
    ["adc_service", selection.adcService],
    ["server", selection.server],
    ["port", selection.port],
    ["verdict", selection.verdict],
  ] as const;
  for (const [name, value] of pairs) {
    if (value !== undefined) {
      query.set(name, value);
    }
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

export function selectMembers(live: LiveState, selection: Selection): readonly LiveMember[] {
  const { adc, vserver, adcService, server, port, verdict } = selection;
  return live.members.filter(
    (member) =>
      (adc === undefined || member.adc === adc) &&
      (vserver === undefined || member.vservers.includes(vserver)) &&
      (adcService === undefined || member.adcService === adcService) &&
      (server === undefined || member.server === server) &&
      (port === undefined || String(member.port) === port) &&
      (verdict === undefined || member.verdict === verdict),
  );
}

/** Selected vservers: if the selection filters members, those that a selected member serves. */
export function selectVservers(live: LiveState, selection: Selection): readonly LiveVserver[] {
  const { adc, vserver, adcService, server, port, verdict } = selection;
  const namesMembers = adcService !== undefined || server !== undefined || port !== undefined;
  const members = namesMembers
    ? selectMembers(live, withoutBlanks({ ...selection, verdict: undefined }))
    : [];
  const served = new Set(
    members.flatMap((member) => member.vservers.map((name) => `${member.adc}\u0000${name}`)),
  );
  return live.vservers.filter(
    (one) =>
      (adc === undefined || one.adc === adc) &&
      (vserver === undefined || one.vserver === vserver) &&
      (verdict === undefined || one.verdict === verdict) &&
      (!namesMembers || served.has(`${one.adc}\u0000${one.vserver}`)),
  );
}

export function selectProbes(live: LiveState, selection: Selection): readonly LiveProbe[] {
  const { adc, vserver, adcService, server, port } = selection;
  return live.probes.filter(
    (probe) =>
      (adc === undefined || probe.adc === adc) &&
      (vserver === undefined || probe.vserver === vserver) &&
      (adcService === undefined || probe.adcService === adcService) &&
      (server === undefined || probe.server === server) &&
      (port === undefined || String(probe.port) === port),
  );
}

function withoutBlanks(selection: {
  readonly [Key in keyof Selection]: string | undefined;
}): Selection {
  return Object.fromEntries(
    Object.entries(selection).filter(([, value]) => value !== undefined && value !== ""),
  );
}
