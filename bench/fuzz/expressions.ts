import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { RegExpParser, type AST } from "@eslint-community/regexpp";
import ts from "typescript";
import type { Random } from "../simulation/random.ts";
import { repositoryRoot } from "./root.ts";

/** A regular expression as the sources write it. */
export interface Expression {
  /** File and line. */
  readonly where: string;
  readonly source: string;
  readonly flags: string;
}

/**
 * A text that attacks an expression: a prefix that matches, a run that can match in many ways, and an end that makes
 * the match fail.
 */
export interface Attack {
  readonly prefix: string;
  readonly pump: string;
  readonly end: string;
}

/** Every regular expression of the product's sources that repeats something without a small bound. */
export function expressionsOfSources(): readonly Expression[] {
  const root = repositoryRoot();
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .flatMap((file) => expressionsIn(relative(root, file), readFileSync(file, "utf8")))
    .filter((expression) => attacksOn(expression).length > 0);
}

function expressionsIn(file: string, text: string): readonly Expression[] {
  const parsed = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const found: Expression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const { line } = parsed.getLineAndCharacterOfPosition(node.pos);
      const slash = node.text.lastIndexOf("/");
      found.push({
        where: `${file}:${String(line + 1)}`,
        source: node.text.slice(1, slash),
        flags: node.text.slice(slash + 1),
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return found;
}

/** Minimum number of repetitions that makes an attack worthwhile. */
const LONG_REPETITION = 50;
/** The characters that represent a character class. */
const CANDIDATES = [..." \t\n\ra=.-1A<(\"\\:/,!_'\0é"];
const MAX_SAMPLES = 6;
const ENDS = ["", "!", "\0", "\n", " x y"];

interface Repetition {
  readonly prefix: string;
  readonly pumps: readonly string[];
}

/**
 * The texts that cause an expression to backtrack most: for each long repetition, runs of what it matches, of what
 * other repetitions match, and of its own prefix repeated (so that a match is attempted at many positions).
 */
export function attacksOn({ source, flags }: Expression): readonly Attack[] {
  const pattern = new RegExpParser().parsePattern(source, 0, source.length, {
    unicode: flags.includes("u"),
  });
  const repetitions: Repetition[] = [];
  visitAlternatives(pattern.alternatives, "", flags, repetitions);
  const every = [...new Set(repetitions.flatMap(({ pumps }) => pumps))];
  const attacks = new Map<string, Attack>();
  for (const { prefix, pumps } of repetitions) {
    const again = [prefix, ...pumps.map((pump) => prefix + pump)];
    for (const begin of new Set(["", prefix])) {
      for (const pump of new Set([...every, ...again])) {
        for (const end of pump === "" ? [] : ENDS) {
          attacks.set(JSON.stringify([begin, pump, end]), { prefix: begin, pump, end });
        }
      }
    }
  }
  return [...attacks.values()];
}

/** The attack as a text of about this many characters. */
export function attackText({ prefix, pump, end }: Attack, length: number): string {
  return prefix + pump.repeat(Math.max(1, Math.floor(length / pump.length))) + end;
}

export type AttackMaker = (random: Random, mostBytes: number) => Buffer;

/** Gives attacks against the product's own expressions, of lengths up to `mostBytes`. Reads all sources: make it once. */
export function attackMaker(): AttackMaker {
  const attacks = expressionsOfSources().flatMap(attacksOn);
  return (random, mostBytes) =>
    Buffer.from(attackText(random.pick(attacks), random.whole(1, mostBytes))).subarray(
      0,
      mostBytes,
    );
}

function visitAlternatives(
  alternatives: readonly AST.Alternative[],
  prefix: string,
  flags: string,
  found: Repetition[],
): void {
  for (const { elements } of alternatives) {
    let before = prefix;
    for (const element of elements) {
      visitElement(element, before, flags, found);
      before += samplesOf(element, flags)[0] ?? "";
    }
  }
}

function visitElement(
  element: AST.Element,
  prefix: string,
  flags: string,
  found: Repetition[],
): void {
  switch (element.type) {
    case "Quantifier":
      if (element.max >= LONG_REPETITION) {
        found.push({ prefix, pumps: samplesOf(element.element, flags) });
      }
      visitElement(element.element, prefix, flags, found);
      return;
    case "Group":
    case "CapturingGroup":
      visitAlternatives(element.alternatives, prefix, flags, found);
      return;
    case "Assertion":
      if (element.kind === "lookahead" || element.kind === "lookbehind") {
        visitAlternatives(element.alternatives, prefix, flags, found);
      }
      return;
    default:
      return;
  }
}

/** Texts that an element matches, the simplest first. */
function samplesOf(element: AST.Element, flags: string): readonly string[] {
  switch (element.type) {
    case "Character":
      return [String.fromCodePoint(element.value)];
    case "CharacterSet":
    case "CharacterClass": {
      const one = new RegExp(`^(?:${element.raw})$`, flags.replace(/[gym]/g, ""));
      return CANDIDATES.filter((candidate) => one.test(candidate)).slice(0, MAX_SAMPLES);
    }
    case "Quantifier": {
      const once = samplesOf(element.element, flags)[0] ?? "";
      return [once.repeat(element.min)];
    }
    case "Group":
    case "CapturingGroup":
      return element.alternatives.map(({ elements }) =>
        elements.map((each) => samplesOf(each, flags)[0] ?? "").join(""),
      );
    default:
      return [""];
  }
}
