import { DEFINITIONS, type MetricName } from "./definitions.ts";
import { sampleValue } from "./text.ts";

export type Format = "text" | "openmetrics";

/**
 * Writes metric families in either format. The header is written with the first sample, so a family without series
 * leaves no trace. Text piles up until `take` is called.
 */
export class FamilyWriter {
  readonly #format: Format;
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
    this.#pending.push(line);
    this.#pendingLength += line.length;
  }

  /** Ends the exposition as its format demands. */
  end(): void {
    if (this.#format === "openmetrics") {
      this.#pending.push("# EOF\n");
      this.#pendingLength += 6;
    }
  }

  /** Characters written and not yet taken. */
  get pendingLength(): number {
    return this.#pendingLength;
  }

  take(): string {
    const text = this.#pending.join("");
    this.#pending = [];
    this.#pendingLength = 0;
    return text;
  }
}
