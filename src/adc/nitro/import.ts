import { isIP } from "../../lib/ip.ts";
import { counted } from "../../lib/counted.ts";
import { builtInMonitor } from "../monitor-defaults.ts";
import type { AdcService, Member, MonitorBinding } from "../../model/adc-service.ts";
import { DiagnosticList } from "../diagnostic-list.ts";
import { estateDiagnostics } from "../diagnostics.ts";
import { MAX_NAME_LENGTH } from "../field-types.ts";
import { readWhole, type Fields, type Values } from "../fields.ts";
import type { AdcParameters, Estate, Firmware, Server, Diagnostic } from "../../model/estate.ts";
import type { Monitor } from "../../model/monitor.ts";
import {
  CS_PARAMETER_FIELDS,
  LB_PARAMETER_FIELDS,
  NET_PROFILE_FIELDS,
  SESSION_PARAMETER_FIELDS,
  sourceAddressesOf,
  SSL_PARAMETER_FIELDS,
  GROUP_FIELDS,
} from "../vserver-fields.ts";
import type { Policy, PolicyAction, PolicyBinding } from "../../model/policy.ts";
import type { SslProfile } from "../../model/tls-settings.ts";
import { NO_BACKEND_TLS, withDefaultTlsProfile } from "../tls-fields.ts";
import {
  address,
  rowSource,
  text,
  type Report,
  type Row,
  firstRow,
  groupBy,
  namedMap,
  type RowTables,
} from "./row-values.ts";
import { pullRows, type Pulled } from "./rows.ts";
import { isUntouchedBuiltIn, monitorFromRow } from "./monitors.ts";
import { forEachPaced, type Pacer, createPacer } from "../../lib/pacing.ts";
import { aclsFrom, actionFromRow, policyFromRow } from "./policies.ts";
import {
  FORM_SSO,
  GROUP_POLICIES,
  LOGIN_HOLDERS,
  POLICY_FEATURES,
  LOGIN_FEATURES,
  IMPORT_STEPS,
  type ImportStep,
} from "./pull-plan.ts";
import {
  memberFromServiceRow,
  membersFromRows,
  monitorBindings,
  serverFromRow,
  serviceFromRow,
} from "./services.ts";
import { backendTls, certKeyFromRow, clientCertificateOf, sslProfileFromRow } from "./tls.ts";
import {
  csTargets,
  serviceBindings,
  vserverParts,
  authenticationVserverFromRow,
  policiesOf,
  policyBindingFromRow,
  csVserverFromRow,
  lbVserverFromRow,
} from "./vservers.ts";
import { actionOf } from "./judge.ts";
import { gapOf } from "./gaps.ts";
import { gslbFromRows } from "./gslb.ts";
import { gapSentence, type NitroGap } from "../../model/adc-state.ts";
import { pause } from "../../lib/timers.ts";
import { READ_BUDGET, withBudget } from "./budget.ts";
import type { NitroClient, NitroFailure, NitroStop } from "./client.ts";

