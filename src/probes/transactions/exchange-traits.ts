import type { AdcService } from "../../estate/adc-service.ts";
import type { Estate } from "../../estate/model.ts";
import type { Monitor } from "../../estate/monitor.ts";
import { csTargetOf } from "../../estate/vserver-graph.ts";
import type { ExchangeProtocol } from "./recognise.ts";
import type { ExchangeVersion } from "./spec.ts";

/** What the ADC's configuration says about Exchange at one service or service group. */
export interface ExchangeTraits {
  /** Shown by a virtual directory, healthcheck.htm or a banner; null where nothing but names hint at Exchange. */
  readonly protocol: ExchangeProtocol | null;
  readonly path: string | null;
  readonly version: ExchangeVersion | null;
  /** The name of the service, of a server or of a monitor says Exchange. */
  readonly named: boolean;
  /** A name says RPC Client Access. */
  readonly namedRpc: boolean;
  /** A monitor of it speaks TLS. */
  readonly secureMonitor: boolean;
}

/** Traits by name of service; services without any are left out. */
export function exchangeTraits(estate: Estate): ReadonlyMap<string, ExchangeTraits> {
  const rulePaths = pathsOfRules(estate);
  const traits = new Map<string, ExchangeTraits>();
  for (const service of estate.services.values()) {
    const found = traitsOf(estate, service, rulePaths.get(service.name) ?? []);
    if (found.protocol !== null || found.named || found.namedRpc) {
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
): ExchangeTraits {
  const monitors = service.monitors
    .map(({ monitor }) => estate.monitors.get(monitor))
    .filter((monitor): monitor is Monitor => monitor !== undefined);
  const requests = monitors.map(requestPath).filter((path) => path !== null);
  const directories = bestDirectory([...requests, ...rulePaths]);
  const banner = monitors.map(bannerProtocol).find((protocol) => protocol !== null) ?? null;
  const names = [service.name, ...service.members.map(({ server }) => server)].concat(
    monitors.map(({ name }) => name),
  );
  const named = names.some((name) => NAMED.test(name));
  const health = requests.some((path) => HEALTH_PAGE.test(path));
  return {
    protocol: banner ?? (directories !== null || health ? "https" : null),
    path: directories,
    version: versionOf(names),
    named,
    namedRpc: named && NAMED_RPC.test(service.name),
    secureMonitor: monitors.some(({ secure }) => secure),
  };
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

/** `GET /owa/healthcheck.htm` of an HTTP-ECV or TCP-ECV monitor, `HEAD /` of an HTTP one: the path. */
function requestPath(monitor: Monitor): string | null {
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
  [/Microsoft ESMTP MAIL/i, "smtp"],
];

function bannerProtocol({ parameters }: Monitor): ExchangeProtocol | null {
  const { recv } = parameters;
  return recv === null ? null : (BANNERS.find(([banner]) => banner.test(recv))?.[1] ?? null);
}

const HEALTH_PAGE = /\/healthcheck\.htm$/i;

/**
 * Virtual directories and the path that shows their challenge, in the order in which one is chosen. `/rpc` and `/ecp`
 * alone prove nothing (Remote Desktop Gateway has `/rpc` too); their health page does.
 */
const DIRECTORIES: readonly (readonly [directory: string, challenge: string, proof: RegExp])[] = [
  ["owa", "/owa/", /^\/owa(\/|$)/i],
  ["ews", "/EWS/Exchange.asmx", /^\/ews(\/|$)/i],
  [
    "microsoft-server-activesync",
    "/Microsoft-Server-ActiveSync",
    /^\/microsoft-server-activesync/i,
  ],
  ["autodiscover", "/Autodiscover/Autodiscover.xml", /^\/autodiscover(\/|$)/i],
  ["mapi", "/mapi/emsmdb/", /^\/mapi\/(emsmdb|nspi|healthcheck\.htm)/i],
  ["oab", "/OAB/", /^\/oab(\/|$)/i],
  ["ecp", "/ecp/", /^\/ecp\/(default\.aspx|healthcheck\.htm)/i],
  ["rpc", "/rpc/rpcproxy.dll", /^\/rpc\/healthcheck\.htm/i],
  ["powershell", "/PowerShell/", /^\/powershell\/healthcheck\.htm/i],
];

/** Each directory's challenge, without PowerShell's: what that answers hangs on how it may be called. */
export const DIRECTORY_PATHS: readonly string[] = DIRECTORIES.map(
  ([, challenge]) => challenge,
).filter((path) => path !== "/PowerShell/");

function bestDirectory(paths: readonly string[]): string | null {
  const found = DIRECTORIES.find(([, , proof]) => paths.some((path) => proof.test(path)));
  return found?.[1] ?? null;
}

/**
 * Paths that the ADC's rules name for each service: the literals of content-switching rules that lead to it, and those of
 * the rules and rewrites bound to its own vservers (`/` rewritten to `/owa`).
 */
function pathsOfRules(estate: Estate): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, string[]>();
  const add = (vserverName: string | null, found: readonly string[]): void => {
    const vserver = vserverName === null ? undefined : estate.lbVservers.get(vserverName);
    for (const { service } of vserver?.services ?? []) {
      paths.set(service, [...(paths.get(service) ?? []), ...found]);
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

/** Paths in the text an action puts in place: `"\"/owa\""`. A redirect leads elsewhere, and says nothing of who is behind. */
function actionPaths(estate: Estate, policy: string): readonly string[] {
  const name = estate.policies.get(policy)?.action ?? null;
  const action = name === null ? undefined : estate.actions.get(name);
  const expression = action?.type === "redirect" ? null : action?.expression;
  return [...(expression ?? "").matchAll(/"\\?"?(\/[\w./-]*)/g)].map(([, path = ""]) => path);
}
