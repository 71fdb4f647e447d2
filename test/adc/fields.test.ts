import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  address,
  choiceOrNone,
  codeRanges,
  duration,
  enabled,
  ownPort,
  port,
  present,
  whole,
  wholeOrNone,
  wholeUnits,
  type FieldType,
  type WireDuration,
} from "../../src/adc/field-types.ts";
import type { Estate } from "../../src/model/estate.ts";
import type { Monitor } from "../../src/model/monitor.ts";
import { buildEstate } from "../../src/adc/nitro/import.ts";
import { createPacer } from "../../src/lib/pacing.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";

async function fromNitro(row: Readonly<Record<string, unknown>>): Promise<Estate> {
  const rows = new Map([["lbmonitor", [{ monitorname: "m", type: "TCP", ...row }]]]);
  return buildEstate("a", rows, createPacer());
}

function monitorOf(estate: Estate): Monitor {
  const monitor = estate.monitors.get("m");
  if (monitor === undefined) {
    throw new Error("no monitor m");
  }
  return monitor;
}

function refusals(estate: Estate): string[] {
  return estate.diagnostics
    .filter(({ rule }) => rule === "value_out_of_range" || rule === "unreadable_value")
    .map(({ rule, object, message }) => `${rule} ${object}: ${message}`);
}

describe("field types", () => {
  const cases: [string, FieldType<unknown>, string[], unknown][] = [
    ["whole", whole(1, 127), ["3"], 3],
    ["whole", whole(1, 127), [" 3 "], 3],
    ["whole", whole(1, 127), ["3.0"], 3],
    ["whole", whole(1, 127), ["0"], undefined],
    ["whole", whole(1, 127), ["128"], undefined],
    ["whole", whole(1, 127), ["-5"], undefined],
    ["whole", whole(1, 127), ["1e1"], undefined],
    ["whole", whole(1, 127), ["0x10"], undefined],
    ["whole", whole(1, 127), ["1.5"], undefined],
    ["whole", whole(1, 127), [""], undefined],
    ["whole", whole(1, 127), [], undefined],
    ["whole or none", wholeOrNone(1, 9), ["0"], null],
    ["whole or none", wholeOrNone(0, 9), ["0"], 0],
    ["minutes", wholeUnits(60_000, 0, 1_440), ["2"], 120_000],
    ["duration", duration(1, 20_940), ["5"], 5_000],
    ["duration", duration(1, 20_940), ["2", "MIN"], 120_000],
    ["duration", duration(1, 20_940), ["2min"], 120_000],
    ["duration", duration(1, 20_940), ["500", "msec"], 500],
    ["duration", duration(1, 20_940), ["1", "MSEC"], 1],
    ["duration", duration(1, 20_940), ["20940"], 20_940_000],
    ["duration", duration(1, 20_940), ["20941"], undefined],
    ["duration", duration(1, 20_940), ["349", "MIN"], 20_940_000],
    ["duration", duration(1, 20_940), ["350", "MIN"], undefined],
    ["duration", duration(1, 20_940), ["20940001", "MSEC"], undefined],
    ["duration", duration(1, 20_940), ["0", "MSEC"], undefined],
    ["duration", duration(0, 20_939), ["0", "MSEC"], 0],
    ["duration", duration(1, 20_940), ["1e-300"], undefined],
    ["duration", duration(1, 20_940), ["Infinity"], undefined],
    ["duration", duration(1, 20_940), ["NaN"], undefined],
    ["duration", duration(1, 20_940), ["5", "HOURS"], undefined],
    ["duration", duration(1, 20_940), ["5", "constructor"], undefined],
    ["port", port, ["443"], 443],
    ["port", port, ["*"], "*"],
    ["port", port, ["65535"], "*"],
    ["port", port, ["0"], null],
    ["port", port, ["65536"], undefined],
    ["own port", ownPort, ["65535"], null],
    ["address", address, ["192.0.2.1"], "192.0.2.1"],
    ["address", address, ["2001:db8::1"], "2001:db8::1"],
    ["address", address, ["::"], null],
    ["address", address, ["0"], null],
    ["address", address, ["example.com"], undefined],
    ["switch", enabled, ["yes"], true],
    ["switch", enabled, ["Off"], false],
    ["switch", enabled, ["maybe"], undefined],
    ["presence", present, [], true],
    ["presence", present, ["FALSE"], false],
    ["keyword", choiceOrNone(["FIN", "RESET"], ["NONE"]), ["reset"], "RESET"],
    ["keyword", choiceOrNone(["FIN", "RESET"], ["NONE"]), ["none"], null],
    ["keyword", choiceOrNone(["FIN", "RESET"], ["NONE"]), ["other"], undefined],
    ["codes", codeRanges, ["200"], [{ from: 200, to: 200 }]],
    [
      "codes",
      codeRanges,
      ["200", "301-302"],
      [
        { from: 200, to: 200 },
        { from: 301, to: 302 },
      ],
    ],
    ["codes", codeRanges, ["200,403"], [200, 403].map((code) => ({ from: code, to: code }))],
    ["codes", codeRanges, ["302-301"], undefined],
    ["codes", codeRanges, ["70000"], undefined],
    ["codes", codeRanges, ["200", "x"], undefined],
  ];
  test.each(cases)("%s %# › reads %3$j or refuses it", (_name, type, written, expected) => {
    expect(type.read(written)).toEqual(expected);
  });

  test("duration › is written in the largest whole unit and read back", () => {
    const type = duration(0, 20_939);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_939_000 }), (ms) => {
        const { value, unit } = type.write(ms) as WireDuration;
        expect(type.read([String(value), unit])).toBe(ms);
      }),
    );
  });
});

