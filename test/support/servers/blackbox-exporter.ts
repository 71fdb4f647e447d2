import { put, startServer, type RealServer } from "../real-servers.ts";

/** blackbox_exporter with these modules (name to YAML). Debian: prometheus-blackbox-exporter. */
export function startBlackboxExporter(
  modules: Readonly<Record<string, string>>,
): Promise<RealServer> {
  return startServer({
    program: "prometheus-blackbox-exporter",
    ports: ["web"],
    prepare({ directory, ports }) {
      const lines = Object.entries(modules).map(([name, module]) => `  ${name}: ${module}\n`);
      const file = put(directory, "blackbox.yml", `modules:\n${lines.join("")}`);
      return [
        `--config.file=${file}`,
        `--web.listen-address=127.0.0.1:${String(ports["web"] ?? 0)}`,
        "--log.level=error",
      ];
    },
  });
}
