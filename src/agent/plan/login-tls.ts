import { isIP } from "../../lib/ip.ts";
import type { Member } from "../../model/adc-service.ts";
import type { ServerTrust } from "../../config/schema.ts";
import { proofOf } from "../../net/server-proof.ts";
import type { ServerProof, TlsSettings } from "../../model/tls-settings.ts";
import { matchesMember, type PlanSettings, type VserverSettings } from "./settings.ts";

/** What the configuration and the estate say of a place where a secret is to be sent. */
export interface LoginEndpoint {
  /** The most particular first: what one of them does not say, the next one may. */
  readonly trusts: readonly ServerTrust[];
  /** Names that a certificate may hold; what is no host name is passed over, an address too. */
  readonly names: readonly (string | null | undefined)[];
}

/** What is said of a member: by `members`, then by the vservers in front, of which only the authority counts here. */
export function memberPlace(
  settings: PlanSettings,
  member: Member,
  vservers: readonly string[],
): LoginEndpoint {
  const entries = settings.members.filter(({ match }) =>
    matchesMember(match, member.server, member.port),
  );
  const inFront = vservers.flatMap((name) => settings.vservers.get(name) ?? []);
  return {
    // Pins, names and leniency of a vserver are about the certificate at its own address.
    trusts: [...entries, ...inFront.map(({ ca = null }) => ({ ca }))],
    names: [
      ...entries.map(({ host }) => host),
      ...inFront.flatMap(clientNames),
      member.server,
      member.domain,
    ],
  };
}

/** What is said of a vserver, and of the one before it whose address is dialled. */
export function vserverPlace(
  settings: PlanSettings,
  vserver: string,
  entry: string,
  names: LoginEndpoint["names"],
): LoginEndpoint {
  const own = [...new Set([vserver, entry])].flatMap((name) => settings.vservers.get(name) ?? []);
  return { trusts: own, names: [...names, ...own.flatMap(clientNames)] };
}

function clientNames({ host, names }: VserverSettings): readonly (string | null)[] {
  return [host, ...names];
}

/** TLS settings for a connection that a secret is sent over: as these, and with proof of the server. */
export function loginTls(tls: TlsSettings, { trusts, names }: LoginEndpoint): TlsSettings {
  const serverName = firstOf(trusts, (trust) => trust.serverName);
  const fitting = names.filter((name) => typeof name === "string").filter(isHostName);
  return {
    ...tls,
    serverName: serverName !== null && isIP(serverName) === 0 ? serverName : tls.serverName,
    expectedNames: serverName === null ? [...new Set(fitting)] : [serverName],
    ca: firstOf(trusts, (trust) => trust.ca),
    proof: proofBy(trusts),
  };
}

/** As {@link loginTls}, for a monitor's replica: it says no other name in the handshake than the ADC does. */
export function monitorLoginTls(
  tls: TlsSettings,
  verify: boolean | undefined,
  { trusts, names }: LoginEndpoint,
): TlsSettings {
  const own: readonly ServerTrust[] = verify === false ? [{ verify }] : [];
  const place = { trusts: [...own, ...trusts], names: [...names, tls.serverName] };
  return { ...loginTls(tls, place), serverName: tls.serverName };
}

function proofBy(trusts: readonly ServerTrust[]): ServerProof {
  for (const { fingerprints = [], verify } of trusts) {
    if (fingerprints.length > 0) {
      return { kind: "pinned", sha256: fingerprints };
    }
    if (verify !== undefined) {
      return { kind: verify ? "certificate" : "unverified" };
    }
  }
  return { kind: "certificate" };
}

function firstOf<T>(
  trusts: readonly ServerTrust[],
  read: (trust: ServerTrust) => T | null | undefined,
): T | null {
  return trusts.map(read).find((value) => value !== null && value !== undefined) ?? null;
}

/** Letters, digits, dashes and dots within; OpenSSL would take a name that begins with a dot for every name that ends so. */
function isHostName(name: string): boolean {
  return isIP(name) === 0 && /^[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?$/i.test(name);
}

/** What a server must show before this secret is sent, in words for `plan`. */
export function proofWords(tls: TlsSettings): string {
  const proof = proofOf(tls);
  switch (proof.kind) {
    case "unverified":
      return "the password is sent to an unverified server (verify: false)";
    case "pinned":
      return `the password is sent only to a pinned certificate (${proof.sha256.map((pin) => `${pin.slice(0, 16)}…`).join(", ")})`;
    case "certificate": {
      const issuer = tls.ca === null ? "the system's trust store" : "ca_file";
      return tls.expectedNames.length === 0
        ? "the password is never sent, because the expected certificate name is unknown; set server_name or fingerprint_sha256"
        : `the password is sent only to a certificate of ${issuer} with ${tls.expectedNames.join(" or ")}; otherwise set ca_file, server_name or fingerprint_sha256`;
    }
  }
}

/** Two notes as one. */
export function bothNotes(first: string | null, second: string | null): string | null {
  const notes = [first, second].filter((note) => note !== null);
  return notes.length === 0 ? null : notes.join("; ");
}
