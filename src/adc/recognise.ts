import type { AdcService, Member } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import { nameMatcher } from "../lib/glob.ts";
import { append } from "../lib/steps.ts";
import type { ExchangeVersion, TransactionName, TransactionSpec } from "../model/transactions.ts";
import type { Monitor } from "../model/monitor.ts";
import { csTargetOf } from "./vserver-graph.ts";

/**
 * The role of a member in Exchange, or the protocol that it speaks otherwise; `protocol` null: unknown, so only its
 * monitors are probed.
 */
export interface Recognition {
  readonly version: ExchangeVersion | null;
  readonly protocol: LookProtocol | null;
  /** Path of its virtual directory for web looks; null for other protocols. */
  readonly path: string | null;
  /** How TLS starts at the server itself. */
  readonly security: TransactionSpec["security"];
}
export type ExchangeProtocol = "imap" | "pop3" | "smtp" | "https" | "rpc";
/** All protocols for which a look exists. */
export type LookProtocol = ExchangeProtocol | "ldap" | "dns" | "ntp";

/** An override in the configuration (`members:`); the first match counts. */
export interface MemberOverride {
  /** `server:port` or `server`, by name or address, with `*`. */
  readonly match: string;
  /** Null: as recognised. `http`: the web without TLS. */
  readonly protocol: LookProtocol | "http" | null;
  /** `none`: this member is not Exchange, whatever it looks like. */
  readonly exchange: ExchangeVersion | "none" | null;
  readonly path: string | null;
  /** How TLS starts there; absent or null: as usual for its port or monitors. */
  readonly security?: "none" | "starttls" | "implicit" | null;
}

/** Members recognised as Exchange by their responses (`Observation.exchangeSeen`), by `learnedKey`. */
export type LearnedExchange = ReadonlySet<string>;

export function learnedKey(server: string, port: Member["port"]): string {
  return `${server}\u0000${String(port)}`;
}

function isLearned(learned: LearnedExchange, { server, port }: Member): boolean {
  return learned.size > 0 && learned.has(learnedKey(server, port));
}

const NOTHING: Recognition = { version: null, protocol: null, path: null, security: "none" };

/**
 * Determines for each member whether it is Exchange, and which protocol it speaks. It is Exchange if a monitor or a
 * content-switching rule names a virtual directory or healthcheck.htm, if a monitor expects Exchange's banner, if
 * X-FEServer was seen, or if the configuration says so. The mail ports count only if the same server, or the name of
 * the service or a monitor, suggests Exchange. An ordinary web application does not qualify. What all members of the
 * estate need is computed once.
 */
export function createRecogniser(
  estate: Estate,
  help: readonly MemberOverride[],
  learned: LearnedExchange,
  rulePaths: RulePaths = pathsOfRules(estate),
): (adcService: AdcService, member: Member) => Recognition {
  const traits = exchangeTraits(estate, rulePaths);
  // An override of name, TLS or looks alone does not make a member Exchange.
  const helpFor = overrideFor(
    help.filter(({ protocol, exchange, path }) => protocol ?? exchange ?? path),
  );
  const servers = exchangeServers(estate, traits, helpFor, learned);
  return (adcService, member) => {
    const helped = helpFor(member);
    if (helped?.exchange === "none" || isPlain(helped?.protocol ?? null)) {
      return NOTHING;
    }
    const trait = traits.get(adcService.name);
    const version = helped?.exchange ?? trait?.version ?? null;
    const protocol = protocolOf(adcService, member, trait, servers, helped);
    if (protocol === null) {
      const seen = isLearned(learned, member);
      return seen && isWeb(adcService, member) ? web(version, helped, trait, adcService) : NOTHING;
    }
    if (protocol === "https") {
      return web(version, helped, trait, adcService, member);
    }
    return { version, protocol, path: null, security: mailSecurity(protocol, member) };
  };
}

