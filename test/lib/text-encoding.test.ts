import { describe, expect, test } from "vitest";
import { decodedText } from "../../src/lib/text-encoding.ts";

const TEXT = "add server Müller 10.0.0.1 # “quoted” – and €\r\n";

describe("decodedText", () => {
  test.each<[string, readonly number[]]>([
    ["UTF-8", [...Buffer.from(TEXT, "utf8")]],
    ["UTF-8 with a byte order mark", [0xef, 0xbb, 0xbf, ...Buffer.from(TEXT, "utf8")]],
    ["UTF-16, as a Windows shell redirects", [0xff, 0xfe, ...Buffer.from(TEXT, "utf16le")]],
    ["UTF-16 big-endian", [0xfe, 0xff, ...Buffer.from(TEXT, "utf16le").swap16()]],
    ["Windows-1252", windows1252(TEXT)],
  ])("reads %s", (_encoding, bytes) => {
    expect(decodedText(Uint8Array.from(bytes))).toBe(TEXT);
  });

  test("decodes every byte to a character", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(decodedText(bytes)).toHaveLength(256);
    expect(decodedText(new Uint8Array())).toBe("");
  });
});

function windows1252(text: string): number[] {
  const beyond = new Map([
    ["“", 0x93],
    ["”", 0x94],
    ["–", 0x96],
    ["€", 0x80],
  ]);
  return Array.from(text, (character) => beyond.get(character) ?? character.charCodeAt(0));
}
