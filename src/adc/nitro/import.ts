import { builtInMonitor } from "../monitor-defaults.ts";
import type { AdcService, Member, MonitorBinding } from "../../model/adc-service.ts";
import type { AdcParameters, Estate, Firmware, Server, Diagnostic } from "../../model/estate.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { Policy, PolicyAction } from "../../model/policy.ts";
import type { SslProfile } from "../../model/tls-parameters.ts";
import {
  address,
  flag,
  text,
  type Row,
  firstRow,
  groupBy,
  namedMap,
  type RowTables,
} from "./row-values.ts";
import { isUntouchedBuiltIn, monitorFromRow } from "./monitors.ts";
import { forEachPaced, type Pacer, createPacer } from "../../lib/pacing.ts";
import { actionFromRow, policyFromRow } from "./policies.ts";
import { POLICY_FEATURES, IMPORT_STEPS, type ImportStep } from "./pull-plan.ts";
import {
  memberFromServiceRow,
  membersFromRows,
  monitorBindings,
  serverFromRow,
  serviceFromRow,
} from "./services.ts";
import { backendTls, certKeyFromRow, NO_BACKEND_TLS, sslProfileFromRow } from "./tls.ts";
import {
  csTargets,
  serviceBindings,
  vserverParts,
  authenticationVserverFromRow,
  csVserverFromRow,
  lbVserverFromRow,
} from "./vservers.ts";
import { estateDiagnostics } from "../diagnostics.ts";
import type { NitroClient, NitroFailure, NitroStop } from "./client.ts";
import { pullRows } from "./rows.ts";

/** Puts the rows of all resources together into an estate, in slices that let others run. */
export async function buildEstate(adc: string, rows: RowTables, pacer: Pacer): Promise<Estate> {
  const servers = namedMap(rows, "server", serverFromRow);
  const sslProfiles = namedMap(rows, "sslprofile", sslProfileFromRow);
  const services = await buildServices(rows, servers, sslProfiles, pacer);
  const monitors = await buildMonitors(rows, services, pacer);
  const policies = new Map<string, Policy>();
  const actions = new Map<string, PolicyAction>();
  for (const feature of POLICY_FEATURES) {
    for (const row of rows.get(feature.policy) ?? []) {
      addForFeature(policies, policyFromRow(row, feature));
    }
    for (const row of feature.action === null ? [] : (rows.get(feature.action) ?? [])) {
      addForFeature(actions, actionFromRow(row, feature.feature));
    }
  }
  const parameters = parametersFrom(rows);
  const parts = vserverParts(rows);
  const bindings = serviceBindings(rows);
  const targets = csTargets(rows, policies, actions);
  const defaults = groupBy(rows, "csvserver_lbvserver_binding", "name");
  return {
    adc,
    firmware: firmwareFrom(firstRow(rows, "nsversion")),
    nsip: address(firstRow(rows, "nsconfig"), "ipaddress"),
    snips: (rows.get("nsip") ?? []).flatMap((row) =>
      text(row, "type")?.toUpperCase() === "SNIP" ? (address(row, "ipaddress") ?? []) : [],
    ),
    parameters,
    servers,
    services,
    monitors,
    lbVservers: namedMap(rows, "lbvserver", (row) => {
      const name = text(row, "name");
      return name === null
        ? null
        : lbVserverFromRow(row, name, parts(name, "lb"), bindings.get(name) ?? []);
    }),
    csVservers: namedMap(rows, "csvserver", (row) => {
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
      );
    }),
    policies,
    actions,
    authenticationVservers: namedMap(rows, "authenticationvserver", authenticationVserverFromRow),
    certKeys: namedMap(rows, "sslcertkey", certKeyFromRow),
    sslProfiles,
    netProfiles: namedMap(rows, "netprofile", (row) => {
      const name = text(row, "name");
      return name === null ? null : { name, sourceIp: text(row, "srcip"), line: null };
    }),
    diagnostics: [],
    otherStatements: new Map(),
  };
}