/** Builds an estate from the rows of all resources, in slices that yield to the event loop. */
export async function buildEstate(adc: string, rows: RowTables, pacer: Pacer): Promise<Estate> {
  const diagnostics = new DiagnosticList();
  const report: Report = (diagnostic) => {
    diagnostics.push(diagnostic);
  };
  const servers = namedMap(rows, "server", (row) => serverFromRow(row, report));
  const sslProfiles = namedMap(rows, "sslprofile", (row) => sslProfileFromRow(row, report));
  const parameters = parametersFrom(rows, report);
  const tls = { profiles: sslProfiles, defaultProfiles: parameters.sslDefaultProfile };
  const services = await buildServices(rows, servers, tls, report, pacer);
  const policies = new Map<string, Policy>();
  const actions = new Map<string, PolicyAction>();
  for (const feature of [...POLICY_FEATURES, ...LOGIN_FEATURES]) {
    for (const row of rows.get(feature.policy) ?? []) {
      addForFeature(policies, policyFromRow(row, feature));
    }
    for (const row of feature.action === null ? [] : (rows.get(feature.action) ?? [])) {
      addForFeature(actions, actionFromRow(row, feature));
    }
  }
  for (const row of rows.get(FORM_SSO.action) ?? []) {
    addForFeature(actions, actionFromRow(row, FORM_SSO));
  }
  const parts = vserverParts(rows, report);
  const loginPolicies = policiesOf(rows, "authenticationvserver", LOGIN_FEATURES, report);
  const bindings = serviceBindings(rows, report);
  const targets = csTargets(rows, policies, actions, report);
  const globalBindings = (resource: string): readonly PolicyBinding[] =>
    (rows.get(resource) ?? []).flatMap((row) => policyBindingFromRow(row, report) ?? []);
  const boundCertKeys = groupBy(rows, "sslvserver_sslcertkey_binding", "vservername");
  const defaults = groupBy(rows, "csvserver_lbvserver_binding", "name");
  const nsip = address(firstRow(rows, "nsconfig"), "ipaddress");
  const snips = (rows.get("nsip") ?? []).flatMap((row) =>
    text(row, "type")?.toUpperCase() === "SNIP" ? (address(row, "ipaddress") ?? []) : [],
  );
  const lbVservers = namedMap(rows, "lbvserver", (row) => {
    const name = text(row, "name");
    return name === null
      ? null
      : lbVserverFromRow(row, name, parts(name, "lb"), bindings.get(name) ?? [], report);
  });
  const csVservers = namedMap(rows, "csvserver", (row) => {
    const name = text(row, "name");
    if (name === null) {
      return null;
    }
    const fallback = defaults.get(name)?.[0] ?? {};
    return csVserverFromRow(
      row,
      name,
      parts(name, "cs"),
      targets.get(name) ?? [],
      text(fallback, "lbvserver") ?? text(fallback, "targetvserver"),
      parameters.csStateUpdate,
      report,
    );
  });
  const around = { servers, services, lbVservers, csVservers, nsip, snips };
  const unsaid = withDefaultTlsProfile(NO_BACKEND_TLS, sslProfiles, tls.defaultProfiles);
  const gslb = gslbFromRows(rows, { ...around, tls: unsaid }, report);
  const watched = [...services.values(), ...gslb.services.values()];
  const monitors = await buildMonitors(rows, watched, report, pacer);
  return {
    adc,
    extent: "objects",
    firmware: firmwareFrom(firstRow(rows, "nsversion")),
    nsip,
    snips,
    parameters,
    servers,
    services,
    monitors,
    lbVservers,
    csVservers,
    policies,
    actions,
    authenticationVservers: namedMap(rows, "authenticationvserver", (row) =>
      authenticationVserverFromRow(row, boundCertKeys, loginPolicies, rows, report),
    ),
    certKeys: namedMap(rows, "sslcertkey", (row) => certKeyFromRow(row, report)),
    sslProfiles,
    netProfiles: namedMap(rows, "netprofile", (row) => {
      const name = text(row, "name");
      if (name === null) {
        return null;
      }
      const profile = readWhole(NET_PROFILE_FIELDS, rowSource(row, name, report));
      const sourceAddresses = sourceAddressesOf(profile.sourceIp, (set) => [
        ...addressesOfSet(rows, "ipset_nsip_binding", set),
        ...addressesOfSet(rows, "ipset_nsip6_binding", set),
      ]);
      return { name, ...profile, sourceAddresses, line: null };
    }),
    gslb,
    acls: aclsFrom(rows, report),
    globalResponderPolicies: globalBindings("responderglobal_responderpolicy_binding"),
    globalFirewallPolicies: globalBindings("appfwglobal_appfwpolicy_binding"),
    diagnostics: diagnostics.all(),
    otherStatements: new Map(),
  };
}

/** The ADC's addresses that are bound to a set (`bind ipset`), of one family. */
function addressesOfSet(rows: RowTables, resource: string, set: string): string[] {
  return (rows.get(resource) ?? [])
    .filter((row) => text(row, "name") === set)
    .map((row) => text(row, "ipaddress") ?? "")
    .filter((ip) => isIP(ip) !== 0);
}

interface TlsDefaults {
  readonly profiles: ReadonlyMap<string, SslProfile>;
  /** `set ssl parameter -defaultProfile ENABLED`. */
  readonly defaultProfiles: boolean;
}

