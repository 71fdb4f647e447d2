import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder of this test's own, gone when the test has ended. A concurrent test gives `onTestFinished` of its own context. */
export async function temporaryFolder(
  cleanUp: (work: () => Promise<void>) => void = onTestFinished,
): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "adc-witness-"));
  cleanUp(() => rm(path, { recursive: true, force: true }));
  return path;
}
