import { defaultsOf, readFields, readWhole, type FieldSource } from "../fields.ts";
import { otherAddresses } from "../other-addresses.ts";
import { isPlaceholder, isPlaceholderAddress } from "../placeholders.ts";
import { CLIENT_AUTH_FIELDS, TLS_VERSION_FIELDS } from "../tls-fields.ts";
import {
  AUTHENTICATION_FIELDS,
  CS_VSERVER_FIELDS,
  LB_VSERVER_FIELDS,
  LISTENING_FIELDS,
  PERSISTENCE_FIELDS,
  SERVICE_BINDING_FIELDS,
} from "../vserver-fields.ts";
import {
  countKind,
  define,
  report,
  reportIncomplete,
  reportMissing,
  type CsVserverDraft,
  type Draft,
  type LbVserverDraft,
  type OtherVserver,
  type StatementKinds,
  type StatementReader,
  isAddress,
  portOf,
  statementSource,
} from "./draft.ts";
import { shownKind, type Statement } from "./statements.ts";
import {
  CS_VSERVER_BINDING_OPTIONS,
  CS_VSERVER_OPTIONS_OF_COMMAND,
  LB_VSERVER_BINDING_OPTIONS,
  LB_VSERVER_OPTIONS_OF_COMMAND,
} from "./option-tables.ts";
import { withKnownOptions } from "./options.ts";
import { bindPolicy, policyBinding } from "./policies.ts";
import type { Port } from "../../model/adc-service.ts";

/** Vservers of all kinds but authentication and GSLB, and the bindings of those that are read. */
export const vserverStatements: StatementKinds = {
  definitions: new Map([
    [
      "add lb vserver",
      withKnownOptions("lb vserver", LB_VSERVER_OPTIONS_OF_COMMAND, 4, addLbVserver),
    ],
    [
      "add cs vserver",
      withKnownOptions("cs vserver", CS_VSERVER_OPTIONS_OF_COMMAND, 4, addCsVserver),
    ],
    ["add cr vserver", addOtherVserver("cr vserver")],
    ["add vpn vserver", addOtherVserver("vpn vserver")],
  ]),
  changes: new Map([
    [
      "set lb vserver",
      withKnownOptions("lb vserver", LB_VSERVER_OPTIONS_OF_COMMAND, 1, setLbVserver),
    ],
    [
      "set cs vserver",
      withKnownOptions("cs vserver", CS_VSERVER_OPTIONS_OF_COMMAND, 1, setCsVserver),
    ],
    [
      "bind lb vserver",
      withKnownOptions(
        "binding of an lb vserver",
        LB_VSERVER_BINDING_OPTIONS,
        wordsOfLbBinding,
        bindLbVserver,
      ),
    ],
    [
      "bind cs vserver",
      withKnownOptions(
        "binding of a cs vserver",
        CS_VSERVER_BINDING_OPTIONS,
        wordsOfCsBinding,
        bindCsVserver,
      ),
    ],
  ]),
};

function addLbVserver(statement: Statement, draft: Draft): void {
  const [name, type, ...place] = statement.words;
  if (name === undefined || type === undefined || isPortOnly(statement)) {
    reportIncomplete(draft, statement, name ?? "lb vserver");
    return;
  }
  const vserver: LbVserverDraft = Object.assign(
    { ...BLANK_LB },
    newVserver(name, type, place, statement.line),
    { kind: "lb" as const, persistence: { ...PERSISTENCE_DEFAULTS }, services: [] },
  );
  applyLbKeys(vserver, statement, draft);
  reportPlace(place, name, statement, draft);
  define(draft.lbVservers, name, vserver, statement, draft);
}

function addCsVserver(statement: Statement, draft: Draft): void {
  const [name, type, ...place] = statement.words;
  if (name === undefined || type === undefined || isPortOnly(statement)) {
    reportIncomplete(draft, statement, name ?? "cs vserver");
    return;
  }
  const vserver: CsVserverDraft = Object.assign(
    { ...BLANK_CS },
    newVserver(name, type, place, statement.line),
    { kind: "cs" as const, defaultTarget: null, targets: [] },
  );
  applyCsKeys(vserver, statement, draft);
  reportPlace(place, name, statement, draft);
  define(draft.csVservers, name, vserver, statement, draft);
}

