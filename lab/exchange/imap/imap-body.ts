import {
  contentType,
  headerFields,
  headerValue,
  multipartParts,
  splitMessage,
} from "../mail-message.ts";
import { imapString } from "./imap-command.ts";

/** BODYSTRUCTURE (RFC 3501 section 7.4.2) of a message or part. */
export function bodyStructure(content: string): string {
  const { header, body } = splitMessage(content);
  const { type, subtype, parameters } = contentType(header);
  const boundary = parameters.get("boundary");
  if (type === "multipart" && boundary !== undefined) {
    const parts = multipartParts(body, boundary).map(bodyStructure);
    return `(${parts.join("")} ${imapString(subtype)})`;
  }
  const listed = [...parameters].map(([name, value]) => `${imapString(name)} ${imapString(value)}`);
  const fields = [
    imapString(type),
    imapString(subtype),
    listed.length === 0 ? "NIL" : `(${listed.join(" ")})`,
    "NIL",
    "NIL",
    imapString(headerValue(header, "content-transfer-encoding") ?? "7bit"),
    String(body.length),
  ];
  if (type === "text") {
    fields.push(String(body.split("\r\n").length - 1));
  }
  return `(${fields.join(" ")})`;
}

/** The text of a section as FETCH BODY[…] names it; null when the message has no such part. */
export function bodySection(content: string, section: string): string | null {
  const numbered = /^(\d+)(?:\.(.*))?$/.exec(section);
  if (numbered !== null) {
    return partSection(content, Number(numbered[1]), numbered[2] ?? "");
  }
  const { header, body } = splitMessage(content);
  const [, which, names] = /^(HEADER\.FIELDS(?:\.NOT)?) ?\(([^)]*)\)$/i.exec(section) ?? [];
  if (which !== undefined) {
    return chosenFields(header, (names ?? "").split(/\s+/), /NOT$/i.test(which));
  }
  switch (section.toUpperCase()) {
    case "":
      return content;
    case "HEADER":
      return header;
    case "TEXT":
      return body;
    default:
      return null;
  }
}

function partSection(content: string, number: number, rest: string): string | null {
  const { header, body } = splitMessage(content);
  const { type, parameters } = contentType(header);
  const boundary = parameters.get("boundary");
  const isMultipart = type === "multipart" && boundary !== undefined;
  const part = isMultipart
    ? multipartParts(body, boundary)[number - 1]
    : number === 1
      ? content
      : undefined;
  if (part === undefined) {
    return null;
  }
  if (rest === "") {
    return splitMessage(part).body;
  }
  return rest.toUpperCase() === "MIME" ? splitMessage(part).header : bodySection(part, rest);
}

function chosenFields(header: string, names: readonly string[], others: boolean): string {
  const wanted = new Set(names.map((name) => name.toLowerCase().replaceAll('"', "")));
  const chosen = headerFields(header).filter(
    (field) => wanted.has(field.name.toLowerCase()) !== others,
  );
  return `${chosen.map((field) => field.raw).join("")}\r\n`;
}
