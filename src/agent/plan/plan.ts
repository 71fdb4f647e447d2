import type { Estate } from "../../model/estate.ts";
import type { AdnsAddress, GslbDomain, GslbVserver } from "../../model/gslb.ts";
import type { Port } from "../../model/adc-service.ts";
import { type PlannedProbe, probeId } from "./planned-probe.ts";
import type { ExcludeConfig, Config } from "../../config/schema.ts";
import { matchesPattern, selectsMember, withoutOwnHost, type PlanSettings } from "./settings.ts";
import type { Monitor } from "../../model/monitor.ts";
import { runSync, groupBy, type Steps } from "../../lib/steps.ts";
import { isIP } from "../../lib/ip.ts";
import { withSites } from "../../adc/gslb-fields.ts";
import { servesNoClients } from "../../adc/idle-services.ts";
import { createVserverGraph } from "../../adc/vserver-graph.ts";
import type { LearnedExchange } from "../../adc/recognise.ts";
import { configuredProbes } from "./configured-probes.ts";
import { backendLookProbes, recogniserOf } from "./look-probes.ts";
import { backendMonitorProbes } from "./monitor-probes.ts";
import { policyProbes } from "./content-switching.ts";
import { vipProbes } from "./vip-probes.ts";
import { refusalsOf } from "./vip-refusal.ts";
import { problemText, type ConfigProblem } from "../../config/problems.ts";

const DNS_INTERVAL_MS = 10_000;
const DNS_TIMEOUT_MS = 5_000;
/** The maximum number of DNS probes per GSLB vserver; further ones are listed and not run. */
const MAX_DNS_PROBES = 32;

/** Queries every name of each GSLB vserver at every address on which the ADC's own DNS listens. */
function gslbProbes(estate: Estate, configured: PlanSettings["adns"]): PlannedProbe[] {
  const { vservers } = estate.gslb;
  const adns =
    configured.length === 0
      ? estate.gslb.adns
      : configured.flatMap(({ host: address, port }) =>
          (["udp", "tcp"] as const).map((transport) => ({ address, port, transport })),
        );
  return [...vservers.values()].flatMap((vserver) =>
    vserver.domains
      .flatMap((domain) => adns.map((address) => ({ domain, address })))
      .map(({ domain, address }, at) =>
        dnsProbe(estate.adc, vserver, domain, address, at >= MAX_DNS_PROBES),
      ),
  );
}

function dnsProbe(
  adc: string,
  vserver: GslbVserver,
  domain: GslbDomain,
  { address, port, transport }: AdnsAddress,
  isOverLimit: boolean,
): PlannedProbe {
  const { shownAs, recordType } = vserver;
  const unsupportedReason =
    recordType === "NAPTR"
      ? "NAPTR records are not queried"
      : isOverLimit
        ? `over the limit of ${String(MAX_DNS_PROBES)} pairs of name and DNS address`
        : null;
  return {
    id: probeId(adc, "vip", shownAs, `${domain.name} at ${address}`, port, `dns ${transport}`),
    adc,
    vantage: "vip",
    vserver: shownAs,
    vservers: [shownAs],
    adcService: "",
    server: null,
    memberAddress: null,
    memberPort: null,
    address,
    port,
    intervalMs: DNS_INTERVAL_MS,
    timeoutMs: DNS_TIMEOUT_MS,
    type: "dns_lookup",
    source: "agent",
    sourceAddresses: [],
    tlsSource: null,
    note: `queries the ADC's DNS for ${domain.name} over ${transport.toUpperCase()}`,
    action: {
      kind: "transaction",
      transaction: "dns_lookup",
      role: "service",
      account: null,
      run:
        unsupportedReason === null
          ? {
              spec: {
                transaction: "dns_lookup",
                security: "none",
                tls: null,
                host: domain.name,
                path: null,
                account: null,
                allowPlaintext: false,
                expect: "works",
                exchange: null,
                adc: null,
                options: { query: domain.name, type: recordType, transport },
              },
              target: { host: address, port, server: null },
            }
          : null,
      unsupportedReason,
    },
  };
}

/**
 * Marks a probe as unsupported if it would connect to the address in DNS while the ADC connects to a translated one
 * (`-translationIp`, NITRO docs, server).
 */
