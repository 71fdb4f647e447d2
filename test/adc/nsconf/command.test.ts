import { describe, expect, test } from "vitest";
import { isComplete, writeCommand, type Command } from "../../../src/adc/nsconf/grammar.ts";
import { readStatements } from "../../../src/adc/nsconf/statements.ts";

function monitor(type: string, options: Record<string, readonly string[]>): Command {
  return { kind: "add lb monitor", words: ["m", type], options: Object.entries(options) };
}

describe("writeCommand", () => {
  test("spells options as the reference does and quotes what must be quoted", () => {
    const command = monitor("HTTP-ECV", {
      send: ["GET /a b"],
      recv: ['it\'s "ok"'],
      customheaders: ["Host: a\r\n"],
      interval: ["2", "MIN"],
      lrtm: ["DISABLED"],
    });
    const text = writeCommand(command);
    expect(text).toBe(
      'add lb monitor m HTTP-ECV -send "GET /a b" -recv "it\'s \\"ok\\"" ' +
        '-customHeaders "Host: a\\r\\n" -interval 2 MIN -LRTM DISABLED',
    );
    const [read] = [...readStatements(text ?? "")];
    expect(read?.keys.get("recv")).toEqual(['it\'s "ok"']);
    expect(read?.keys.get("customheaders")).toEqual(["Host: a\r\n"]);
  });

  test.each<[string, Command]>([
    ["an unknown command", { kind: "clear ns config", words: ["full"], options: [] }],
    ["too few words", { kind: "rm lb monitor", words: ["m"], options: [] }],
    [
      "a monitor's name of 32 characters",
      { ...monitor("TCP", {}), words: ["m".repeat(32), "TCP"] },
    ],
    ["a control character in a name", { ...monitor("TCP", {}), words: ["m\u001b[2J", "TCP"] }],
    ["a mark of writing direction", { ...monitor("TCP", {}), words: ["m\u202e", "TCP"] }],
    ["a type that does not exist", monitor("IMAP", {})],
    ["an option that does not exist", monitor("TCP", { speed: ["1"] })],
    ["an option of another type", monitor("TCP", { send: ["x"] })],
    ["a destination port of a ping", monitor("PING", { destport: ["80"] })],
    ["TLS over UDP", monitor("UDP-ECV", { secure: ["YES"] })],
    ["a number out of range", monitor("TCP", { retries: ["128"] })],
    ["milliseconds in no step of ten", monitor("TCP", { resptimeout: ["505", "MSEC"] })],
    ["a destination that is not an address", monitor("TCP", { destip: ["nowhere"] })],
    ["seventeen codes", monitor("HTTP", { respcode: Array.from({ length: 17 }, () => "200") })],
    ["a request that is too long", monitor("HTTP", { httprequest: [`GET /${"a".repeat(512)}`] })],
    ["two values for an option that takes one", monitor("TCP", { state: ["ENABLED", "DISABLED"] })],
    ["a null byte in a text", monitor("TCP-ECV", { send: ["a\u0000"] })],
    [
      "a value after unset",
      { kind: "unset service", words: ["s"], options: [["monThreshold", ["1"]]] },
    ],
  ])("refuses %s", (_name, command) => {
    expect(writeCommand(command)).toBeNull();
  });

  test("writes a blank in angle brackets and makes the command incomplete", () => {
    const command: Command = {
      kind: "set lb monitor",
      words: ["m", "HTTP"],
      options: [["httpRequest", [{ blank: "page", around: "GET /{}" }]]],
    };
    expect(writeCommand(command)).toBe('set lb monitor m HTTP -httpRequest "GET /<page>"');
    expect(isComplete(command)).toBe(false);
  });

  test("applies the grammar to a command with a blank as well", () => {
    const options = [["send", [{ blank: "x" }]]] as const;
    expect(writeCommand({ kind: "set lb monitor", words: ["m", "TCP"], options })).toBeNull();
  });

  test("writes the service first when it enables a binding", () => {
    const command = { kind: "enable lb monitor", words: ["a service", "m"], options: [] };
    expect(writeCommand(command)).toBe('enable lb monitor "a service" m');
  });
});