async function buildServices(
  rows: RowTables,
  servers: ReadonlyMap<string, Server>,
  { profiles, defaultProfiles }: TlsDefaults,
  report: Report,
  pacer: Pacer,
): Promise<Map<string, AdcService>> {
  const services = new Map<string, AdcService>();
  const memberRows = groupBy(rows, "servicegroup_servicegroupmember_binding", "servicegroupname");
  const monitorRows = {
    service: groupBy(rows, "service_lbmonitor_binding", "name"),
    serviceGroup: groupBy(rows, "servicegroup_lbmonitor_binding", "servicegroupname"),
  };
  const tlsRows = {
    service: groupBy(rows, "sslservice", "servicename"),
    serviceGroup: groupBy(rows, "sslservicegroup", "servicegroupname"),
  };
  const certKeyRows = {
    service: groupBy(rows, "sslservice_sslcertkey_binding", "servicename"),
    serviceGroup: groupBy(rows, "sslservicegroup_sslcertkey_binding", "servicegroupname"),
  };

  function add(row: Row, kind: AdcService["kind"]): void {
    const name = text(row, kind === "service" ? "name" : "servicegroupname") ?? "";
    const tlsRow = tlsRows[kind].get(name)?.[0];
    // The appliance's internal services (`nshttps-…`) have no administrator's monitor.
    if (text(row, "serviceconftype2") === "Internal") {
      return;
    }
    const tls = backendTls(tlsRow ?? {}, name, profiles, defaultProfiles, report);
    const service = serviceFromRow(row, kind, tls, report);
    if (service === null) {
      return;
    }
    const { noDefaultMonitor, memberPort } = readWhole(GROUP_FIELDS, rowSource(row, name, report));
    const members: readonly Member[] =
      kind === "service"
        ? [memberFromServiceRow(row, service, servers)].filter((member) => member !== null)
        : membersFromRows(memberRows.get(name) ?? [], { ...service, memberPort }, servers, report);
    const bound = monitorRows[kind].get(name) ?? [];
    const monitors = monitorBindings(bound, service, members, !noDefaultMonitor, report);
    const clientCertificate = clientCertificateOf(certKeyRows[kind].get(name) ?? [], report);
    services.set(name, {
      ...service,
      ...(clientCertificate === null ? {} : { clientCertificate }),
      members,
      monitors: monitors.map(withOwnSpelling),
    });
  }

  await forEachPaced(rows.get("service") ?? [], pacer, (row) => {
    add(row, "service");
  });
  await forEachPaced(rows.get("servicegroup") ?? [], pacer, (row) => {
    add(row, "serviceGroup");
  });
  return services;
}

/** Built-in monitors are bound under any letter case. */
function withOwnSpelling(binding: MonitorBinding): MonitorBinding {
  return { ...binding, monitor: builtInMonitor(binding.monitor)?.name ?? binding.monitor };
}

/** Configured monitors, and the built-ins that some binding refers to or somebody has changed. */
async function buildMonitors(
  rows: RowTables,
  services: readonly AdcService[],
  report: Report,
  pacer: Pacer,
): Promise<Map<string, Monitor>> {
  const bound = new Set<string>();
  for (const service of services) {
    for (const { monitor } of service.monitors) {
      bound.add(monitor);
    }
  }
  const monitors = new Map<string, Monitor>();
  const certKeyRows = groupBy(rows, "lbmonitor_sslcertkey_binding", "monitorname");
  await forEachPaced(rows.get("lbmonitor") ?? [], pacer, (row) => {
    const certKey = clientCertificateOf(
      certKeyRows.get(text(row, "monitorname") ?? "") ?? [],
      report,
    );
    const monitor = monitorFromRow(row, certKey, report);
    if (monitor !== null && (bound.has(monitor.name) || !isUntouchedBuiltIn(monitor))) {
      monitors.set(monitor.name, monitor);
    }
  });
  for (const name of bound) {
    const builtIn = monitors.has(name) ? null : builtInMonitor(name);
    if (builtIn !== null) {
      monitors.set(name, builtIn);
    }
  }
  return monitors;
}