const NUMBERS = ["1e-300", "0", "-5", "Infinity", "NaN", "1e999", "20941", "0.5"];

describe("monitor values", () => {
  test.each(NUMBERS)(
    "interval %s is reported and the default when it is out of range, in ns.conf and in NITRO",
    async (number) => {
      const file = parseNsConf(`add lb monitor m TCP -interval ${JSON.stringify(number)}`, {
        adc: "a",
      });
      const nitro = await fromNitro({ interval: number, units3: "SEC" });
      expect([monitorOf(file), monitorOf(nitro)].map((one) => one.intervalMs)).toEqual([
        5_000, 5_000,
      ]);
      const expected =
        `value_out_of_range m: -interval of m: ${number} is not a whole number of MSEC, SEC or MIN ` +
        "from 1 MSEC to 20940 SEC; ";
      expect(refusals(file)).toEqual([
        `${expected}the ADC rejects the whole command. This import uses the rest of it, without this option (default: 5 SEC).`,
      ]);
      expect(refusals(nitro)).toEqual([
        `${expected.replace(number, `${number} SEC`)}it is ignored (default: 5 SEC).`,
      ]);
    },
  );

  test.each([
    ["a JSON number", 1e-300],
    ["Infinity, as JSON.parse reads 1e999", Infinity],
    ["zero", 0],
    ["a negative number", -5],
    ["a text", "soon"],
    ["an object", { value: 5 }],
    ["a list of objects", [{}]],
    ["a boolean", true],
  ])("interval is reported and the default when NITRO gives %s", async (_what, interval) => {
    const estate = await fromNitro({ interval });
    expect(monitorOf(estate).intervalMs).toBe(5_000);
    expect(refusals(estate)).toHaveLength(1);
  });

  test.each([
    ["resptimeout", "20940", "responseTimeoutMs", 2_000],
    ["downtime", "0", "downTimeMs", 30_000],
    ["deviation", "-1", "deviationMs", 0],
    ["retries", "0", "retries", 3],
    ["failureretries", "33", "failureRetries", 0],
    ["successretries", "0", "successRetries", 1],
    ["alertretries", "33", "alertRetries", 0],
    ["destport", "70000", "destPort", null],
    ["destip", "nowhere", "destIp", null],
  ] as const)(
    "%s %s is reported and the default in both readers when it is out of range",
    async (attribute, value, property, fallback) => {
      const file = parseNsConf(`add lb monitor m TCP -${attribute} ${JSON.stringify(value)}`, {
        adc: "a",
      });
      const nitro = await fromNitro({ [attribute]: value });
      for (const estate of [file, nitro]) {
        expect(monitorOf(estate)[property]).toBe(fallback);
        expect(refusals(estate)).toHaveLength(1);
      }
    },
  );

  test("keep the earlier value when set gives one out of range", () => {
    const estate = parseNsConf(
      "add lb monitor m TCP -interval 9\nset lb monitor m TCP -interval 99999999",
      { adc: "a" },
    );
    expect(monitorOf(estate).intervalMs).toBe(9_000);
  });

  test("are not quoted in diagnostics when a text stands in a number's place, as it may be a secret", () => {
    const estate = parseNsConf("add lb monitor m TCP -interval hunter2", { adc: "a" });
    expect(refusals(estate).join()).toContain("a string of 7 characters");
    expect(JSON.stringify(estate.diagnostics)).not.toContain("hunter2");
  });

  test("are reported in a bounded number of diagnostics when thousands are out of range", async () => {
    const lbmonitor = Array.from({ length: 5_000 }, (_, index) => ({
      monitorname: `m${String(index)}`,
      type: "TCP",
      interval: 0,
    }));
    const estate = await buildEstate("a", new Map([["lbmonitor", lbmonitor]]), createPacer());
    expect(estate.monitors.size).toBe(5_000);
    expect(estate.diagnostics).toHaveLength(1_001);
    expect(estate.diagnostics.at(-1)?.message).toContain("4000 more");
  });

  test("stay in their ranges whatever a row holds", async () => {
    const value = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.string(),
      fc.constantFrom(...NUMBERS),
      fc.boolean(),
      fc.constant(null),
      fc.jsonValue(),
    );
    const row = fc.record(
      {
        interval: value,
        units3: fc.constantFrom("SEC", "MSEC", "MIN", 7, {}),
        resptimeout: value,
        downtime: value,
        units2: value,
        retries: value,
        successretries: value,
        failureretries: value,
        destport: value,
        respcode: value,
        maxforwards: value,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(row, async (fields) => {
        const monitor = monitorOf(await fromNitro(fields));
        expect(monitor.intervalMs).toBeGreaterThanOrEqual(1);
        expect(monitor.intervalMs).toBeLessThanOrEqual(20_940_000);
        expect(monitor.downTimeMs).toBeGreaterThanOrEqual(1);
        expect(Number.isInteger(monitor.responseTimeoutMs)).toBe(true);
        expect(monitor.retries).toBeGreaterThanOrEqual(1);
        expect(monitor.retries).toBeLessThanOrEqual(127);
        expect(monitor.successRetries).toBeLessThanOrEqual(32);
        expect(monitor.failureRetries).toBeLessThanOrEqual(32);
      }),
    );
  });
});

test.each([
  ["POP3", "userName"],
  ["FTP-EXTENDED", "userName"],
  ["FTP-EXTENDED", "fileName"],
  ["NNTP", "group"],
  ["MYSQL", "database"],
  ["LDAP", "bindDN"],
  ["LDAP", "baseDN"],
  ["RADIUS", "radNASid"],
  ["SIP-UDP", "sipURI"],
  ["SIP-UDP", "sipMethod"],
  ["USER", "scriptName"],
  ["USER", "scriptArgs"],
])("%s › refuses -%s when it holds a line end, which would be a second command", (type, option) => {
  for (const evil of ["a\\r\\nPASS guess", "a\\nb", "a\u0000b", "a\u007fb"]) {
    const estate = parseNsConf(`add lb monitor m ${type} -${option} "${evil}"`, { adc: "prod" });
    const parameters = monitorOf(estate).parameters;
    // Its default stands, where it has one.
    const values = Object.values(parameters).filter((value) => typeof value === "string");
    expect(values.join(" ")).not.toMatch(/[\u0000-\u001f\u007f]|guess/);
    expect(estate.diagnostics.map(({ message }) => message).join("\n")).toContain(
      "a text without control characters",
    );
  }
});
