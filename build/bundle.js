import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";

/**
 * The whole program as one CommonJS file, for a single executable and for the Debian package: the files that the
 * modules of `dist` need (version, demo.conf, pages and rules, a worker thread, the compiled lock) are included in it
 * or found next to it.
 */
const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

/** Name of the compiled lock, as an asset of the executable and as a file next to the bundle. */
export const LOCK_ADDON = "fs-native-extensions.node";

/** Modules of `dist` whose work differs in a bundle, each with all that it exports. */
const REPLACED = {
  "src/cli/package-info.js": packageInfo,
  "lab/demo-conf.js": () =>
    `export const demoConf = () => ${text(readFileSync(join(root, "lab", "demo.conf"), "utf8"))};`,
  "src/web/page/lint-page-file.js": () =>
    `export const lintPageFile = () => ${text(readFileSync(join(dist, "lint-page.html"), "utf8"))};`,
  "src/web/page/docs-files.js": () =>
    `const pages = ${JSON.stringify(filesIn("docs", ".md"))};
export const docsFiles = () => new Map(pages.map(([name, page]) => [name, () => page]));`,
  "src/cli/alert-files.js": () =>
    `const files = ${JSON.stringify(filesIn("alerts", ".rules.yml").map(([name, rules]) => [`${name}.rules.yml`, rules]))};
export const alertFiles = () => new Map(files);`,
  "src/web/web-config/bcrypt-thread.js": async () =>
    `export const bcryptThreadSource = () => ${text(await bcryptThread())};`,
  "src/lib/lock-addon.js": () => `export const lockAddon = () => require("fs-native-extensions");`,
};

/** Bundles the command line; `packages` are the folders of the libraries that went in. */
export async function bundle() {
  const { code, inputs } = await bundled({
    entryPoints: [join(dist, "src", "cli", "main.js")],
    format: "cjs",
    define: { "import.meta.url": "__bundleUrl", "import.meta.dirname": "__dirname" },
    banner: { js: `const __bundleUrl = require("node:url").pathToFileURL(__filename).href;` },
    plugins: [{ name: "replaced", setup: replace }],
  });
  return { code: code.replace(/^#!.*\n/m, ""), packages: packagesOf(inputs) };
}

/** The compiled lock of a system, as `process.platform` and `process.arch` name it. */
export function lockAddonFile(platform, arch) {
  return join(
    root,
    "node_modules/fs-native-extensions/prebuilds",
    `${platform}-${arch}`,
    LOCK_ADDON,
  );
}

/** The licences of the libraries in a bundle, one after another. */
export function noticesOf(packages) {
  return packages
    .map((folder) => {
      const { name, version, license } = JSON.parse(
        readFileSync(join(folder, "package.json"), "utf8"),
      );
      return `${name} ${version} (${license})\n\n${licenceIn(folder) ?? "No licence text is in the package.\n"}`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}

function replace({ onLoad, onEnd }) {
  const left = new Set(Object.keys(REPLACED));
  for (const [path, contents] of Object.entries(REPLACED)) {
    onLoad({ filter: new RegExp(`${escaped(join(dist, path))}$`) }, async () => {
      left.delete(path);
      return { contents: await contents(), resolveDir: root };
    });
  }
  onLoad({ filter: /node_modules\/fs-native-extensions\/binding\.js$/ }, () => ({
    contents: readFileSync(join(import.meta.dirname, "lock-binding.cjs"), "utf8"),
  }));
  onEnd(() =>
    left.size === 0 ? null : { errors: [{ text: `not in the bundle: ${[...left].join(", ")}` }] },
  );
}

/** Names, without their ending, and texts. */
function filesIn(folder, ending) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => [name.slice(0, -ending.length), readFileSync(join(root, folder, name), "utf8")]);
}

function packageInfo() {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const revision = readFileSync(join(dist, "revision"), "utf8").trim();
  return `
export const packageVersion = () => ${text(version)};
export const packageRevision = () => ${text(revision)};
export const versionText = () =>
  "adc-witness " + packageVersion() + " (revision " + packageRevision() + ", Node.js " + process.version + ")";`;
}

async function bcryptThread() {
  const { code } = await bundled({
    stdin: {
      contents: `
import { parentPort } from "node:worker_threads";
import { compareSync } from "bcryptjs";
parentPort.on("message", ({ id, password, hash }) => {
  parentPort.postMessage({ id, equal: compareSync(password, hash) });
});`,
      resolveDir: root,
    },
    format: "cjs",
    minify: true,
  });
  return code;
}

async function bundled(options) {
  const { outputFiles, metafile } = await build({
    ...options,
    bundle: true,
    platform: "node",
    target: "node20",
    write: false,
    metafile: true,
    legalComments: "none",
    absWorkingDir: root,
    logLevel: "warning",
  });
  return { code: outputFiles[0].text, inputs: Object.keys(metafile.inputs) };
}

function packagesOf(inputs) {
  const folders = inputs.flatMap((path) => {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
    return found === null ? [] : [join(root, found[1])];
  });
  return [...new Set(folders)].sort((a, b) => (basename(a) < basename(b) ? -1 : 1));
}

function licenceIn(folder) {
  for (const name of ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE"]) {
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch {
      // Another name, then.
    }
  }
  return null;
}

function escaped(path) {
  return path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function text(value) {
  return JSON.stringify(value);
}
