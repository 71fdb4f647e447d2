import { memberKey } from "../../model/adc-state.ts";
import type { AdcService, Member } from "../../model/adc-service.ts";
import type { Estate, Server } from "../../model/estate.ts";
import type {
  Gslb,
  GslbDomain,
  GslbService,
  GslbSite,
  GslbSiteState,
  GslbVserver,
} from "../../model/gslb.ts";
import { readWhole } from "../fields.ts";
import {
  GSLB_BINDING_FIELDS,
  GSLB_DOMAIN_FIELDS,
  GSLB_PUBLIC_FIELDS,
  GSLB_SERVICE_FIELDS,
  GSLB_SITE_FIELDS,
  GSLB_VIEW_FIELDS,
  GSLB_VSERVER_FIELDS,
  namedGslb,
  siteOf,
} from "../gslb-fields.ts";
import type { BackendTls } from "../../model/tls-settings.ts";
import {
  groupBy,
  namedMap,
  port,
  rowSource,
  text,
  type Report,
  type Row,
  type RowTables,
} from "./row-values.ts";
import {
  memberFromServiceRow,
  membersFromRows,
  monitorBindings,
  serviceFromRow,
} from "./services.ts";

/** GSLB from the rows of one import, next to the other objects of its ADC. */
export function gslbFromRows(
  rows: RowTables,
  around: Pick<Estate, "servers"> &
    Parameters<typeof namedGslb>[1] & {
      /** TLS settings towards servers, if a service has none of its own. */
      readonly tls: BackendTls;
    },
  report: Report,
): Gslb {
  const sites = namedMap(rows, "gslbsite", (row) => siteFromRow(row, report));
  const services = servicesFromRows(rows, around, report);
  return namedGslb(
    { sites, services: services.values(), vservers: vserversFromRows(rows, report).values() },
    around,
  );
}

function siteFromRow(row: Row, report: Report): GslbSite | null {
  const name = text(row, "sitename");
  return name === null
    ? null
    : siteOf(name, readWhole(GSLB_SITE_FIELDS, rowSource(row, name, report)));
}

function servicesFromRows(
  rows: RowTables,
  { servers, tls }: { readonly servers: ReadonlyMap<string, Server>; readonly tls: BackendTls },
  report: Report,
): Map<string, Omit<GslbService, "shownAs">> {
  const found = new Map<string, Omit<GslbService, "shownAs">>();
  const views = groupBy(rows, "gslbservice_dnsview_binding", "servicename");
  const serviceMonitors = groupBy(rows, "gslbservice_lbmonitor_binding", "servicename");
  const groupMonitors = groupBy(rows, "gslbservicegroup_lbmonitor_binding", "servicegroupname");
  const groupMembers = groupBy(
    rows,
    "gslbservicegroup_gslbservicegroupmember_binding",
    "servicegroupname",
  );

  function add(
    row: Row,
    kind: AdcService["kind"],
    name: string,
    membersOf: (service: { readonly name: string; readonly enabled: boolean }) => Endpoint[],
    bound: readonly Row[],
  ): void {
    const named = { ...row, [kind === "service" ? "name" : "servicegroupname"]: name };
    const service = serviceFromRow(named, kind, tls, report);
    if (service === null) {
      return;
    }
    const endpoints = membersOf(service);
    const members = endpoints.map(({ member }) => member);
    found.set(name, {
      ...service,
      ...readWhole(GSLB_SERVICE_FIELDS, rowSource(row, name, report)),
      members,
      monitors: monitorBindings(bound, service, members, false, report),
      otherAddresses: endpoints.map(({ others }) => others),
      publicPorts: endpoints.map(({ publicPort }) => publicPort),
    });
  }

  for (const row of rows.get("gslbservice") ?? []) {
    const name = text(row, "servicename");
    if (name !== null) {
      const viewed = (views.get(name) ?? []).flatMap((view) => {
        const { viewAddress } = readWhole(GSLB_VIEW_FIELDS, rowSource(view, name, report));
        return viewAddress ?? [];
      });
      const membersOf = (service: { readonly name: string; readonly enabled: boolean }) => {
        const member = memberFromServiceRow(row, service, servers);
        const { others, publicPort } = publicOf(row, name, report);
        return member === null ? [] : [{ member, others: [...others, ...viewed], publicPort }];
      };
      add(row, "service", name, membersOf, serviceMonitors.get(name) ?? []);
    }
  }
  for (const row of rows.get("gslbservicegroup") ?? []) {
    const name = text(row, "servicegroupname");
    if (name !== null) {
      const own = groupMembers.get(name) ?? [];
      const membersOf = (group: { readonly name: string; readonly enabled: boolean }) =>
        membersFromRows(own, { ...group, memberPort: null }, servers, report).map((member) => ({
          member,
          ...publicOf(own.find((each) => isOf(each, member)) ?? {}, name, report),
        }));
      add(row, "serviceGroup", name, membersOf, groupMonitors.get(name) ?? []);
    }
  }
  return found;
}

interface Endpoint {
  readonly member: Member;
  readonly others: readonly string[];
  readonly publicPort: number | null;
}

