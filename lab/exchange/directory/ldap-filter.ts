import { children, type BerElement } from "./ber.ts";

/** Attributes of an entry by name, as the schema spells it. */
export type Attributes = ReadonlyMap<string, readonly string[]>;

/** Whether an entry matches a search filter (RFC 4511 4.5.1.7); unknown attributes match nothing. */
export function matches(filter: BerElement, entry: Attributes): boolean {
  const parts = children(filter.content);
  switch (filter.tag) {
    case 0xa0:
      return parts.every((part) => matches(part, entry));
    case 0xa1:
      return parts.some((part) => matches(part, entry));
    case 0xa2:
      return parts[0] !== undefined && !matches(parts[0], entry);
    case 0xa3: {
      const wanted = text(parts[1]).toLowerCase();
      return values(entry, text(parts[0])).some((value) => value.toLowerCase() === wanted);
    }
    case 0xa4:
      return substrings(parts, entry);
    case 0x87:
      return values(entry, filter.content.toString("utf8")).length > 0;
    default:
      return false;
  }
}

function substrings(parts: readonly BerElement[], entry: Attributes): boolean {
  const escaped = children(parts[1]?.content ?? Buffer.alloc(0)).map((part) => {
    const literal = text(part).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return part.tag === 0x80 ? `^${literal}` : part.tag === 0x82 ? `${literal}$` : literal;
  });
  const pattern = new RegExp(escaped.join(".*"), "is");
  return values(entry, text(parts[0])).some((value) => pattern.test(value));
}

function values(entry: Attributes, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  const found = [...entry].find(([attribute]) => attribute.toLowerCase() === wanted);
  return found?.[1] ?? [];
}

function text(part: BerElement | undefined): string {
  return part?.content.toString("utf8") ?? "";
}
