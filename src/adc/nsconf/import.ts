import { ACL_FIELDS, ACL_KINDS, aclAction, aclKey, readAcl } from "../acls.ts";
import { MAX_NAME_LENGTH, wholeNumber } from "../field-types.ts";
import { readFields } from "../fields.ts";
import type { Diagnostic, Firmware, Estate } from "../../model/estate.ts";
import type { AclKind, PolicyBinding } from "../../model/policy.ts";
import {
  CS_PARAMETER_FIELDS,
  LB_PARAMETER_FIELDS,
  SESSION_PARAMETER_FIELDS,
} from "../vserver-fields.ts";
import {
  countKind,
  define,
  reportIncomplete,
  reportMissing,
  type Draft,
  type StatementKinds,
  emptyDraft,
  report,
  type StatementReader,
  isAddress,
  statementSource,
} from "./draft.ts";
import { isOfNoKind, isSubject, meaningsOf } from "./abbreviations.ts";
import { commandLines, type CommandLine, unclosedAt, withoutDoubledEscapes } from "./lexer.ts";
import {
  createHeadReader,
  type PlainHead,
  shownKind,
  type Statement,
  statementKind,
  statementsOf,
} from "./statements.ts";
import { DiagnosticList, estateDiagnostics, type LeftOut, nearNamesOf } from "../diagnostics.ts";
import { counted } from "../../lib/counted.ts";
import { runSync, type Steps } from "../../lib/steps.ts";
import {
  actionStatements,
  authenticationStatements,
  policyName,
  policyStatements,
  readPolicy,
} from "./policies.ts";
import { finishEstate } from "./finish.ts";
import { GSLB_REMOVERS, gslbStatements } from "./gslb.ts";
import { monitorStatements, unsetReaders } from "./monitors.ts";
import { removalStatements, REMOVERS, toggleStatements } from "./changes.ts";
import { RENAMERS } from "./renaming.ts";
import { profileReferences, profileStatements } from "./profiles.ts";
import { monitorName, serverStatements, serviceStatements } from "./services.ts";
import { tlsStatements } from "./tls.ts";
import { vserverStatements } from "./vservers.ts";
import { webText } from "./web-text.ts";

/** The ADC's own addresses and global parameters. */
const systemStatements: StatementKinds = {
  definitions: new Map([
    ["add ns ip", addIp],
    ["add ns ip6", addIp],
    ["add ipset", addIpSet],
    ...ACL_KINDS.map((kind) => [`add ns ${kind}`, aclAdder(kind)] as const),
  ]),
  changes: new Map([
    ["set ns config", setConfig],
    ["set ns acl", aclSetter("acl")],
    ["set ns acl6", aclSetter("acl6")],
    [
      "bind responder global",
      globalBinder(({ globalResponderPolicies }) => globalResponderPolicies),
    ],
    ["bind appfw global", globalBinder(({ globalFirewallPolicies }) => globalFirewallPolicies)],
    ["bind ipset", bindIpSet],
    ["set lb parameter", setLbParameter],
    ["set cs parameter", setCsParameter],
    ["set tm sessionparameter", setSessionParameter],
    ["bind tm global", bindSessionPolicy],
    ["bind aaa group", bindGroupPolicy],
    ["bind aaa user", bindGroupPolicy],
  ]),
};

/** Reads the header that the ADC writes at the top of its saved configuration: `#NS13.1 Build 37.38`. */
function firmwareOf(text: string): Firmware | null {
  const [, label, major, minor] =
    /^\uFEFF?[ \t]*#[ \t]*(NS(\d{1,3})\.(\d{1,3})(?:[: ]+Build [\w.]{1,20})?)/m.exec(
      text.slice(0, 4_096),
    ) ?? [];
  return label === undefined ? null : { major: Number(major), minor: Number(minor), text: label };
}

/** A subnet address unless another type is set. */
function addIp(statement: Statement, draft: Draft): void {
  const address = (statement.words[0] ?? "").replace(/\/\d+$/, "");
  const type = (statement.keys.get("type")?.[0] ?? "SNIP").toUpperCase();
  if (!isAddress(address)) {
    return;
  }
  if (type === "NSIP") {
    draft.nsip ??= address;
  } else if (type === "SNIP" || type === "MIP") {
    draft.snips.push(address);
  }
}