/** The looks that a member gets by default. */
export function looksFor(
  { protocol, version }: Pick<Recognition, "protocol" | "version">,
  isExchange: boolean,
): readonly TransactionName[] {
  switch (protocol) {
    case "imap":
      return ["imap_greeting"];
    case "pop3":
      return ["pop3_greeting"];
    case "smtp":
      return [isExchange ? "smtp_mail_from" : "smtp_greeting"];
    case "https":
      if (!isExchange) {
        return ["web_answer"];
      }
      return version === "2010" ? ["https_challenge"] : ["https_challenge", "health_page"];
    case "ldap":
      return ["ldap_root"];
    case "dns":
      return ["dns_lookup"];
    case "ntp":
      return ["ntp_time"];
    // The endpoint mapper's port is often closed to networks other than the clients': only if configured.
    case "rpc":
    case null:
      return [];
  }
}

export const MAIL_PORTS: ReadonlyMap<number, "smtp" | "imap" | "pop3"> = new Map([
  [25, "smtp"],
  [465, "smtp"],
  [587, "smtp"],
  [143, "imap"],
  [993, "imap"],
  [110, "pop3"],
  [995, "pop3"],
]);

/** The configuration first, then a banner, then the port of a mail protocol, then a virtual directory. */
function protocolOf(
  adcService: AdcService,
  member: Member,
  trait: ExchangeTraits | undefined,
  servers: ReadonlySet<string>,
  helped: MemberOverride | null,
): ExchangeProtocol | null {
  const configured = helped?.protocol ?? null;
  if (configured !== null && !isPlain(configured)) {
    return configured === "http" ? "https" : configured;
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
  if (trait?.named === true && trait.namedPath !== null && isWeb(adcService, member)) {
    return "https";
  }
  return shown ?? (trait?.namedRpc === true ? "rpc" : null);
}

/** Protocols that Exchange does not serve. */
function isPlain(protocol: MemberOverride["protocol"]): protocol is "ldap" | "dns" | "ntp" {
  return protocol === "ldap" || protocol === "dns" || protocol === "ntp";
}

/** Names and addresses of the servers for which more than a name indicates Exchange. */
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
        helped === null ? shown || isLearned(learned, member) : helped.exchange !== "none";
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
  helped: MemberOverride | null,
  trait: ExchangeTraits | undefined,
  adcService: AdcService,
  member?: Member,
): Recognition {
  const path = helped?.path ?? trait?.path ?? trait?.namedPath ?? "/owa/";
  const { serviceType } = adcService;
  const isClear = helped?.protocol === "http" || serviceType === "HTTP" || member?.port === 80;
  const isTls = trait?.secureMonitor === true && !isWebInClear(serviceType, member?.port ?? "*");
  return {
    version,
    protocol: "https",
    path,
    security: isClear && !isTls ? "none" : "implicit",
  };
}

/**
 * Whether the service's type and port leave no doubt that the ADC speaks HTTP without TLS to a member, whatever its
 * monitor does (`-secure YES` there is a fault): type HTTP, except at the port of HTTPS, and port 80.
 */
export function isWebInClear(serviceType: string, port: Member["port"]): boolean {
  return serviceType === "HTTP"
    ? port !== 443
    : port === 80 && serviceType !== "SSL" && serviceType !== "SSL_TCP";
}

function isWeb({ serviceType }: AdcService, { port }: Member): boolean {
  return ["HTTP", "SSL", "SSL_BRIDGE"].includes(serviceType) || port === 443 || port === 80;
}

/** 465 counts as implicit TLS; the look itself first waits for Exchange's cleartext banner there. */
function mailSecurity(protocol: ExchangeProtocol, { port }: Member): Recognition["security"] {
  if (protocol === "rpc") {
    return "none";
  }
  return port === 993 || port === 995 || port === 465 ? "implicit" : "starttls_if_offered";
}

/** The configuration's override for a member; null: none. */
type Helper<Override extends MemberOverride = MemberOverride> = (member: Member) => Override | null;

/** Finds the first override that matches a member. */
export function overrideFor<Override extends MemberOverride>(
  help: readonly Override[],
): Helper<Override> {
  if (help.length === 0) {
    return () => null;
  }
  const patterns = help.map((each) => ({ help: each, matches: nameMatcher([each.match]) }));
  return (member) => {
    const names = [member.server, member.address ?? member.server].flatMap((name) => [
      name,
      `${name}:${String(member.port)}`,
      ...(name.includes(":") ? [`[${name}]`, `[${name}]:${String(member.port)}`] : []),
    ]);
    return patterns.find(({ matches }) => names.some(matches))?.help ?? null;
  };
}

