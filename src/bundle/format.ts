import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { z } from "zod";
import { entryShape, ownerShape } from "../change/journal-format.ts";
import { errorMessage } from "../lib/log.ts";

/**
 * A bundle is a text file with one JSON object per line. The first line is a header; each other line has a `kind`. Rows follow
 * their `answer`. Unknown kinds of later versions are skipped.
 */
export const BUNDLE_VERSION = 1;

/** Maximum number of management addresses of one ADC. */
const MAX_NODES = 16;
/** Maximum number of ADCs. */
const MAX_ADCS = 100;

const name = z.string().max(1_024);
const short = z.string().max(8_192);
const count = z.number().int().min(0).max(1_000_000_000);
const fields = z.record(z.string().max(64), z.unknown());

const head = z.object({
  kind: z.literal("bundle"),
  version: z.literal(BUNDLE_VERSION),
  made_at: z.iso.datetime(),
  adc_witness: short,
  node: short,
  platform: short,
});

const adc = z.object({
  kind: z.literal("adc"),
  adc: name,
  /** As the appliance writes it; null if there is none. */
  firmware: short.nullable(),
  /** Number of management addresses that were polled. */
  nodes: z.number().int().min(0).max(MAX_NODES),
  partition: z.boolean(),
  ns_conf: z.boolean(),
  /** Why there is no more than this; null if it is complete. */
  failure: short.nullable(),
});

const answer = z.object({
  kind: z.literal("answer"),
  adc: name,
  /** The node's place among the ADC's management addresses. */
  node: z
    .number()
    .int()
    .min(0)
    .max(MAX_NODES - 1),
  api: z.enum(["config", "stat"]),
  resource: z.string().regex(/^[A-Za-z0-9_]{1,100}$/),
  /** How many rows follow; null where it was refused. */
  rows: count.nullable(),
  /** The node warned that it is not the primary. */
  secondary: z.boolean(),
  /** Of a refusal: NITRO's code or the name of what broke, and the words. */
  code: short.nullable(),
  words: short.nullable(),
});

const row = z.object({ kind: z.literal("row"), fields });
const unread = z.object({ kind: z.literal("text"), adc: name, of: short, text: short });
const statement = z.object({ kind: z.literal("statement"), adc: name, statement: short, count });
const finding = z.object({
  kind: z.literal("finding"),
  adc: name,
  rule: short,
  severity: short,
  line: z.number().nullable(),
  object: short,
});

const verdict = z.object({
  kind: z.literal("verdict"),
  adc: name,
  vservers: z.array(name).max(10_000),
  adc_service: name.nullable(),
  server: name.nullable(),
  port: z.union([z.number(), z.literal("*")]).nullable(),
  opinions: z.record(z.string().max(32), short),
  verdict: short,
  step: short.nullable(),
  reason: short.nullable(),
  decided_by: name.nullable(),
  since: short.nullable(),
});

/** Verdicts and opinions of one member or vserver in the history of the agent, oldest first. */
const change = z.object({ kind: z.literal("change"), owner: ownerShape, entry: entryShape });

const probe = z.object({
  kind: z.literal("probe"),
  adc: name,
  vserver: name.nullable(),
  adc_service: name.nullable(),
  server: name.nullable(),
  address: name.nullable(),
  port: z.union([z.number(), z.literal("*")]).nullable(),
  vantage: short,
  probe: name,
  type: short,
  opinion: short,
  not_repeated: short.nullable(),
  outcome: short.nullable(),
  step: short.nullable(),
  reason: short.nullable(),
  duration_ms: z.number().nullable(),
  served_by: name.nullable(),
  tls: fields.nullable(),
  transcript: short.nullable(),
  detail: short.nullable(),
});

const LINE = z.discriminatedUnion("kind", [
  head,
  adc,
  answer,
  row,
  unread,
  statement,
  finding,
  verdict,
  change,
  probe,
]);

export type BundleLine = z.infer<typeof LINE>;
export type BundleAdc = z.infer<typeof adc>;
export type BundleVerdict = z.infer<typeof verdict>;
export type BundleChange = z.infer<typeof change>;
export type BundleProbe = z.infer<typeof probe>;
export type BundleAnswer = z.infer<typeof answer> & {
  readonly fields: readonly Readonly<Record<string, unknown>>[];
};

/** A bundle that was read. */
export interface Bundle {
  readonly adcs: readonly BundleAdc[];
  readonly answers: readonly BundleAnswer[];
  readonly verdicts: readonly BundleVerdict[];
  readonly probes: readonly BundleProbe[];
  readonly changes: readonly BundleChange[];
  /** When it was made; milliseconds since the epoch. */
  readonly madeAt: number;
  /** Lines of a kind that this version does not know. */
  readonly skippedLines: number;
}

export type BundleRead =
  | { readonly kind: "bundle"; readonly bundle: Bundle }
  | { readonly kind: "failed"; readonly message: string };

/** Limits for an untrusted file: total size, and length of a line. */
const MAX_BYTES = 256 * 1_048_576;
const MAX_LINE_CHARACTERS = 1_048_576;
const MAX_LINES = 1_000_000;
const MAX_DEPTH = 8;

