import { Document, isMap, isScalar, isSeq, visit } from "yaml";
import type { AdcService, Member, MonitorBinding } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import { blackboxModule, sendsProxyHeader } from "./blackbox-module.ts";
import { META, type TargetGroup } from "./discovery.ts";
import { withPort } from "../lib/ip.ts";

/**
 * The imported monitors as a blackbox_exporter configuration file. Comments list the monitors without a module (at the top) and
 * the differences of each module.
 */
export function blackboxFile(estates: readonly Estate[]): string {
  const modules: Record<string, unknown> = {};
  const caveats = new Map<string, readonly string[]>();
  const left: string[] = [];
  for (const estate of estates) {
    const bound = new Set(
      [...estate.services.values()].flatMap(({ monitors }) =>
        monitors.map(({ monitor }) => monitor),
      ),
    );
    for (const monitor of estate.monitors.values()) {
      if (bound.has(monitor.name)) {
        const made = blackboxModule(estate, monitor);
        if (made.kind === "module") {
          modules[made.name] = made.module;
          caveats.set(made.name, made.caveats);
        } else {
          left.push(`${estate.adc}: ${monitor.name} (${monitor.type}): ${made.reason}`);
        }
      }
    }
  }
  const comments = left.map((line) => `# not expressed: ${line.replace(/\s+/g, " ")}\n`).join("");
  const file = new Document({ modules });
  visit(file, {
    // Writes hundreds of codes on one line.
    Pair: (_key, { key, value }) => {
      if (isScalar(key) && key.value === "valid_status_codes" && isSeq(value)) {
        value.flow = true;
      }
    },
  });
  const written = file.get("modules");
  for (const { key } of isMap(written) ? written.items : []) {
    const unsupported = isScalar(key) ? (caveats.get(String(key.value)) ?? []) : [];
    if (isScalar(key) && unsupported.length > 0) {
      key.commentBefore = unsupported.map((caveat) => ` not expressed: ${caveat}`).join("\n");
    }
  }
  return `# Monitors imported by adc-witness as modules of blackbox_exporter.\n${comments}${file.toString({ lineWidth: 0 })}`;
}
/**
 * Every member with each monitor that blackbox_exporter can run with the modules of `/sd/blackbox.yml`. `__param_module` is
 * set, and the target has the prober's form (a URL for HTTP).
 */
export function blackboxTargets(estates: readonly Estate[]): readonly TargetGroup[] {
  return estates.flatMap((estate) =>
    [...estate.services.values()].flatMap((service) =>
      service.members.flatMap((member) =>
        service.monitors
          .filter(({ enabled }) => enabled)
          .flatMap((binding) => blackboxTarget(estate, service, member, binding)),
      ),
    ),
  );
}

function blackboxTarget(
  estate: Estate,
  service: AdcService,
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
    // The prober resolves names itself, and prefers IPv4.
    (member.address === null && member.family === 6) ||
    sendsProxyHeader(estate, monitor, monitor.netProfile ?? service.netProfile) ||
    (port === "*" && monitor.type !== "PING")
  ) {
    return [];
  }
  const address = monitor.type === "PING" ? host : withPort(host, port);
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
