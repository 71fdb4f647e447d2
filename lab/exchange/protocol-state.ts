import type { CertificateName } from "../certificates/lab-certificate.ts";
import type {
  Condition,
  ExtendedProtection,
  HttpAuthScheme,
  LabTlsVersion,
  ListenerGroup,
} from "./condition.ts";

/** How a protocol behaves now: its healthy state with its conditions laid over it. */
export interface ProtocolState {
  /** How a new connection is handled. */
  readonly accept: "serve" | "stopped" | "hung" | "silent" | "close" | "reset";
  readonly certificate: CertificateName | null;
  readonly tls: TlsRange;
  /** Connections begin with a PROXY header of version 1, before TLS. */
  readonly awaitsProxyHeader: boolean;
  readonly delayMs: number;
  readonly banner: string | null;
  /** The component's state, or ServerWideOffline's. */
  readonly component: "active" | "draining" | "inactive";
  readonly hubDraining: boolean;
  readonly backend: "up" | "dead" | { readonly hungMs: number };
  readonly proxyRefused: boolean;
  readonly appPool: "running" | "stopped";
  readonly answer: { readonly status: number; readonly body: string } | null;
  readonly healthAlwaysUp: boolean;
  readonly extendedProtection: ExtendedProtection;
  /** Null: the virtual directory's own. */
  readonly authSchemes: readonly HttpAuthScheme[] | null;
  readonly modernAuthentication: boolean;
  readonly backPressure: "connect" | "mail_from" | null;
  readonly sourceLimit: number;
  readonly tarpitMs: number;
  readonly delivery: "inbox" | "junk" | "nowhere";
  /** After a maintenance that stopped the service: stays stopped until a restart. */
  readonly needsRestart: boolean;
}

export interface TlsRange {
  readonly min: LabTlsVersion;
  readonly max: LabTlsVersion;
}

/** MaxInboundConnectionPerSource of a receive connector by default. */
const CONNECTIONS_PER_SOURCE = 20;

export function healthyState(certificate: CertificateName, tls: TlsRange): ProtocolState {
  return {
    accept: "serve",
    certificate,
    tls,
    awaitsProxyHeader: false,
    delayMs: 0,
    banner: null,
    component: "active",
    hubDraining: false,
    backend: "up",
    proxyRefused: false,
    appPool: "running",
    answer: null,
    healthAlwaysUp: false,
    extendedProtection: "none",
    authSchemes: null,
    modernAuthentication: false,
    backPressure: null,
    sourceLimit: CONNECTIONS_PER_SOURCE,
    tarpitMs: 0,
    delivery: "inbox",
    needsRestart: false,
  };
}

/**
 * Applies conditions to a healthy state, later ones over earlier ones. Exchange 2010 has no component states: there,
 * maintenance means that an administrator has stopped the services.
 */
export function withConditions(
  healthy: ProtocolState,
  version: "2010" | "2016",
  group: ListenerGroup,
  conditions: readonly Condition[],
): ProtocolState {
  return conditions.reduce(
    (state, condition) => ({ ...state, ...change(version, group, condition) }),
    healthy,
  );
}

function change(
  version: "2010" | "2016",
  group: ListenerGroup,
  condition: Condition,
): Partial<ProtocolState> {
  switch (condition.kind) {
    case "healthy":
      return {};
    case "maintenance":
      return version === "2010" ? { accept: "stopped" } : maintenance(group, condition);
    case "draining":
      return { component: "draining" };
    case "hub_draining":
      return { hubDraining: true };
    case "stopped":
      return { accept: "stopped" };
    case "hung":
      return { accept: "hung" };
    case "open_port_silent":
      return { accept: "silent" };
    case "accept_then_close":
      return { accept: "close" };
    case "reset":
      return { accept: "reset" };
    case "slow":
      return { delayMs: condition.delayMs };
    case "custom_banner":
      return { banner: condition.text };
    case "certificate":
      return { certificate: condition.name };
    case "tls_range":
      return { tls: { min: condition.min, max: condition.max } };
    case "no_proxy_header":
      return { awaitsProxyHeader: false };
    case "no_certificate":
      return { certificate: null };
    case "dead_backend":
      return { backend: "dead" };
    case "hung_backend":
      return { backend: { hungMs: condition.afterMs } };
    case "proxy_refused":
      return { proxyRefused: true };
    case "app_pool_stopped":
      return { appPool: "stopped" };
    case "http_answer":
      return { answer: { status: condition.status, body: condition.body } };
    case "health_always_up":
      return { healthAlwaysUp: true };
    case "extended_protection":
      return { extendedProtection: condition.mode };
    case "auth_schemes":
      return { authSchemes: condition.schemes };
    case "modern_authentication":
      return { modernAuthentication: true };
    case "back_pressure":
      return { backPressure: condition.at };
    case "source_limit":
      return { sourceLimit: condition.connections };
    case "tarpit":
      return { tarpitMs: condition.delayMs };
    case "delivery":
      return { delivery: condition.to };
  }
}

function maintenance(
  group: ListenerGroup,
  condition: Extract<Condition, { kind: "maintenance" }>,
): Partial<ProtocolState> {
  if (group !== "imap" && group !== "pop3") {
    return { component: "inactive" };
  }
  return condition.imapPop === "stopped"
    ? {
        component: "inactive",
        accept: "stopped",
        needsRestart: condition.manualRestart ?? false,
      }
    : { component: "inactive", accept: "close" };
}
