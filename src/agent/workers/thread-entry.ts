/**
 * The module with which a worker thread begins: the built one also where the sources run, in tests, as Node.js 20 starts
 * no thread from TypeScript. A bundle carries it as text (`build/bundle.js`).
 */
export function threadEntry(): URL {
  return new URL(
    import.meta.url.endsWith(".ts")
      ? "../../../dist/src/agent/workers/probing-thread.js"
      : "probing-thread.js",
    import.meta.url,
  );
}