async function buildServices(
  rows: RowTables,
  servers: ReadonlyMap<string, Server>,
  sslProfiles: ReadonlyMap<string, SslProfile>,
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

  function add(row: Row, kind: AdcService["kind"]): void {
    const name = text(row, kind === "service" ? "name" : "servicegroupname") ?? "";
    const tlsRow = tlsRows[kind].get(name)?.[0];
    const tls = tlsRow === undefined ? NO_BACKEND_TLS : backendTls(tlsRow, sslProfiles);
    const service = serviceFromRow(row, kind, tls);
    // The appliance's own services (`nshttps-…`) are internal: no administrator's monitor ever asks them.
    if (service === null || text(row, "serviceconftype2") === "Internal") {
      return;
    }
    const members: readonly Member[] =
      kind === "service"
        ? [memberFromServiceRow(row, service, servers)].filter((member) => member !== null)
        : membersFromRows(memberRows.get(name) ?? [], service, servers);
    const bound = monitorRows[kind].get(name) ?? [];
    const hasDefault = flag(row, "nodefaultbindings") !== true;
    const monitors = monitorBindings(bound, service, members, hasDefault);
    services.set(name, { ...service, members, monitors: monitors.map(withOwnSpelling) });
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
  services: ReadonlyMap<string, AdcService>,
  pacer: Pacer,
): Promise<Map<string, Monitor>> {
  const bound = new Set<string>();
  for (const service of services.values()) {
    for (const { monitor } of service.monitors) {
      bound.add(monitor);
    }
  }
  const monitors = new Map<string, Monitor>();
  await forEachPaced(rows.get("lbmonitor") ?? [], pacer, (row) => {
    const monitor = monitorFromRow(row);
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

function parametersFrom(rows: RowTables): AdcParameters {
  const close = text(firstRow(rows, "lbparameter"), "monitorconnectionclose")?.toUpperCase();
  return {
    monitorConnectionClose: close === "RESET" ? "RESET" : "FIN",
    csStateUpdate: flag(firstRow(rows, "csparameter"), "stateupdate") ?? false,
    sslDefaultProfile: flag(firstRow(rows, "sslparameter"), "defaultprofile") ?? false,
  };
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
      /** Resources our account may not read; each is a diagnostic of the estate too. */
      readonly gaps: readonly string[];
    }
  /** The appliance says that it is not the primary. */
  | { readonly kind: "secondary"; readonly code: string; readonly message: string }
  | NitroFailure
  | NitroStop;

/**
 * Reads the whole estate from one appliance. What the account may not read or the firmware does not have becomes a
 * diagnostic; without the essentials (services, groups, members, monitors, vservers and their bindings) the import fails.
 */
export async function importEstate(
  client: NitroClient,
  options: { readonly adc: string },
): Promise<ImportResult> {
  // An administrator may have granted what was missing the last time.
  client.limits.denied.clear();
  const rows = new Map<string, readonly Row[]>();
  const diagnostics: Diagnostic[] = [];
  const gaps: string[] = [];
  for (const step of IMPORT_STEPS) {
    const pulled = await pullRows(client, step, parentNames(step, rows));
    switch (pulled.kind) {
      case "rows":
        if (pulled.secondary) {
          return { kind: "secondary", code: "1028", message: "the node is the secondary" };
        }
        rows.set(step.resource, pulled.rows);
        break;
      case "permission":
      case "unavailable": {
        const { code, message } = pulled;
        if (
          step.essential === true &&
          !(pulled.kind === "unavailable" && pulled.what === "feature")
        ) {
          return { kind: "failed", code, message: `${step.resource}: ${message}` };
        }
        if (pulled.kind === "permission") {
          gaps.push(step.resource);
          diagnostics.push(permissionGap(step.resource, message));
        }
        break;
      }
      case "secondary":
      case "failed":
      case "stopped":
        return pulled;
    }
  }
  const pacer = createPacer();
  const built = await buildEstate(options.adc, rows, pacer);
  const estate = { ...built, diagnostics };
  await pacer.rest();
  const derived = estateDiagnostics(estate, new Set());
  return { kind: "estate", estate: { ...estate, diagnostics: [...diagnostics, ...derived] }, gaps };
}

function parentNames(
  { parents }: ImportStep,
  rows: ReadonlyMap<string, readonly Row[]>,
): readonly string[] {
  return (parents ?? []).flatMap(([resource, field]) =>
    (rows.get(resource) ?? []).flatMap((row) => text(row, field) ?? []),
  );
}

function permissionGap(resource: string, message: string): Diagnostic {
  return {
    severity: "warning",
    rule: "nitro_permission_gap",
    line: null,
    object: resource,
    message: `The NITRO account may not read ${resource}: ${message}. What it tells is missing here.`,
  };
}
