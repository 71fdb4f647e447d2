import type { Config, ServerTrust } from "./schema.ts";

/** Keys with `verify: false`: passwords are sent there to an unverified server. */
export function unverifiedLogins(config: Config): readonly string[] {
  const { monitors, vservers, members, transactions } = config;
  return [
    ...transactions.accounts.map((account) => [`account ${account.name}`, account] as const),
    ...members.map((member) => [`members ${member.match}`, member] as const),
    ...[...vservers].map(([name, vserver]) => [`vservers.${name}`, vserver] as const),
    ...[...monitors].map(([name, monitor]) => [`monitors.${name}`, monitor] as const),
  ].flatMap(([name, { verify }]) => (verify === false ? [name] : []));
}

/** To which servers a password goes, as far as this place of the configuration says, in words. */
export function trustWords({
  fingerprints = [],
  ca = null,
  serverName,
  verify,
}: ServerTrust): string {
  if (fingerprints.length > 0) {
    return "only to a pinned certificate (fingerprint_sha256)";
  }
  if (verify === false) {
    return "to an unverified server (verify: false)";
  }
  const issuer = ca === null ? "that the system's trust store verifies" : "that ca_file verifies";
  const names = serverName ?? "the member's or the vserver's name";
  return `only to a certificate ${issuer}, with ${names}`;
}