/** Other statements may name it, for example as a target of content switching. */
function addOtherVserver(kind: OtherVserver["kind"]): StatementReader {
  return (statement, draft) => {
    const [name] = statement.words;
    countKind(shownKind(statement), draft);
    if (name !== undefined) {
      define(draft.otherVservers, name, { kind, name }, statement, draft);
    }
  };
}

/**
 * `add lb vserver v SSL 443`: the address is missing, as on pages that hide it; a pattern of addresses is an option.
 */
function isPortOnly({ words, keys }: Statement): boolean {
  return words.length === 3 && /^[1-9]\d*$/.test(words[2] ?? "") && !keys.has("ippattern");
}

const PERSISTENCE_DEFAULTS = defaultsOf(PERSISTENCE_FIELDS);
const AUTHENTICATION_DEFAULTS = defaultsOf(AUTHENTICATION_FIELDS);
const TLS_DEFAULTS = defaultsOf(TLS_VERSION_FIELDS);

/** Sets every property, so that all vservers have the same object layout. */
const BLANK = {
  name: "",
  serviceType: "",
  line: null,
  address: null,
  port: null,
  authentication: AUTHENTICATION_DEFAULTS,
  policies: [],
  certKeys: [],
  tls: TLS_DEFAULTS,
  sslProfile: null,
};
const BLANK_LB: LbVserverDraft = {
  ...defaultsOf({ ...LB_VSERVER_FIELDS, ...CLIENT_AUTH_FIELDS }),
  kind: "lb",
  ...BLANK,
  persistence: PERSISTENCE_DEFAULTS,
  services: [],
};
const BLANK_CS: CsVserverDraft = {
  ...defaultsOf({ ...CS_VSERVER_FIELDS, ...CLIENT_AUTH_FIELDS }),
  kind: "cs",
  ...BLANK,
  defaultTarget: null,
  targets: [],
};

/** What both kinds have in common besides the attributes of their tables. */
function newVserver(name: string, type: string, place: readonly string[], line: number) {
  const { address, port } = listeningPlace(place);
  return {
    name,
    serviceType: type.toUpperCase(),
    address,
    port,
    authentication: { ...AUTHENTICATION_DEFAULTS },
    policies: [],
    certKeys: [],
    tls: { ...TLS_DEFAULTS },
    sslProfile: null,
    line,
  };
}

/** Reports an invalid address or port: nothing can be probed through such a vserver. */
function reportPlace(
  words: readonly string[],
  name: string,
  statement: Statement,
  draft: Draft,
): void {
  const [first = "*", second = "*"] = words;
  const isLonePort = words.length === 1 && portOf(first) !== null;
  const isReadable = isLonePort || words.some(isPlaceholder) || isPlaceholderAddress(first);
  if (!isReadable && ((first !== "*" && !isAddress(first)) || portOf(second) === null)) {
    const message = "The address or port of this vserver is invalid: nothing is probed through it.";
    report(draft, statement, "warning", "unreadable_value", name, message);
  }
}

/**
 * `10.0.0.1 443`; `0.0.0.0 0`, or nothing, for a vserver that only content switching reaches; `* 443` for one that
 * accepts any address. The last keeps only its port, because there is no address to connect to.
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
  reportOtherAddresses(vserver.name, statement, draft);
  const source = statementSource(statement, draft, vserver.name);
  applyCommonKeys(vserver, source);
  Object.assign(vserver, readFields(LB_VSERVER_FIELDS, source));
  Object.assign(vserver.persistence, readFields(PERSISTENCE_FIELDS, source));
}

function applyCsKeys(vserver: CsVserverDraft, statement: Statement, draft: Draft): void {
  reportOtherAddresses(vserver.name, statement, draft);
  const source = statementSource(statement, draft, vserver.name);
  applyCommonKeys(vserver, source);
  Object.assign(vserver, readFields(CS_VSERVER_FIELDS, source));
}

/** Vservers that cannot be probed are reported, because they limit what this program checks. */
function reportOtherAddresses(name: string, { verb, keys, line }: Statement, draft: Draft): void {
  const about = otherAddresses({
    pattern: keys.get("ippattern")?.[0],
    set: keys.get("ipset")?.[0],
  });
  if (about !== null && verb !== "unset") {
    draft.diagnostics.push({
      severity: "info",
      rule: "addresses_not_asked",
      line,
      object: name,
      message: about,
    });
  }
}

