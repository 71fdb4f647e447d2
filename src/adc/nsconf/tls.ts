import { defaultsOf, readFields, readWhole } from "../fields.ts";
import { SSL_PARAMETER_FIELDS } from "../vserver-fields.ts";
import {
  backendTlsFrom,
  CERT_KEY_BINDING_FIELDS,
  CERT_KEY_FIELDS,
  CLIENT_AUTH_FIELDS,
  NO_TLS,
  SSL_PROFILE_FIELDS,
  SSL_PROFILE_REFERENCE_FIELDS,
  TLS_VERSION_FIELDS,
} from "../tls-fields.ts";
import {
  countKind,
  define,
  objectOf,
  reportIncomplete,
  reportMissing,
  reportOtherKind,
  type Draft,
  type ServiceDraft,
  type StatementKinds,
  statementSource,
} from "./draft.ts";
import {
  TLS_BINDING_OPTIONS,
  TLS_GROUP_OPTIONS,
  TLS_PARAMETER_OPTIONS,
  TLS_PROFILE_OPTIONS,
  TLS_SERVICE_OPTIONS,
  TLS_VSERVER_OPTIONS,
} from "./option-tables.ts";
import { withKnownOptions } from "./options.ts";
import { isBuiltInProfile } from "./profile-uses.ts";
import type { Statement } from "./statements.ts";

/** Certificates, SSL profiles, and the TLS settings of vservers, services and groups. */
export const tlsStatements: StatementKinds = {
  definitions: new Map([
    ["add ssl certkey", addCertKey],
    ["add ssl profile", withKnownOptions("SSL profile", TLS_PROFILE_OPTIONS, 1, addProfile)],
  ]),
  changes: new Map([
    ["link ssl certkey", linkCertKey],
    ["set ssl profile", withKnownOptions("SSL profile", TLS_PROFILE_OPTIONS, 1, setProfile)],
    ["set ssl vserver", withKnownOptions("TLS vserver", TLS_VSERVER_OPTIONS, 1, setVserver)],
    ["set ssl service", withKnownOptions("TLS service", TLS_SERVICE_OPTIONS, 1, setService)],
    [
      "set ssl servicegroup",
      withKnownOptions("TLS service group", TLS_GROUP_OPTIONS, 1, setService),
    ],
    [
      "bind ssl vserver",
      withKnownOptions("binding of a TLS vserver", TLS_BINDING_OPTIONS, 1, bindVserver),
    ],
    [
      "bind ssl service",
      withKnownOptions("binding of a TLS service", TLS_BINDING_OPTIONS, 1, bindService),
    ],
    [
      "bind ssl servicegroup",
      withKnownOptions("binding of a TLS service group", TLS_BINDING_OPTIONS, 1, bindService),
    ],
    ["bind ssl certkey", bindCertKey],
    ["unbind ssl service", unbindService],
    ["unbind ssl servicegroup", unbindService],
    [
      "set ssl parameter",
      withKnownOptions("TLS parameter", TLS_PARAMETER_OPTIONS, 0, setParameter),
    ],
  ]),
};

function addCertKey(statement: Statement, draft: Draft): void {
  const [name] = statement.words;
  if (name === undefined) {
    reportIncomplete(draft, statement, "certKey");
    return;
  }
  const certKey = {
    name,
    ...readWhole(CERT_KEY_FIELDS, statementSource(statement, draft, name)),
    line: statement.line,
  };
  define(draft.certKeys, name, certKey, statement, draft);
}

function linkCertKey(statement: Statement, draft: Draft): void {
  const [name = "", issuer = ""] = statement.words;
  const certKey = draft.certKeys.get(name);
  if (certKey === undefined) {
    reportMissing(draft, statement, "certificate key", name);
    return;
  }
  certKey.linkedTo = draft.certKeys.get(issuer)?.name ?? issuer;
}

function addProfile(statement: Statement, draft: Draft): void {
  const [name] = statement.words;
  if (name === undefined) {
    reportIncomplete(draft, statement, "ssl profile");
    return;
  }
  const source = statementSource(statement, draft, name);
  const profile = {
    name,
    ...readWhole(SSL_PROFILE_FIELDS, source),
    ...readWhole(CLIENT_AUTH_FIELDS, source),
    ...backendTlsFrom(source),
    line: statement.line,
  };
  define(draft.sslProfiles, name, profile, statement, draft);
}

