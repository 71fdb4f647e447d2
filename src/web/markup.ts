/** HTML text that needs no escaping. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type MarkupValue =
  Markup | string | number | null | undefined | false | readonly MarkupValue[];

/**
 * HTML template: values are escaped for element content and quoted attributes, unless they are markup. Null, undefined and
 * false become empty.
 */
export function html(strings: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  let text = "";
  for (const [index, string] of strings.entries()) {
    text += string;
    if (index < values.length) {
      text += render(values[index]);
    }
  }
  return new Markup(text);
}

/** Renders text with code in backticks. */
export function prose(text: string): readonly MarkupValue[] {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`));
}

function render(value: MarkupValue): string {
  if (value instanceof Markup) {
    return value.text;
  }
  if (typeof value === "string" || typeof value === "number") {
    return escapeHtml(String(value));
  }
  return value === null || value === undefined || value === false ? "" : value.map(render).join("");
}

/** Safe in element content and in attributes within quotes. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${String(character.codePointAt(0))};`);
}
