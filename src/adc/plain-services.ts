import type { AdcService, Member } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import type { Monitor } from "../model/monitor.ts";
import type { TransactionSpec } from "../model/transactions.ts";
import {
  MAIL_PORTS,
  pathsOfRules,
  requestPath,
  isWebInClear,
  type LookProtocol,
  type MemberOverride,
  type Recognition,
  type RulePaths,
} from "./recognise.ts";

/**
 * The protocol of a member of any product: from its port, its service's type, a monitor of that kind, or the port of a
 * vserver in front. Names are not considered. A look that speaks the protocol of a port is as harmless as the
 * connection that the ADC makes anyway.
 */
export function createPlainRecogniser(
  estate: Estate,
  rulePaths: RulePaths = pathsOfRules(estate),
): (
  adcService: AdcService,
  member: Member,
  override: Pick<MemberOverride, "protocol" | "path"> | null,
) => Recognition {
  const frontOf = frontsOf(estate);
  return (service, member, override) => {
    const front = frontOf.get(service.name) ?? null;
    // What a health port speaks says nothing about the port of the clients.
    const monitors = service.monitors
      .flatMap(({ monitor }) => estate.monitors.get(monitor) ?? [])
      .filter(({ destPort }) => destPort === null || destPort === member.port);
    const configured = override?.protocol ?? null;
    const protocol =
      configured === "http"
        ? "https"
        : (configured ?? protocolOf(service, member, monitors, front));
    return {
      version: null,
      protocol,
      path:
        protocol === "https"
          ? (override?.path ?? webPath(monitors, rulePaths.get(service.name) ?? []))
          : null,
      security: protocol === null ? "none" : securityOf(protocol, service, member, monitors, front),
    };
  };
}

const PORTS: ReadonlyMap<number, LookProtocol> = new Map<number, LookProtocol>([
  ...MAIL_PORTS,
  [389, "ldap"],
  [636, "ldap"],
  [3268, "ldap"],
  [3269, "ldap"],
]);
/** Service types that carry any protocol over a connection. */
const STREAMS: ReadonlySet<string> = new Set(["TCP", "SSL_TCP", "SSL_BRIDGE", "ANY"]);

/** The protocol of a service's clients, from the ports of the vservers that lead to it. */
interface Front {
  readonly protocol: LookProtocol;
  /** TLS starts with the first byte, and the ADC passes it through. */
  readonly passesTls: boolean;
}

/** By service; if its vservers differ, the result is null. */
function frontsOf({ lbVservers }: Estate): ReadonlyMap<string, Front | null> {
  const fronts = new Map<string, Front | null>();
  for (const { port, serviceType, services } of lbVservers.values()) {
    const protocol = typeof port === "number" ? portProtocol(port) : null;
    if (typeof port !== "number" || protocol === null || !STREAMS.has(serviceType)) {
      continue;
    }
    const passesTls = serviceType !== "SSL_TCP" && FROM_THE_FIRST_BYTE.has(port);
    for (const { service } of services) {
      const known = fronts.get(service);
      const agrees = known === undefined || known?.protocol === protocol;
      const front = { protocol, passesTls: passesTls || known?.passesTls === true };
      fronts.set(service, agrees ? front : null);
    }
  }
  return fronts;
}

function portProtocol(port: number): LookProtocol | null {
  return PORTS.get(port) ?? (port === 443 || port === 80 ? "https" : null);
}

function protocolOf(
  { serviceType }: AdcService,
  { port }: Member,
  monitors: readonly Monitor[],
  front: Front | null,
): LookProtocol | null {
  if (port === "*") {
    return null;
  }
  const isDatagramOrStream = serviceType === "UDP" || serviceType === "TCP";
  if (serviceType === "DNS" || serviceType === "DNS_TCP" || (port === 53 && isDatagramOrStream)) {
    return "dns";
  }
  if (port === 123 && serviceType === "UDP") {
    return "ntp";
  }
  if (serviceType === "HTTP" || serviceType === "SSL") {
    return "https";
  }
  if (!STREAMS.has(serviceType)) {
    return null;
  }
  const byMonitor = monitors.map(kindOf).find((kind) => kind !== null) ?? null;
  return PORTS.get(port) ?? byMonitor ?? portProtocol(port) ?? front?.protocol ?? null;
}

/** From a monitor's type, or from the greeting that it expects. */
function kindOf(monitor: Monitor): LookProtocol | null {
  const { recv } = monitor.parameters;
  switch (monitor.type.toUpperCase()) {
    case "SMTP":
      return "smtp";
    case "POP3":
      return "pop3";
    case "LDAP":
      return "ldap";
    case "HTTP":
    case "HTTP-ECV":
    case "HTTP-INLINE":
      return "https";
    default:
      return recv === null ? null : (GREETINGS.find(([text]) => text.test(recv))?.[1] ?? null);
  }
}

const GREETINGS: readonly (readonly [RegExp, LookProtocol])[] = [
  [/^\* OK\b|\bIMAP4?\b/i, "imap"],
  [/^\+OK\b|\bPOP3\b/i, "pop3"],
  [/^220[ -]|\bE?SMTP\b/i, "smtp"],
];

/** Ports on which clients start without TLS, whatever a monitor does. */
const CLEAR: ReadonlySet<number> = new Set([25, 587, 143, 110, 389, 3268, 80]);
const FROM_THE_FIRST_BYTE: ReadonlySet<number> = new Set([465, 993, 995, 636, 3269, 443]);

/** TLS as usual for the port; on other ports as the ADC or its monitor speaks to the member. */
function securityOf(
  protocol: LookProtocol,
  { serviceType }: AdcService,
  { port }: Member,
  monitors: readonly Monitor[],
  front: Front | null,
): TransactionSpec["security"] {
  const spoken =
    (front?.passesTls === true && front.protocol === protocol) ||
    serviceType === "SSL" ||
    serviceType === "SSL_TCP" ||
    monitors.some(({ secure }) => secure) ||
    (port !== "*" && FROM_THE_FIRST_BYTE.has(port) && serviceType !== "HTTP");
  const isClear = port !== "*" && (CLEAR.has(port) || isWebInClear(serviceType, port));
  if (spoken && !(isClear && serviceType !== "SSL" && serviceType !== "SSL_TCP")) {
    return "implicit";
  }
  const mayUpgrade = protocol === "imap" || protocol === "pop3" || protocol === "smtp";
  return mayUpgrade ? "starttls_if_offered" : "none";
}

/** The member's own path: from its monitors, then from a rule or rewrite that leads to it; otherwise the root. */
function webPath(monitors: readonly Monitor[], ruled: readonly string[]): string {
  const asked = monitors.flatMap((monitor) => requestPath(monitor) ?? []);
  return [...asked, ...ruled].find((path) => /^\/[^\s*]+$/.test(path)) ?? "/";
}
