import { createHash } from "node:crypto";
import { startBcryptWorker } from "./bcrypt-worker.ts";

export interface BasicAuth {
  /** `busy`: too many comparisons wait already. */
  readonly check: (
    authorization: string | undefined,
    users: ReadonlyMap<string, string>,
  ) => Promise<"in" | "out" | "busy">;
  readonly close: () => Promise<void>;
}

const MAX_CACHED = 100;
/** Of a password that was thrown away: an unknown name costs as much time as a known one. */
const NOBODYS_HASH = "$2b$10$ujQJ9LbMeV.eFpzfI6Oi7eNID7D.eghAU/riNXU1FFXhl0wu/e51q";

/**
 * HTTP basic auth against bcrypt hashes, as exporter-toolkit does it: results are remembered by a digest of name, hash
 * and password, so that a scraper costs one comparison, and comparisons are made one at a time.
 */
export function createBasicAuth(): BasicAuth {
  const worker = startBcryptWorker();
  const cache = new Map<string, boolean>();

  return {
    check: async (authorization, users) => {
      const given = readBasic(authorization);
      if (given === null) {
        return "out";
      }
      const known = users.get(given.name);
      const hash = known ?? NOBODYS_HASH;
      const key = createHash("sha256")
        .update(JSON.stringify([given.name, hash, given.password]))
        .digest("base64");
      let equal = cache.get(key);
      if (equal === undefined) {
        const compared = await worker.compare(given.password, hash);
        if (compared === null) {
          return "busy";
        }
        equal = compared && known !== undefined;
        const [oldest] = cache.keys();
        if (cache.size >= MAX_CACHED && oldest !== undefined) {
          cache.delete(oldest);
        }
        cache.set(key, equal);
      }
      return equal ? "in" : "out";
    },
    close: worker.close,
  };
}

function readBasic(
  authorization: string | undefined,
): { readonly name: string; readonly password: string } | null {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) {
    return null;
  }
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
