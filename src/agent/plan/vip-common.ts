import type { AdcService } from "../../estate/adc-service.ts";
import type { Estate } from "../../estate/model.ts";
import type { LbVserver, Vserver } from "../../estate/vserver.ts";
import { clientTls } from "./look-probes.ts";
import { probeId } from "./probe-id.ts";
import type { PlanSettings, VserverSettings } from "./settings.ts";
import type { VipReach } from "./vip-reach.ts";

/** The identity of a monitor or a look through this way; configured transactions have their own. */
export function vipProbeId(
  { adc }: Estate,
  vserver: Vserver,
  { vantage, entry, address, port }: VipReach,
  name: string,
): string {
  const way = vantage === "public" ? `${entry.name} ${address}` : entry.name;
  return probeId(adc, vantage, vserver.name, way, port, name);
}

/** The parts that every probe through a VIP has. */
export function vipCommon(id: string, estate: Estate, vserver: Vserver, reach: VipReach) {
  const through = reach.entry.name === vserver.name ? [] : [reach.entry.name];
  return {
    id,
    adc: estate.adc,
    vantage: reach.vantage,
    vserver: vserver.name,
    vservers: [vserver.name, ...through],
    server: null,
    memberAddress: null,
    memberPort: null,
    address: reach.address,
    port: reach.port,
    note: reach.note,
  };
}

/** The address that a probe through this way connects to. */
export function targetOf(reach: VipReach) {
  return { host: reach.address, port: reach.port, server: null };
}

/** TLS as a client speaks it, with the vserver's own names and CA. */
export function vipTls(settings: PlanSettings, vserver: Vserver, reach: VipReach, old = false) {
  const own = settings.vservers.get(vserver.name) ?? settings.vservers.get(reach.entry.name);
  const names = reach.name === null ? (own?.names ?? []) : [reach.name];
  return {
    ...clientTls(reach.host ?? reach.address, old, own?.ca ?? null, names),
    checkedNames: namesThrough(settings, vserver.name, reach),
  };
}

/** The client-facing names of a vserver and of the one in front of it: both are judged by the certificate seen there. */
export function namesThrough(
  settings: PlanSettings,
  vserver: string,
  { entry }: VipReach,
): readonly string[] {
  return [vserver, entry.name].flatMap((name) => clientNames(settings.vservers.get(name)));
}

/** Names the operator expects in a vserver's certificate; the host alone where no list is given. */
export function clientNames(settings: VserverSettings | undefined): readonly string[] {
  if (settings === undefined || settings.names.length > 0) {
    return settings?.names ?? [];
  }
  return settings.host === null ? [] : [settings.host];
}

/** The rate of probes through a VIP: that of its slowest monitor. */
export function slowestInterval(estate: Estate, services: readonly AdcService[]): number {
  const intervals = services.flatMap((service) =>
    service.monitors.flatMap((binding) => estate.monitors.get(binding.monitor)?.intervalMs ?? []),
  );
  return intervals.length === 0 ? 30_000 : Math.max(...intervals);
}

/** The services that a vserver balances. */
export function servicesOf(estate: Estate, vserver: LbVserver): AdcService[] {
  return vserver.services.flatMap((binding) => estate.services.get(binding.service) ?? []);
}
