/**
 * The key under which a directory counts rejected logins, however the name is written: `LAB\probe`, `probe@lab.example.com`,
 * `probe`, and a distinguished name that begins with `CN=probe` or `uid=probe`. Two names that may be one account's share a
 * key: at worst one of them waits for the other. A display name as CN tells nothing of the account: docs/limits.md.
 */
export function lockoutKeyOf(username: string): string {
  const name = nameInDn(username) ?? username;
  const withoutDomain = name.slice(name.lastIndexOf("\\") + 1);
  return (withoutDomain.split("@")[0] ?? withoutDomain).normalize("NFKC").trim().toLowerCase();
}

/** The value of the first part of a distinguished name (RFC 4514), where it names a person; else null. */
function nameInDn(username: string): string | null {
  const value = /^\s*(?:cn|uid|samaccountname|userprincipalname)\s*=\s*((?:\\.|[^,+\\])+)/iu.exec(
    username,
  )?.[1];
  return value?.replace(/\\(.)/gu, "$1") ?? null;
}
