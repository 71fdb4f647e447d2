import type { LiveProbe, LiveState } from "../../model/live.ts";
import type { Member, MonitorBinding } from "../../model/adc-service.ts";
import type { Estate } from "../../model/estate.ts";
import { blackboxModule } from "./blackbox.ts";

/** One group of Prometheus' HTTP service discovery. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

const META = "__meta_adc_witness_";

/**
 * Every probe of this agent, to be asked of its `/probe`: `__param_target` and `__param_monitor` are set, so that a
 * scrape job needs only the agent's address.
 */
export function probeTargets(live: LiveState): readonly TargetGroup[] {
  return live.probes.map((probe) => ({
    targets: [probe.server === "" ? probe.vserver : endpoint(probe.server, probe.port)],
    labels: {
      __param_target: targetOf(probe),
      __param_monitor: probe.kind === "monitor" ? probe.monitor : probe.transaction,
      [`${META}adc`]: probe.adc,
      [`${META}vserver`]: probe.vserver,
      [`${META}adc_service`]: probe.adcService,
      [`${META}server`]: probe.server,
      [`${META}port`]: String(probe.port),
      [`${META}monitor`]: probe.monitor,
      [`${META}transaction`]: probe.transaction,
      [`${META}type`]: probe.type,
      [`${META}vantage`]: probe.vantage,
    },
  }));
}

/**
 * Every member with each monitor that blackbox_exporter can repeat by the modules of `/sd/blackbox.yml`:
 * `__param_module` is set, and the target is what that prober wants (an URL for HTTP).
 */
export function blackboxTargets(estates: readonly Estate[]): readonly TargetGroup[] {
  return estates.flatMap((estate) =>
    [...estate.services.values()].flatMap((service) =>
      service.members.flatMap((member) =>
        service.monitors
          .filter(({ enabled }) => enabled)
          .flatMap((binding) => blackboxTarget(estate, member, binding)),
      ),
    ),
  );
}

function blackboxTarget(
  estate: Estate,
  member: Member,
  binding: MonitorBinding,
): readonly TargetGroup[] {
  const monitor = estate.monitors.get(binding.monitor);
  const made = monitor === undefined ? null : blackboxModule(estate, monitor);
  const host = member.address ?? member.domain;
  const port = monitor?.destPort ?? member.port;
  if (
    monitor?.enabled !== true ||
    made?.kind !== "module" ||
    host === null ||
    (port === "*" && monitor.type !== "PING")
  ) {
    return [];
  }
  const address = monitor.type === "PING" ? host : endpoint(host, port);
  return [
    {
      targets: [made.scheme === null ? address : `${made.scheme}://${address}${made.path ?? "/"}`],
      labels: {
        __param_module: made.name,
        [`${META}adc`]: estate.adc,
        [`${META}adc_service`]: member.adcService,
        [`${META}server`]: member.server,
        [`${META}port`]: String(member.port),
        [`${META}monitor`]: binding.monitor,
        [`${META}type`]: monitor.type,
      },
    },
  ];
}

/** What `/probe` finds again without doubt. */
export function targetOf(probe: LiveProbe): string {
  return probe.server === ""
    ? `${probe.adc}/${probe.vserver}`
    : `${probe.adc}/${probe.adcService}/${endpoint(probe.server, probe.port)}`;
}

function endpoint(host: string, port: number | "*" | ""): string {
  return `${host.includes(":") ? `[${host}]` : host}:${String(port)}`;
}