/** What the ADC's configuration says about Exchange at one service or service group; most services have no such traits. */
interface ExchangeTraits {
  /** From a virtual directory, healthcheck.htm or a banner; null if only names suggest Exchange. */
  readonly protocol: ExchangeProtocol | null;
  readonly path: string | null;
  readonly version: ExchangeVersion | null;
  /** The name of the service, of a server or of a monitor suggests Exchange. */
  readonly named: boolean;
  /** The challenge path of the virtual directory in the service's own name; null if it names none. */
  readonly namedPath: string | null;
  /** A name suggests RPC Client Access. */
  readonly namedRpc: boolean;
  /** One of its monitors speaks TLS. */
  readonly secureMonitor: boolean;
}

/** Traits by service name; services without any are left out. */
function exchangeTraits(estate: Estate, rulePaths: RulePaths): ReadonlyMap<string, ExchangeTraits> {
  const traits = new Map<string, ExchangeTraits>();
  const switchedPaths = pathsOfSwitching(estate);
  for (const service of estate.services.values()) {
    const { name } = service;
    const found = traitsOf(
      estate,
      service,
      rulePaths.get(name) ?? [],
      switchedPaths.get(name) ?? [],
    );
    if (found !== null) {
      traits.set(service.name, found);
    }
  }
  return traits;
}

const NAMED =
  /exch|(^|[^a-z0-9])e20(07|10|13|16|19)|activesync|outlook|autodiscover|(^|[^a-z])owa([^a-z]|$)/i;
const NAMED_RPC = /rpc[ _-]?client|rpcca|(^|[^a-z])rpc([^a-z]|$)/i;

function traitsOf(
  estate: Estate,
  service: AdcService,
  rulePaths: readonly string[],
  switchedPaths: readonly string[],
): ExchangeTraits | null {
  const monitors = service.monitors
    .map(({ monitor }) => estate.monitors.get(monitor))
    .filter((monitor): monitor is Monitor => monitor !== undefined);
  const requests = monitors.map(requestPath).filter((path) => path !== null);
  const directories = directoryOf(requests, rulePaths, switchedPaths);
  const banner = monitors.map(bannerProtocol).find((protocol) => protocol !== null) ?? null;
  const names = [service.name, ...service.members.map(({ server }) => server)].concat(
    monitors.map(({ name }) => name),
  );
  const named = names.some((name) => NAMED.test(name));
  const health = requests.some((path) => HEALTH_PAGE.test(path));
  const protocol = banner ?? (directories !== null || health ? "https" : null);
  if (protocol === null && !named) {
    return null;
  }
  return {
    protocol,
    path: directories,
    version: versionOf(names),
    named,
    namedPath: pathOfName(service.name),
    namedRpc: named && NAMED_RPC.test(service.name),
    secureMonitor: monitors.some(({ secure }) => secure),
  };
}

/** Directories as they appear in service names: `Exchange_2010_AS`, `sg_outlook_anywhere`. */
const NAMED_DIRECTORIES: readonly (readonly [RegExp, directory: string])[] = [
  [/active[ _-]?sync|(^|[^a-z])e?as([^a-z]|$)/i, "microsoft-server-activesync"],
  [/outlook[ _-]?anywhere|rpc[ _-]?over[ _-]?http|(^|[^a-z])oa([^a-z]|$)/i, "rpc"],
  [/(^|[^a-z])ews([^a-z]|$)/i, "ews"],
  [/autodiscover/i, "autodiscover"],
  [/(^|[^a-z])oab([^a-z]|$)/i, "oab"],
  [/(^|[^a-z])mapi([^a-z]|$)/i, "mapi"],
  [/(^|[^a-z])ecp([^a-z]|$)/i, "ecp"],
  [/(^|[^a-z])owa([^a-z]|$)/i, "owa"],
];

