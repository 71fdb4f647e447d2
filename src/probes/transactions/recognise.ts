import type { AdcService, Member } from "../../estate/adc-service.ts";
import type { Estate } from "../../estate/model.ts";
import { nameMatcher } from "../../lib/glob.ts";
import { exchangeTraits, type ExchangeTraits } from "./exchange-traits.ts";
import type { ExchangeVersion, TransactionName, TransactionSpec } from "./spec.ts";

/** What a member is to Exchange; `protocol` null: nothing, it gets its monitors and no more. */
export interface Recognition {
  readonly version: ExchangeVersion | null;
  readonly protocol: ExchangeProtocol | null;
  /** Path of its virtual directory for the web looks; null for other protocols. */
  readonly path: string | null;
  /** How TLS begins straight at the server. */
  readonly security: TransactionSpec["security"];
}
export type ExchangeProtocol = "imap" | "pop3" | "smtp" | "https" | "rpc";

/** Help from the configuration (`members:`), the first that matches counts. */
export interface MemberHelp {
  /** `server:port` or `server`, by name or address, with `*`. */
  readonly match: string;
  /** Null: as recognised. `http`: the web in clear text. */
  readonly protocol: ExchangeProtocol | "http" | null;
  /** `none`: this member is no Exchange, whatever it looks like. */
  readonly exchange: ExchangeVersion | "none" | null;
  readonly path: string | null;
}

/** Members that have shown themselves to be Exchange (`Observation.exchangeSeen`), by `learnedKey`. */
export type LearnedExchange = ReadonlySet<string>;

export function learnedKey(server: string, port: Member["port"]): string {
  return `${server}\u0000${String(port)}`;
}

const NOTHING: Recognition = { version: null, protocol: null, path: null, security: "none" };

/**
 * Says of one member whether it is Exchange, and what it speaks. Exchange is where a monitor or a content-switching rule
 * names a virtual directory or healthcheck.htm, a monitor awaits Exchange's banner, X-FEServer was seen, or the
 * configuration says so. The mail ports count only where the same server, or the service's or a monitor's name, says
 * Exchange. An ordinary web application gets nothing.
 */
export function recogniseExchange(
  estate: Estate,
  adcService: AdcService,
  member: Member,
  help: readonly MemberHelp[],
  learned: LearnedExchange,
): Recognition {
  return createRecogniser(estate, help, learned)(adcService, member);
}

/** The same for many members of one estate: what all of them need is worked out once. */
export function createRecogniser(
  estate: Estate,
  help: readonly MemberHelp[],
  learned: LearnedExchange,
): (adcService: AdcService, member: Member) => Recognition {
  const traits = exchangeTraits(estate);
  const helpFor = helper(help);
  const servers = exchangeServers(estate, traits, helpFor, learned);
  return (adcService, member) => {
    const helped = helpFor(member);
    if (helped?.exchange === "none") {
      return NOTHING;
    }
    const trait = traits.get(adcService.name);
    const version = helped?.exchange ?? trait?.version ?? null;
    const protocol = protocolOf(adcService, member, trait, servers, helped);
    if (protocol === null) {
      const seen = learned.has(learnedKey(member.server, member.port));
      return seen && isWeb(adcService, member) ? web(version, helped, trait, adcService) : NOTHING;
    }
    if (protocol === "https") {
      return web(version, helped, trait, adcService, member);
    }
    return { version, protocol, path: null, security: mailSecurity(protocol, member) };
  };
}

/** The looks every recognised member gets without anybody asking for them. */
export function looksFor(recognition: Recognition): readonly TransactionName[] {
  switch (recognition.protocol) {
    case "imap":
      return ["imap_greeting"];
    case "pop3":
      return ["pop3_greeting"];
    case "smtp":
      return ["smtp_mail_from"];
    case "https":
      return recognition.version === "2010"
        ? ["https_challenge"]
        : ["https_challenge", "health_page"];
    // The endpoint mapper's port is often closed to others than clients' networks: only where asked for.
    case "rpc":
    case null:
      return [];
  }
}

