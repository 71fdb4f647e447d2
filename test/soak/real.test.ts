import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { repositoryRoot } from "../../bench/fuzz/root.ts";

const run = promisify(execFile);

// Two minutes that a developer's every run need not wait for: `npm run soak -- --real 2m` is the same by hand.
test.skipIf(process.env["CI"] === undefined)(
  "soak › keeps heap, handles and descriptors flat in two minutes of random faults",
  { timeout: 300_000 },
  async () => {
    const soak = join(repositoryRoot(), "dist", "bench", "soak.js");
    const { stdout } = await run(process.execPath, [soak, "--real", "2m"]).catch(
      (error: unknown) => error as { readonly stdout: string },
    );
    expect(stdout.trimEnd().split("\n").at(-1), stdout).toBe("FLAT");
  },
);
