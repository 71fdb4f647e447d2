import { createRequire } from "node:module";

/**
 * What runs in the thread that compares passwords: text, so that it is the same from source and from the built package.
 * A bundle puts bcryptjs itself into it (`build/bundle.js`).
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