function translatedServers({ servers }: Estate): (probe: PlannedProbe) => PlannedProbe {
  const translated = new Map(
    [...servers.values()].flatMap(({ name, domain, translationIp = null }) =>
      domain === null || translationIp === null || translationIp === "0.0.0.0"
        ? []
        : [[name, translationIp] as const],
    ),
  );
  return (probe) => {
    const { action, server, vantage, memberAddress } = probe;
    const into = vantage === "backend" ? translated.get(server ?? "") : undefined;
    const isElsewhere = action.kind === "monitor" && action.monitor.destIp !== null;
    // NITRO reports the address that the ADC itself uses.
    if (into === undefined || action.run === null || isElsewhere || isIP(memberAddress ?? "") > 0) {
      return probe;
    }
    const unsupportedReason = `the ADC translates this server's DNS address (-translationIp ${into})`;
    return { ...probe, action: { ...action, run: null, unsupportedReason } };
  };
}

/** Marks a probe as unsupported, with the reason, if the operator excludes it from probing. */
function withoutExcluded(probe: PlannedProbe, exclude: readonly ExcludeConfig[]): PlannedProbe {
  const { action } = probe;
  const excluded = exclude.find((each) => each.from === "probing" && concerns(each, probe));
  if (excluded !== undefined) {
    const unsupportedReason = `excluded: ${excluded.reason}`;
    return { ...probe, action: { ...action, run: null, unsupportedReason } };
  }
  const unjudged = exclude.find(
    (each) => each.what === "monitor" && each.from === "judging" && concerns(each, probe),
  );
  return unjudged === undefined ? probe : { ...probe, unjudged: unjudged.reason };
}

function concerns({ what, pattern }: ExcludeConfig, probe: PlannedProbe): boolean {
  const { action, vantage, server, memberAddress, memberPort, vservers } = probe;
  switch (what) {
    case "monitor":
      return action.kind === "monitor" && matchesPattern(pattern, action.monitor.name);
    case "member":
      return (
        server !== null &&
        memberPort !== null &&
        selectsMember(pattern, { server, address: memberAddress, port: memberPort })
      );
    case "vserver":
      return vantage !== "backend" && vservers.some((name) => matchesPattern(pattern, name));
  }
}

/** The operator's reason why a member gets no verdict; null if it gets one. */
export function unjudgedMember(
  exclude: readonly ExcludeConfig[],
  member: { readonly server: string; readonly address: string | null; readonly port: number | "*" },
): string | null {
  const found = exclude.find(
    ({ what, pattern }) => what === "member" && selectsMember(pattern, member),
  );
  return found?.reason ?? null;
}

/** Like `unjudgedMember`, for a vserver. */
export function unjudgedVserver(exclude: readonly ExcludeConfig[], vserver: string): string | null {
  return (
    exclude.find(({ what, pattern }) => what === "vserver" && matchesPattern(pattern, vserver))
      ?.reason ?? null
  );
}

function hasMember(estate: Estate, pattern: string): boolean {
  return [...estate.services.values()].some(({ members }) =>
    members.some((member) => selectsMember(pattern, member)),
  );
}

/** The names of everything that is listed as a vserver. */
function vserverNames({
  lbVservers,
  csVservers,
  authenticationVservers,
  gslb,
}: Estate): readonly string[] {
  return [
    ...[lbVservers, csVservers, authenticationVservers].flatMap((known) => [...known.keys()]),
    ...[...gslb.vservers.values()].map(({ shownAs }) => shownAs),
  ];
}

/** Whether an exclusion matches anything in an estate. */
function findsAnything({ what, pattern }: ExcludeConfig, estate: Estate): boolean {
  switch (what) {
    case "monitor":
      return [...estate.monitors.keys()].some((name) => matchesPattern(pattern, name));
    case "member":
      return hasMember(withSites(estate), pattern);
    case "vserver":
      return vserverNames(estate).some((name) => matchesPattern(pattern, name));
  }
}

/**
 * The estate with every monitor interval raised to at least `minIntervalMs` milliseconds, up or down. The ADC may be
 * configured to probe every millisecond; a replica must not flood the servers.
 */
function withMinInterval(estate: Estate, minIntervalMs: number): Estate {
  if (!isAnyFaster(estate, minIntervalMs)) {
    return estate;
  }
  const fast = [...estate.monitors.values()].filter((monitor) => isFaster(monitor, minIntervalMs));
  const slowed = fast.map((monitor): [string, Monitor] => [
    monitor.name,
    {
      ...monitor,
      intervalMs: Math.max(monitor.intervalMs, minIntervalMs),
      downTimeMs: Math.max(monitor.downTimeMs, minIntervalMs),
    },
  ]);
  return { ...estate, monitors: new Map([...estate.monitors, ...slowed]) };
}