/** A net profile's `-srcIP` may name a set of the ADC's addresses. */
function addIpSet({ words: [name] }: Statement, draft: Draft): void {
  if (name !== undefined && !draft.ipSets.has(name)) {
    draft.ipSets.set(name, []);
  }
}

function bindIpSet({ words: [name = "", ...addresses] }: Statement, draft: Draft): void {
  draft.ipSets.get(name)?.push(...addresses.filter(isAddress));
}

/** `add ns acl NAME DENY -srcIP = 10.0.0.1-10.0.0.9 …`: the packet filter, evaluated before any vserver. */
function aclAdder(kind: AclKind): StatementReader {
  return (statement, draft) => {
    const [name, written = ""] = statement.words;
    const action = aclAction.read([written]);
    if (name === undefined || action === undefined) {
      reportIncomplete(draft, statement, name ?? kind);
      return;
    }
    const source = statementSource(statement, draft, name);
    const acl = readAcl(kind, { name, action, line: statement.line }, source);
    define(draft.acls, aclKey(acl), acl, statement, draft);
  };
}

function aclSetter(kind: "acl" | "acl6"): StatementReader {
  return (statement, draft) => {
    const [name = ""] = statement.words;
    const acl = draft.acls.get(aclKey({ kind, name }));
    if (acl === undefined) {
      reportMissing(draft, statement, kind, name);
      return;
    }
    Object.assign(acl, readFields(ACL_FIELDS[kind], statementSource(statement, draft, name)));
  };
}

/** `bind responder global POLICY 100 END -type REQ_DEFAULT`: evaluated before the policies of any vserver. */
function globalBinder(
  table: (draft: Draft) => PolicyBinding[],
): (statement: Statement, draft: Draft) => void {
  return (statement, draft) => {
    const [policy, priority, goto = null] = statement.words;
    if (policy !== undefined) {
      table(draft).push({
        policy: policyName(policy, draft),
        priority: wholeNumber(priority ?? ""),
        goto,
        bindPoint: null,
        line: statement.line,
      });
    }
  };
}

function setConfig(statement: Statement, draft: Draft): void {
  const address = statement.keys.get("ipaddress")?.[0];
  if (address !== undefined && isAddress(address)) {
    draft.nsip = address;
  }
}

function setLbParameter(statement: Statement, draft: Draft): void {
  const source = statementSource(statement, draft, "lb parameter");
  Object.assign(draft.parameters, readFields(LB_PARAMETER_FIELDS, source));
}

function setCsParameter(statement: Statement, draft: Draft): void {
  const source = statementSource(statement, draft, "cs parameter");
  Object.assign(draft.parameters, readFields(CS_PARAMETER_FIELDS, source));
}

function setSessionParameter(statement: Statement, draft: Draft): void {
  const source = statementSource(statement, draft, "tm sessionParameter");
  Object.assign(draft.parameters, readFields(SESSION_PARAMETER_FIELDS, source));
}

function bindSessionPolicy({ keys }: Statement, draft: Draft): void {
  const known = draft.parameters.globalSessionPolicies ?? [];
  const bound = keys.get("policyname")?.map((policy) => policyName(policy, draft)) ?? [];
  draft.parameters.globalSessionPolicies = [...known, ...bound];
}

/** The same command binds its members and addresses, which are not needed here. */
function bindGroupPolicy({ keys }: Statement, draft: Draft): void {
  const bound = keys.get("policy")?.map((policy) => policyName(policy, draft)) ?? [];
  if (bound.length > 0) {
    const known = draft.parameters.groupPolicies ?? [];
    draft.parameters.groupPolicies = [...known, ...bound];
  }
}

/** No statement was read, not even an irrelevant one: this is a different kind of file. */
export function holdsNothing(estate: Estate): boolean {
  const { servers, services, monitors, lbVservers, csVservers, policies, otherStatements } = estate;
  const { sites, services: gslbServices, vservers: gslbVservers } = estate.gslb;
  const { certKeys, sslProfiles, netProfiles } = estate;
  const tables = [
    ...[servers, services, monitors, lbVservers, csVservers, policies, otherStatements],
    ...[certKeys, sslProfiles, netProfiles],
    ...[sites, gslbServices, gslbVservers],
  ];
  // What is wrong with the only command, or that all belongs to a partition, is an answer.
  const isAnswered = estate.diagnostics.some(({ rule }) => ANSWERS.has(rule));
  return !isAnswered && tables.every(({ size }) => size === 0);
}

