import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BroadcastChannel } from "node:worker_threads";
import { onTestFinished } from "vitest";
import { packageRoot } from "../../src/cli/package-info.ts";

const BUILT = join(packageRoot(), "dist", "src", "agent", "workers", "probing-thread.js");

/** The real worker thread, and beside it somebody in the same thread who does what a test says. */
export interface InfestedThread {
  readonly entry: URL;
  /** Ends every thread of this entry by an exception that nobody catches. */
  readonly kill: () => void;
  /** Holds their event loops for good. */
  readonly hang: () => void;
  /** Everything that any of them has been given, as text. */
  readonly given: () => string;
  /** How many have been started. */
  readonly started: () => number;
}

/** A worker's module that listens to this test; gone with it. */
export function infestedThread(): InfestedThread {
  const name = `adc-witness-test-${String(process.pid)}-${String(performance.now())}`;
  const channel = new BroadcastChannel(name);
  onTestFinished(() => {
    channel.close();
  });
  let given = "";
  let started = 0;
  channel.onmessage = ({ data }: { data: { kind: string; text: string } }) => {
    started += data.kind === "started" ? 1 : 0;
    given += `${data.text}\n`;
  };
  const source = `
    import { inspect } from "node:util";
    import { BroadcastChannel, parentPort, workerData } from "node:worker_threads";
    const whole = { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity };
    const tell = (kind, seen) => channel.postMessage({ kind, text: inspect(seen, whole) });
    const channel = new BroadcastChannel(${JSON.stringify(name)});
    channel.unref();
    channel.onmessage = ({ data }) => {
      if (data === "kill") throw new Error("killed by the test");
      if (data === "hang") for (;;);
    };
    tell("started", { workerData, env: process.env, argv: process.argv.slice(2) });
    await import(${JSON.stringify(pathToFileURL(BUILT).href)});
    parentPort.on("message", (message) => tell("message", message));
  `;
  return {
    entry: new URL(`data:text/javascript,${encodeURIComponent(source)}`),
    kill: () => {
      channel.postMessage("kill");
    },
    hang: () => {
      channel.postMessage("hang");
    },
    given: () => given,
    started: () => started,
  };
}
