/**
 * One person however the name is written (`LAB\\probe`, `probe@lab.example.com`, `probe`): a directory counts the rejected
 * logins of all of them together.
 */
export function personOf(username: string): string {
  const withoutDomain = username.slice(username.lastIndexOf("\\") + 1);
  return (withoutDomain.split("@")[0] ?? withoutDomain).toLowerCase();
}