const ANSWERS: ReadonlySet<string> = new Set(["incomplete_statement", "partition_not_read"]);

/** The maximum size of a saved configuration. */
export const MAX_NS_CONF_BYTES = 64 * 1_048_576;
/** The maximum number of statements after ranges are expanded: a short line can stand for a thousand. */
const MAX_STATEMENTS = 400_000;
/**
 * Statements per step: one event-loop turn has time for several, and a step for each would take as long as the reading.
 */
const COMMANDS_PER_STEP = 16;

/**
 * Reads a saved or captured NetScaler configuration. Never throws: anything unusual becomes a diagnostic, and
 * irrelevant statements are counted in `otherStatements`. No secret in the file gets into the estate.
 */
export function parseNsConf(text: string, options: { readonly adc: string }): Estate {
  return runSync(nsConfSteps(text, options));
}

/** Like `importNsConf`, in steps: a large file takes a large part of a second. */
export function* nsConfSteps(text: string, options: { readonly adc: string }): Steps<Estate> {
  const draft = emptyDraft();
  draft.firmware = firmwareOf(text);
  // Kept as text and parsed again later: as statements they would need as much memory as the estate.
  let changes: CommandLine[] = [];
  const orphans: number[] = [];
  const refused: number[] = [];
  let captured = false;
  let count = 0;
  let partition: string | null = null;
  let firstCommand: number | null = null;
  let steps = 0;
  const headOf = createHeadReader();
  const blocks: Block[] = [];
  let after = 0;
  for (const written of commandLines(text, (line) => orphans.push(line))) {
    const single = withoutDoubledEscapes(written.text);
    let command: CommandLine = single === written.text ? written : { ...written, text: single };
    steps += 1;
    if (steps % COMMANDS_PER_STEP === 0) {
      yield;
    }
    captured ||= command.typed;
    if (command.line > after) {
      blocks.push({ from: command.line, defined: 0 });
    }
    after = command.line + (command.joins?.length ?? 0) + 1;
    if (command.refused) {
      refused.push(command.line);
      continue;
    }
    if (PASSED_OVER.some((is) => is(command.text))) {
      orphans.push(command.line);
      continue;
    }
    firstCommand ??= command.line;
    const found =
      partition === null && CONFIGURES.test(command.text) ? webText(command.text) : null;
    if (found !== null) {
      // Read as intended, so that consequences are not reported as well.
      command = { ...command, text: found.meant };
      reportWebText(command, found.what, draft);
    }
    const head = partition === null && count < MAX_STATEMENTS ? headOf(command) : null;
    if (head !== null && CHANGES.has(head.kind)) {
      count += 1;
      changes.push(deferred(command));
      continue;
    }
    if (head !== null && isIrrelevant(head) && !BOUND_MONITOR.test(command.text)) {
      count += 1;
      const isFirmwares = LABEL_OF_FIRMWARE.test(command.text);
      countKind(isFirmwares ? `${head.shown} of the firmware` : head.shown, draft);
      continue;
    }
    const statements = statementsOf(command);
    const [first] = statements;
    if (first === undefined) {
      continue;
    }
    count += statements.length;
    if (count > MAX_STATEMENTS) {
      const message = `Only the first ${String(MAX_STATEMENTS)} statements were read.`;
      report(draft, first, "error", "import_too_large", "file", message);
      break;
    }
    if (first.broken) {
      reportBroken(command, first, draft);
      if (isNameless(first)) {
        continue;
      }
    }
    const kind = statementKind(first);
    if (hasOverlongName(first)) {
      const message = `A name has more than ${String(MAX_NAME_LENGTH)} characters, which the ADC does not accept; this line is ignored.`;
      report(draft, first, "error", "unreadable_value", kind.slice(0, 60), message);
      continue;
    }
    const remove = ALL_REMOVERS.get(kind);
    if (kind === "switch ns partition") {
      const [name = "default"] = first.words;
      partition = name.toLowerCase() === "default" ? null : name;
    } else if (partition !== null) {
      const known = draft.otherPartitions.get(partition) ?? 0;
      draft.otherPartitions.set(partition, known + statements.length);
    } else if (CHANGES.has(kind)) {
      changes.push(deferred(command));
    } else if (remove !== undefined) {
      applyChanges(changes, draft);
      changes = [];
      statements.forEach((statement) => {
        remove(statement, draft);
      });
    } else {
      const block = blocks.at(-1);
      if (block !== undefined && DEFINITIONS.has(kind)) {
        block.defined += 1;
      }
      statements.forEach((statement) => {
        readDefinition(statement, kind, draft);
      });
    }
  }
  applyChanges(changes, draft);
  const fenced = FENCED.test(text);
  const extent = extentOf(draft, {
    captured,
    fenced,
    orphans: orphans.length,
    examples: hasExamples(draft, blocks),
  });
  // A title above several commands is no lost command of theirs.
  const onlyTitle =
    extent === "paste" && count >= PROSE && orphans.every((line) => line < (firstCommand ?? 0));
  const isProse = captured || extent === "excerpt" || onlyTitle;
  if (!isProse) {
    const what = orphans.length === 1 ? "line is no command" : "lines are not commands";
    reportLines(orphans, "warning", "unreadable_lines", what, draft);
  }
  reportRefused(refused, draft);
  // A page's sentences begin with verbs, too.
  const isPage = extent !== null && orphans.length > 0;
  reportUnread(draft, isPage);
  const finished = yield* finishEstate(draft, options.adc);
  yield;
  const estate: Estate = extent === null ? finished : { ...finished, extent };
  const isFiltered = extent === "excerpt" && FILTERED.test(text);
  // What uses them may be read before they are defined.
  const monitorsUsedElsewhere = new Set(
    [...draft.monitorsUsedElsewhere].map((name) => monitorName(name, draft)),
  );
  const beside = { profiles: profileReferences(draft), otherVservers: draft.otherVservers.exact };
  const { said, leftOut } =
    extent === null
      ? { said: draft.diagnostics, leftOut: [] }
      : asPart(draft.diagnostics.all(), extent, nearNamesOf(estate, beside));
  said.pushAll(estateDiagnostics(estate, { ...draft, ...beside, monitorsUsedElsewhere, leftOut }));
  return {
    ...estate,
    ...(monitorsUsedElsewhere.size === 0 ? null : { monitorsUsedElsewhere }),
    ...(isFiltered ? { filtered: true as const } : null),
    // The output of a session's commands is no mistake, nor is a page's text about its commands.
    ...(isProse && orphans.length > 0 ? { passedOver: orphans.length } : null),
    diagnostics: said.all(),
  };
}