/** Notes on a probe that it runs less often than the ADC's own. `estate`: as imported. */
function withIntervalNote(
  probe: PlannedProbe,
  estate: Estate,
  minIntervalMs: number,
): PlannedProbe {
  const own =
    probe.action.kind === "monitor" ? estate.monitors.get(probe.action.monitor.name) : undefined;
  if (own === undefined || !isFaster(own, minIntervalMs)) {
    return probe;
  }
  const note =
    `the ADC probes every ${String(Math.min(own.intervalMs, own.downTimeMs))} ms, ` +
    `this agent at most every ${String(minIntervalMs)} ms (min_probe_interval)`;
  return { ...probe, note: probe.note === null ? note : `${probe.note}; ${note}` };
}

function isAnyFaster({ monitors }: Estate, minIntervalMs: number): boolean {
  return [...monitors.values()].some((monitor) => isFaster(monitor, minIntervalMs));
}

function isFaster({ intervalMs, downTimeMs }: Monitor, minIntervalMs: number): boolean {
  return Math.min(intervalMs, downTimeMs) < minIntervalMs;
}

/**
 * Every probe that an estate calls for, including those that cannot be run, each with the reason. Pure: the same estate
 * and settings give the same plan. `learned`: members that were recognised as Exchange at run time.
 */
export function planProbes(
  estate: Estate,
  settings: PlanSettings,
  learned: LearnedExchange = new Set(),
): PlannedProbe[] {
  return runSync(planSteps(estate, settings, learned));
}

/** Like `planProbes`, in steps: thousands of members take a large part of a second. */
export function* planSteps(
  imported: Estate,
  settings: PlanSettings,
  learned: LearnedExchange,
): Steps<PlannedProbe[]> {
  const plan: PlannedProbe[] = [];
  for (const batch of planBatches(imported, settings, learned)) {
    for (const probe of batch) {
      plan.push(probe);
    }
    yield;
  }
  return plan;
}

/** Like `planProbes`, in batches that are made on demand: a large plan needs more memory than its estate. */
function* planBatches(
  imported: Estate,
  settings: PlanSettings,
  learned: LearnedExchange = new Set(),
): Generator<readonly PlannedProbe[], void, undefined> {
  const { minIntervalMs } = settings;
  const hasFastMonitors = isAnyFaster(imported, minIntervalMs);
  const withRefusal = refusalsOf(imported);
  const withoutTranslated = translatedServers(imported);
  for (const batch of rawBatches(imported, settings, learned)) {
    yield batch.map((raw) => {
      const allowed = withoutExcluded(
        withoutOwnHost(withoutTranslated(raw), settings.targets, imported),
        settings.exclude,
      );
      const probe = withRefusal(allowed, sourcesOf(allowed, settings));
      return hasFastMonitors ? withIntervalNote(probe, imported, minIntervalMs) : probe;
    });
  }
}

/** The probes of these estates one by one, made on demand. */
export function* eachPlanned(
  estates: readonly PlannedEstate[],
): Generator<PlannedProbe, void, undefined> {
  for (const { estate, settings, learned } of estates) {
    for (const batch of planBatches(estate, settings, learned)) {
      yield* batch;
    }
  }
}

/** The probes before exclusions, refusals and notes are applied. */
function* rawBatches(
  imported: Estate,
  settings: PlanSettings,
  learned: LearnedExchange,
): Generator<readonly PlannedProbe[], void, undefined> {
  const limited = withMinInterval(imported, settings.minIntervalMs);
  const estate = withSites(limited);
  const recognise = recogniserOf(estate, settings, learned);
  yield [];
  const graph = createVserverGraph(estate);
  yield [];
  const isUnserving = servesNoClients(estate);
  const monitorProbes = backendMonitorProbes(estate, settings, graph, isUnserving);
  for (const service of estate.services.values()) {
    yield monitorProbes(service);
  }
  // The looks at GSLB sites are repeated at their public addresses.
  const looks: PlannedProbe[] = [];
  const hasSites = estate.gslb.vservers.size > 0;
  for (const service of estate.services.values()) {
    const own = isUnserving(service)
      ? []
      : backendLookProbes(estate, settings, recognise, graph, service);
    if (hasSites) {
      looks.push(...own);
    }
    yield own;
  }
  // GSLB sites get their service's monitors and looks. Logins are sent only through the VIP of the site's own ADC.
  yield* vipProbes(limited, settings, recognise, graph, isUnserving);
  yield* policyProbes(limited, settings, recognise, graph);
  yield configuredProbes(limited, settings, recognise, graph);
  yield publicSiteProbes(estate, looks);
  yield gslbProbes(estate, settings.adns);
}

/** The agent's own addresses from which this probe may connect. */
function sourcesOf(
  { address }: PlannedProbe,
  { ownAddresses, ownAddressTowards }: PlanSettings,
): readonly string[] {
  const own = ownAddressTowards?.get(address ?? "");
  return own === undefined ? ownAddresses : [own];
}

