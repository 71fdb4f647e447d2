import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/**
 * `npm run build:lint-page`: importer, lint and plan as one HTML file, dist/lint-page.html, which needs no server and
 * makes no requests. Node's own modules and the libraries of probes are left out: code that only reads a file never
 * calls them.
 */
const root = join(import.meta.dirname, "..");
const written = (path) => readFileSync(join(root, path), "utf8");

/** Node's modules that reading a file needs, of which lint-page/node-shim.ts has what it needs. */
const SHIMMED = /^node:(net|util)$/;

/** Replaces modules and globals that are never called: every property exists and does nothing. */
const NEVER_CALLED = join(import.meta.dirname, "never-called.js");

function withoutNode({ onResolve, onLoad }) {
  onResolve({ filter: SHIMMED }, () => ({ path: join(root, "lint-page", "node-shim.ts") }));
  onLoad({ filter: /\.conf$/ }, ({ path }) => ({
    contents: `export const text = ${JSON.stringify(readFileSync(path, "utf8"))};`,
  }));
  onResolve({ filter: /^ldapts$/ }, () => ({
    path: join(import.meta.dirname, "ldapts-shim.cjs"),
  }));
  onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
    kind === "entry-point" ? null : { path, namespace: "never-called" },
  );
  onLoad({ filter: /.*/, namespace: "never-called" }, () => ({
    contents: `module.exports = require(${JSON.stringify(NEVER_CALLED)}).Buffer;`,
    resolveDir: root,
  }));
}

async function minified(path, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [join(root, path)],
    bundle: true,
    minify: true,
    target: ["chrome110", "firefox115", "safari16"],
    charset: "utf8",
    legalComments: "none",
    write: false,
    absWorkingDir: root,
    logLevel: "warning",
    ...options,
  });
  return outputFiles[0].text.trim();
}

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const script = await minified("lint-page/page.ts", {
  format: "iife",
  inject: [NEVER_CALLED],
  plugins: [{ name: "without-node", setup: withoutNode }],
});
const style = await minified("lint-page/page.css");
const { version } = JSON.parse(written("package.json"));
const parts = {
  csp: [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "worker-src blob:",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; "),
  style,
  script,
  version: `adc-witness ${version}`,
};
mkdirSync(join(root, "dist"), { recursive: true });
writeFileSync(
  join(root, "dist", "lint-page.html"),
  written("lint-page/page.html").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]),
);