function applyCommonKeys(vserver: LbVserverDraft | CsVserverDraft, source: FieldSource): void {
  Object.assign(vserver, readFields(LISTENING_FIELDS, source));
  Object.assign(vserver.authentication, readFields(AUTHENTICATION_FIELDS, source));
}

function bindLbVserver(statement: Statement, draft: Draft): void {
  const [name = "", ...targets] = statement.words;
  const vserver = draft.lbVservers.get(name);
  if (vserver === undefined) {
    reportMissing(draft, statement, "vserver", name);
    return;
  }
  const elsewhere = BOUND_ELSEWHERE.find(({ key }) => statement.keys.has(key));
  if (elsewhere !== undefined) {
    // That nothing uses the monitor would only be the consequence.
    statement.keys
      .get("monitorname")
      ?.forEach((monitor) => draft.monitorsUsedElsewhere.add(monitor));
    const { bound, sentence } = elsewhere;
    const message = `${name} ${sentence}. The ADC rejects this command.`;
    const reference = { wanted: "service", found: [bound] };
    report(draft, statement, "error", "wrong_kind_reference", name, message, reference);
    return;
  }
  const policy = policyBinding(statement, draft);
  if (policy !== null) {
    bindPolicy(vserver.policies, policy, statement, draft);
    return;
  }
  const [address = "", portNumber = ""] = targets;
  if (isAddress(address) && /^\d+$/.test(portNumber)) {
    // A service has a name: an address with its port is none.
    reportIncomplete(draft, statement, name);
    return;
  }
  const { weight } = readWhole(SERVICE_BINDING_FIELDS, statementSource(statement, draft, name));
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

/** A policy is bound to the vserver alone; otherwise services follow its name. */
function wordsOfLbBinding({ keys }: Statement): number {
  return keys.has("policyname") ? 1 : Infinity;
}

/** Firmware before 10 took the target between the vserver and the policy. */
function wordsOfCsBinding({ words }: Statement): number {
  return Math.min(2, Math.max(1, words.length));
}

/** What another command binds, with the option that people use for it here. */
const BOUND_ELSEWHERE: readonly Readonly<Record<"key" | "bound" | "sentence", string>>[] = [
  {
    key: "monitorname",
    bound: "monitor",
    sentence: "is a vserver: bind service or bind serviceGroup binds a monitor",
  },
  {
    key: "certkeyname",
    bound: "certificate key",
    sentence: "needs bind ssl vserver to bind a certificate",
  },
];

function bindCsVserver(statement: Statement, draft: Draft): void {
  const [name = "", oldTarget] = statement.words;
  const vserver = draft.csVservers.get(name);
  if (vserver === undefined) {
    reportMissing(draft, statement, "vserver", name);
    return;
  }
  const binding = policyBinding(statement, draft);
  if (binding === null) {
    const target = statement.keys.get("lbvserver")?.[0] ?? statement.keys.get("vserver")?.[0];
    vserver.defaultTarget = vserverName(target ?? oldTarget ?? vserver.defaultTarget, draft);
    return;
  }
  const target =
    statement.keys.get("targetlbvserver")?.[0] ??
    statement.keys.get("targetvserver")?.[0] ??
    oldTarget ??
    null;
  const feature = draft.policies.get(binding.policy)?.feature;
  if (feature === "cs" || (feature === undefined && target !== null)) {
    const { policy, priority, line, goto } = binding;
    const switched = {
      policy,
      target: vserverName(target, draft),
      priority,
      ...(goto === null ? null : { goto }),
      line,
    };
    bindPolicy(vserver.targets, switched, statement, draft);
  } else {
    bindPolicy(vserver.policies, binding, statement, draft);
  }
}

/** The name of a vserver of any kind as configured: all kinds can be targets of content switching. */
export function vserverName<T extends string | null>(written: T, draft: Draft): T | string {
  if (written === null) {
    return written;
  }
  const known =
    draft.lbVservers.get(written) ??
    draft.csVservers.get(written) ??
    draft.authenticationVservers.get(written) ??
    draft.gslbVservers.get(written) ??
    draft.otherVservers.get(written);
  return known?.name ?? written;
}
