import type { ChildProcess } from "node:child_process";
import { Agent, get } from "node:http";
import { BLACKBOX_PACKAGE, type Share } from "./report.ts";
import { PROTOCOLS, PLANS, type Protocol, rateOf, PATH } from "./protocols.ts";
import { join, delimiter } from "node:path";
import { writeFile } from "node:fs/promises";
import { freePort, spawnQuiet, untilAnswered, stopChild } from "./processes.ts";
import { cpuMsOf } from "./cpu-time.ts";
import { pace } from "./pace.ts";
import { accessSync, constants } from "node:fs";

/** A running blackbox_exporter, requested over kept-alive connections, as Prometheus does. */
export class Blackbox {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 });

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  /** Null when the program is not installed. */
  static async start(directory: string): Promise<Blackbox | null> {
    const program = findProgram(BLACKBOX_PACKAGE);
    if (program === null) {
      return null;
    }
    const modules = PROTOCOLS.map((protocol) => `  ${protocol}: ${PLANS[protocol].module}`);
    const file = join(directory, "blackbox.yml");
    await writeFile(file, `modules:\n${modules.join("\n")}\n`);
    const port = await freePort();
    const child = spawnQuiet(program, [
      `--config.file=${file}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
      "--log.level=error",
    ]);
    await untilAnswered(`http://127.0.0.1:${String(port)}/-/healthy`, 10_000);
    return new Blackbox(child, port);
  }

  /** CPU milliseconds per probe over this many seconds, at the protocol's rate. */
  async measure(protocol: Protocol, targetPort: number, seconds: number): Promise<Share> {
    const pid = this.#child.pid ?? 0;
    const before = cpuMsOf(pid);
    let passed = 0;
    const probes = await pace(rateOf(protocol), seconds, async () => {
      if (await this.#probe(protocol, targetPort)) {
        passed += 1;
      }
    });
    const cpuMs = cpuMsOf(pid) - before;
    return { cpuMsPerProbe: cpuMs / probes, failed: probes - passed };
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await stopChild(this.#child);
  }

  #probe(protocol: Protocol, targetPort: number): Promise<boolean> {
    const scheme = protocol === "https_ecv" ? "https://" : protocol === "http_ecv" ? "http://" : "";
    const path = scheme === "" ? "" : PATH;
    const target = encodeURIComponent(`${scheme}127.0.0.1:${String(targetPort)}${path}`);
    return new Promise((resolve) => {
      const request = get(
        {
          host: "127.0.0.1",
          port: this.#port,
          path: `/probe?module=${protocol}&target=${target}`,
          agent: this.#agent,
        },
        (response) => {
          let text = "";
          response.setEncoding("latin1");
          response.on("data", (data: string) => {
            text += data;
          });
          response.on("end", () => {
            resolve(text.includes("\nprobe_success 1"));
          });
        },
      );
      request.on("error", () => {
        resolve(false);
      });
    });
  }
}
function findProgram(name: string): string | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter).concat("/usr/sbin")) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
