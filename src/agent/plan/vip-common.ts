import type { AdcService, Estate, LbVserver, Vserver } from "../../estate/model.ts";
import { clientTls } from "./look-probes.ts";
import { probeId } from "./probe-id.ts";
import type { PlanSettings } from "./settings.ts";
import type { VipReach } from "./vip-reach.ts";

/** The parts that every probe through a VIP has. */
export function vipCommon(estate: Estate, vserver: Vserver, reach: VipReach, name: string) {
  const { vantage } = reach;
  const through = reach.entry.name === vserver.name ? [] : [reach.entry.name];
  return {
    id: probeId(
      estate.adc,
      vantage,
      vserver.name,
      vantage === "public" ? `${reach.entry.name} ${reach.address}` : reach.entry.name,
      reach.port,
      name,
    ),
    adc: estate.adc,
    vantage,
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
  return clientTls(reach.host ?? reach.address, old, own?.ca ?? null, names);
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
