import {
  choiceOrNone,
  convert,
  enabled,
  keyword,
  orNone,
  present,
  text,
  textOrNone,
  whole,
} from "./field-types.ts";
import { defaultsOf, field, readFields, type FieldSource } from "./fields.ts";
import type { BackendTls, SslProfile } from "../model/tls-settings.ts";

/**
 * The TLS attributes of vservers, services, groups and profiles, and of certificates.
 * Sources: NetScaler command reference, `set ssl vserver|service|serviceGroup|profile`, `add ssl certKey`; NITRO docs,
 * configuration/ssl.
 */
export const TLS_VERSION_FIELDS = {
  ssl3: field("ssl3", orNone(enabled), null),
  tls1: field("tls1", orNone(enabled), null),
  tls11: field("tls11", orNone(enabled), null),
  tls12: field("tls12", orNone(enabled), null),
  tls13: field("tls13", orNone(enabled), null),
};

/** The ADC's settings as a TLS client of the servers, besides its TLS versions. */
export const BACKEND_TLS_FIELDS = {
  sniEnabled: field("SNIEnable", enabled, false),
  commonName: field("commonName", text, null),
  serverAuth: field("serverAuth", enabled, false),
};

export const SSL_PROFILE_REFERENCE_FIELDS = { sslProfile: field("sslProfile", textOrNone, null) };

export const SSL_PROFILE_FIELDS = {
  backEnd: field(
    "sslProfileType",
    convert(
      keyword,
      (value) => value === "BACKEND",
      (value) => (value ? "BackEnd" : "FrontEnd"),
    ),
    false,
  ),
};

/** Whether a vserver requires client certificates. */
export const CLIENT_AUTH_FIELDS = {
  clientAuth: field("clientAuth", enabled, false),
  clientCertificate: field("clientCert", choiceOrNone(["MANDATORY", "OPTIONAL"]), null),
};

export const CERT_KEY_FIELDS = {
  certificateFile: field("cert", text, null),
  keyFile: field("key", text, null),
  linkedTo: field("linkCertKeyName", text, null),
  serial: field("serial", text, null),
  subject: field("subject", text, null),
  daysToExpiration: field("daysToExpiration", orNone(whole(-99_999, 99_999, "integer")), null),
};

export const CERT_KEY_BINDING_FIELDS = {
  sni: field("SNICert", present, false),
  ca: field("CA", present, false),
};

/** TLS without any configuration. */
export const NO_TLS: Omit<BackendTls, "sslProfile"> = {
  ...defaultsOf(BACKEND_TLS_FIELDS),
  versions: defaultsOf(TLS_VERSION_FIELDS),
};

export const NO_BACKEND_TLS: BackendTls = { ...NO_TLS, sslProfile: null };

/** A bound profile replaces all settings. */
function withTlsProfile(
  tls: BackendTls,
  profiles: { readonly get: (name: string) => SslProfile | undefined },
): BackendTls {
  const profile = tls.sslProfile === null ? undefined : profiles.get(tls.sslProfile);
  if (profile === undefined) {
    return tls;
  }
  const { versions, sniEnabled, commonName, serverAuth, name } = profile;
  return { versions, sniEnabled, commonName, serverAuth, sslProfile: name };
}

/** The profile of every service without its own, under `set ssl parameter -defaultProfile ENABLED`. */
const DEFAULT_BACKEND_PROFILE = "ns_default_ssl_profile_backend";

/** Like {@link withTlsProfile}, with the default back-end profile if default profiles are enabled. */
export function withDefaultTlsProfile(
  tls: BackendTls,
  profiles: { readonly get: (name: string) => SslProfile | undefined },
  defaultProfiles: boolean,
): BackendTls {
  const usesDefault =
    tls.sslProfile === null &&
    defaultProfiles &&
    profiles.get(DEFAULT_BACKEND_PROFILE) !== undefined;
  return withTlsProfile(
    usesDefault ? { ...tls, sslProfile: DEFAULT_BACKEND_PROFILE } : tls,
    profiles,
  );
}

/** Changes from one source to the TLS settings towards the servers. */
export function backendTlsFrom(
  source: FieldSource,
  before: Omit<BackendTls, "sslProfile"> = NO_TLS,
): Omit<BackendTls, "sslProfile"> {
  const { sniEnabled, commonName, serverAuth, versions } = before;
  return {
    sniEnabled,
    commonName,
    serverAuth,
    ...readFields(BACKEND_TLS_FIELDS, source),
    versions: { ...versions, ...readFields(TLS_VERSION_FIELDS, source) },
  };
}
