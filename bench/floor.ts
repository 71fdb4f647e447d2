import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { BODY_WORD, GREETING_WORD, PATH, rateOf, type Protocol } from "./protocols.ts";
import type { Share } from "./report.ts";

const run = promisify(execFile);
const SOURCE = join(import.meta.dirname, "../../bench/floor.c");

/** The same exchange in C, compiled here: the cost of the kernel alone, with a minimal loop. */
export class Floor {
  readonly #program: string;

  private constructor(program: string) {
    this.#program = program;
  }

  /** Null without a C compiler. */
  static async build(directory: string): Promise<Floor | null> {
    const program = join(directory, "floor");
    try {
      await run("cc", ["-O2", "-o", program, SOURCE]);
      return new Floor(program);
    } catch {
      return null;
    }
  }

  /**
   * CPU milliseconds per probe over this many seconds at the protocol's rate; null for a protocol that it does not
   * support.
   */
  async measure(protocol: Protocol, port: number, seconds: number): Promise<Share | null> {
    const command = this.command(protocol, port, rateOf(protocol), seconds);
    if (command === null) {
      return null;
    }
    const [program, ...args] = command;
    const { stdout } = await run(program, args);
    const [probes = 0, passed = 0, micros = 0] = stdout.split(" ").map(Number);
    return { cpuMsPerProbe: micros / probes / 1000, failed: probes - passed };
  }

  /** The command that probes at this rate for this long; null for a protocol that it does not support. */
  command(
    protocol: Protocol,
    port: number,
    ratePerSecond: number,
    seconds: number,
  ): readonly [string, ...string[]] | null {
    const asks = protocol === "http_ecv";
    if (!asks && protocol !== "tcp_ecv") {
      return null;
    }
    const request = `GET ${PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
    const words = asks ? [BODY_WORD, request] : [GREETING_WORD];
    return [this.#program, String(port), String(ratePerSecond), String(seconds), ...words];
  }
}