function pathOfName(name: string): string | null {
  const found = NAMED_DIRECTORIES.find(([pattern]) => pattern.test(name))?.[1];
  return DIRECTORIES.find(([directory]) => directory === found)?.[1] ?? null;
}

/** A year in a name: `e2010_IMAP4_monitor`, `Exchange_2016_OWA`, `EX2019`. */
function versionOf(names: readonly string[]): ExchangeVersion | null {
  for (const name of names) {
    const year = /(?:e|ex|exch|exchange)[ _-]?(2010|2013|2016|2019)/i.exec(name)?.[1];
    if (year === "2010" || year === "2013" || year === "2016" || year === "2019") {
      return year;
    }
    if (/exchange[ _-]?SE([^a-z]|$)/i.test(name)) {
      return "SE";
    }
  }
  return null;
}

/** The path in `GET /owa/healthcheck.htm` of an HTTP-ECV or TCP-ECV monitor, or in `HEAD /` of an HTTP monitor. */
export function requestPath(monitor: Monitor): string | null {
  const { httpRequest, send } = monitor.parameters;
  const request = httpRequest ?? send;
  const target = request === null ? null : /^\s*[A-Z_]+\s+(\S+)/i.exec(request)?.[1];
  if (target === null || target === undefined) {
    return null;
  }
  return target.replace(/^https?:\/\/[^/]+/i, "");
}

const BANNERS: readonly (readonly [RegExp, ExchangeProtocol])[] = [
  [/Microsoft Exchange.{0,200}IMAP4/i, "imap"],
  [/Microsoft Exchange.{0,200}POP3/i, "pop3"],
  [/Microsoft ESMTP MAIL(?! Service, Version)/i, "smtp"],
];

function bannerProtocol({ parameters }: Monitor): ExchangeProtocol | null {
  const { recv } = parameters;
  return recv === null ? null : (BANNERS.find(([banner]) => banner.test(recv))?.[1] ?? null);
}

const HEALTH_PAGE = /\/healthcheck\.htm$/i;

/**
 * Virtual directories and the path that returns their challenge, in order of preference. `/rpc` and `/ecp` alone prove
 * nothing (Remote Desktop Gateway has `/rpc` too); their health page does.
 */
const DIRECTORIES: readonly (readonly [directory: string, challenge: string, proof: RegExp])[] = [
  ["owa", "/owa/", /^\/owa(\/|$)/i],
  ["ews", "/EWS/Exchange.asmx", /^\/ews(\/|$)/i],
  [
    "microsoft-server-activesync",
    "/Microsoft-Server-ActiveSync",
    /^\/microsoft-server-activesync/i,
  ],
  [
    "autodiscover",
    "/Autodiscover/Autodiscover.xml",
    // Skype for Business (Lync) has its own service in a directory of that name.
    /^\/autodiscover(\/(?!autodiscoverservice\.svc)|$)/i,
  ],
  ["mapi", "/mapi/emsmdb/", /^\/mapi\/(emsmdb|nspi|healthcheck\.htm)/i],
  ["oab", "/OAB/", /^\/oab(\/|$)/i],
  ["ecp", "/ecp/", /^\/ecp\/(default\.aspx|healthcheck\.htm)/i],
  ["rpc", "/rpc/rpcproxy.dll", /^\/rpc\/healthcheck\.htm/i],
  ["powershell", "/PowerShell/", /^\/powershell\/healthcheck\.htm/i],
];

/**
 * The virtual directory of Exchange in a path, in lower case: `owa` for `/OWA/healthcheck.htm`; null if there is none.
 */
