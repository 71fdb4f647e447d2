import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeConfig, type ConfPart } from "./estate-conf.ts";
import { ownOptions } from "./options.ts";
import { forkAndHear, stopChild } from "./processes.ts";
import type { Protocol } from "./protocols.ts";

const { members, runs } = ownOptions({
  command: "node dist/bench/compare-time.js",
  about: "Wall-clock time of `compare`, start and looks of web services included.",
  options: {
    members: { kind: "number", usual: 60, about: "members of the estate" },
    runs: { kind: "number", usual: 5, about: "runs" },
  },
});
const third = Math.floor(members / 3);
const parts: readonly ConfPart[] = [
  { protocol: "tcp_ecv", members: members - 2 * third },
  { protocol: "http_ecv", members: third },
  { protocol: "https_ecv", members: third },
];
const directory = await mkdtemp(join(tmpdir(), "adc-witness-compare-"));
const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");

/** Duration in milliseconds, and the first output of the command. */
function compare(config: string): Promise<{ readonly ms: number; readonly line: string }> {
  const began = performance.now();
  const main = join(import.meta.dirname, "../src/cli/main.js");
  return new Promise((resolve) => {
    // An ns.conf alone contains no states, so exit status 3 is expected.
    execFile(process.execPath, [main, "compare", "--config", config], (_error, stdout) => {
      resolve({ ms: performance.now() - began, line: stdout.split("\n")[0] ?? "" });
    });
  });
}

try {
  const config = await writeConfig(directory, { parts, ports: targets.heard });
  const times: number[] = [];
  let last = "";
  while (times.length < runs) {
    const { ms, line } = await compare(config);
    times.push(ms);
    last = line;
  }
  const seconds = times.map((ms) => (ms / 1000).toFixed(2)).join(", ");
  console.log(`${last}\n${String(members)} members, seconds of ${String(runs)} runs: ${seconds}`);
} finally {
  await stopChild(targets.child);
  await rm(directory, { recursive: true, force: true });
}
