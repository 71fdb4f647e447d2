import { readWhole } from "../fields.ts";
import {
  backendTlsFrom,
  CERT_KEY_BINDING_FIELDS,
  CERT_KEY_FIELDS,
  CLIENT_AUTH_FIELDS,
  SSL_PROFILE_FIELDS,
  SSL_PROFILE_REFERENCE_FIELDS,
  withDefaultTlsProfile,
} from "../tls-fields.ts";
import type { BackendTls, CertKey, CertKeyBinding, SslProfile } from "../../model/tls-settings.ts";
import { rowSource, text, type Report, type Row } from "./row-values.ts";

/** A row of `sslservice` or `sslservicegroup` of this service. */
export function backendTls(
  row: Row,
  service: string,
  profiles: ReadonlyMap<string, SslProfile>,
  defaultProfiles: boolean,
  report: Report,
): BackendTls {
  const source = rowSource(row, service, report);
  const reference = readWhole(SSL_PROFILE_REFERENCE_FIELDS, source);
  return withDefaultTlsProfile(
    { ...backendTlsFrom(source), ...reference },
    profiles,
    defaultProfiles,
  );
}

/** A row of `sslprofile`. */
export function sslProfileFromRow(row: Row, report: Report): SslProfile | null {
  const name = text(row, "name");
  if (name === null) {
    return null;
  }
  const source = rowSource(row, name, report);
  return {
    name,
    ...readWhole(SSL_PROFILE_FIELDS, source),
    ...readWhole(CLIENT_AUTH_FIELDS, source),
    ...backendTlsFrom(source),
    line: null,
  };
}

/** A row of `sslcertkey`. */
export function certKeyFromRow(row: Row, report: Report): CertKey | null {
  const name = text(row, "certkey");
  return name === null
    ? null
    : { name, ...readWhole(CERT_KEY_FIELDS, rowSource(row, name, report)), line: null };
}

/** A row of `sslvserver_sslcertkey_binding`. */
export function certKeyBindingFromRow(row: Row, report: Report): CertKeyBinding | null {
  const certKey = text(row, "certkeyname");
  return certKey === null
    ? null
    : {
        certKey,
        ...readWhole(CERT_KEY_BINDING_FIELDS, rowSource(row, certKey, report)),
        line: null,
      };
}

/**
 * The client certificate that the ADC presents to the servers, from rows of `sslservice_sslcertkey_binding` and the like,
 * without trusted issuers (`ca`). Null: it has none.
 */
export function clientCertificateOf(rows: readonly Row[], report: Report): string | null {
  const shown = rows
    .flatMap((row) => certKeyBindingFromRow(row, report) ?? [])
    .find(({ ca }) => !ca);
  return shown?.certKey ?? null;
}