export function exchangeDirectory(path: string): string | null {
  const first = /^\/([^/?#]+)/.exec(path)?.[1]?.toLowerCase();
  return DIRECTORIES.find(([directory]) => directory === first)?.[0] ?? null;
}

/** The challenge of each directory except PowerShell, whose response depends on its configuration. */
export const DIRECTORY_PATHS: readonly string[] = DIRECTORIES.map(
  ([, challenge]) => challenge,
).filter((path) => path !== "/PowerShell/");

function bestDirectory(paths: readonly string[]): string | null {
  const found = DIRECTORIES.find(([, , proof]) => paths.some((path) => proof.test(path)));
  return found?.[1] ?? null;
}

/**
 * The challenge of the directory that a service serves. Where content switching leads only certain directories to it,
 * a monitor of another one says nothing about what clients get: `/ews/healthcheck.htm` behind a policy for `/oab`.
 */
function directoryOf(
  requests: readonly string[],
  rulePaths: readonly string[],
  switchedPaths: readonly string[],
): string | null {
  const best = bestDirectory([...requests, ...rulePaths]);
  const switched = switchedPaths.map(exchangeDirectory);
  const isServed = best === null || switched.includes(exchangeDirectory(best));
  const served = DIRECTORIES.find(([directory]) => switched.includes(directory))?.[1] ?? null;
  return isServed || served === null || served === "/PowerShell/" ? best : served;
}

/**
 * The paths of the content-switching rules that lead to a service, by its name, if clients reach it in no other way: not
 * by a vserver's own address, as a default, or by a rule that some host name alone meets.
 */
function pathsOfSwitching(estate: Estate): RulePaths {
  const pathsTo = new Map<string, string[]>();
  const open = new Set<string>();
  for (const csVserver of estate.csVservers.values()) {
    if (csVserver.defaultTarget !== null) {
      open.add(csVserver.defaultTarget);
    }
    for (const binding of csVserver.targets) {
      const target = csTargetOf(estate, binding);
      if (target === null) {
        continue;
      }
      const literals = estate.policies.get(binding.policy)?.literals;
      const paths = literalPaths(estate, binding.policy);
      if (paths.length === 0 || (literals?.exact === true && literals.hosts.length > 0)) {
        open.add(target);
      }
      for (const path of paths) {
        append(pathsTo, target, path);
      }
    }
  }
  const found = new Map<string, string[]>();
  const reachedOtherwise = new Set<string>();
  for (const { name, address, services } of estate.lbVservers.values()) {
    const isOpen = address !== null || open.has(name);
    for (const { service } of services) {
      for (const path of pathsTo.get(name) ?? []) {
        append(found, service, path);
      }
      if (isOpen) {
        reachedOtherwise.add(service);
      }
    }
  }
  return new Map([...found].filter(([service]) => !reachedOtherwise.has(service)));
}

/** Paths by service name. */
export type RulePaths = ReadonlyMap<string, readonly string[]>;

/**
 * Paths that the ADC's rules name for each service: the literals of content-switching rules that lead to it, and those
 * of rules and rewrites bound to its own vservers (`/` rewritten to `/owa`).
 */
export function pathsOfRules(estate: Estate): RulePaths {
  const paths = new Map<string, string[]>();
  const add = (vserverName: string | null, found: readonly string[]): void => {
    const vserver = vserverName === null ? undefined : estate.lbVservers.get(vserverName);
    for (const { service } of vserver?.services ?? []) {
      const known = paths.get(service) ?? [];
      known.push(...found);
      paths.set(service, known);
    }
  };
  for (const csVserver of estate.csVservers.values()) {
    for (const binding of csVserver.targets) {
      add(csTargetOf(estate, binding), literalPaths(estate, binding.policy));
    }
  }
  for (const vserver of estate.lbVservers.values()) {
    for (const { policy } of vserver.policies) {
      add(vserver.name, [...literalPaths(estate, policy), ...actionPaths(estate, policy)]);
    }
  }
  return paths;
}

function literalPaths(estate: Estate, policy: string): readonly string[] {
  const urls = estate.policies.get(policy)?.literals.urls ?? [];
  return urls
    .filter(({ negated }) => !negated)
    .map(({ value }) => (value.startsWith("/") ? value : `/${value}`));
}

/**
 * Paths in an action's replacement text: `"\"/owa\""`. A redirect leads elsewhere and says nothing about the service.
 */
function actionPaths(estate: Estate, policy: string): readonly string[] {
  const name = estate.policies.get(policy)?.action ?? null;
  const action = name === null ? undefined : estate.actions.get(name);
  const expression = action?.type === "redirect" ? null : action?.expression;
  return [...(expression ?? "").matchAll(/"\\?"?(\/[\w./-]*)/g)].map(([, path = ""]) => path);
}
