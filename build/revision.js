import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes `dist/revision`, which `--version` and `adc_witness_build_info` tell: of ADC_WITNESS_REVISION where a build has no
 * repository (a container, a package), else of git.
 */
const root = join(import.meta.dirname, "..");

function ofGit() {
  try {
    const git = (...args) =>
      execFileSync("git", ["-C", root, ...args], { encoding: "utf8" }).trim();
    return `${git("rev-parse", "HEAD")}${git("status", "--porcelain") === "" ? "" : "-modified"}`;
  } catch {
    return "unknown";
  }
}

writeFileSync(
  join(root, "dist", "revision"),
  `${process.env["ADC_WITNESS_REVISION"] ?? ofGit()}\n`,
);
