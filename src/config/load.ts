import { dirname, resolve } from "node:path";
import { readTextUpTo } from "../lib/durable-file.ts";
import { errorMessage } from "../lib/log.ts";
import { readAttachments, type AttachmentSource } from "./attachments.ts";
import { readIssue, type UnlocatedProblem } from "./issues.ts";
import { formatProblem, problemText, type ConfigProblem } from "./problems.ts";
import { parseLocatedYaml, type LocatedYaml } from "./located-yaml.ts";
import { normalise } from "./normalise.ts";
import { NOTIFY_RULES } from "./rules-notify.ts";
import { collectReport, ESTATE_RULES, MAINTENANCE_RULES } from "./rules.ts";
import { TRANSACTION_RULES } from "./rules-transactions.ts";
import type { Config, ServerTrust } from "./schema.ts";
import { writtenConfig } from "./written.ts";

export type LoadResult =
  | {
      readonly kind: "config";
      readonly config: Config;
      readonly warnings: readonly ConfigProblem[];
      /** Secrets that other users can read, and state that they can write; for check-config and the agent. */
      readonly openToOthers: readonly ConfigProblem[];
    }
  | { readonly kind: "invalid"; readonly problems: readonly ConfigProblem[] };

const MAX_CHARACTERS = 4 * 1024 * 1024;
/** Maximum size, so that a device or an endless pipe cannot exhaust memory. */
const MAX_BYTES = 4 * MAX_CHARACTERS;

/** Reads and validates a configuration file. Never rejects; errors are located problems. */
export async function loadConfig(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LoadResult> {
  let text: string;
  try {
    text = await readTextUpTo(file, MAX_BYTES);
  } catch (error) {
    const code =
      error instanceof Error && "code" in error ? String(error.code) : errorMessage(error);
    const message = problemText(
      `cannot be read: ${code}`,
      "a readable file",
      "correct the path or its permissions",
    );
    return { kind: "invalid", problems: [{ file, line: null, column: null, path: "", message }] };
  }
  return parseConfig(text, { file, baseDir: dirname(resolve(file)), env });
}

/**
 * Validates a configuration text. `file` names it in messages; relative paths start at `baseDir`. Reports all problems of the
 * first failing stage: syntax, schema, then rules and referenced files.
 */
export async function parseConfig(
  text: string,
  source: AttachmentSource & { readonly file: string },
): Promise<LoadResult> {
  const { file } = source;
  if (text.length > MAX_CHARACTERS) {
    const message = problemText("is too large", "at most 4 MiB", "split the estate");
    return { kind: "invalid", problems: [{ file, line: 1, column: 1, path: "", message }] };
  }
  const parsed = parseLocatedYaml(text.replace(/^\uFEFF/, ""), file);
  if (parsed.kind === "invalid") {
    return parsed;
  }
  const place = (problems: readonly UnlocatedProblem[]): ConfigProblem[] =>
    inFileOrder(problems.map((problem) => locateProblem(problem, parsed.yaml, file)));

  const checked = writtenConfig.safeParse(parsed.yaml.data);
  if (!checked.success) {
    return { kind: "invalid", problems: place(checked.error.issues.flatMap(readIssue)) };
  }
  const { report, errors, warnings } = collectReport();
  for (const rule of [
    ...ESTATE_RULES,
    ...TRANSACTION_RULES,
    ...MAINTENANCE_RULES,
    ...NOTIFY_RULES,
  ]) {
    rule(checked.data, report);
  }
  const attached = await readAttachments(checked.data, source);
  const problems = [...errors, ...attached.problems];
  return problems.length > 0
    ? { kind: "invalid", problems: place(problems) }
    : {
        kind: "config",
        config: {
          ...normalise(checked.data, attached, file, source.baseDir),
          locate: (path) => parsed.yaml.locate(path, false),
        },
        warnings: place(warnings),
        openToOthers: place(attached.openToOthers),
      };
}

function locateProblem(problem: UnlocatedProblem, yaml: LocatedYaml, file: string): ConfigProblem {
  const { line, column } = yaml.locate(problem.path, problem.atKey);
  return { file, line, column, path: problem.path.join("."), message: problem.message };
}

/** Sorted by position, without duplicates. */
function inFileOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const once = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...once.values()].sort(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

/** Paths with `verify: false`, where passwords are sent to unverified servers. */
export function unverifiedLogins(config: Config): readonly string[] {
  const { monitors, vservers, members, transactions } = config;
  return [
    ...transactions.accounts.map((account) => [`account ${account.name}`, account] as const),
    ...members.map((member) => [`members ${member.match}`, member] as const),
    ...[...vservers].map(([name, vserver]) => [`vservers.${name}`, vserver] as const),
    ...[...monitors].map(([name, monitor]) => [`monitors.${name}`, monitor] as const),
  ].flatMap(([name, { verify }]) => (verify === false ? [name] : []));
}

/** Describes to which servers a password is sent, by these trust settings. */
export function trustWords({
  fingerprints = [],
  ca = null,
  serverName,
  verify,
}: ServerTrust): string {
  if (fingerprints.length > 0) {
    return "only to a pinned certificate (fingerprint_sha256)";
  }
  if (verify === false) {
    return "to an unverified server (verify: false)";
  }
  const issuer = ca === null ? "that the system's trust store verifies" : "that ca_file verifies";
  const names = serverName ?? "the member's or the vserver's name";
  return `only to a certificate ${issuer}, with ${names}`;
}