/** A session contains only what somebody looked at, a web page or a ticket only what it is about. */
const PROSE = 2;

/** Commands that a page, or a program's source, separates from its text. */
const FENCED = /^[ \t]{0,8}```|"""/m;

/** `sh run | grep web`, as a session shows it. */
const FILTERED = /\bsh\w* [\w. ]{1,40}\| ?e?grep\b/i;

/** How the commands appear in the text: after prompts, in a page's code fences, among other lines. */
interface Shown {
  readonly captured: boolean;
  readonly fenced: boolean;
  readonly orphans: number;
  /** Separate examples with the same names. */
  readonly examples: boolean;
}

/** Commands without an empty line, a comment or text between them. */
interface Block {
  readonly from: number;
  defined: number;
}

/**
 * Whether a block begins anew: at least half of what it defines has the names of earlier blocks. Among commands for one
 * ADC, a name that is defined again is an exception.
 */
function hasExamples({ repeats }: Draft, blocks: readonly Block[]): boolean {
  let at = 0;
  return blocks.some(({ from, defined }, index) => {
    const end = blocks[index + 1]?.from ?? Infinity;
    let again = 0;
    for (
      let repeat = repeats[at];
      repeat !== undefined && repeat.line < end;
      repeat = repeats[at]
    ) {
      again += repeat.first < from ? 1 : 0;
      at += 1;
    }
    return again > 0 && again * 2 >= defined;
  });
}

/**
 * Only a whole configuration starts with its firmware version and contains the ADC's own address, but pages quote such
 * lines, too. Text without them, and with a prompt or lines of prose, is an excerpt of one or several configurations.
 * So is text that defines the same names again and again. Text that also lacks any setting of the appliance itself was
 * written to set something up on an existing ADC. Null: it is whole.
 */
function extentOf(
  { nsip, firmware, snips, otherStatements }: Draft,
  { captured, fenced, orphans, examples }: Shown,
): "excerpt" | "paste" | null {
  if (fenced && orphans >= PROSE) {
    return "excerpt";
  }
  // A program's source and a page of examples have a version line, too, but only a saved file has its own address.
  if (nsip !== null || (firmware !== null && orphans < PROSE)) {
    return null;
  }
  if (captured || fenced || examples || orphans >= PROSE) {
    return "excerpt";
  }
  const isWhole = snips.length > 0 || [...otherStatements.keys()].some(isOfAppliance);
  return isWhole ? null : "paste";
}

/** Settings that every appliance has and that no instructions for an application contain. Those do enable features. */
function isOfAppliance(kind: string): boolean {
  return OF_APPLIANCE.test(kind);
}

const OF_APPLIANCE =
  /^(add|set|bind) (system (user|parameter|cmdpolicy|group)|ns (hostname|config|param|rpcnode|tcpparam|httpparam|diameter|encryptionparams)|interface|vlan|ha node|snmp (alarm|community|manager|trap)|audit syslogparams|dns nameserver|ntp server)$/i;

/**
 * Names that a partial configuration does not contain may be in the missing part, unless they are one typing mistake
 * away from an existing name; an excerpt may cover two sites, or show the same commands twice.
 */
function asPart(
  found: readonly Diagnostic[],
  extent: "excerpt" | "paste",
  nearName: (kind: string, name: string) => string | null,
): { readonly said: DiagnosticList; readonly leftOut: readonly LeftOut[] } {
  const said = new DiagnosticList();
  const leftOut: LeftOut[] = [];
  for (const diagnostic of found) {
    const { rule, object, line, message, reference } = diagnostic;
    if (reference === undefined || reference.found.length > 0) {
      if (extent === "paste" || !OF_EXAMPLES.has(rule)) {
        said.push(diagnostic);
      }
      continue;
    }
    const near = nearName(reference.wanted, object);
    if (near === null) {
      leftOut.push({ kind: reference.wanted, name: object, object, line });
    } else {
      said.push({ ...diagnostic, message: message.replace(/\.$/, () => `, but ${near} is.`) });
    }
  }
  return { said, leftOut };
}

/** Separate examples of one page use the same names. */
const OF_EXAMPLES: ReadonlySet<string> = new Set(["duplicate_name", "duplicate_binding"]);

/** Without what else is known about it while its lines are joined. */
function deferred({ line, text, typed, refused }: CommandLine): CommandLine {
  return { line, text, typed, refused };
}

const KINDS = [
  serverStatements,
  serviceStatements,
  monitorStatements,
  vserverStatements,
  gslbStatements,
  actionStatements,
  policyStatements,
  tlsStatements,
  authenticationStatements,
  profileStatements,
  systemStatements,
  toggleStatements,
  removalStatements,
];
const ALL_REMOVERS: ReadonlyMap<string, StatementReader> = new Map([
  ...REMOVERS,
  ...GSLB_REMOVERS,
  ...RENAMERS,
]);
const DEFINITIONS: ReadonlyMap<string, StatementReader> = new Map(
  KINDS.flatMap((kinds) => [...kinds.definitions]),
);
const SETTERS: ReadonlyMap<string, StatementReader> = new Map(
  KINDS.flatMap((kinds) => [...kinds.changes]),
);
const CHANGES: ReadonlyMap<string, StatementReader> = new Map([
  ...SETTERS,
  ...unsetReaders(SETTERS),
]);

/** The object's own name, and those of its bindings. The strings of a pattern set are not names. */
function hasOverlongName({ verb, group, words }: Statement): boolean {
  const names = verb.toLowerCase() === "bind" && group.toLowerCase() !== "policy" ? 2 : 1;
  return words.slice(0, names).some(({ length }) => length > MAX_NAME_LENGTH);
}

function readDefinition(statement: Statement, kind: string, draft: Draft): void {
  const read = DEFINITIONS.get(kind);
  if (read !== undefined) {
    read(statement, draft);
  } else if (!readPolicy(statement, draft)) {
    countOther(statement, draft);
  }
}

function applyChanges(changes: readonly CommandLine[], draft: Draft): void {
  for (const command of changes) {
    for (const statement of statementsOf(command)) {
      CHANGES.get(statementKind(statement))?.(statement, draft);
    }
  }
}

/** Commands that only show something (`show`), or act once (`sync`, `save`), leave no configuration. */
const CONFIGURES = /^\s*(?:add|bind|set|link|enable|disable|unbind|unset|unlink|rm)\s/i;

/** What begins like a command and is none, or none yet. */
const PASSED_OVER: readonly ((text: string) => boolean)[] = [
  isTemplate,
  isSynopsis,
  isTitle,
  isSentence,
];

/**
 * `{{ pool.name }}` outside quotes, or an editor's `${1:name}`: a template's command, whose names and numbers are not
 * known yet.
 */
function isTemplate(text: string): boolean {
  if (/\$\{\d{1,3}[:|}]/.test(text)) {
    return true;
  }
  if (!text.includes("{{")) {
    return false;
  }
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  return bare.includes("{{") && bare.indexOf("}}", bare.indexOf("{{")) > 0;
}

/** `add lb monitor <name> [-interval <n>]`, `add server <name> (<IP> | <domain>)`: a synopsis, as quoted in references. */
function isSynopsis(text: string): boolean {
  return (
    (text.includes("[-") || text.includes("(<")) &&
    /\s(?:\[-|\(<)[A-Za-z]/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, '""'))
  );
}

/** `Bind services to vservers:` above commands. */
function isTitle(text: string): boolean {
  return (
    /[^:]:$/.test(text) &&
    !/["'-]/.test(text) &&
    / (?:to|the|your|an?|and|as|with|for) /i.test(text)
  );
}

/** `Add servers to the pool.`, `Save lines that couldn't be read`: prose, whose apostrophe opens no quote. */
function isSentence(text: string): boolean {
  const [, noun = ""] = SENTENCE.exec(text) ?? [];
  return noun !== "" && !isSubject(noun);
}

