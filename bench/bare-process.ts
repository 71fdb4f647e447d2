import { connect } from "node:net";
import { connect as connectTls, createSecureContext } from "node:tls";
import { START_TICK_MS } from "../src/agent/scheduler.ts";
import { pace } from "./pace.ts";
import { PATH, type Protocol } from "./protocols.ts";

/**
 * The least a Node.js program can do for the same exchange: no schedule, no time-out, no record, nothing kept. Starts are
 * gathered into the agent's own ticks, which is the cheapest way there is; a wake-up for each would cost three times as much.
 */
export interface BareTask {
  readonly protocol: Protocol;
  readonly port: number;
  readonly ratePerSecond: number;
  readonly seconds: number;
}
export interface BareResult {
  readonly probes: number;
  readonly passed: number;
  readonly cpuMs: number;
}

const REQUEST = `GET ${PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
const secureContext = createSecureContext({ maxVersion: "TLSv1.2" });

function once(protocol: Protocol, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const tls = protocol === "https_ecv";
    const asks = tls || protocol === "http_ecv";
    const wanted = protocol === "tcp_ecv" ? "READY" : "alive";
    const at = { host: "127.0.0.1", port, autoSelectFamily: false };
    const socket = tls
      ? connectTls({ ...at, secureContext, rejectUnauthorized: false })
      : connect(at);
    let seen = "";
    let passed = false;
    socket.on(tls ? "secureConnect" : "connect", () => {
      if (protocol === "tcp") {
        passed = true;
        socket.destroy();
      } else if (asks) {
        socket.write(REQUEST);
      }
    });
    socket.on("data", (data: Buffer) => {
      seen += data.toString("latin1");
      if (seen.includes(wanted)) {
        passed = true;
        socket.destroy();
      }
    });
    socket.on("error", () => undefined);
    // A single call and no timer per probe: probes that hang on a busy machine are ended here and counted as failed.
    socket.setTimeout(4_000, () => socket.destroy());
    socket.on("close", () => {
      resolve(passed);
    });
  });
}

process.on("message", (message) => {
  void run(message as BareTask);
});
process.once("disconnect", () => {
  process.exit();
});

async function run({ protocol, port, ratePerSecond, seconds }: BareTask): Promise<void> {
  let passed = 0;
  const before = process.cpuUsage();
  const start = async (): Promise<void> => {
    if (await once(protocol, port)) {
      passed += 1;
    }
  };
  const probes = await pace(ratePerSecond, seconds, start, START_TICK_MS);
  const { user, system } = process.cpuUsage(before);
  process.send?.({ probes, passed, cpuMs: (user + system) / 1000 } satisfies BareResult);
}
