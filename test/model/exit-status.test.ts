import { describe, expect, test } from "vitest";
import {
  exitStatus,
  pluginWord,
  type JudgedRow,
  MEMBER_VERDICTS,
  VSERVER_VERDICTS,
} from "../../src/model/verdicts.ts";

const GOOD: JudgedRow = { verdict: "agree_up", unknownByConfiguration: false };
const unknown: JudgedRow = { verdict: "unknown", unknownByConfiguration: false };
const byConfiguration: JudgedRow = { verdict: "unknown", unknownByConfiguration: true };

describe("exitStatus", () => {
  const expected: Record<string, number> = {
    blind_monitor: 2,
    routes_to_maintenance: 2,
    false_up: 2,
    false_down: 2,
    strict_monitor: 2,
    return_overdue: 2,
    vip_down_members_up: 2,
    vip_up_members_down: 2,
    vip_site_withheld: 2,
    vip_wrong_certificate: 2,
    vip_served_by_drained_server: 2,
    vip_login_broken: 2,
    unknown: 3,
    settling: 1,
    drained_undeclared: 1,
    maintenance_overrun: 1,
    replica_differs: 1,
    vip_backup_active: 1,
  };
  test.each([...MEMBER_VERDICTS, ...VSERVER_VERDICTS])(
    "is as expected for %s beside an agreeing row (%$)",
    (verdict) => {
      expect(exitStatus([GOOD, { verdict, unknownByConfiguration: false }], false)).toBe(
        expected[verdict] ?? 0,
      );
    },
  );

  const warning: JudgedRow = { verdict: "settling", unknownByConfiguration: false };
  const mismatch: JudgedRow = { verdict: "false_up", unknownByConfiguration: false };
  test.each([
    ["a mismatch beside an unknown", [mismatch, unknown, warning], false, 2],
    ["an unknown beside a warning", [unknown, warning], false, 3],
    ["an unknown by configuration", [byConfiguration, GOOD], false, 0],
    ["a warning beside an unknown by configuration", [byConfiguration, warning], false, 1],
    ["an unknown by configuration with strict", [byConfiguration, GOOD], true, 3],
    ["only unknowns by configuration", [byConfiguration, byConfiguration], false, 3],
    ["no rows", [], false, 3],
  ] as const)("is as expected: %s", (_name, rows, strict, status) => {
    expect(exitStatus(rows, strict)).toBe(status);
  });

  test("has the plug-in name of each status", () => {
    expect(([0, 1, 2, 3] as const).map(pluginWord)).toEqual([
      "OK",
      "WARNING",
      "CRITICAL",
      "UNKNOWN",
    ]);
  });
});
