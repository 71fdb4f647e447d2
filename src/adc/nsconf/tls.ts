import type { TlsVersions } from "../../model/tls-parameters.ts";
import {
  define,
  NO_TLS_VERSIONS,
  reportIncomplete,
  reportMissing,
  type BackendTlsDraft,
  type Draft,
  type StatementKinds,
} from "./draft.ts";
import type { Statement } from "./statements.ts";
import { KeyReader } from "./values.ts";

/** Certificates, SSL profiles, and the TLS settings of vservers, services and groups. */
export const tlsStatements: StatementKinds = {
  definitions: new Map([
    ["add ssl certkey", addCertKey],
    ["add ssl profile", addProfile],
  ]),
  changes: new Map([
    ["link ssl certkey", linkCertKey],
    ["set ssl profile", setProfile],
    ["set ssl vserver", setVserver],
    ["set ssl service", setService],
    ["set ssl servicegroup", setService],
    ["bind ssl vserver", bindVserver],
    ["set ssl parameter", setParameter],
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
    certificateFile: statement.keys.get("cert")?.[0] ?? null,
    keyFile: statement.keys.get("key")?.[0] ?? null,
    linkedTo: null,
    serial: null,
    subject: null,
    daysToExpiration: null,
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
  const profile = {
    name,
    backEnd: /^backend$/i.test(statement.keys.get("sslprofiletype")?.[0] ?? ""),
    versions: NO_TLS_VERSIONS,
    sniEnabled: false,
    commonName: null,
    serverAuth: false,
    line: statement.line,
  };
  applyTlsKeys(profile, statement, draft, name);
  define(draft.sslProfiles, name, profile, statement, draft);
}

/** The two default profiles exist on every ADC without being added. */
function setProfile(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const profile = draft.sslProfiles.get(name) ?? {
    name,
    backEnd: /backend/i.test(name),
    versions: NO_TLS_VERSIONS,
    sniEnabled: false,
    commonName: null,
    serverAuth: false,
    line: statement.line,
  };
  applyTlsKeys(profile, statement, draft, name);
  draft.sslProfiles.set(profile.name, profile);
}

function setVserver(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const vserver = draft.lbVservers.get(name) ?? draft.csVservers.get(name);
  if (vserver === undefined) {
    // VPN, authentication and internal vservers carry TLS settings too; they are no part of the estate.
    return;
  }
  const keys = new KeyReader(statement, draft, name);
  vserver.tls = mergeVersions(vserver.tls, keys);
  vserver.sslProfile = keys.text("sslprofile") ?? vserver.sslProfile;
}

function setService(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const service = draft.services.get(name);
  if (service === undefined) {
    // The ADC's internal services (`nshttps-…`) are set here and defined nowhere.
    return;
  }
  applyTlsKeys(service.tls, statement, draft, name);
  service.tls.sslProfile = statement.keys.get("sslprofile")?.[0] ?? service.tls.sslProfile;
}

function applyTlsKeys(
  tls: Omit<BackendTlsDraft, "sslProfile">,
  statement: Statement,
  draft: Draft,
  name: string,
): void {
  const keys = new KeyReader(statement, draft, name);
  tls.versions = mergeVersions(tls.versions, keys);
  tls.sniEnabled = keys.flag("snienable") ?? tls.sniEnabled;
  tls.serverAuth = keys.flag("serverauth") ?? tls.serverAuth;
  tls.commonName = keys.text("commonname") ?? tls.commonName;
}

function mergeVersions(versions: TlsVersions, keys: KeyReader): TlsVersions {
  return {
    ssl3: keys.flag("ssl3") ?? versions.ssl3,
    tls1: keys.flag("tls1") ?? versions.tls1,
    tls11: keys.flag("tls11") ?? versions.tls11,
    tls12: keys.flag("tls12") ?? versions.tls12,
    tls13: keys.flag("tls13") ?? versions.tls13,
  };
}

function bindVserver(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const vserver = draft.lbVservers.get(name) ?? draft.csVservers.get(name);
  const written = statement.keys.get("certkeyname")?.[0];
  if (vserver === undefined || written === undefined) {
    return;
  }
  vserver.certKeys.push({
    certKey: draft.certKeys.get(written)?.name ?? written,
    sni: statement.keys.has("snicert"),
    ca: statement.keys.has("ca"),
    line: statement.line,
  });
}

function setParameter(statement: Statement, draft: Draft): void {
  const keys = new KeyReader(statement, draft, "ssl parameter");
  draft.parameters.sslDefaultProfile =
    keys.flag("defaultprofile") ?? draft.parameters.sslDefaultProfile;
}
