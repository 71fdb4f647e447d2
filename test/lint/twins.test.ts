import { describe, expect, test } from "vitest";
import { estateDiagnostics } from "../../src/adc/diagnostics.ts";
import { buildEstate } from "../../src/adc/nitro/import.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { createPacer } from "../../src/lib/pacing.ts";
import { lint } from "../../src/lint/lint.ts";
import { notesOf } from "../../src/lint/notes.ts";
import type { Estate } from "../../src/model/estate.ts";
import { rowsOf } from "../adc/nitro/rows-of.ts";

type Options = Readonly<Record<string, string>>;

/** A mistake of a monitor: its rule, type, options and the port of the server it watches. */
const MISTAKES: readonly (readonly [string, string, Options, number])[] = [
  ["secure_to_clear_port", "HTTP-ECV", { recv: "ok", secure: "YES" }, 80],
  ["missing_secure", "HTTP-ECV", { recv: "ok", secure: "NO" }, 443],
  ["resp_codes_accept_errors", "HTTP", { respCode: "404", httpRequest: '"GET /a"' }, 80],
  ["header_without_line_end", "HTTP", { customHeaders: '"Host: a.example.com"' }, 80],
  ["slow_detection", "HTTP", { interval: "10 MIN", retries: "10", resptimeout: "20" }, 80],
  ["failure_retries_not_below_retries", "HTTP", { retries: "3", failureRetries: "3" }, 80],
  ["host_in_request", "HTTP", { httpRequest: '"GET / HTTP/1.1\\r\\nHost: x"' }, 80],
  [
    "password_in_script_args",
    "USER",
    { scriptName: "x.pl", scriptArgs: '"user=a;password=b"' },
    80,
  ],
  ["pinned_dest_ip", "HTTP", { destIP: "10.0.0.9", httpRequest: '"GET /a"' }, 80],
  ["unknown_monitor_type", "HTPT", { interval: "7" }, 80],
  ["tcp_ecv_empty", "TCP-ECV", { interval: "7" }, 25],
];

const SERVICE_TYPE: ReadonlyMap<number, string> = new Map([
  [80, "HTTP"],
  [443, "SSL"],
  [25, "TCP"],
]);

const SPELLINGS: readonly ((type: string, options: Options) => readonly string[])[] = [
  (type, options) => [`add lb monitor m ${type} ${written(options)}`],
  (type, options) => [`add lb mon m ${type} ${written(reversed(options))}`],
  (type, options) => [`add monitor m ${type.toLowerCase()} ${written(options)}`],
  (type, options) => [`ADD LB MONITOR "m" ${type} ${written(options).replace(/-\w+/g, upper)}`],
  (type, options) => [`add lb monitor m ${type}`, `set lb monitor m ${type} ${written(options)}`],
  (type, options) => [`add lb monitor m ${type} -comment "a; b" ${written(options)} -LRTM ENABLED`],
];

const PLACES: readonly ((type: string, port: number) => readonly string[])[] = [
  (type, port) => [
    `add service web 10.0.0.71 ${type} ${String(port)}`,
    "bind service web -monitorName m",
  ],
  (type, port) => [
    "add server one 10.0.0.71",
    `add service "web of one" one ${type} ${String(port)}`,
    'bind service "web of one" -monitorName m -weight 3',
  ],
  (type, port) => [
    `add serviceGroup web ${type} -usip NO`,
    `bind serviceGroup web 10.0.0.[71-73] ${String(port)}`,
    "bind serviceGroup web -monitorName m",
  ],
  (type, port) => [
    `add serviceGroup web ${type}`,
    `bind serviceGroup web 2001:db8:1::71 ${String(port)}`,
    "bind monitor m web",
  ],
];

function written(options: Options): string {
  return Object.entries(options)
    .map(([option, value]) => `-${option} ${value}`)
    .join(" ");
}

function reversed(options: Options): Options {
  return Object.fromEntries(Object.entries(options).reverse());
}

function upper(text: string): string {
  return text.toUpperCase();
}

/** The same estate as an import over NITRO brings it, with what it remarks. */
async function toldByNitro(estate: Estate): Promise<Estate> {
  const told = await buildEstate("test", rowsOf(estate), createPacer());
  return { ...told, diagnostics: [...told.diagnostics, ...estateDiagnostics(told)] };
}

function said(estate: Estate): string[] {
  return lint(estate)
    .map(({ rule, object, complete }) => `${rule} ${object} ${String(complete)}`)
    .sort();
}

describe("mistake of a monitor", () => {
  test.each(MISTAKES)(
    "%s is found in a file and over NITRO in any spelling and binding",
    async (rule, type, options, port) => {
      for (const spelling of SPELLINGS) {
        for (const place of PLACES) {
          const lines = [...spelling(type, options), ...place(SERVICE_TYPE.get(port) ?? "", port)];
          const estate = parseNsConf(lines.join("\n"), { adc: "test" });
          const found = said(estate);
          expect(
            found.map((one) => one.split(" ").slice(0, 2).join(" ")),
            lines.join("\n"),
          ).toContain(`${rule} m`);
          expect(said(await toldByNitro(estate)), lines.join("\n")).toEqual(found);
        }
      }
    },
  );
});