function parametersFrom(rows: RowTables, report: Report): AdcParameters {
  const read = <F extends Fields>(resource: string, fields: F): Values<F> =>
    readWhole(fields, rowSource(firstRow(rows, resource), resource, report));
  const ofAll = (rows.get("tmglobal_tmsessionpolicy_binding") ?? []).flatMap(
    (row) => text(row, "policyname") ?? [],
  );
  return {
    ...read("lbparameter", LB_PARAMETER_FIELDS),
    ...read("csparameter", CS_PARAMETER_FIELDS),
    ...read("sslparameter", SSL_PARAMETER_FIELDS),
    ...read("tmsessionparameter", SESSION_PARAMETER_FIELDS),
    ...(ofAll.length === 0 ? {} : { globalSessionPolicies: ofAll }),
    ...groupPoliciesFrom(rows),
  };
}

/** Not requested unless the ADC has its own login. */
function groupPoliciesFrom(rows: RowTables): Pick<AdcParameters, "groupPolicies"> {
  if ((rows.get("authenticationvserver") ?? []).length === 0) {
    return {};
  }
  const tables = LOGIN_HOLDERS.flatMap((holder) =>
    GROUP_POLICIES.map((policy) => rows.get(`${holder}_${policy}_binding`)),
  );
  const read = tables.filter((table) => table !== undefined);
  const groupPolicies = read.flatMap((table) => table.flatMap((row) => text(row, "policy") ?? []));
  if (read.length < tables.length) {
    return { groupPolicies: null };
  }
  return groupPolicies.length === 0 ? {} : { groupPolicies };
}

/** `NetScaler NS13.1: Build 37.38.nc, Date: …` written as the saved configuration does: `NS13.1 Build 37.38`. */
function firmwareFrom(row: Row): Firmware | null {
  const match =
    /NS(\d{1,3})\.(\d{1,3}):?(?:\s+Build\s+([\d.]{1,20}?)(?:\.[a-z]{1,8})?(?=[,\s]|$))?/.exec(
      text(row, "version") ?? "",
    );
  if (match === null) {
    return null;
  }
  const [, major, minor, build] = match;
  const label = `NS${major ?? ""}.${minor ?? ""}${build === undefined ? "" : ` Build ${build}`}`;
  return { major: Number(major), minor: Number(minor), text: label };
}

/** Policies and actions have a name space per feature; content switching takes the plain name, as everything looks it up. */
function addForFeature<T extends { readonly name: string; readonly feature: string }>(
  table: Map<string, T>,
  value: T | null,
): void {
  if (value !== null) {
    table.set(table.has(value.name) ? `${value.feature}/${value.name}` : value.name, value);
  }
}

export type ImportResult =
  | {
      readonly kind: "estate";
      readonly estate: Estate;
      /** What is missing; each is a diagnostic of the estate too. */
      readonly gaps: readonly NitroGap[];
    }
  /** The appliance says that it is not the primary. */
  | { readonly kind: "secondary"; readonly code: string; readonly message: string }
  | NitroFailure
  | NitroStop;

/** One import waits so long in all for an appliance that was too busy to answer. */
const MAX_WAIT_MS = 90_000;
const WAIT_SLICE_MS = 250;

/**
 * Reads the whole estate from one appliance. Without the essential resources (services, groups, members, monitors, vservers
 * and their bindings) the import fails. Any other missing resource is a gap: the estate is incomplete, not wrong. `wait` (for
 * tests): waits so many milliseconds.
 */
export async function importEstate(
  client: NitroClient,
  options: { readonly adc: string; readonly wait?: (ms: number) => Promise<void> },
): Promise<ImportResult> {
  // Permissions that were missing at the last import may have been granted.
  client.limits.denied.clear();
  const rows = new Map<string, readonly Row[]>();
  const gaps: NitroGap[] = [];
  const overlong: Diagnostic[] = [];
  const bounded = withBudget(client, READ_BUDGET);
  let waitedMs = 0;
  for (const step of IMPORT_STEPS) {
    if (step.onlyWith !== undefined && (rows.get(step.onlyWith) ?? []).length === 0) {
      continue;
    }
    while (client.pausedForMs() > 0 && waitedMs < MAX_WAIT_MS) {
      // In slices, so that closing the client ends the pause.
      const sliceMs = Math.min(client.pausedForMs(), WAIT_SLICE_MS);
      waitedMs += sliceMs;
      await (options.wait ?? pause)(sliceMs);
    }
    const pulled = await pullRows(bounded, step, parentNames(step, rows));
    if (pulled.kind === "rows") {
      if (pulled.secondary) {
        const message = `${client.node} is the secondary`;
        return { kind: "secondary", code: "1028", message };
      }
      const named = pulled.rows.filter((row) => !hasOverlongName(row));
      rows.set(step.resource, named);
      if (named.length < pulled.rows.length) {
        overlong.push(overlongNames(step.resource, pulled.rows.length - named.length));
      }
    } else if (pulled.kind === "stopped") {
      return pulled;
    } else if (step.essential === true) {
      const end = endOf(pulled);
      if (end !== null) {
        return end;
      }
    } else if (pulled.kind === "failed" && ENDINGS.has(pulled.code)) {
      return pulled;
    } else if (!isOff(pulled, step)) {
      gaps.push(gapOf(client.node, step.resource, pulled));
    }
  }
  const pacer = createPacer();
  const built = await buildEstate(options.adc, rows, pacer);
  await pacer.rest();
  const derived = new DiagnosticList();
  derived.pushAll(estateDiagnostics(built));
  const gapDiagnostics = gaps.map((gap) => gapDiagnostic(options.adc, gap));
  const all = [...gapDiagnostics, ...overlong, ...built.diagnostics, ...derived.all()];
  return { kind: "estate", estate: { ...built, diagnostics: all }, gaps };
}

