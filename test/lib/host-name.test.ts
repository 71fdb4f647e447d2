import { describe, expect, test } from "vitest";
import { hostName } from "../../src/lib/host-port.ts";
import { signsOfHeaders, signsOfHealthBody, signsOfSmtp } from "../../src/model/exchange-signs.ts";

const LABEL_63 = "a".repeat(63);

describe("hostName", () => {
  test.each([
    ["EX01", "ex01"],
    ["ex01.corp.example.com", "ex01.corp.example.com"],
    ["EX_MBX-01", "ex_mbx-01"],
    ["12345", "12345"],
    [LABEL_63, LABEL_63],
  ])("accepts %s", (text, name) => {
    expect(hostName(text)).toBe(name);
  });

  test.each([
    [""],
    ["ex01."],
    [".ex01"],
    ["ex01..com"],
    ["-ex01"],
    ["ex01-"],
    ["ex 01"],
    ["ex01\u001b[2J"],
    ["ex01\u202e"],
    ["exä01"],
    ["10.0.0.1"],
    [`${LABEL_63}a`],
    [`${"a.".repeat(126)}aa`],
    ["a".repeat(60_000)],
    ["<b>ex01</b>"],
  ])("rejects %j", (text) => {
    expect(hostName(text)).toBeNull();
  });
});

describe("exchange-signs", () => {
  const long = "f".repeat(60_000);

  test("takes neither a name nor Exchange from an invalid X-FEServer", () => {
    for (const value of [long, "a b", "", "ex01;ex02"]) {
      const signs = signsOfHeaders((name) => (name === "x-feserver" ? value : null));
      expect(signs).toEqual({ servedBy: null, exchangeSeen: false });
    }
  });

  test("takes no mailbox server from an invalid X-CalculatedBETarget", () => {
    const signs = signsOfHeaders((name) => (name === "x-calculatedbetarget" ? long : null));
    expect(signs).toEqual({ servedBy: null, exchangeSeen: true });
  });

  test.each([
    ["mail.example.com Microsoft ESMTP MAIL Service ready at Mon, 2 Nov 2026 09:00:00 +0100", true],
    ["mail.example.com Microsoft ESMTP MAIL Service, Version: 10.0.17763.1 ready at", false],
    ["mail.example.com ESMTP Postfix", false],
  ])("classifies the greeting “%s” as Exchange's: %s", (greeting, isExchange) => {
    expect(signsOfSmtp(greeting).exchangeSeen).toBe(isExchange);
  });

  test("take only host names from health page and banner", () => {
    expect(signsOfHealthBody("200 OK<br/>EX01.corp.lab\r\n").servedBy).toBe("ex01.corp.lab");
    expect(signsOfHealthBody(`200 OK<br/>${long}`)).toEqual({
      servedBy: null,
      exchangeSeen: false,
    });
    expect(signsOfSmtp("EX01.corp.lab Hello [10.0.0.9]").servedBy).toBe("ex01.corp.lab");
    expect(signsOfSmtp(`${long}.corp.lab ready`).servedBy).toBeNull();
    expect(signsOfSmtp("10.0.0.1 ready").servedBy).toBeNull();
    expect(signsOfSmtp("ready").servedBy).toBeNull();
  });
});
