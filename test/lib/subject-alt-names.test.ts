import { describe, expect, it } from "vitest";
import { subjectAltNames } from "../../src/net/certificate-facts.ts";

describe("subjectAltNames", () => {
  it("returns each entry with its kind when there are several", () => {
    expect(
      subjectAltNames('DNS:a.example, IP Address:192.0.2.1, URI:"spiffe://x, y", email:a@b'),
    ).toEqual([
      { kind: "DNS", value: "a.example" },
      { kind: "IP Address", value: "192.0.2.1" },
      { kind: "URI", value: "spiffe://x, y" },
      { kind: "email", value: "a@b" },
    ]);
    expect(subjectAltNames("")).toEqual([]);
  });

  it("keeps a quoted value as one when it contains other entries", () => {
    expect(subjectAltNames('DNS:"x, DNS:allowed, DNS:y", DNS:z')).toEqual([
      { kind: "DNS", value: "x, DNS:allowed, DNS:y" },
      { kind: "DNS", value: "z" },
    ]);
    expect(subjectAltNames('DNS:"x\\", DNS:allowed')).toEqual([]);
  });

  it("stops at the requested number of entries", () => {
    const many = Array.from({ length: 10_000 }, (_, at) => `DNS:n${String(at)}.example`).join(", ");
    expect(subjectAltNames(many, 3).map(({ value }) => value)).toEqual([
      "n0.example",
      "n1.example",
      "n2.example",
    ]);
    expect(subjectAltNames(many)).toHaveLength(10_000);
  });
});