/** Fields that hold the name of an object: its own, or that of what is bound. */
const NAME_FIELDS = [
  "name",
  "acl6name",
  "aclname",
  "certkey",
  "certkeyname",
  "domainname",
  "monitorname",
  "monitor_name",
  "policyname",
  "servername",
  "servicename",
  "servicegroupname",
  "sitename",
  "vservername",
] as const;

function hasOverlongName(row: Row): boolean {
  return NAME_FIELDS.some((field) => (text(row, field)?.length ?? 0) > MAX_NAME_LENGTH);
}

function overlongNames(resource: string, count: number): Diagnostic {
  return {
    severity: "error",
    rule: "unreadable_value",
    line: null,
    object: resource,
    message: `${counted(count, "row contains", "rows contain")} a name of more than ${String(MAX_NAME_LENGTH)} characters, which the ADC does not accept; ${count === 1 ? "it is" : "they are"} ignored.`,
  };
}

/**
 * The errors of AAA's own resources if AAA is missing: the node is in a cluster, or AAA is not licensed or not enabled.
 */
const WITHOUT_AAA: ReadonlySet<string> = new Set(["2470", "2649", "2650"]);

/** Nothing to monitor: the feature is off, not licensed or not configured yet. */
function isOff(pulled: Exclude<Pulled, { kind: "rows" }>, step: ImportStep): boolean {
  const { resource, newer } = step;
  return (
    (pulled.kind === "unavailable" && (pulled.what === "feature" || newer === true)) ||
    (WITHOUT_AAA.has(pulled.code) && /^(authentication|tm)/.test(resource))
  );
}

/** Failures after which no node answers, or no request is allowed. */
const ENDINGS: ReadonlySet<string> = new Set([
  "aborted",
  "held_back",
  "refused",
  "unreachable",
  "dns_failure",
  "forbidden",
  "tls",
  "too_large",
]);

/** The result of an import without something essential; null if the feature is off, so there is nothing to monitor. */
function endOf(
  pulled: Exclude<Pulled, { kind: "rows" } | NitroStop>,
): Exclude<ImportResult, { kind: "estate" }> | null {
  const { code, message } = pulled;
  switch (pulled.kind) {
    case "failed":
      return pulled;
    case "secondary":
      return { kind: "secondary", code, message };
    case "permission":
      return { kind: "failed", code, message };
    case "unavailable":
      return pulled.what === "feature" ? null : { kind: "failed", code, message };
  }
}

function parentNames(
  { parents }: ImportStep,
  rows: ReadonlyMap<string, readonly Row[]>,
): readonly string[] {
  return (parents ?? []).flatMap(([resource, field]) =>
    (rows.get(resource) ?? []).flatMap((row) => text(row, field) ?? []),
  );
}

function gapDiagnostic(adc: string, gap: NitroGap): Diagnostic {
  const denied = actionOf(Number(gap.code)) === "permission" || gap.code === "http_403";
  return {
    severity: "warning",
    rule: denied ? "nitro_permission_gap" : "nitro_gap",
    line: null,
    object: gap.resource,
    message: gapSentence(adc, gap),
  };
}
