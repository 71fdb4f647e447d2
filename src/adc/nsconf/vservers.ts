import {
  define,
  NO_TLS_VERSIONS,
  report,
  reportIncomplete,
  reportMissing,
  type CsVserverDraft,
  type Draft,
  type LbVserverDraft,
  type StatementKinds,
} from "./draft.ts";
import { secondsToMs } from "./services.ts";
import type { Statement } from "./statements.ts";
import { isAddress, KeyReader, portOf, wholeNumber } from "./values.ts";
import { policyBinding } from "./policies.ts";
import type { Port } from "../../model/adc-service.ts";

/** Load-balancing and content-switching vservers and what is bound to them. */
export const vserverStatements: StatementKinds = {
  definitions: new Map([
    ["add lb vserver", addLbVserver],
    ["add cs vserver", addCsVserver],
  ]),
  changes: new Map([
    ["set lb vserver", setLbVserver],
    ["set cs vserver", setCsVserver],
    ["bind lb vserver", bindLbVserver],
    ["bind cs vserver", bindCsVserver],
  ]),
};

function addLbVserver(statement: Statement, draft: Draft): void {
  const [name, type, ...place] = statement.words;
  if (name === undefined || type === undefined) {
    reportIncomplete(draft, statement, name ?? "lb vserver");
    return;
  }
  const vserver: LbVserverDraft = {
    ...newVserver(name, type, place, statement.line),
    kind: "lb",
    method: "LEASTCONNECTION",
    persistence: { type: "NONE", timeoutMs: 120_000, rule: null, cookieName: null },
    services: [],
    healthThreshold: 0,
  };
  applyLbKeys(vserver, statement, draft);
  define(draft.lbVservers, name, vserver, statement, draft);
}

function addCsVserver(statement: Statement, draft: Draft): void {
  const [name, type, ...place] = statement.words;
  if (name === undefined || type === undefined) {
    reportIncomplete(draft, statement, name ?? "cs vserver");
    return;
  }
  const vserver: CsVserverDraft = {
    ...newVserver(name, type, place, statement.line),
    kind: "cs",
    stateUpdate: null,
    caseSensitive: true,
    defaultTarget: null,
    targets: [],
  };
  applyCsKeys(vserver, statement, draft);
  define(draft.csVservers, name, vserver, statement, draft);
}

/** What both kinds share, with the defaults of the command reference. */
function newVserver(name: string, type: string, place: readonly string[], line: number) {
  return {
    name,
    serviceType: type.toUpperCase(),
    ...listeningPlace(place),
    range: 1,
    enabled: true,
    trafficDomain: 0,
    clientTimeoutMs: null,
    redirectUrl: null,
    redirectFromPort: null,
    httpsRedirectUrl: null,
    backupVserver: null,
    authentication: { form: false, http401: false, host: null, vserver: null, profile: null },
    policies: [],
    certKeys: [],
    tls: NO_TLS_VERSIONS,
    sslProfile: null,
    comment: null,
    line,
  };
}

/**
 * `10.0.0.1 443`; `0.0.0.0 0` and nothing at all for a vserver that only content switching reaches; `* 443` for one
 * that answers at any address. The last keeps its port alone, as there is no address to ask.
 */
function listeningPlace(words: readonly string[]): { address: string | null; port: Port | null } {
  const [first = "0.0.0.0", second = "0"] = words;
  const lonePort = words.length === 1 && !isAddress(first);
  const port = portOf(lonePort ? first : second);
  const addressable = !lonePort && isAddress(first) && first !== "0.0.0.0" && first !== "::";
  return { address: addressable ? first : null, port: port === 0 ? null : port };
}

function setLbVserver(statement: Statement, draft: Draft): void {
  const vserver = draft.lbVservers.get(statement.words[0] ?? "");
  if (vserver === undefined) {
    reportMissing(draft, statement, "vserver", statement.words[0] ?? "");
    return;
  }
  applyLbKeys(vserver, statement, draft);
}

function setCsVserver(statement: Statement, draft: Draft): void {
  const vserver = draft.csVservers.get(statement.words[0] ?? "");
  if (vserver === undefined) {
    reportMissing(draft, statement, "vserver", statement.words[0] ?? "");
    return;
  }
  applyCsKeys(vserver, statement, draft);
}

function applyLbKeys(vserver: LbVserverDraft, statement: Statement, draft: Draft): void {
  const keys = new KeyReader(statement, draft, vserver.name);
  applyCommonKeys(vserver, keys);
  vserver.method = keys.text("lbmethod")?.toUpperCase() ?? vserver.method;
  vserver.healthThreshold = keys.number("healththreshold") ?? vserver.healthThreshold;
  const { persistence } = vserver;
  persistence.type = keys.text("persistencetype")?.toUpperCase() ?? persistence.type;
  const minutes = keys.number("timeout");
  persistence.timeoutMs = minutes === undefined ? persistence.timeoutMs : minutes * 60_000;
  persistence.rule = keys.text("rule") ?? persistence.rule;
  persistence.cookieName = keys.text("cookiename") ?? persistence.cookieName;
}