/** Mistakes of services, bindings, vservers and built-in monitors: the rule and its object, and what makes it. */
const WHOLE_MISTAKES: readonly (readonly [string, ...string[]])[] = [
  ["unknown_service_type s", "add service s 10.0.0.71 HTTPS 443"],
  ["unknown_service_type v", "add lb vserver v WEB 10.0.1.1 80"],
  [
    "threshold_out_of_reach s",
    "add service s 10.0.0.71 HTTP 80 -monThreshold 10",
    "bind service s -monitorName http -weight 3",
  ],
  [
    "threshold_out_of_reach g",
    "add serviceGroup g TCP -monThreshold 4",
    "bind serviceGroup g 10.0.0.71 25",
    "bind serviceGroup g -monitorName tcp",
  ],
  [
    "dangling_reference s",
    "#NS13.1 Build 37.38",
    "add service s 10.0.0.71 HTTP 80",
    "bind service s -monitorName gone",
  ],
  [
    "dangling_reference v",
    "#NS13.1 Build 37.38",
    "add service s 10.0.0.71 HTTP 80",
    "add lb vserver v HTTP 10.0.1.1 80 -backupVServer gone",
    "bind lb vserver v s",
  ],
  ["health_monitor_off s", "add service s 10.0.0.71 HTTP 80 -healthMonitor NO"],
  [
    "resp_codes_accept_errors http",
    "set lb monitor http HTTP -respCode 404",
    "add service s 10.0.0.71 HTTP 80",
    "bind service s -monitorName HTTP",
  ],
  [
    "monitor_disabled m",
    'add lb monitor m HTTP-ECV -send "GET /a" -recv ok -state DISABLED',
    "add service s 10.0.0.71 HTTP 80",
    "bind service s -monitorName m",
  ],
  [
    "binding_disabled s",
    "add service s 10.0.0.71 HTTP 80",
    "bind service s -monitorName http -monState DISABLED",
  ],
  [
    "unquoted_value m",
    "add lb monitor m HTTP-ECV -send GET -recv ok",
    "add service s 10.0.0.71 HTTP 80",
    "bind service s -monitorName m",
  ],
  [
    "duplicate_vserver_endpoint v2",
    "add service s 10.0.0.71 HTTP 80",
    "add lb vserver v1 HTTP 10.0.1.1 80",
    "add lb vserver v2 HTTP 10.0.1.1 80",
    "bind lb vserver v1 s",
    "bind lb vserver v2 s",
  ],
];

describe("partitions", () => {
  const inner = [
    "add service s 10.0.0.71 HTTP 80 -healthMonitor NO",
    "add lb monitor m HTTP -respCode 404",
    "bind service s -monitorName m",
    "add lb vserver v HTTP 10.0.1.1 80",
    "bind lb vserver v s",
  ];

  test.each(WHOLE_MISTAKES)(
    "do not hide %s of the default partition when another has all the same names",
    async (...mistake) => {
      const [expected, ...lines] = mistake;
      const text = [
        ...lines.slice(0, 1),
        "add ns partition P1 -maxBandwidth 0",
        "switch ns partition P1",
        ...inner,
        "switch ns partition default",
        ...lines.slice(1),
      ].join("\n");
      const estate = parseNsConf(text, { adc: "test" });
      const own = said(estate);
      expect(notesOf(estate)).toEqual([expect.stringMatching(/^Partition P1: /)]);
      expect(own).toEqual(said(parseNsConf(lines.join("\n"), { adc: "test" })));
      expect(own.map((one) => one.split(" ").slice(0, 2).join(" "))).toContain(expected);
      expect(said(await toldByNitro(estate))).toEqual(own);
    },
  );

  test("read a partition's own file as NITRO reports that partition", async () => {
    const estate = parseNsConf(["#NS13.1 Build 37.38", ...inner].join("\n"), { adc: "test" });
    expect(said(await toldByNitro(estate))).toEqual(said(estate));
    expect(said(estate)).toContain("health_monitor_off s false");
  });
});

describe("mistake of a service, a binding or a vserver", () => {
  test.each(WHOLE_MISTAKES)("%s is found in a file and over NITRO", async (...mistake) => {
    const [expected, ...lines] = mistake;
    const estate = parseNsConf(lines.join("\n"), { adc: "test" });
    const found = said(estate);
    expect(found.map((one) => one.split(" ").slice(0, 2).join(" "))).toContain(expected);
    expect(said(await toldByNitro(estate))).toEqual(found);
  });
});
