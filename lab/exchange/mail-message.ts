/** A mail message, parsed as far as IMAP, POP and the delivery need. Text is latin1: one character per byte. */
export interface MailPart {
  /** Header block with its empty line. */
  readonly header: string;
  readonly body: string;
}

/** Splits header and body at the first empty line. */
export function splitMessage(content: string): MailPart {
  if (content.startsWith("\r\n")) {
    return { header: "\r\n", body: content.slice(2) };
  }
  const end = content.indexOf("\r\n\r\n");
  return end < 0
    ? { header: content, body: "" }
    : { header: content.slice(0, end + 4), body: content.slice(end + 4) };
}

export interface HeaderField {
  readonly name: string;
  /** Unfolded and trimmed. */
  readonly value: string;
  /** Unchanged, including folds and line end. */
  readonly raw: string;
}

export function headerFields(header: string): HeaderField[] {
  const fields: HeaderField[] = [];
  for (const [raw, name, value] of header.matchAll(/^([^\s:]+):((?:.*\r\n)(?:[ \t].*\r\n)*)/gm)) {
    fields.push({
      raw,
      name: name ?? "",
      value: (value ?? "").replace(/\r\n(?=[ \t])/g, "").trim(),
    });
  }
  return fields;
}

/** The first field of a name, or null. */
export function headerValue(header: string, name: string): string | null {
  const wanted = name.toLowerCase();
  return headerFields(header).find((field) => field.name.toLowerCase() === wanted)?.value ?? null;
}

export interface ContentType {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export function contentType(header: string): ContentType {
  const value = headerValue(header, "content-type") ?? "text/plain; charset=us-ascii";
  const [, type = "text", subtype = "plain"] =
    /^([\w!#$&^.+-]+)\/([\w!#$&^.+-]+)/.exec(value) ?? [];
  const parameters = new Map<string, string>();
  for (const [, name, quoted, bare] of value.matchAll(
    /;\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s;]+))/g,
  )) {
    parameters.set((name ?? "").toLowerCase(), quoted ?? bare ?? "");
  }
  return { type: type.toLowerCase(), subtype: subtype.toLowerCase(), parameters };
}

/** The parts of a multipart body, in order. */
export function multipartParts(body: string, boundary: string): string[] {
  const sections = `\r\n${body}`.split(`\r\n--${boundary}`);
  return sections
    .slice(1)
    .filter((section) => !section.startsWith("--"))
    .map((section) => section.replace(/^[ \t]*\r\n/, ""));
}
