import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "postject";
import { bundle, LOCK_ADDON, lockAddonFile, noticesOf } from "./bundle.js";

/**
 * `npm run build:executable`: one file that needs no Node.js, of the Node.js that runs this (or of the one that
 * ADC_WITNESS_NODE names, of the same system), in dist-executable. See docs/deploy.md for Windows and macOS.
 */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
const node = process.env["ADC_WITNESS_NODE"] ?? process.execPath;
const out = join(import.meta.dirname, "..", "dist-executable");
const executable = join(out, process.platform === "win32" ? "adc-witness.exe" : "adc-witness");
const at = (name) => join(out, name);

mkdirSync(out, { recursive: true });
const { code, packages } = await bundle();
writeFileSync(at("adc-witness.cjs"), code);
writeFileSync(at("THIRD-PARTY-NOTICES.txt"), noticesOf(packages));
writeFileSync(
  at("sea.json"),
  JSON.stringify({
    main: at("adc-witness.cjs"),
    output: at("adc-witness.blob"),
    disableExperimentalSEAWarning: true,
    assets: { [LOCK_ADDON]: lockAddonFile(process.platform, process.arch) },
  }),
);
execFileSync(node, ["--experimental-sea-config", at("sea.json")], { stdio: "inherit" });
copyFileSync(node, executable);
chmodSync(executable, 0o755);
if (process.platform === "darwin") {
  execFileSync("codesign", ["--remove-signature", executable]);
}
await inject(executable, "NODE_SEA_BLOB", readFileSync(at("adc-witness.blob")), {
  sentinelFuse: FUSE,
  ...(process.platform === "darwin" ? { machoSegmentName: "NODE_SEA" } : {}),
});
if (process.platform === "darwin") {
  execFileSync("codesign", ["--sign", "-", executable]);
}
for (const name of ["adc-witness.cjs", "adc-witness.blob", "sea.json"]) {
  rmSync(at(name));
}
process.stdout.write(`${executable}\n`);
