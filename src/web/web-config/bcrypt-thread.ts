import { createRequire } from "node:module";

/**
 * Source of the thread that compares passwords; text, so that it works from source and from the built package. A bundled build
 * inlines bcryptjs (`build/bundle.js`).
 */
export function bcryptThreadSource(): string {
  const bcryptjs = createRequire(import.meta.url).resolve("bcryptjs");
  return `
const { parentPort } = require("node:worker_threads");
const { compareSync } = require(${JSON.stringify(bcryptjs)});
parentPort.on("message", ({ id, password, hash }) => {
  parentPort.postMessage({ id, equal: compareSync(password, hash) });
});
`;
}