function isOf(row: Row, { server, address, port: memberPort }: Member): boolean {
  const names = [text(row, "servername"), text(row, "ip")];
  return port(row, "port") === memberPort && names.some((one) => one === server || one === address);
}

function publicOf(row: Row, name: string, report: Report): Omit<Endpoint, "member"> {
  const { publicAddress, publicPort } = readWhole(GSLB_PUBLIC_FIELDS, rowSource(row, name, report));
  return { others: publicAddress === null ? [] : [publicAddress], publicPort };
}

function vserversFromRows(
  rows: RowTables,
  report: Report,
): Map<string, Omit<GslbVserver, "shownAs">> {
  const domains = groupBy(rows, "gslbvserver_domain_binding", "name");
  const bindings = groupBy(rows, "gslbvserver_gslbservice_binding", "name");
  const groups = groupBy(rows, "gslbvserver_gslbservicegroup_binding", "name");
  return namedMap(rows, "gslbvserver", (row) => {
    const name = text(row, "name");
    if (name === null) {
      return null;
    }
    const bound = [
      ...(bindings.get(name) ?? []).map((each) => [text(each, "servicename"), each] as const),
      ...(groups.get(name) ?? []).map((each) => [text(each, "servicegroupname"), each] as const),
    ];
    return {
      name,
      serviceType: text(row, "servicetype")?.toUpperCase() ?? "ANY",
      ...readWhole(GSLB_VSERVER_FIELDS, rowSource(row, name, report)),
      domains: (domains.get(name) ?? []).flatMap((each): GslbDomain[] => {
        const domain = text(each, "domainname");
        const values = readWhole(GSLB_DOMAIN_FIELDS, rowSource(each, name, report));
        return domain === null ? [] : [{ name: domain, ...values, line: null }];
      }),
      services: bound.flatMap(([service, each]) =>
        service === null
          ? []
          : [
              {
                service,
                ...readWhole(GSLB_BINDING_FIELDS, rowSource(each, name, report)),
                line: null,
              },
            ],
      ),
      line: null,
    };
  });
}

/** Rows of one poll, as the member table takes them: GSLB's services under the names they have there. */
export function gslbMemberRows(estate: Estate, rows: RowTables) {
  const shown = (raw: string | null): string | null =>
    raw === null ? null : (estate.gslb.services.get(raw)?.shownAs ?? raw);
  const as = (resource: string, from: string, to: string): Row[] =>
    (rows.get(resource) ?? [])
      .filter((row) => estate.gslb.services.get(text(row, from) ?? "")?.members.length !== 0)
      .map((row) => ({ ...row, [to]: shown(text(row, from)) }));
  return {
    services: as("gslbservice", "servicename", "name"),
    serviceGroups: as("gslbservicegroup", "servicegroupname", "servicegroupname"),
    groupMembers: as(
      "gslbservicegroup_gslbservicegroupmember_binding",
      "servicegroupname",
      "servicegroupname",
    ),
    groupMonitors: as(GROUP_MONITORS, "servicegroupname", "servicegroupname").map((row) => ({
      ...row,
      servicegroupentname2: entityOf(text(row, "servicegroupname"), row),
    })),
    serviceMonitors: as("gslbservice_lbmonitor_binding", "servicename", "name"),
  };
}

const GROUP_MONITORS = "gslbservicegroup_servicegroupentitymonbindings_binding";

/** `group?server?port` under the name that the group is shown by. */
function entityOf(group: string | null, row: Row): string {
  const [, ...member] = (text(row, "servicegroupentname2") ?? "").split("?");
  return [group ?? "", ...member].join("?");
}

/** NITRO docs, `gslbsite`: `status` is ACTIVE, INACTIVE or DOWN; the ADC's own site has none. */
export function siteStates(estate: Estate, rows: RowTables): ReadonlyMap<string, GslbSiteState> {
  const states = new Map<string, GslbSiteState>();
  for (const row of rows.get("gslbsite") ?? []) {
    const name = text(row, "sitename");
    const site = name === null ? undefined : estate.gslb.sites.get(name);
    if (name !== null && site !== undefined) {
      const rawStatus = text(row, "status") ?? "";
      const mep = site.local === true || !site.metricExchange ? null : mepOf(rawStatus);
      states.set(name, { name, mep, rawStatus });
    }
  }
  return states;
}

function mepOf(status: string): GslbSiteState["mep"] {
  if (/^active$/i.test(status.trim())) {
    return "up";
  }
  return /^(inactive|down)$/i.test(status.trim()) ? "down" : null;
}

/** Services whose state comes over a metric exchange that is down: their state is outdated. */
export function withoutExchange(
  estate: Estate,
  sites: ReadonlyMap<string, GslbSiteState>,
): ReadonlySet<string> {
  const stale = new Set<string>();
  for (const { site, monitors, healthMonitor, members } of estate.gslb.services.values()) {
    const watched = healthMonitor && monitors.some(({ enabled }) => enabled);
    if (site !== null && sites.get(site)?.mep === "down" && !watched) {
      for (const { adcService, server, port: memberPort } of members) {
        stale.add(memberKey(adcService, server, memberPort));
      }
    }
  }
  return stale;
}
