import {
  choice,
  choiceOrNone,
  convert,
  enabled,
  keyword,
  orNone,
  plainKeyword,
  present,
  text,
  textOrNone,
  whole,
  wholeOrNone,
  wholeUnits,
  yesNo,
  address,
  onOff,
  port,
  type FieldType,
} from "./field-types.ts";
import type { Member } from "../model/adc-service.ts";
import type { Server } from "../model/estate.ts";
import { defaultsOf, field, type Values } from "./fields.ts";
import type { AuthenticationVserver, LbVserver, VserverAuthentication } from "../model/vserver.ts";
import { TLS_VERSION_FIELDS } from "./tls-fields.ts";
import { isIP } from "../lib/ip.ts";

/**
 * The attributes of servers, services and service groups, and of their bindings.
 * Sources: NetScaler command reference, `add server|service|serviceGroup` and their `bind`; NITRO docs,
 * configuration/basic.
 */
const trafficDomain = field("td", whole(0, 4_094), 0);
export const comment = field("comment", text, null);
export const weight = field("weight", whole(1, 100), 1);
const idleTimeout = orNone(wholeUnits(1_000, 0, 31_536_000));

export const SERVER_FIELDS = {
  enabled: field("state", enabled, true),
  trafficDomain,
  queryType: field("queryType", choice(["A", "AAAA", "SRV"]), "A"),
  ipv6: field("IPv6Address", yesNo, false),
  translationIp: field("translationIp", textOrNone, null),
  comment,
};

export const SERVICE_FIELDS = {
  enabled: field("state", enabled, true),
  healthMonitor: field("healthMonitor", yesNo, true),
  monThreshold: field("monThreshold", whole(0, 65_535), 0),
  monConnectionClose: field("monConnectionClose", choiceOrNone(["FIN", "RESET"], ["NONE"]), null),
  useSourceIp: field("usip", yesNo, false),
  netProfile: field("netProfile", textOrNone, null),
  tcpProfile: field("tcpProfileName", textOrNone, null),
  httpProfile: field("httpProfileName", textOrNone, null),
  trafficDomain,
  maxClients: field("maxClient", whole(0, 4_294_967_294), 0),
  clientTimeoutMs: field("cltTimeout", idleTimeout, null),
  serverTimeoutMs: field("svrTimeout", idleTimeout, null),
  autoScale: field(
    "autoScale",
    convert(
      keyword,
      (value) => (value === "DISABLED" ? null : value),
      (value) => value ?? "DISABLED",
    ),
    null,
  ),
  comment,
};

/** What a group sets for its members: whether the ADC binds no default monitor, and the port of members without one. */
export const GROUP_FIELDS = {
  noDefaultMonitor: field("nodefaultBindings", yesNo, false),
  memberPort: field("memberPort", wholeOrNone(1, 65_535, "integer"), null),
};

export const MEMBER_FIELDS = { enabled: field("state", enabled, true), weight };

export const MONITOR_BINDING_FIELDS = {
  enabled: field("monState", enabled, true),
  weight: field("weight", whole(1, 100), 1, { attributes: ["monweight", "weight", "dup_weight"] }),
  passive: field("passive", present, false),
};

/** `bind lb monitor M S`, the form used by firmware before 9.x. */
export const OLD_MONITOR_BINDING_FIELDS = {
  ...MONITOR_BINDING_FIELDS,
  enabled: field("state", enabled, true),
};

/** The address family that the ADC resolves a server's domain name to, as a part of its members. */
export function familyOf(
  server: Pick<Server, "domain" | "ipv6" | "queryType"> | undefined,
): Pick<Member, "family"> {
  if (server === undefined || server.domain === null) {
    return {};
  }
  return { family: server.ipv6 || server.queryType === "AAAA" ? 6 : 4 };
}

/**
 * The attributes of load-balancing, content-switching and authentication vservers, and of their bindings.
 * Sources: NetScaler command reference, `add lb|cs|authentication vserver` and their `bind`; NITRO docs, configuration
 * of load-balancing, content-switching and authentication.
 */

/** The address of a vserver: positional in `add`, so only NITRO and `set` have it by name. */
export const LISTENING_FIELDS = {
  address: field("IPAddress", address, null, { attributes: ["ipv46"] }),
  port: field("port", port, null),
};

const VSERVER_FIELDS = {
  range: field("range", whole(1, 254), 1),
  enabled: field("state", enabled, true),
  trafficDomain,
  clientTimeoutMs: field("cltTimeout", idleTimeout, null),
  redirectFromPort: field("redirectFromPort", wholeOrNone(1, 65_535, "integer"), null),
  httpsRedirectUrl: field("httpsRedirectUrl", text, null),
  backupVserver: field("backupVServer", text, null),
  listenPolicy: field("Listenpolicy", textOrNone, null),
  comment,
};

export const LB_VSERVER_FIELDS = {
  ...VSERVER_FIELDS,
  redirectUrl: field("redirectURL", text, null, { attributes: ["redirurl"] }),
  method: field("lbMethod", plainKeyword, "LEASTCONNECTION"),
  healthThreshold: field("healthThreshold", whole(0, 100), 0),
};

export const PERSISTENCE_FIELDS = {
  type: field("persistenceType", plainKeyword, "NONE"),
  timeoutMs: field("timeout", wholeUnits(60_000, 0, 1_440), 120_000),
  rule: field("rule", textOrNone, null),
  cookieName: field("cookieName", text, null),
};