const MAIL_PORTS: ReadonlyMap<number, ExchangeProtocol> = new Map([
  [25, "smtp"],
  [465, "smtp"],
  [587, "smtp"],
  [143, "imap"],
  [993, "imap"],
  [110, "pop3"],
  [995, "pop3"],
]);

/** The configuration's word, then a banner, then the port of a mail protocol, then a virtual directory. */
function protocolOf(
  adcService: AdcService,
  member: Member,
  trait: ExchangeTraits | undefined,
  servers: ReadonlySet<string>,
  helped: MemberHelp | null,
): ExchangeProtocol | null {
  const told = helped?.protocol ?? null;
  if (told !== null) {
    return told === "http" ? "https" : told;
  }
  const shown = trait?.protocol ?? null;
  if (shown !== null && shown !== "https") {
    return shown;
  }
  const exchange =
    helped !== null ||
    shown !== null ||
    trait?.named === true ||
    servers.has(member.server) ||
    (member.address !== null && servers.has(member.address));
  if (!exchange) {
    return null;
  }
  const byPort = typeof member.port === "number" ? MAIL_PORTS.get(member.port) : undefined;
  if (byPort !== undefined) {
    return byPort;
  }
  if (helped !== null && isWeb(adcService, member)) {
    return "https";
  }
  return shown ?? (trait?.namedRpc === true ? "rpc" : null);
}

/** Names and addresses of the servers that something beyond a name shows to be Exchange. */
function exchangeServers(
  estate: Estate,
  traits: ReadonlyMap<string, ExchangeTraits>,
  helpFor: Helper,
  learned: LearnedExchange,
): ReadonlySet<string> {
  const servers = new Set<string>();
  for (const service of estate.services.values()) {
    const shown = (traits.get(service.name)?.protocol ?? null) !== null;
    for (const member of service.members) {
      const helped = helpFor(member);
      const known =
        helped === null
          ? shown || learned.has(learnedKey(member.server, member.port))
          : helped.exchange !== "none";
      if (known) {
        servers.add(member.server);
        if (member.address !== null) {
          servers.add(member.address);
        }
      }
    }
  }
  return servers;
}

function web(
  version: ExchangeVersion | null,
  helped: MemberHelp | null,
  trait: ExchangeTraits | undefined,
  adcService: AdcService,
  member?: Member,
): Recognition {
  const path = helped?.path ?? trait?.path ?? "/owa/";
  const clear =
    helped?.protocol === "http" || adcService.serviceType === "HTTP" || member?.port === 80;
  const secureMonitor = trait?.secureMonitor === true;
  return {
    version,
    protocol: "https",
    path,
    security: clear && !secureMonitor ? "none" : "implicit",
  };
}

function isWeb({ serviceType }: AdcService, { port }: Member): boolean {
  return ["HTTP", "SSL", "SSL_BRIDGE"].includes(serviceType) || port === 443 || port === 80;
}

/** 465 counts as implicit TLS; the look itself waits for Exchange's clear banner there first. */
function mailSecurity(protocol: ExchangeProtocol, { port }: Member): Recognition["security"] {
  if (protocol === "rpc") {
    return "none";
  }
  return port === 993 || port === 995 || port === 465 ? "implicit" : "starttls_if_offered";
}

/** What the configuration says of a member; null: nothing. */
type Helper = (member: Member) => MemberHelp | null;

function helper(help: readonly MemberHelp[]): Helper {
  if (help.length === 0) {
    return () => null;
  }
  const patterns = help.map((each) => ({ help: each, matches: nameMatcher([each.match]) }));
  return (member) => {
    const names = [member.server, member.address ?? member.server].flatMap((name) => [
      name,
      `${name}:${String(member.port)}`,
    ]);
    return patterns.find(({ matches }) => names.some(matches))?.help ?? null;
  };
}
