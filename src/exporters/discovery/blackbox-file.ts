import { stringify } from "yaml";
import type { Estate } from "../../estate/model.ts";
import { blackboxModule } from "./blackbox-modules.ts";

/** The imported monitors as a configuration file for blackbox_exporter; what it cannot express is named in comments. */
export function blackboxFile(estates: readonly Estate[]): string {
  const modules: Record<string, unknown> = {};
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
        } else {
          left.push(`${estate.adc}: ${monitor.name} (${monitor.type}): ${made.reason}`);
        }
      }
    }
  }
  const comments = left.map((line) => `# not expressed: ${line.replace(/\s+/g, " ")}\n`).join("");
  return `# Monitors imported by adc-witness as modules of blackbox_exporter.\n${comments}${stringify({ modules }, { lineWidth: 0 })}`;
}
