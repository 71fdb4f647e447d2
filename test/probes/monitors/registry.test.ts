import { describe, expect, test } from "vitest";
import { MONITOR_TYPES as FIRMWARE_TYPES } from "../../../src/adc/monitor-defaults.ts";
import {
  isSupported,
  MONITOR_TYPES,
  monitorTypeOf,
  UNREPEATABLE,
} from "../../../src/probes/monitors/registry.ts";
import { monitorSpec } from "../../support/monitor-spec.ts";

describe("monitor type registry", () => {
  test("repeats every type of the firmware or gives the reason why not", () => {
    const nowhere = [...FIRMWARE_TYPES].filter((name) => {
      const type = monitorTypeOf(monitorSpec(name).monitor);
      return !isSupported(type) && type.unsupported.includes("not a supported monitor type");
    });
    expect(nowhere).toEqual([]);
  });

  test("lists no type both as repeated and as unrepeatable", () => {
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
  ])("maps USER with %s to %s", (scriptName, type) => {
    expect(monitorTypeOf(monitorSpec("USER", { scriptName }).monitor)).toMatchObject({ type });
  });

  test("matches type names in any case", () => {
    expect(monitorTypeOf(monitorSpec("http-ecv").monitor)).toMatchObject({ type: "HTTP-ECV" });
  });

  test.each(["transparent", "ipTunnel", "tos"])("does not repeat a monitor with -%s", (flag) => {
    const spec = monitorSpec("HTTP", {}, { monitorChange: { [flag]: true } });
    expect(monitorTypeOf(spec.monitor)).toEqual({
      unsupported: expect.stringContaining(flag) as string,
    });
  });
});
