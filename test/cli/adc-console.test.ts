import { describe, expect, test } from "vitest";
import { parseConsoleLine } from "../../src/cli/adc-console.ts";

const server = { kind: "server", name: "ex02" };

describe("parseConsoleLine", () => {
  test.each([
    [
      "disable server ex02 60",
      { kind: "disable", what: server, delaySeconds: 60, graceful: false },
    ],
    [
      "  Disable  Server ex02 600 -graceFul YES ",
      { kind: "disable", what: server, delaySeconds: 600, graceful: true },
    ],
    ["disable server ex02", { kind: "disable", what: server, delaySeconds: 0, graceful: false }],
    [
      "disable server ex02 -delay 5",
      { kind: "disable", what: server, delaySeconds: 5, graceful: false },
    ],
    ["enable server ex02", { kind: "enable", what: server }],
    ["enable service svc", { kind: "enable", what: { kind: "service", name: "svc" } }],
    [
      "disable serviceGroup sg_owa ex01 443 -delay 600 -graceFul YES",
      {
        kind: "disable",
        what: { kind: "member", name: "sg_owa", server: "ex01", port: 443 },
        delaySeconds: 600,
        graceful: true,
      },
    ],
    [
      "disable serviceGroup sg_owa 60",
      {
        kind: "disable",
        what: { kind: "service", name: "sg_owa" },
        delaySeconds: 60,
        graceful: false,
      },
    ],
    [
      "exchange ex02 maintenance",
      { kind: "exchange", name: "ex02", condition: "maintenance", protocol: "all" },
    ],
    [
      "exchange ex02 stopped imap",
      { kind: "exchange", name: "ex02", condition: "stopped", protocol: "imap" },
    ],
    ["status", { kind: "status" }],
    ["?", { kind: "help" }],
    ["exit", { kind: "quit" }],
    ["", { kind: "nothing" }],
  ])("understands %s", (line, command) => {
    expect(parseConsoleLine(line)).toEqual(command);
  });
});

describe("parseConsoleLine errors", () => {
  test.each([
    ["reboot", /no command reboot/],
    ["disable", /server NAME/],
    ["disable vserver v_owa", /server NAME/],
    ["disable server ex02 soon", /seconds to drain/],
    ["enable server ex02 60", /no options/],
    ["exchange ex02 sleepy", /one of: healthy, maintenance/],
    ["exchange ex02 stopped ftp", /one of: all, https/],
  ])("name what is accepted instead of %s", (line, message) => {
    const command = parseConsoleLine(line);
    expect(command).toMatchObject({ kind: "not_understood" });
    expect(command).toHaveProperty("message", expect.stringMatching(message));
  });
});