const SENTENCE =
  /^\s*[a-z]{2,10} ([a-z]{1,30}) (?:[a-z]{1,30} )?(?:that|which|the|to|an?|and|of|for|in|on|with|from|if|so) /i;

/** Reported without quoting the line, as for a line that ends inside a quote. */
function reportWebText(command: CommandLine, what: string, draft: Draft): void {
  const [first] = statementsOf(command);
  if (first !== undefined) {
    const message = `The ADC does not understand ${what}: it rejects the command.`;
    const object = first.words[0] ?? statementKind(first).slice(0, 60);
    report(draft, first, "error", "typographic_characters", object, message);
  }
}

/**
 * Reported without quoting the line, which may contain a secret, at the physical line in which it is left open. What
 * follows there is lost, which has to be said.
 */
function reportBroken(command: CommandLine, statement: Statement, draft: Draft): void {
  const open = unclosedAt(command.text) ?? 0;
  const joins = command.joins ?? [];
  const before = joins.filter((at) => at <= open).length;
  const lost = joins.length - before;
  const lines = lost === 1 ? "the next line" : `the next ${String(lost)} lines`;
  draft.diagnostics.push({
    severity: "warning",
    rule: "broken_line",
    line: command.line + before,
    object:
      (isNameless(statement) ? null : statement.words[0]) ?? statementKind(statement).slice(0, 60),
    message: `This line ends inside a quote or parenthesis; the rest of it${lost === 0 ? " is" : `, and ${lines}, are`} ignored.`,
  });
}