export const CS_VSERVER_FIELDS = {
  ...VSERVER_FIELDS,
  redirectUrl: field("redirectURL", text, null),
  /** Null: as set by `set cs parameter`. */
  stateUpdate: field("stateupdate", orNone(enabled), null),
  caseSensitive: field("caseSensitive", onOff, true),
};

/** How a vserver requires its clients to log in. */
export const AUTHENTICATION_FIELDS = {
  form: field("Authentication", onOff, false),
  http401: field("authn401", onOff, false),
  host: field("AuthenticationHost", text, null),
  vserver: field("authnVsName", text, null),
  profile: field("authnProfile", text, null),
};

export const AUTHENTICATION_PROFILE_FIELDS = {
  host: AUTHENTICATION_FIELDS.host,
  vserver: AUTHENTICATION_FIELDS.vserver,
};

export type AuthenticationProfile = Values<typeof AUTHENTICATION_PROFILE_FIELDS>;

/** Login settings missing in a vserver are taken from its authentication profile. */
export function withAuthenticationProfile(
  authentication: VserverAuthentication,
  profile: AuthenticationProfile | undefined,
): VserverAuthentication {
  return {
    ...authentication,
    host: authentication.host ?? profile?.host ?? null,
    vserver: authentication.vserver ?? profile?.vserver ?? null,
  };
}

/** A vserver of another kind in the form of a load-balancing one, with defaults for what it does not have. */
export function asBalancing(
  has: Pick<LbVserver, "name" | "serviceType" | "line"> & Partial<LbVserver>,
): LbVserver {
  return {
    ...defaultsOf(LB_VSERVER_FIELDS),
    kind: "lb",
    address: null,
    port: null,
    services: [],
    persistence: defaultsOf(PERSISTENCE_FIELDS),
    authentication: defaultsOf(AUTHENTICATION_FIELDS),
    tls: defaultsOf(TLS_VERSION_FIELDS),
    clientAuth: false,
    clientCertificate: null,
    sslProfile: null,
    certKeys: [],
    policies: [],
    ...has,
  };
}

/** An authentication vserver, which speaks TLS and has no services. */
export function asLoginVserver(vserver: AuthenticationVserver): LbVserver {
  const { name, certKeys, line } = vserver;
  return asBalancing({
    name,
    serviceType: "SSL",
    address: vserver.address,
    port: vserver.address === null ? null : (vserver.port ?? 443),
    certKeys,
    line,
  });
}

/** Keys of single-sign-on and login actions that are shown to the reader; none of them is a secret. */
export const LOGIN_ACTION_KEYS = [
  "sso",
  "kcdaccount",
  "formssoaction",
  "ssodomain",
  "defaultauthorizationaction",
  "actionurl",
  "domain",
  "ntlmpath",
  "serverip",
  "servername",
] as const;

export const AUTHENTICATION_VSERVER_FIELDS = {
  domain: field("AuthenticationDomain", text, null),
};

export const SERVICE_BINDING_FIELDS = { weight };

const bindPoint: FieldType<"REQUEST" | "RESPONSE" | null> = {
  expects: keyword.expects,
  read: ([first]) => {
    const word = first?.toUpperCase();
    return word === "REQUEST" || word === "RESPONSE" ? word : null;
  },
  write: (value) => value ?? undefined,
};

export const POLICY_BINDING_FIELDS = {
  priority: field("priority", wholeOrNone(0, 4_294_967_295), null),
  goto: field("gotoPriorityExpression", text, null),
  bindPoint: field("type", bindPoint, null, { attributes: ["bindpoint"] }),
};

/**
 * Global settings and net profiles.
 * Sources: NetScaler command reference, `set lb|cs|ssl parameter`, `set tm sessionParameter`, `add netProfile`; NITRO
 * docs of the same objects.
 */
export const LB_PARAMETER_FIELDS = {
  monitorConnectionClose: field("monitorConnectionClose", choice(["FIN", "RESET"]), "FIN"),
};

export const CS_PARAMETER_FIELDS = { csStateUpdate: field("stateupdate", enabled, false) };

export const SSL_PARAMETER_FIELDS = { sslDefaultProfile: field("defaultProfile", enabled, false) };

export const SESSION_PARAMETER_FIELDS = {
  sessionSso: field("SSO", onOff, false),
  sessionDeniesByDefault: field(
    "defaultAuthorizationAction",
    convert(
      choice(["ALLOW", "DENY"]),
      (value) => value === "DENY",
      (value) => (value ? "DENY" : "ALLOW"),
    ),
    false,
  ),
};

export const NET_PROFILE_FIELDS = {
  sourceIp: field("srcIP", text, null),
  proxyProtocol: field("proxyProtocol", enabled, false),
  proxyVersion: field("proxyProtocolTxVersion", choice(["V1", "V2"]), "V1"),
  proxyAfterTls: field("proxyProtocolAfterTLSHandshake", enabled, false),
};

/** The addresses of `-srcIP`: itself, or those of the IP set that it names. */
export function sourceAddressesOf(
  sourceIp: string | null,
  ofSet: (name: string) => readonly string[],
): readonly string[] {
  if (sourceIp === null) {
    return [];
  }
  return isIP(sourceIp) === 0 ? ofSet(sourceIp) : [sourceIp];
}
