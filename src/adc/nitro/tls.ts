import type {
  BackendTls,
  CertKey,
  CertKeyBinding,
  SslProfile,
  TlsVersions,
} from "../../model/tls-parameters.ts";
import { flag, number, text, textOrNone, type Row } from "./row-values.ts";

export const NO_TLS_VERSIONS: TlsVersions = {
  ssl3: null,
  tls1: null,
  tls11: null,
  tls12: null,
  tls13: null,
};

export const NO_BACKEND_TLS: BackendTls = {
  versions: NO_TLS_VERSIONS,
  sniEnabled: false,
  commonName: null,
  serverAuth: false,
  sslProfile: null,
};

export function tlsVersions(row: Row): TlsVersions {
  return {
    ssl3: flag(row, "ssl3"),
    tls1: flag(row, "tls1"),
    tls11: flag(row, "tls11"),
    tls12: flag(row, "tls12"),
    tls13: flag(row, "tls13"),
  };
}

/** A row of `sslservice` or `sslservicegroup`; a profile, where one is bound, decides all of it. */
export function backendTls(row: Row, profiles: ReadonlyMap<string, SslProfile>): BackendTls {
  const sslProfile = textOrNone(row, "sslprofile");
  const profile = sslProfile === null ? undefined : profiles.get(sslProfile);
  const { versions, sniEnabled, commonName, serverAuth } = profile ?? tlsFields(row);
  return { versions, sniEnabled, commonName, serverAuth, sslProfile };
}

/** A row of `sslprofile`. */
export function sslProfileFromRow(row: Row): SslProfile | null {
  const name = text(row, "name");
  return name === null
    ? null
    : {
        name,
        backEnd: text(row, "sslprofiletype")?.toLowerCase() === "backend",
        ...tlsFields(row),
        line: null,
      };
}

function tlsFields(row: Row): Omit<BackendTls, "sslProfile"> {
  return {
    versions: tlsVersions(row),
    sniEnabled: flag(row, "snienable") ?? false,
    commonName: text(row, "commonname"),
    serverAuth: flag(row, "serverauth") ?? false,
  };
}

/** A row of `sslcertkey`. */
export function certKeyFromRow(row: Row): CertKey | null {
  const name = text(row, "certkey");
  return name === null
    ? null
    : {
        name,
        certificateFile: text(row, "cert"),
        keyFile: text(row, "key"),
        linkedTo: text(row, "linkcertkeyname"),
        serial: text(row, "serial"),
        subject: text(row, "subject"),
        daysToExpiration: number(row, "daystoexpiration"),
        line: null,
      };
}

/** A row of `sslvserver_sslcertkey_binding`. */
export function certKeyBindingFromRow(row: Row): CertKeyBinding | null {
  const certKey = text(row, "certkeyname");
  return certKey === null
    ? null
    : { certKey, sni: flag(row, "snicert") ?? false, ca: flag(row, "ca") ?? false, line: null };
}
