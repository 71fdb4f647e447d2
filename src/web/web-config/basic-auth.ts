import { createHash } from "node:crypto";
import { startBcryptWorker } from "./bcrypt-worker.ts";

/** A name and a password, as given. */
export interface Given {
  readonly name: string;
  readonly password: string;
}

export interface BasicAuth {
  /** Whether these were found right before: known at once, however many wrong ones wait. */
  readonly knows: (given: Given, users: ReadonlyMap<string, string>) => boolean;
  /** `busy`: too many comparisons wait already. */
  readonly check: (
    given: Given,
    users: ReadonlyMap<string, string>,
  ) => Promise<"in" | "out" | "busy">;
  readonly close: () => Promise<void>;
}

const MAX_CACHED = 100;
/** Of a password that was thrown away: an unknown name costs as much time as a known one. */
const NOBODYS_HASH = "$2b$10$ujQJ9LbMeV.eFpzfI6Oi7eNID7D.eghAU/riNXU1FFXhl0wu/e51q";

/**
 * HTTP basic auth against bcrypt hashes, as exporter-toolkit does it: results are remembered by a digest of name, hash
 * and password, so that a scraper costs one comparison, and comparisons are made one at a time. Right and wrong ones are
 * remembered apart: guesses push nothing out but guesses.
 */
export function createBasicAuth(): BasicAuth {
  const worker = startBcryptWorker();
  const right = new Set<string>();
  const wrong = new Set<string>();

  return {
    knows: (given, users) => {
      const key = keyOf(given, users);
      if (!right.has(key)) {
        return false;
      }
      remember(right, key);
      return true;
    },
    check: async (given, users) => {
      const key = keyOf(given, users);
      if (right.has(key) || wrong.has(key)) {
        return right.has(key) ? "in" : "out";
      }
      const known = users.get(given.name);
      const compared = await worker.compare(given.password, known ?? NOBODYS_HASH);
      if (compared === null) {
        return "busy";
      }
      const isRight = compared && known !== undefined;
      remember(isRight ? right : wrong, key);
      return isRight ? "in" : "out";
    },
    close: worker.close,
  };
}

/** The hash is part of it: a password that was changed is not remembered. */
function keyOf({ name, password }: Given, users: ReadonlyMap<string, string>): string {
  return createHash("sha256")
    .update(JSON.stringify([name, users.get(name) ?? NOBODYS_HASH, password]))
    .digest("base64");
}

/** The last used are kept. */
function remember(keys: Set<string>, key: string): void {
  keys.delete(key);
  keys.add(key);
  const [oldest] = keys;
  if (keys.size > MAX_CACHED && oldest !== undefined) {
    keys.delete(oldest);
  }
}

/** The name and password of an `Authorization` header; null where it holds none. */
export function readBasic(authorization: string | undefined): Given | null {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) {
    return null;
  }
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
