import type { ProfileKind } from "../object-kinds.ts";
import type { Draft } from "./draft.ts";
import type { Statement } from "./statements.ts";

/** Profiles that every appliance has, and templates of its applications: `ns_default_…`, `nstcp_…`, `nshttp_…`. */
export function isBuiltInProfile(name: string): boolean {
  return /^ns[a-z]*_/i.test(name);
}

/**
 * Remembers which profiles a statement refers to, whatever its object is; `profileReferences` resolves them. Expects
 * options that are written in full. A service's net profile is in the estate already.
 */
export function noteProfiles({ verb, group, words, keys, line }: Statement, draft: Draft): void {
  if (keys.size === 0 || verb === "unset") {
    return;
  }
  const isService = /^service(?:group)?$/i.test(group);
  for (const [key, kind] of REFERENCES) {
    const [name = ""] = keys.get(key) ?? [];
    const isKept = isService && kind === "net profile";
    if (!isKept && name !== "" && name.toLowerCase() !== "none" && !isBuiltInProfile(name)) {
      draft.profileUses.push({ kind, name, object: words[0] ?? kind, line });
    }
  }
}

const REFERENCES: readonly (readonly [key: string, kind: ProfileKind])[] = [
  ["netprofile", "net profile"],
  ["sslprofile", "SSL profile"],
  ["tcpprofilename", "TCP profile"],
  ["httpprofilename", "HTTP profile"],
];
