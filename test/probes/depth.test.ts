import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { lint } from "../../src/lint/lint.ts";
import { depthRank, outranks, type Depth } from "../../src/model/observation.ts";
import type { Monitor } from "../../src/model/monitor.ts";
import { TRANSACTIONS, type TransactionName } from "../../src/model/transactions.ts";
import { monitorSight, transactionSight } from "../../src/probes/depth.ts";
import { MONITOR_TYPES, UNREPEATABLE } from "../../src/probes/monitors/registry.ts";

function monitor(written: string): Monitor {
  const found = parseNsConf(`add lb monitor m ${written}\n`, { adc: "prod" }).monitors.get("m");
  if (found === undefined) {
    throw new Error(`no monitor: ${written}`);
  }
  return found;
}

describe("monitorSight", () => {
  test.each<[written: string, depth: Depth, path: string | null]>([
    ["PING", "reach", null],
    ["TCP", "reach", null],
    ["TCP -secure YES", "tls", null],
    ["TCP-ECV", "reach", null],
    ['TCP-ECV -send "EHLO me\\r\\n"', "reach", null],
    ["TCP-ECV -secure YES", "tls", null],
    ['TCP-ECV -recv "220 "', "greeting", null],
    [
      'TCP-ECV -send "GET /" -recv "The Microsoft Exchange POP3 service is ready."',
      "greeting",
      null,
    ],
    ['TCP-ECV -send "EHLO me\\r\\nMAIL FROM:<>\\r\\n" -recv "250 2.1.0"', "dialogue", null],
    ['TCP-ECV -send "a1 LOGIN probe secret\\r\\n" -recv "a1 OK"', "login", null],
    ['TCP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK"', "dialogue", "owa"],
    ["HTTP", "greeting", null],
    ['HTTP -httpRequest "HEAD /"', "greeting", null],
    ['HTTP -httpRequest "GET /owa/auth/logon.aspx"', "dialogue", "owa"],
    ['HTTP -httpRequest "GET /status"', "dialogue", "/status"],
    ['HTTP-ECV -send "GET /" -recv "Welcome"', "greeting", null],
    ['HTTP-ECV -send "GET /EWS/healthcheck.htm" -recv "200 OK"', "dialogue", "ews"],
    [
      'HTTP-ECV -send "GET /check/database.aspx?q=1" -recv "DB OK"',
      "login",
      "/check/database.aspx",
    ],
    [
      'HTTP-ECV -send "GET /owa/" -recv "200" -customHeaders "Authorization: Basic eDp5\\r\\n"',
      "login",
      "owa",
    ],
    ["UDP-ECV", "reach", null],
    ['UDP-ECV -recv "pong"', "dialogue", null],
    ["SMTP -scriptName nssmtp.pl", "greeting", null],
    ["POP3 -scriptName nspop3.pl -userName u -password p", "login", null],
    ["LDAP -scriptName nsldap.pl", "login", null],
    ["RADIUS -userName u -password p", "login", null],
    ["MYSQL -scriptName nsmysql.pl", "login", null],
    ["MYSQL-ECV", "mailbox", null],
    ["USER -scriptName nspop3.pl", "login", null],
    ["USER -scriptName own.pl", "mailbox", null],
    ["NOTYPE", "mailbox", null],
  ])("classifies %s as depth %s on path %s", (written, depth, path) => {
    expect(monitorSight(monitor(written))).toEqual({ depth, path });
  });

  test("leaves no type at an unintended depth when every known type is classified", () => {
    const deepestOf = [...MONITOR_TYPES.keys()].filter(
      (type) => monitorSight(monitor(type)).depth === "mailbox",
    );
    expect(deepestOf).toEqual(["USER"]);
    const unseen = [...UNREPEATABLE.keys()].filter(
      (type) => monitorSight(monitor(type)).depth === "reach",
    );
    expect(unseen).toEqual(["ARP", "ND6", "LOAD", "LDNS-PING", "LDNS-TCP"]);
  });
});

