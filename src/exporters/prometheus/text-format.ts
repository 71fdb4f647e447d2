import { DEFINITIONS, type MetricDefinition, type MetricName } from "./definitions.ts";

/** Common parts of the exposition formats text 0.0.4 and OpenMetrics 1.0.0. */

/** Escapes a label value. Control characters except line feed are replaced. */
function escapeLabelValue(value: string): string {
  return NEEDS_ESCAPE.test(value) ? value.replace(EACH_ESCAPE, escapeCharacter) : value;
}

const NEEDS_ESCAPE = /[\\"\u0000-\u001f\u007f]/;
const EACH_ESCAPE = /[\\"\u0000-\u001f\u007f]/g;

function escapeCharacter(character: string): string {
  switch (character) {
    case "\\":
      return "\\\\";
    case '"':
      return '\\"';
    case "\n":
      return "\\n";
    default:
      return "\ufffd";
  }
}

/**
 * `name="value",name="value"`, without braces; names need no escaping. Uses join, because V8 would keep a concatenated string
 * as a rope.
 */
export function labelPairs(pairs: readonly (readonly [string, string | number])[]): string {
  return pairs
    .map(([name, value]) => {
      const escaped = typeof value === "number" ? String(value) : escapeLabelValue(value);
      return `${name}="${escaped}"`;
    })
    .join(",");
}

/** Appends a label to existing ones. */
export function withLabel(pairs: string, name: string, value: string): string {
  return pairs === "" ? labelSuffix(name, value).slice(1) : pairs + labelSuffix(name, value);
}

/** A label to append: `,name="value"`. */
export function labelSuffix(name: string, value: string): string {
  return `,${name}="${escapeLabelValue(value)}"`;
}

/** A sample value in either format. */
export function sampleValue(value: number): string {
  if (value === Infinity) {
    return "+Inf";
  }
  return value === -Infinity ? "-Inf" : String(value);
}

/** The upper bound of a bucket, as `1.0`, as OpenMetrics requires; the same in both formats. */
export function bucketBound(bound: string): string {
  const number = Number(bound);
  if (!Number.isFinite(number)) {
    return "+Inf";
  }
  return Number.isInteger(number) ? `${String(number)}.0` : String(number);
}

export type Format = "text" | "openmetrics";

const CHUNK_LENGTH = 64 * 1024;

/**
 * Writes metric families in either format, in pieces of about 64 KB. The header is written with the first sample, so an empty
 * family is omitted.
 */
export class FamilyWriter {
  readonly #format: Format;
  readonly #chunks: Buffer[] = [];
  #pending = "";
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
    this.#name = name;
    this.#header =
      this.#format === "openmetrics" ? openMetricsHeader(definition) : textHeader(definition);
  }

  /** One sample. `labels` as `labelPairs` makes them; `suffix` for the parts of a histogram. */
  sample(labels: string, value: number, suffix = ""): void {
    const braces = labels === "" ? "" : `{${labels}}`;
    const line = `${this.#header}${this.#name}${suffix}${braces} ${sampleValue(value)}\n`;
    this.#header = "";
    this.#push(line);
  }

  /** Ends the exposition and returns it. */
  end(): readonly Buffer[] {
    if (this.#format === "openmetrics") {
      this.#push("# EOF\n");
    }
    this.#cut();
    return this.#chunks;
  }

  #push(line: string): void {
    this.#pending += line;
    if (this.#pending.length >= CHUNK_LENGTH) {
      this.#cut();
    }
  }

  #cut(): void {
    this.#chunks.push(Buffer.from(this.#pending));
    this.#pending = "";
  }
}

function textHeader({ name, type, help }: MetricDefinition): string {
  const known = type === "state set" || type === "info" ? "gauge" : type;
  return `# HELP ${name} ${help}\n# TYPE ${name} ${known}\n`;
}

/** OpenMetrics family names omit the suffix of their samples, and declare the unit at the end of the name. */
function openMetricsHeader({ name, type, help }: MetricDefinition): string {
  const family =
    type === "counter"
      ? name.replace(/_total$/, "")
      : type === "info"
        ? name.replace(/_info$/, "")
        : name;
  const unit = /_(seconds|bytes|ratio)$/.exec(family)?.[1];
  return [
    `# HELP ${family} ${help}\n`,
    `# TYPE ${family} ${type === "state set" ? "gauge" : type}\n`,
    unit === undefined ? "" : `# UNIT ${family} ${unit}\n`,
  ].join("");
}

/** The `Content-Type` of each format. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** OpenMetrics if the client accepts it with at least the same quality as text, else text. */
export function negotiateFormat(accept: string | undefined): Format {
  let openmetrics = 0;
  let text = 0;
  for (const { type, parameters } of parseAccept(accept ?? "")) {
    const weight = Number(parameters.get("q") ?? "1");
    const quality = Number.isFinite(weight) ? weight : 0;
    if (type === "application/openmetrics-text") {
      const version = parameters.get("version") ?? "1.0.0";
      if (version === "1.0.0" || version === "0.0.1") {
        openmetrics = Math.max(openmetrics, quality);
      }
    } else if (type === "text/plain") {
      text = Math.max(text, quality);
    }
  }
  return openmetrics > 0 && openmetrics >= text ? "openmetrics" : "text";
}

/** Whether `Accept-Encoding` allows gzip. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return parseAccept(acceptEncoding ?? "").some(
    ({ type, parameters }) =>
      (type === "gzip" || type === "*") && Number(parameters.get("q") ?? "1") > 0,
  );
}

interface Accepted {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

function parseAccept(header: string): readonly Accepted[] {
  return header.split(",").map((part) => {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
    const parameters = rest.map((piece) => {
      const [name = "", value = ""] = piece.split("=");
      return [name.trim().toLowerCase(), value.trim().replaceAll('"', "")] as const;
    });
    return { type: type.toLowerCase(), parameters: new Map(parameters) };
  });
}
