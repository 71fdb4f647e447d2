import { coverageDiagnostics } from "./diagnostics-coverage.ts";
import { endpointDiagnostics } from "./diagnostics-endpoints.ts";
import { referenceDiagnostics } from "./diagnostics-references.ts";
import { MONITOR_TYPES, SCRIPT_OF_TYPE } from "./monitor-defaults.ts";
import { isMeantDestination, ownAddresses } from "./own-addresses.ts";
import type { AdcService } from "./adc-service.ts";
import type { Diagnostic, Estate } from "./model.ts";
import type { Monitor } from "./monitor.ts";

/**
 * What a reader of any estate must know, whichever way it was read: pinned destinations, monitors nobody uses, secrets
 * only the ADC can read, references to nothing or to the wrong kind, one address and port used twice, unknown types.
 * Importers append these to their own `diagnostics`, and name monitors bound to what an estate leaves out (GSLB).
 */
export function estateDiagnostics(
  estate: Estate,
  monitorsUsedElsewhere: ReadonlySet<string> = new Set(),
): Diagnostic[] {
  const users = usersOfMonitors(estate);
  const own = ownAddresses(estate);
  return [
    ...[...estate.monitors.values()].flatMap((monitor) =>
      monitorDiagnostics(
        monitor,
        users.get(monitor.name) ?? [],
        monitorsUsedElsewhere.has(monitor.name),
        own,
      ),
    ),
    ...referenceDiagnostics(estate),
    ...endpointDiagnostics(estate),
    ...coverageDiagnostics(estate),
  ];
}

function usersOfMonitors(estate: Estate): Map<string, AdcService[]> {
  const users = new Map<string, AdcService[]>();
  for (const service of estate.services.values()) {
    for (const { monitor } of service.monitors) {
      const known = users.get(monitor);
      if (known === undefined) {
        users.set(monitor, [service]);
      } else if (known.at(-1) !== service) {
        known.push(service);
      }
    }
  }
  return users;
}

function monitorDiagnostics(
  monitor: Monitor,
  users: readonly AdcService[],
  usedElsewhere: boolean,
  own: ReadonlySet<string>,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const about = { line: monitor.line, object: monitor.name };
  if (!isMeantDestination(own, monitor)) {
    found.push(...pinnedDestination(monitor, users));
  }
  if (users.length === 0 && !usedElsewhere && !monitor.builtIn) {
    found.push({
      ...about,
      severity: "info",
      rule: "unused_monitor",
      message:
        "The monitor is bound to no service, no route and no GSLB service: nothing is watched by it.",
    });
  }
  if (needsPassword(monitor) && monitor.parameters.password === "encrypted") {
    found.push({
      ...about,
      severity: "info",
      rule: "encrypted_password",
      message:
        `The password of monitor ${monitor.name} is encrypted for the ADC alone; ` +
        "to repeat it, give the same account in the configuration.",
    });
  }
  if (!MONITOR_TYPES.has(monitor.type)) {
    found.push({
      ...about,
      severity: "warning",
      rule: "unknown_monitor_type",
      message: `Monitor ${monitor.name} is of type ${monitor.type}, which no NetScaler firmware documents.`,
    });
  }
  return found;
}

/** One destination decides for members at other addresses, of which it says nothing. */
function pinnedDestination(
  { name, line, destIp }: Monitor,
  users: readonly AdcService[],
): Diagnostic[] {
  const others = users.flatMap((service) =>
    service.members.filter((member) => member.address !== null && member.address !== destIp),
  );
  const [first] = others;
  return first === undefined
    ? []
    : [
        {
          rule: "pinned_dest_ip",
          line,
          object: name,
          severity: "error",
          message:
            `${String(destIp)} alone is asked, yet it decides for ${String(others.length)} member(s) at other ` +
            `addresses, the first ${first.adcService} at ${String(first.address)}: their own failures are never seen.`,
        },
      ];
}

function needsPassword(monitor: Monitor): boolean {
  return (
    SCRIPT_OF_TYPE.has(monitor.type) ||
    ["RADIUS", "FTP", "MYSQL-ECV", "MSSQL-ECV", "ORACLE-ECV", "USER"].includes(monitor.type)
  );
}
