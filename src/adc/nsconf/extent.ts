import type { Diagnostic } from "../../model/estate.ts";
import type { SourceLine } from "../../model/source-line.ts";
import type { Draft, Repeat } from "./draft.ts";
import { DiagnosticList } from "../diagnostic-list.ts";
import type { LeftOut } from "../missing-names.ts";

/** A session contains only what somebody looked at, a web page or a ticket only what it is about. */
export const PROSE = 2;

/** A saved file starts with its version; a text without it that has so many other lines is a page, such as of a course. */
const HEADINGS = 5;

/** Commands that a page, or a program's source, separates from its text. */
export const FENCED = /^[ \t]{0,8}```|"""/m;

/** `sh run | grep web`, as a session shows it. */
export const FILTERED = /\bsh\w* [\w. ]{1,40}\| ?e?grep\b/i;

/** How the commands appear in the text: after prompts, in a page's code fences, among other lines. */
interface Shown {
  readonly captured: boolean;
  readonly fenced: boolean;
  readonly orphans: number;
  /** The new state of what changed. */
  readonly diff: boolean;
  /** Separate examples with the same names. */
  readonly examples: boolean;
}

/** Commands without an empty line, a comment or text between them. */
export interface Block {
  readonly from: number;
  defined: number;
}

/** The lines of what the ADC accepts only once and one block has twice. */
export function clashesWithin(
  blocks: readonly Block[],
  clashes: readonly Repeat[],
): ReadonlySet<SourceLine> {
  const found = clashes.filter(({ line, first }) => {
    const [low, high] = line < first ? [line, first] : [first, line];
    return !blocks.some(({ from }) => from > low && from <= high);
  });
  return new Set(found.map(({ line }) => line));
}

/**
 * Whether a block begins anew: at least half of what it defines has the names of earlier blocks. Among commands for one
 * ADC, a name that is defined again is an exception.
 */
export function hasExamples({ repeats }: Draft, blocks: readonly Block[]): boolean {
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
export function extentOf(
  { nsip, firmware, snips, otherStatements }: Draft,
  { captured, fenced, orphans, diff, examples }: Shown,
): "excerpt" | "paste" | null {
  if (diff || (fenced && orphans >= PROSE)) {
    return "excerpt";
  }
  if (firmware === null && orphans >= HEADINGS) {
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
export function asPart(
  found: readonly Diagnostic[],
  extent: "excerpt" | "paste",
  nearName: (kind: string, name: string) => string | null,
  clashes: ReadonlySet<SourceLine>,
): { readonly said: DiagnosticList; readonly leftOut: readonly LeftOut[] } {
  const said = new DiagnosticList();
  const leftOut: LeftOut[] = [];
  for (const diagnostic of found) {
    const { rule, object, line, message, reference } = diagnostic;
    if (reference === undefined || reference.found.length > 0) {
      if (extent === "paste" || !OF_EXAMPLES.has(rule) || clashes.has(line)) {
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

/** A mistyped name is told once: where an object refers to it, not again for each statement about it. */
export function withoutSecondMention(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const dangling = diagnostics.filter(({ rule }) => rule === "dangling_reference");
  const told = dangling.flatMap(({ reference, message }) =>
    reference === undefined ? [message] : [],
  );
  return diagnostics.filter(
    ({ rule, object, reference }) =>
      rule !== "dangling_reference" ||
      reference === undefined ||
      !told.some((message) =>
        message.includes(` refers to ${reference.wanted} ${object}, which is not configured, but `),
      ),
  );
}

/** Separate examples of one page use the same names. */
const OF_EXAMPLES: ReadonlySet<string> = new Set([
  "duplicate_name",
  "duplicate_binding",
  "duplicate_priority",
  "duplicate_service_endpoint",
]);