/**
 * The looks at a GSLB service's VIP, repeated at the other addresses that DNS returns for it: its public address, and
 * those of DNS views. The address translation in front of the VIP must be tested too.
 */
function publicSiteProbes({ adc, gslb }: Estate, looks: readonly PlannedProbe[]): PlannedProbe[] {
  const looksOf = groupBy(looks, ({ adcService }) => adcService);
  return [...gslb.vservers.values()].flatMap(({ shownAs, services }) =>
    services.flatMap(({ service }) => {
      const own = gslb.services.get(service);
      return (own?.members ?? []).flatMap((member, at) =>
        (own?.otherAddresses[at] ?? [])
          .filter((address) => address !== member.address)
          .flatMap((address) =>
            (looksOf.get(own?.shownAs ?? "") ?? [])
              .filter((look) => look.server === member.server && look.memberPort === member.port)
              .flatMap((look) =>
                lookAt(look, adc, shownAs, address, own?.publicPorts[at] ?? look.port),
              ),
          ),
      );
    }),
  );
}

function lookAt(
  look: PlannedProbe,
  adc: string,
  vserver: string,
  address: string,
  port: Port | null,
): readonly PlannedProbe[] {
  const { action, adcService } = look;
  if (action.kind !== "transaction" || action.run === null || typeof port !== "number") {
    return [];
  }
  const { spec, target } = action.run;
  return [
    {
      ...look,
      id: probeId(adc, "public", vserver, `${adcService} at ${address}`, port, action.transaction),
      vantage: "public",
      vserver,
      vservers: [vserver],
      adcService: "",
      server: null,
      memberAddress: null,
      memberPort: null,
      address,
      port,
      note: `connects to the address that DNS gives to clients of GSLB service ${adcService}`,
      action: {
        ...action,
        run: { spec, target: { ...target, host: address, port, server: null } },
      },
    },
  ];
}

/** An estate, and the settings for planning its probes. */
export interface PlannedEstate {
  readonly estate: Estate;
  readonly settings: PlanSettings;
  readonly learned?: LearnedExchange;
}

/**
 * Runs, exclusions and `looks` of the configuration that match nothing in any estate: each is a mistake, reported with
 * its location.
 */
export function idleSettings(
  config: Pick<Config, "file" | "transactions" | "exclude" | "locate"> &
    Partial<Pick<Config, "members" | "vservers">>,
  estates: readonly PlannedEstate[],
): readonly ConfigProblem[] {
  const problem = (path: readonly (string | number)[], message: string): ConfigProblem => ({
    file: config.file,
    ...(config.locate?.(path) ?? { line: null, column: null }),
    path: path.join("."),
    message,
  });
  const runs = config.transactions.run.flatMap((run, index) =>
    estates.some(({ estate, settings, learned = new Set() }) => {
      const one = { ...settings, runs: [run] };
      const recognise = recogniserOf(estate, one, learned);
      return configuredProbes(estate, one, recognise, createVserverGraph(estate)).length > 0;
    })
      ? []
      : problem(
          ["transactions", "run", index],
          problemText(
            `${run.transaction} matches no member and no vserver of any estate`,
            "members that speak the transaction's protocol, and a vantage from which they can be reached",
            "correct members or vantages, or set the ports",
          ),
        ),
  );
  const exclusions = (config.exclude ?? []).flatMap((exclusion, index) =>
    estates.some(({ estate }) => findsAnything(exclusion, estate))
      ? []
      : problem(
          ["exclude", index, exclusion.what],
          problemText(
            `${exclusion.pattern} matches nothing in any estate`,
            `a ${exclusion.what} of an estate`,
            "correct the name, or remove the entry",
          ),
        ),
  );
  const looks = [
    ...(config.members ?? []).flatMap(({ match, looks: kinds }, index) =>
      kinds === undefined || estates.some(({ estate }) => hasMember(withSites(estate), match))
        ? []
        : { path: ["members", index, "match"], name: match, what: "member" },
    ),
    ...[...(config.vservers ?? [])].flatMap(([name, { looks: kinds }]) =>
      kinds === undefined || estates.some(({ estate }) => vserverNames(estate).includes(name))
        ? []
        : { path: ["vservers", name, "looks"], name, what: "vserver" },
    ),
  ].map(({ path, name, what }) =>
    problem(
      path,
      problemText(
        `${name} matches nothing in any estate, so the looks setting has no effect`,
        `a ${what} of an estate`,
        "correct the name, or remove its looks",
      ),
    ),
  );
  return [...runs, ...exclusions, ...looks];
}
