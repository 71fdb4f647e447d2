import type { Vserver } from "../model/vserver.ts";
import { command } from "./commands.ts";
import type { LintContext, LintVserver } from "./context.ts";
import { NTLM_DIRECTORIES, type Directory } from "./directories.ts";
import type { Hit } from "./finding.ts";
import { portsOf, protocolOfPort, type PortProtocol } from "./ports.ts";
import type { Rule } from "./rule.ts";

/** Vservers: certificates, persistence, time-outs and what is done to the traffic. */
export const VSERVER_RULES: readonly Rule[] = [
  { id: "vserver_without_certificate", severity: "error", find: withoutCertificate },
  { id: "persistence_longer_than_drain", severity: "warning", find: persistenceLongerThanDrain },
  { id: "authorization_persistence", severity: "warning", find: authorizationPersistence },
  { id: "client_timeout_too_short", severity: "warning", find: clientTimeoutTooShort },
  { id: "cache_on_exchange", severity: "warning", find: optimisation("cache", "caching") },
  {
    id: "feo_on_exchange",
    severity: "warning",
    find: optimisation("feo", "front-end optimisation"),
  },
];

const TLS_VSERVERS: ReadonlySet<string> = new Set(["SSL", "SSL_TCP", "HTTP_QUIC", "DTLS"]);

function withoutCertificate(context: LintContext): Hit[] {
  return context.vservers
    .filter(
      ({ vserver }) =>
        TLS_VSERVERS.has(vserver.serviceType) && vserver.certKeys.every(({ ca }) => ca),
    )
    .map(({ vserver }) => ({
      line: vserver.line,
      object: vserver.name,
      message:
        `${vserver.name} of type ${vserver.serviceType} has no certificate bound: the ADC keeps it DOWN ` +
        "(Certkey not bound), behind content switching too.",
      fix: command("bind", "ssl", "vserver", vserver.name, "-certkeyName", "<certKey>"),
    }));
}

/** While an entry lives, its client goes on to a server that is being drained (NetScaler docs, "Graceful shutdown"). */
function persistenceLongerThanDrain(context: LintContext): Hit[] {
  const { drainMs } = context.settings;
  return context.vservers.flatMap(({ vserver }) => {
    if (vserver.kind !== "lb" || vserver.persistence.type === "NONE") {
      return [];
    }
    const { timeoutMs, type } = vserver.persistence;
    if (timeoutMs !== 0 && timeoutMs <= drainMs) {
      return [];
    }
    const lasts = timeoutMs === 0 ? "until the client forgets it" : minutes(timeoutMs);
    return [
      {
        line: vserver.line,
        object: vserver.name,
        message:
          `${type} persistence of ${vserver.name} lasts ${lasts}, longer than a drain of ${minutes(drainMs)}: ` +
          "clients still stick to a server when work on it begins.",
        fix: command("set", "lb", "vserver", vserver.name, "-timeout", drainMs / 60_000),
      },
    ];
  });
}

/** NTLM sends a new Authorization header in each of its three steps: each may go to another server, and none succeeds. */
function authorizationPersistence(context: LintContext): Hit[] {
  return context.vservers.flatMap(({ vserver, directories }) => {
    if (vserver.kind !== "lb" || vserver.persistence.type !== "RULE") {
      return [];
    }
    const basicOnly = directories.size > 0 && [...directories].every(isBasicDirectory);
    if (basicOnly || !/authorization/i.test(vserver.persistence.rule ?? "")) {
      return [];
    }
    return [
      {
        line: vserver.line,
        object: vserver.name,
        message:
          `${vserver.name} persists by the Authorization header, which NTLM changes with every step of a login: ` +
          "Outlook asks for the password again and again.",
        fix: command(
          ...["set", "lb", "vserver", vserver.name],
          ...["-persistenceType", "SOURCEIP", "-timeout", 30],
        ),
      },
    ];
  });
}

function isBasicDirectory(directory: Directory): boolean {
  return directory === "activesync";
}

/**
 * Silence that a protocol allows, in seconds: IMAP 30 min (RFC 3501, autologout), POP3 10 min (RFC 1939), SMTP 5 min
 * (RFC 5321); ActiveSync's Direct Push up to 30 min, RPC over HTTP the 20 min of the recommended TCP keep-alive
 * (Microsoft docs).
 */
const SILENCE_OF_PORT: ReadonlyMap<PortProtocol, number> = new Map([
  ["imap", 1_800],
  ["pop3", 600],
  ["smtp", 300],
]);
const SILENCE_OF_DIRECTORY: ReadonlyMap<Directory, number> = new Map([
  ["activesync", 1_800],
  ["rpc", 1_200],
]);

/** Clients meet the time-out of the vserver that has the address, not of those behind content switching. */
function clientTimeoutTooShort(context: LintContext): Hit[] {
  return context.vservers.flatMap((one) => {
    const { vserver } = one;
    if (vserver.address === null || one.services.length === 0) {
      return [];
    }
    const needed = neededSilence(one);
    const timeout = (vserver.clientTimeoutMs ?? defaultClientTimeoutMs(vserver)) / 1000;
    if (needed === null || timeout >= needed.seconds) {
      return [];
    }
    return [
      {
        line: vserver.line,
        object: vserver.name,
        message:
          `${vserver.name} closes a client that is silent for ${String(timeout)} s, but ${needed.what} may rest ` +
          `${String(needed.seconds)} s: sessions break while nothing is wrong.`,
        fix: command("set", vserver.kind, "vserver", vserver.name, "-cltTimeout", needed.seconds),
      },
    ];
  });
}

function neededSilence(one: LintVserver): { what: string; seconds: number } | null {
  const ports = one.services.flatMap(({ service }) => portsOf(service)).map(protocolOfPort);
  const known = [
    ...ports.map((what) => ({
      what,
      seconds: what === null ? undefined : SILENCE_OF_PORT.get(what),
    })),
    ...[...one.directories].map((what) => ({ what, seconds: SILENCE_OF_DIRECTORY.get(what) })),
  ];
  let longest: { what: string; seconds: number } | null = null;
  for (const { what, seconds } of known) {
    if (what !== null && seconds !== undefined && seconds > (longest?.seconds ?? 0)) {
      longest = { what, seconds };
    }
  }
  return longest;
}

/** NetScaler command reference, `-cltTimeout`: by the vserver's type. */
function defaultClientTimeoutMs({ serviceType }: Vserver): number {
  return ["HTTP", "SSL"].includes(serviceType) ? 180_000 : 9_000_000;
}

/** Both rewrite or hold back what OWA and MAPI sign, stamp and stream. */
function optimisation(feature: string, words: string): (context: LintContext) => Hit[] {
  const fragile: readonly Directory[] = ["owa", "ecp", ...NTLM_DIRECTORIES];
  return (context) =>
    context.vservers.flatMap(({ vserver, directories }) => {
      const served = fragile.filter((directory) => directories.has(directory));
      if (served.length === 0) {
        return [];
      }
      return vserver.policies
        .filter(({ policy }) => context.estate.policies.get(policy)?.feature === feature)
        .map(({ policy, line }) => ({
          line,
          object: vserver.name,
          message:
            `Policy ${policy} puts ${words} before ${served.join(", ")} at ${vserver.name}: ` +
            "pages stay stale or broken and logins are asked for again, while every monitor passes.",
          fix: command("unbind", vserver.kind, "vserver", vserver.name, "-policyName", policy),
        }));
    });
}

function minutes(ms: number): string {
  return `${String(ms / 60_000)} min`;
}