/** The default profiles exist on every ADC without being added. */
function setProfile(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  if (!draft.sslProfiles.has(name) && !isBuiltInProfile(name)) {
    reportMissing(draft, statement, "SSL profile", name);
  }
  const profile = draft.sslProfiles.get(name) ?? {
    name,
    backEnd: /backend/i.test(name),
    ...defaultsOf(CLIENT_AUTH_FIELDS),
    ...NO_TLS,
    line: statement.line,
  };
  const source = statementSource(statement, draft, name);
  draft.sslProfiles.set(profile.name, {
    ...profile,
    ...readFields(CLIENT_AUTH_FIELDS, source),
    ...backendTlsFrom(source, profile),
  });
}

function setVserver(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const vserver = draft.lbVservers.get(name) ?? draft.csVservers.get(name);
  if (vserver === undefined) {
    // VPN, authentication and internal vservers have TLS settings too, which are not needed here.
    return;
  }
  const source = statementSource(statement, draft, name);
  vserver.tls = { ...vserver.tls, ...readFields(TLS_VERSION_FIELDS, source) };
  Object.assign(
    vserver,
    readFields(SSL_PROFILE_REFERENCE_FIELDS, source),
    readFields(CLIENT_AUTH_FIELDS, source),
  );
}

function setService(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const service = tlsServiceOf(statement, draft);
  if (service === undefined) {
    // The ADC's internal services (`nshttps-…`) are set here but defined nowhere.
    return;
  }
  const source = statementSource(statement, draft, name);
  const { sslProfile = service.tls.sslProfile } = readFields(SSL_PROFILE_REFERENCE_FIELDS, source);
  service.tls = { ...backendTlsFrom(source, service.tls), sslProfile };
}

/** The service or group of a statement; one of the other kind is reported, because the ADC does not find it. */
function tlsServiceOf(statement: Statement, draft: Draft): ServiceDraft | undefined {
  const service = draft.services.get(statement.words[0] ?? "");
  if (service === undefined || objectOf(statement) === `ssl ${service.kind.toLowerCase()}`) {
    return service;
  }
  reportOtherKind(draft, statement, service.name, service.kind, `ssl ${service.kind}`);
  return undefined;
}

/** `bind ssl certKey VSERVER CERTKEY`, the form of firmware before 10, where an OCSP responder is bound today. */
function bindCertKey(statement: Statement, draft: Draft): void {
  const [name = "", written] = statement.words;
  const vserver = draft.lbVservers.get(name) ?? draft.csVservers.get(name);
  if (vserver === undefined || written === undefined) {
    countKind("bind ssl certkey", draft);
    return;
  }
  vserver.certKeys.push({
    certKey: draft.certKeys.get(written)?.name ?? written,
    ...readWhole(CERT_KEY_BINDING_FIELDS, statementSource(statement, draft, name)),
    line: statement.line,
  });
}

function bindVserver(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const vserver =
    draft.lbVservers.get(name) ??
    draft.csVservers.get(name) ??
    draft.authenticationVservers.get(name);
  const written = statement.keys.get("certkeyname")?.[0];
  if (vserver === undefined || written === undefined) {
    return;
  }
  vserver.certKeys.push({
    certKey: draft.certKeys.get(written)?.name ?? written,
    ...readWhole(CERT_KEY_BINDING_FIELDS, statementSource(statement, draft, name)),
    line: statement.line,
  });
}

/**
 * `bind ssl service S -certkeyName C`: the client certificate that the ADC presents to the servers. `-CA` is a CA that
 * it trusts.
 */
function bindService(statement: Statement, draft: Draft): void {
  const service = tlsServiceOf(statement, draft);
  const { keys } = statement;
  const [certKey] = keys.get("certkeyname") ?? [];
  if (service !== undefined && certKey !== undefined && !keys.has("ca")) {
    service.clientCertificate = draft.certKeys.get(certKey)?.name ?? certKey;
  }
}

function unbindService(statement: Statement, draft: Draft): void {
  const service = tlsServiceOf(statement, draft);
  const { keys } = statement;
  const [certKey = ""] = keys.get("certkeyname") ?? [];
  const name = draft.certKeys.get(certKey)?.name ?? certKey;
  if (service?.clientCertificate === name && !keys.has("ca")) {
    delete service.clientCertificate;
  }
}

function setParameter(statement: Statement, draft: Draft): void {
  const source = statementSource(statement, draft, "ssl parameter");
  Object.assign(draft.parameters, readFields(SSL_PARAMETER_FIELDS, source));
}
