import {
  address,
  enabled,
  keyword,
  onOff,
  orNone,
  port,
  text,
  textOrNone,
  whole,
  wholeOrNone,
  wholeUnits,
  type FieldType,
} from "./field-types.ts";
import { field, type Values } from "./fields.ts";
import type { VserverAuthentication } from "../model/vserver.ts";
import { comment, idleTimeout, trafficDomain, weight } from "./service-fields.ts";

/**
 * The attributes of load-balancing, content-switching and authentication vservers, and of what is bound to them.
 * Sources: NetScaler command reference, `add lb|cs|authentication vserver` and their `bind`; NITRO docs, configuration of
 * load-balancing, content-switching and authentication.
 */

/** Where a vserver listens: by position in `add`, so that only NITRO and `set` have it by name. */
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
  method: field("lbMethod", keyword, "LEASTCONNECTION"),
  healthThreshold: field("healthThreshold", whole(0, 100), 0),
};

export const PERSISTENCE_FIELDS = {
  type: field("persistenceType", keyword, "NONE"),
  timeoutMs: field("timeout", wholeUnits(60_000, 0, 1_440), 120_000),
  rule: field("rule", textOrNone, null),
  cookieName: field("cookieName", text, null),
};

export const CS_VSERVER_FIELDS = {
  ...VSERVER_FIELDS,
  redirectUrl: field("redirectURL", text, null),
  /** Null: as `set cs parameter` says. */
  stateUpdate: field("stateupdate", orNone(enabled), null),
  caseSensitive: field("caseSensitive", onOff, true),
};

/** How a vserver asks its clients to log in. */
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

/** What a vserver does not say of its login, its authentication profile says. */
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