/** Whether the name itself is what is left open, so that the rest of the line, perhaps a secret, would be part of it. */
function isNameless({ words, keys }: Statement): boolean {
  return words.length + keys.size < 2;
}

/**
 * A command that the session shows as rejected is not part of the configuration; that it was attempted is worth a note.
 */
function reportRefused(lines: readonly number[], draft: Draft): void {
  const what =
    lines.length === 1
      ? "command that the ADC rejected is ignored"
      : "commands that the ADC rejected are ignored";
  reportLines(lines, "info", "refused_command", what, draft);
}

/** One finding for all lines of a kind: their number, and the first. */
function reportLines(
  lines: readonly number[],
  severity: Diagnostic["severity"],
  rule: string,
  what: string,
  draft: Draft,
): void {
  const [first] = lines;
  if (first !== undefined) {
    const which = lines.length === 1 ? "it is this one" : "this is the first";
    const message = `${String(lines.length)} ${what}; ${which}.`;
    draft.diagnostics.push({ severity, rule, line: first, object: "file", message });
  }
}

/** Groups and objects that affect health or routing and that no reader supports. */
const ABOUT_HEALTH =
  /^rename gslb (vserver|service)\b|^clear ns config\b|^(add|set|bind|unbind|enable|disable) (gslb(?! parameter)|vserver|cr|lsn|spillover|autoscale|vpn vserver|user (vserver|protocol)|lb (group|route|wlm|metrictable|policylabel)|cs policylabel|ns (pbrs?|pbr6|pat|ratecontrol)|responder policylabel|rewrite (global|policylabel(?! of the firmware))|tm (global|formssoaction)|aaa (group|global)|authentication policylabel|vrid\w*)\b/;

