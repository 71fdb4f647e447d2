/** Pieces of the exposition formats that text 0.0.4 and OpenMetrics 1.0.0 share. */

/** A label value between its quotes. Control characters other than the line feed would break a reader and are replaced. */
export function escapeLabelValue(value: string): string {
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
 * `name="value",name="value"`, without braces; names come from the definitions and need no escaping. Joined, since the text
 * is kept and used again: concatenated it would stay a chain of its pieces.
 */
export function labelPairs(pairs: readonly (readonly [string, string | number])[]): string {
  return pairs
    .map(([name, value]) => {
      const escaped = typeof value === "number" ? String(value) : escapeLabelValue(value);
      return `${name}="${escaped}"`;
    })
    .join(",");
}

/** One more label behind those already written. */
export function withLabel(pairs: string, name: string, value: string): string {
  const pair = `${name}="${escapeLabelValue(value)}"`;
  return pairs === "" ? pair : `${pairs},${pair}`;
}

/** A sample value as both formats read it. */
export function sampleValue(value: number): string {
  if (value === Infinity) {
    return "+Inf";
  }
  return value === -Infinity ? "-Inf" : String(value);
}

/** The upper bound of a bucket: OpenMetrics wants `1.0`, and a series must not change its name with the format. */
export function bucketBound(bound: string): string {
  const number = Number(bound);
  if (!Number.isFinite(number)) {
    return "+Inf";
  }
  return Number.isInteger(number) ? `${String(number)}.0` : String(number);
}
