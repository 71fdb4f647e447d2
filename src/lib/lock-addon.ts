import { createRequire } from "node:module";

/** The part of `fs-native-extensions` that is used here. */
export interface LockAddon {
  /** False if another process holds it; throws other system errors. */
  readonly tryLock: (fd: number) => boolean;
}

/**
 * Loaded on demand, so that without a prebuilt binary only locking fails. A bundled build loads the binary itself
 * (`build/bundle.js`).
 */
export function lockAddon(): LockAddon {
  return createRequire(import.meta.url)("fs-native-extensions") as LockAddon;
}
