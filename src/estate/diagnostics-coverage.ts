import type { Diagnostic, Estate } from "./model.ts";

/** Services nobody watches: without members there is nothing to probe, without monitors nothing to repeat. */
export function coverageDiagnostics(estate: Estate): Diagnostic[] {
  return [...estate.services.values()].flatMap((service): Diagnostic[] => {
    const about = { line: service.line, object: service.name, severity: "info" as const };
    if (service.members.length === 0) {
      const message = `${service.name} has no member: there is nothing to probe.`;
      return [{ ...about, rule: "service_without_member", message }];
    }
    if (service.monitors.length === 0) {
      const message = `${service.name} has no monitor: the ADC says UP whatever its members do.`;
      return [{ ...about, rule: "service_without_monitor", message }];
    }
    return [];
  });
}