/** Reads a bundle from a file, line by line. Never rejects; errors name the line. */
export async function readBundle(file: string): Promise<BundleRead> {
  try {
    const found = await stat(file);
    if (!found.isFile() || found.size > MAX_BYTES) {
      const why = found.isFile() ? `larger than ${String(MAX_BYTES)} bytes` : "not a file";
      return failed(`${file}: ${why}`);
    }
    const reader = new BundleReader();
    const stream = createReadStream(file, { encoding: "utf8", end: MAX_BYTES });
    for await (const chunk of stream as AsyncIterable<string>) {
      const trouble = reader.push(chunk);
      if (trouble !== null) {
        return failed(`${file}: ${trouble}`);
      }
    }
    const read = reader.finish();
    return typeof read === "string" ? failed(`${file}: ${read}`) : { kind: "bundle", bundle: read };
  } catch (error) {
    return failed(`${file}: ${errorMessage(error)}`);
  }
}

/** The same of a text. */
export function parseBundle(text: string): BundleRead {
  const reader = new BundleReader();
  const read = reader.push(text) ?? reader.finish();
  return typeof read === "string" ? failed(read) : { kind: "bundle", bundle: read };
}

function failed(message: string): BundleRead {
  return { kind: "failed", message };
}

/** Parses a bundle incrementally; reports an error as soon as it is found. */
class BundleReader {
  readonly #adcs: BundleAdc[] = [];
  readonly #answers: (BundleAnswer & { fields: Record<string, unknown>[] })[] = [];
  readonly #verdicts: BundleVerdict[] = [];
  readonly #probes: BundleProbe[] = [];
  readonly #changes: BundleChange[] = [];
  #madeAt = 0;
  #hasHead = false;
  #skippedLines = 0;
  #lines = 0;
  #rest = "";

  push(chunk: string): string | null {
    const lines = `${this.#rest}${chunk}`.split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const trouble = this.#line(line);
      if (trouble !== null) {
        return trouble;
      }
    }
    return this.#rest.length > MAX_LINE_CHARACTERS ? this.#at("the line is too long") : null;
  }

  finish(): Bundle | string {
    const trouble = this.#rest.trim() === "" ? null : this.#line(this.#rest);
    if (trouble !== null) {
      return trouble;
    }
    const torn = this.#answers.find(({ rows, fields: listed }) => (rows ?? 0) !== listed.length);
    if (!this.#hasHead || torn !== undefined) {
      return this.#hasHead
        ? `${torn?.resource ?? ""} has a different number of rows than it states; the file is incomplete`
        : "not a bundle of adc-witness";
    }
    return {
      adcs: this.#adcs,
      answers: this.#answers,
      verdicts: this.#verdicts,
      probes: this.#probes,
      changes: this.#changes,
      madeAt: this.#madeAt,
      skippedLines: this.#skippedLines,
    };
  }

  #at(what: string): string {
    return `line ${String(this.#lines + 1)}: ${what}`;
  }

  #line(text: string): string | null {
    if (text.length > MAX_LINE_CHARACTERS || this.#lines >= MAX_LINES) {
      return this.#at(this.#lines >= MAX_LINES ? "too many lines" : "the line is too long");
    }
    const value = parseJson(text);
    if (value === undefined || isDeeper(value, MAX_DEPTH)) {
      return this.#at("not a JSON object of a bundle");
    }
    const parsed = LINE.safeParse(value);
    if (!parsed.success) {
      return this.#unknown(value, parsed.error);
    }
    const trouble = this.#take(parsed.data);
    this.#lines += 1;
    return trouble;
  }

  /** An unknown kind is skipped (a later version), but a known kind with invalid content is an error. */
  #unknown(value: unknown, error: z.ZodError): string | null {
    const kind = typeof value === "object" && value !== null && "kind" in value ? value.kind : null;
    const known = LINE.options.some((option) => option.shape.kind.value === kind);
    if (!this.#hasHead || known || typeof kind !== "string") {
      const where = error.issues[0]?.path.map(String).join(".") ?? "";
      return this.#hasHead
        ? this.#at(`invalid line${where === "" ? "" : ` (${where.slice(0, 100)})`}`)
        : "not a bundle of adc-witness, or from an unsupported version";
    }
    this.#skippedLines += 1;
    this.#lines += 1;
    return null;
  }

  #take(line: BundleLine): string | null {
    if (line.kind === "bundle" ? this.#hasHead : !this.#hasHead) {
      return this.#at("a bundle must begin with exactly one header line");
    }
    switch (line.kind) {
      case "bundle":
        this.#hasHead = true;
        this.#madeAt = Date.parse(line.made_at);
        return null;
      case "adc":
        this.#adcs.push(line);
        return this.#adcs.length > MAX_ADCS ? this.#at("too many ADCs") : null;
      case "answer":
        this.#answers.push({ ...line, fields: [] });
        return null;
      case "row": {
        const answered = this.#answers.at(-1);
        if (answered === undefined || answered.fields.length >= (answered.rows ?? 0)) {
          return this.#at("a row without an answer before it");
        }
        answered.fields.push(line.fields);
        return null;
      }
      case "verdict":
        this.#verdicts.push(line);
        return null;
      case "probe":
        this.#probes.push(line);
        return null;
      case "change":
        this.#changes.push(line);
        return null;
      case "text":
      case "statement":
      case "finding":
        return null;
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether values are nested deeper than the limit, without recursing further. */
function isDeeper(value: unknown, levels: number): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levels) {
      return true;
    }
    level = level.flatMap((one): readonly unknown[] =>
      typeof one === "object" && one !== null ? Object.values(one) : [],
    );
  }
  return false;
}