function applyCsKeys(vserver: CsVserverDraft, statement: Statement, draft: Draft): void {
  const keys = new KeyReader(statement, draft, vserver.name);
  applyCommonKeys(vserver, keys);
  vserver.stateUpdate = keys.flag("stateupdate") ?? vserver.stateUpdate;
  vserver.caseSensitive = keys.flag("casesensitive") ?? vserver.caseSensitive;
}

function applyCommonKeys(vserver: LbVserverDraft | CsVserverDraft, keys: KeyReader): void {
  vserver.range = keys.number("range") ?? vserver.range;
  vserver.enabled = keys.flag("state") ?? vserver.enabled;
  vserver.trafficDomain = keys.number("td") ?? vserver.trafficDomain;
  vserver.clientTimeoutMs = secondsToMs(keys.number("clttimeout")) ?? vserver.clientTimeoutMs;
  vserver.redirectUrl = keys.text("redirecturl") ?? vserver.redirectUrl;
  vserver.redirectFromPort = keys.number("redirectfromport") ?? vserver.redirectFromPort;
  vserver.httpsRedirectUrl = keys.text("httpsredirecturl") ?? vserver.httpsRedirectUrl;
  vserver.backupVserver = keys.text("backupvserver") ?? vserver.backupVserver;
  vserver.comment = keys.text("comment") ?? vserver.comment;
  const address = keys.text("ipaddress");
  if (address !== undefined && isAddress(address)) {
    vserver.address = address === "0.0.0.0" ? null : address;
  }
  const { authentication } = vserver;
  authentication.form = keys.flag("authentication") ?? authentication.form;
  authentication.http401 = keys.flag("authn401") ?? authentication.http401;
  authentication.host = keys.text("authenticationhost") ?? authentication.host;
  authentication.vserver = keys.text("authnvsname") ?? authentication.vserver;
  authentication.profile = keys.text("authnprofile") ?? authentication.profile;
}

function bindLbVserver(statement: Statement, draft: Draft): void {
  const [name = "", ...targets] = statement.words;
  const vserver = draft.lbVservers.get(name);
  if (vserver === undefined && draft.csVservers.has(name)) {
    const message = `${name} is a cs vserver: use bind cs vserver. The ADC refuses this command.`;
    report(draft, statement, "error", "wrong_kind_reference", name, message);
    return;
  }
  if (vserver === undefined) {
    reportMissing(draft, statement, "vserver", name);
    return;
  }
  const policy = policyBinding(statement);
  if (policy !== null) {
    vserver.policies.push(policy);
    return;
  }
  const weight = wholeNumber(statement.keys.get("weight")?.[0] ?? "") ?? 1;
  const named = [
    ...targets,
    ...(statement.keys.get("servicename") ?? []),
    ...(statement.keys.get("servicegroupname") ?? []),
  ];
  for (const target of named) {
    const service = draft.services.get(target)?.name ?? target;
    vserver.services.push({ service, weight, line: statement.line });
  }
}

function bindCsVserver(statement: Statement, draft: Draft): void {
  const [name = "", oldTarget] = statement.words;
  const vserver = draft.csVservers.get(name);
  if (vserver === undefined) {
    reportMissing(draft, statement, "vserver", name);
    return;
  }
  const binding = policyBinding(statement);
  if (binding === null) {
    const target = statement.keys.get("lbvserver")?.[0] ?? statement.keys.get("vserver")?.[0];
    vserver.defaultTarget = vserverName(target ?? oldTarget, draft) ?? vserver.defaultTarget;
    return;
  }
  const target =
    statement.keys.get("targetlbvserver")?.[0] ??
    statement.keys.get("targetvserver")?.[0] ??
    oldTarget;
  const feature = draft.policies.get(binding.policy)?.feature;
  if (feature === "cs" || (feature === undefined && target !== undefined)) {
    const { policy, priority, line } = binding;
    vserver.targets.push({ policy, target: vserverName(target, draft), priority, line });
  } else {
    vserver.policies.push(binding);
  }
}

function vserverName(written: string | undefined, draft: Draft): string | null {
  if (written === undefined) {
    return null;
  }
  const known =
    draft.lbVservers.get(written) ??
    draft.csVservers.get(written) ??
    draft.authenticationVservers.get(written);
  return known?.name ?? written;
}