describe("outranks", () => {
  const owa = { depth: "dialogue", path: "owa" } as const;
  test.each([
    [
      "deeper",
      { depth: "login", path: null } as const,
      { depth: "greeting", path: null } as const,
      true,
    ],
    ["equal", owa, owa, true],
    [
      "shallower",
      { depth: "greeting", path: null } as const,
      { depth: "login", path: null } as const,
      false,
    ],
    ["of another directory", owa, { depth: "dialogue", path: "ews" } as const, false],
    [
      "of a page and the failure a greeting of the root",
      owa,
      { depth: "greeting", path: null } as const,
      true,
    ],
  ])("compares depth and path when the pass is %s", (_name, pass, failure, expected) => {
    expect(outranks(pass, failure)).toBe(expected);
  });
});

/** The depth at which each failure of the lab shows; null where only a page's content would show it. */
function shownAt(failure: string, table: string): Depth | null {
  const tls = /on (443|993|995)$/.test(table);
  switch (failure) {
    case "process stopped":
      return "reach";
    case "port open, silent":
    case "accepted, then closed":
      return tls ? "tls" : "greeting";
    case "no certificate":
    case "TLS ranges do not meet":
      return "tls";
    case "hung":
    case '503 with "200" in its body':
      return "greeting";
    case "application pool stopped":
      return "dialogue";
    case "421 at MAIL FROM":
    case "back pressure at MAIL FROM":
      return "dialogue";
    case "mailbox side dead":
      return "login";
    case "maintenance (ServerWideOffline)":
      // Exchange 2010 has no such state: its services are stopped.
      return /^(IMAP|POP3)/.test(table) ? "greeting" : null;
    default:
      return null;
  }
}

interface MeasuredRow {
  readonly guide: string;
  readonly table: string;
  readonly name: string;
  readonly cells: ReadonlyMap<string, string>;
}

/** The rows of docs/dev/blind-spots.md, which its own test pins to what a measurement gives. */
function measuredRows(): MeasuredRow[] {
  const text = readFileSync(new URL("../../docs/dev/blind-spots.md", import.meta.url), "utf8");
  const rows: MeasuredRow[] = [];
  let guide = "";
  let table = "";
  let head: string[] = [];
  for (const line of text.split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    if (line.startsWith("## ")) {
      guide = line.includes("2010") ? "exchange-2010-full.conf" : "exchange-2016.conf";
    } else if (line.startsWith("### ")) {
      table = line.slice(4);
    } else if (cells[1] === "monitor") {
      head = cells;
    } else if (cells[1]?.startsWith("`") === true) {
      const name = /`([^`]+)`/.exec(cells[1])?.[1] ?? "";
      const failures = head
        .slice(4)
        .map((title, index) => [title, cells[index + 4] ?? ""] as const);
      // A monitor that fails while all is well shows nothing of its depth.
      if (cells[3] === "up") {
        rows.push({ guide, table, name, cells: new Map(failures) });
      }
    }
  }
  return rows;
}

function monitorsOf(file: string): ReadonlyMap<string, Monitor> {
  const text = readFileSync(new URL(`../fixtures/ns.conf/${file}`, import.meta.url), "utf8");
  const fixes = lint(parseNsConf(text, { adc: "adc" })).flatMap(({ fix }) => fix ?? []);
  return parseNsConf([text, ...fixes].join("\n"), { adc: "adc" }).monitors;
}

describe("docs/dev/blind-spots.md", () => {
  const rows = measuredRows();

  test("lists more than 25 measured monitors", () => {
    expect(rows.length).toBeGreaterThan(25);
  });

  test.each(rows.map((row) => [`${row.name}, ${row.table}, ${row.guide}`, row] as const))(
    "agrees with the declared depth of %s",
    (_title, { guide, table, name, cells }) => {
      const own = monitorsOf(guide).get(name);
      const isLook = (TRANSACTIONS as readonly string[]).includes(name);
      const { depth } =
        own === undefined || isLook
          ? transactionSight(name as TransactionName, null)
          : monitorSight(own);
      const wrong = [...cells].filter(([failure, cell]) => {
        const needed = shownAt(failure, table);
        // An echo reaches the host, and no port of it.
        const sees = needed !== null && depthRank(depth) >= depthRank(needed) && name !== "ping";
        return needed !== null && cell !== (sees ? "seen" : "**blind**");
      });
      expect(wrong).toEqual([]);
    },
  );
});
