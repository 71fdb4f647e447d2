import { describe, expect, test } from "vitest";
import { MONITOR_TYPES as FIRMWARE_TYPES } from "../../../src/adc/monitor-defaults.ts";
import {
  isSupported,
  MONITOR_TYPES,
  monitorTypeOf,
  UNREPEATABLE,
} from "../../../src/probes/monitors/registry.ts";
import { monitorSpec } from "../../support/monitor-spec.ts";

describe("the registry", () => {
  test("every type of the firmware is repeated or has its reason", () => {
    const nowhere = [...FIRMWARE_TYPES].filter((name) => {
      const type = monitorTypeOf(monitorSpec(name).monitor);
      return !isSupported(type) && type.unsupported.includes("not a monitor type known here");
    });
    expect(nowhere).toEqual([]);
  });

  test("no type is both repeated and declared unrepeatable", () => {
    expect([...UNREPEATABLE.keys()].filter((name) => MONITOR_TYPES.has(name))).toEqual([]);
  });

  test.each([
    ["nssmtp.pl", "SMTP"],
    ["nspop3.pl", "POP3"],
    ["nsldap.pl", "LDAP"],
    ["nsftp.pl", "FTP-EXTENDED"],
    ["nsnntp.pl", "NNTP"],
    ["nsmysql.pl", "MYSQL"],
    ["NSSMTP.PL", "SMTP"],
    ["check_my_app.pl", "USER"],
  ])("USER with %s is %s", (scriptName, type) => {
    expect(monitorTypeOf(monitorSpec("USER", { scriptName }).monitor)).toMatchObject({ type });
  });

  test("type names are matched in any case", () => {
    expect(monitorTypeOf(monitorSpec("http-ecv").monitor)).toMatchObject({ type: "HTTP-ECV" });
  });

  test.each(["transparent", "ipTunnel", "tos"])("-%s cannot be repeated", (flag) => {
    const spec = monitorSpec("HTTP", {}, { monitorChange: { [flag]: true } });
    expect(monitorTypeOf(spec.monitor)).toEqual({
      unsupported: expect.stringContaining(flag) as string,
    });
  });
});