/** `bind rewrite policylabel ns_cvpn_v2_url_label …`: part of every saved configuration. */
const LABEL_OF_FIRMWARE = /^\w+ \w+ policylabel (?:ns_|_)/i;

/** An object that the group does not have, or both without the space between: `add lb virtual`, `bind sslvserver`. */
const NO_COMMAND =
  /^(add|set|bind|unbind|enable|disable|unset|rm) ((lb|cs|ssl|gslb)(vserver|monitor|service|servicegroup|policy|action)|lb (?!vserver|monitor|monbindings|group|parameter|persistentsessions|metrictable|profile|policy|policylabel|action|route6?|wlm|sipparameters|global)\S*|cs (?!vserver|policy|policylabel|action|parameter)\S*)$|^add ssl (vserver|service|servicegroup)$|^(add|set|bind|unbind|enable|disable|unset|rm) (serv(?!er$|ice$|icegroup$)\w*|monit(?!or$)\w*)/;

/** Reports what was not examined, so that a missing finding is not mistaken for health. */
function reportUnread(draft: Draft, isPage: boolean): void {
  const kinds = [...draft.otherStatements];
  const isStrange = (kind: string): boolean => {
    const [verb = "", subject = ""] = kind.split(" ");
    return !isPage && isOfNoKind(verb, subject);
  };
  const unread = kinds.filter(
    ([kind]) =>
      !NO_COMMAND.test(kind.toLowerCase()) &&
      (ABOUT_HEALTH.test(kind.toLowerCase()) || isStrange(kind)),
  );
  const unknown = kinds.filter(([kind]) => NO_COMMAND.test(kind.toLowerCase()));
  const ambiguous = kinds.flatMap(([kind, count]): [string, number][] => {
    const [, group = "", object = null] = kind.split(" ");
    const meanings = meaningsOf(group, object);
    return meanings.length === 0 ? [] : [[`${kind} (${meanings.join(" or ")})`, count]];
  });
  reportKinds(draft, "info", "not_looked_at", ["is not examined", "are not examined"], unread);
  reportKinds(
    draft,
    "warning",
    "unknown_command",
    ["is no command of the ADC", "are not commands of the ADC"],
    [
      ...unknown.filter(([kind]) => !ambiguous.some(([name]) => name.startsWith(`${kind} (`))),
      ...ambiguous,
    ],
  );
  for (const [name, count] of draft.otherPartitions) {
    draft.diagnostics.push({
      severity: "info",
      rule: "partition_not_read",
      line: null,
      object: name,
      message: `${counted(count, "statement")} of another admin partition ${count === 1 ? "is" : "are"} not examined.`,
    });
  }
}

function reportKinds(
  draft: Draft,
  severity: "info" | "warning",
  rule: string,
  [one, many]: readonly [one: string, many: string],
  kinds: readonly (readonly [string, number])[],
): void {
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  const named = kinds.map(([kind, count]) => (count === 1 ? kind : `${kind} (${String(count)})`));
  if (total > 0) {
    const message = `${counted(total, "statement")} of ${counted(kinds.length, "kind")} ${total === 1 ? one : many}: ${named.join(", ")}.`;
    draft.diagnostics.push({ severity, rule, line: null, object: "file", message });
  }
}

/** No reader supports it, so only its kind matters. `readPolicy` decides which policies are read. */
function isIrrelevant({ kind, verb, object }: PlainHead): boolean {
  return (
    !DEFINITIONS.has(kind) &&
    !ALL_REMOVERS.has(kind) &&
    kind !== "switch ns partition" &&
    !(verb === "add" && /policy$/i.test(object ?? ""))
  );
}

/** `-monitor`, as used by routes, also abbreviated. */
const BOUND_MONITOR = /-mon/i;

function countOther(statement: Statement, draft: Draft): void {
  countKind(shownKind(statement), draft);
  // Routes and policy-based routes use monitors too.
  for (const [key, names] of statement.keys) {
    if (key.startsWith("mon") && "monitorname".startsWith(key)) {
      names.forEach((name) => draft.monitorsUsedElsewhere.add(name));
    }
  }
}
