import { createRequire } from "node:module";

/** The part of `fs-native-extensions` that is used here. */
export interface LockAddon {
  /** False when somebody else holds it; throws what else the system refuses. */
  readonly tryLock: (fd: number) => boolean;
}

/**
 * Loaded where it is needed: on a system without a prebuilt binary only what needs the lock fails. A bundle has its own
 * way to the binary (`build/bundle.js`).
 */
export function lockAddon(): LockAddon {
  return createRequire(import.meta.url)("fs-native-extensions") as LockAddon;
}
