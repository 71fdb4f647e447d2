import { DEFINITIONS, type MetricName } from "./definitions.ts";
import { sampleValue } from "./text.ts";

export type Format = "text" | "openmetrics";

const CHUNK_LENGTH = 64 * 1024;

/**
 * Writes metric families in either format, in pieces of some 64 KB. The header is written with the first sample, so a family
 * without series leaves no trace.
 */
export class FamilyWriter {
  readonly #format: Format;
  readonly #chunks: Buffer[] = [];
  #pending: string[] = [];
  #pendingLength = 0;
  #name = "";
  #header = "";

  constructor(format: Format) {
    this.#format = format;
  }

  /** The samples that follow belong to this family. */
  family(name: MetricName): void {
    const definition = DEFINITIONS.get(name);
    if (definition === undefined) {
      throw new Error(`no definition of the metric ${name}`);
    }
    const type = definition.type === "state set" ? "gauge" : definition.type;
    const family =
      this.#format === "openmetrics" && type === "counter" ? name.replace(/_total$/, "") : name;
    this.#name = name;
    this.#header = `# HELP ${family} ${definition.help}\n# TYPE ${family} ${type}\n`;
  }

  /** One sample. `labels` as `labelPairs` makes them; `suffix` for the parts of a histogram. */
  sample(labels: string, value: number, suffix = ""): void {
    const braces = labels === "" ? "" : `{${labels}}`;
    const line = `${this.#header}${this.#name}${suffix}${braces} ${sampleValue(value)}\n`;
    this.#header = "";
    this.#push(line);
  }

  /** Ends the exposition as its format demands, and gives all of it. */
  end(): readonly Buffer[] {
    if (this.#format === "openmetrics") {
      this.#push("# EOF\n");
    }
    this.#cut();
    return this.#chunks;
  }

  #push(line: string): void {
    this.#pending.push(line);
    this.#pendingLength += line.length;
    if (this.#pendingLength >= CHUNK_LENGTH) {
      this.#cut();
    }
  }

  #cut(): void {
    this.#chunks.push(Buffer.from(this.#pending.join("")));
    this.#pending = [];
    this.#pendingLength = 0;
  }
}
