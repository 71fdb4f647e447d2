import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ownOptions } from "../options.ts";
import { MAX_MS, MAX_MEMORY_MB } from "./fuzz.ts";
import { repositoryRoot } from "./root.ts";
import { SOCKET_TARGETS, TARGETS } from "./targets.ts";
import { fuzzWatched, type Watched } from "./watched.ts";

const {
  inputs,
  seed,
  target: chosen,
  findings: kept,
} = ownOptions({
  command: "npm run fuzz --",
  about: `Mutated real inputs for everything that reads what comes from outside. Exit status 1 when one crashed, hung or took too
much memory; it is then kept among the fixtures that the tests replay.`,
  options: {
    inputs: { kind: "number", usual: 1_000_000, about: "inputs for each target" },
    target: {
      kind: "text",
      takes: "NAME,…",
      usual: null,
      about: `only these, of ${[...TARGETS.keys(), ...SOCKET_TARGETS.keys()].join(", ")}; those over sockets run only if named`,
    },
    seed: { kind: "number", usual: 1, about: "seed of the random numbers" },
    findings: {
      kind: "text",
      takes: "DIRECTORY",
      usual: join(repositoryRoot(), "test", "fixtures", "fuzz"),
      about: "where inputs are kept",
    },
  },
});
const names = chosen?.split(",") ?? [...TARGETS.keys()];
const unknown = names.filter((name) => !TARGETS.has(name) && !SOCKET_TARGETS.has(name));
if (unknown.length > 0) {
  console.error(`no target ${unknown.join(", ")}; there are ${[...TARGETS.keys()].join(", ")}`);
  process.exit(1);
}

console.log(
  `An input may take ${String(MAX_MS)} ms, a target ${String(MAX_MEMORY_MB)} MB. Seed ${String(seed)}.\n`,
);
console.log("| target | inputs | per second | slowest input | most memory | findings |");
console.log("| --- | --- | --- | --- | --- | --- |");
let found = 0;
for (const name of names) {
  const { result, findings } = await fuzzWatched({ target: name, inputs, seed });
  console.log(row(name, result, findings.length));
  found += findings.length;
  for (const { input, what } of findings) {
    console.log(`\n${name}: ${await keep(name, input)}\n${what}\n`);
  }
}
process.exitCode = found === 0 ? 0 : 1;

function row(name: string, result: Watched["result"], findings: number): string {
  const cells =
    result === null
      ? ["ended early", "", "", ""]
      : [
          result.inputs.toLocaleString("en"),
          Math.round((result.inputs / result.durationMs) * 1_000).toLocaleString("en"),
          `${result.slowestMs.toFixed(0)} ms`,
          `${result.peakMemoryMb.toFixed(0)} MB`,
        ];
  return `| ${[name, ...cells, String(findings)].join(" | ")} |`;
}

/** Writes an input where the tests will replay it; returns its path. */
async function keep(target: string, input: Buffer): Promise<string> {
  const directory = join(kept, target);
  await mkdir(directory, { recursive: true });
  const file = join(directory, createHash("sha256").update(input).digest("hex").slice(0, 16));
  await writeFile(file, input);
  return file;
}
