import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { planJson } from "../../src/agent/plan/planned-probe.ts";
import type { PlanRow } from "../../src/agent/plan/plan-answer.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import type { Estate } from "../../src/model/estate.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import type { Finding } from "../../src/lint/finding.ts";
import { lint } from "../../src/lint/lint.ts";

function read(name: string): Estate {
  const file = new URL(`../fixtures/ns.conf-forms/${name}.conf`, import.meta.url);
  return parseNsConf(readFileSync(file, "utf8"), { adc: "test" });
}

function found(name: string): Finding[] {
  return lint(read(name));
}

function said(name: string): string[] {
  return found(name).map(({ rule, object }) => `${rule} ${object}`);
}

function commands(name: string): string[] {
  return found(name).flatMap((finding) => finding.commands);
}

function plan(name: string): PlanRow[] {
  const estate = read(name);
  return [...planJson(planProbes(estate, BARE_SETTINGS), [estate]).probes];
}

/** The monitor proposed for a service, as type and options, and whether it needs the administrator. */
function proposed(name: string, service: string): [string, boolean] | null {
  const finding = found(name).find(
    ({ object, commands: own }) => object === service && own.length > 0,
  );
  const type = /^add lb monitor \S+ (.*?) -interval/.exec(finding?.commands[0] ?? "")?.[1];
  return finding === undefined || type === undefined ? null : [type, finding.complete];
}

describe("what is meant is no finding", () => {
  test.each(["alwaysup", "adns"])("%s: nothing is found, and nothing is proposed", (name) => {
    expect(found(name)).toEqual([]);
  });

  test("a dummy's monitor asks the ADC itself: never dialled from here", () => {
    const [row] = plan("alwaysup").filter(({ monitor }) => monitor === "localhost_ping");
    expect(row).toMatchObject({
      supported: false,
      unsupported_reason: "destIP 127.0.0.1 is the ADC itself",
    });
  });

  test("a standby's reversed monitor keeps its destination and its reverse", () => {
    expect(said("reverse-ctx115525")).not.toContain("pinned_dest_ip mon_rev");
    expect(commands("reverse-ctx115525").join("\n")).not.toContain("mon_rev");
  });

  test("a transparent monitor keeps its destination, and is not repeated", () => {
    expect(commands("transparent").join("\n")).not.toContain("-destIP");
    expect(plan("transparent").map(({ supported }) => supported)).not.toContain(true);
  });

  test("a route's monitor is in use", () => {
    expect(said("route-monitor")).not.toContain("unused_monitor mon_gw");
  });

  test("of an option that was not written nothing is said", () => {
    expect(said("lrtm-absent")).toEqual(["tcp_only g"]);
    expect(read("lrtm-absent").monitors.get("t")?.lrtm).toBe(true);
  });
});

describe("commands are the appliance's", () => {
  test("a replacing monitor keeps all that the other had", () => {
    const [add = "", bind] = commands("head-drop");
    for (const kept of [
      ...["-interval 30", "-resptimeout 10", "-downTime 60", "-retries 2", "-destPort 8202"],
      ...["-secure YES", "-netProfile np1", "-sslProfile sp1", "-LRTM DISABLED"],
      '-customHeaders "Host: app.example.com\\r\\n"',
    ]) {
      expect(add).toContain(kept);
    }
    expect(bind).toBe("bind service web1 -monitorName app_mon_get");
    expect(found("head-drop").map(({ complete }) => complete)).toEqual([false]);
  });

  test("a binding is enabled with the service first", () => {
    expect(commands("disabled-binding")).toEqual([
      "set lb monitor m2 HTTP -state ENABLED",
      "enable lb monitor s1 m1",
    ]);
    expect(said("disable-cmd")).toEqual(["binding_disabled http_svc"]);
  });

  test("new names are different and at most 31 characters long", () => {
    const names = commands("long-names").flatMap(
      (one) => /^add lb monitor (\S+)/.exec(one)?.[1] ?? [],
    );
    expect(new Set(names).size).toBe(2);
    expect(Math.max(...names.map(({ length }) => length))).toBeLessThanOrEqual(31);
  });

  test.each([
    ["dnstcp_sg", "DNS-TCP -query <name> -queryType Address", false],
    [
      "rad_sg",
      'RADIUS -userName <account> -password <password> -radKey "<shared secret>" -respCode 2 3',
      false,
    ],
    ["sip_sg", "SIP-UDP -sipMethod OPTIONS -sipURI sip:<host>", false],
    ["ftp_sg", "FTP -userName <account> -password <password>", false],
    ["ntp_sg", `UDP-ECV -send "#${"0".repeat(39)}ADCPROBE" -recv ADCPROBE`, true],
    ["smtp_sg", 'TCP-ECV -recv "220 "', true],
    ["imap_sg", 'TCP-ECV -recv "* OK" -secure YES', true],
  ])("the monitor proposed for %s fits it", (service, type, complete) => {
    expect(proposed("deep-fix-check", service)).toEqual([type, complete]);
  });

  test.each([
    ["my_sg", /^MYSQL-ECV .*-sqlQuery "select 1"/],
    ["sql_sg", /^MSSQL-ECV .*-sqlQuery "select 1"/],
    ["ldap_sg", /^LDAP -scriptName nsldap\.pl /],
  ])("the monitor proposed for %s is marked incomplete", (service, type) => {
    const [text, complete] = proposed("deep-fix-check", service) ?? [];
    expect(text).toMatch(type);
    expect(complete).toBe(false);
  });

  test("where no monitor is known there is no command", () => {
    expect(proposed("deep-fix-check", "rdp_sg")).toBeNull();
  });
});

describe("mistakes that are found", () => {
  test.each([
    ["monthreshold", "threshold_out_of_reach s"],
    ["secure-on-clear", "secure_to_clear_port m"],
    ["secure-on-clear", "resp_codes_accept_errors m3"],
    ["secure-on-clear", "header_without_line_end m4"],
    ["secure-on-clear", "password_in_script_args m5"],
    ["secure-on-clear", "slow_detection m6"],
    ["secure-on-clear", "failure_retries_not_below_retries m7"],
    ["cs-host-only", "cs_passes_every_url p_all"],
    ["cs-host-only", "monitor_of_another_directory sg_ews"],
    ["default-deny", "default_deny_without_authorization v_owa"],
    ["comments", "wrong_kind_reference cs_exchange2016_ssl"],
    ["comments", "dangling_reference gslb_svc_dc1"],
    ["comments", "authentication_host_is_mail_host lb_vsrv_ex2016_owa"],
    ["comments", "vserver_without_certificate lb_vsrv_ex2016_ews"],
    ["comments", "authentication_without_sso lb_vsrv_ex2016_autodiscover"],
    ["comments", "ntlm_without_kcd lb_vsrv_ex2016_mapi"],
    ["comments", "authorization_persistence lb_vsrv_ex2016_mapi"],
    ["comments", "aaa_policy_first cs_pol_aaa"],
    ["comments", "cs_policies_overlap cs_pol_ews"],
    ["comments", "cs_passes_every_url cs_pol_owa_redirect"],
    ["comments", "member_is_vip lb_svg_dmz"],
    ["comments", "client_source_address lb_svg_exch2016_smtp"],
  ])("%s: %s", (name, finding) => {
    expect(said(name)).toContain(finding);
  });

  test("a policy bound by the wrong command gets the right one named", () => {
    const told = found("comments").find(({ rule }) => rule === "wrong_kind_reference");
    expect(told?.message).toContain("use bind cs vserver");
  });

  test("a GSLB service of a site that is not there is told", () => {
    const told = found("comments").find(({ object }) => object === "gslb_svc_dc1");
    expect(told?.message).toContain("GSLB site dc1, which is not configured");
  });
});

describe("what plan makes of it", () => {
  test("members without a port: from the SRV record, or from the group", () => {
    const monitors = plan("srv").filter(({ kind }) => kind === "monitor");
    const rows = monitors.map(({ adc_service, port, unsupported_reason }) => [
      adc_service,
      port,
      unsupported_reason,
    ]);
    expect(rows).toEqual([
      ["sg_srv", "*", "the port comes from the SRV record"],
      ["sg_as", 80, null],
      ["sg_cloud", 8080, null],
    ]);
  });

  test("the default back-end profile, a profile with SNI, and a deviation", () => {
    const row = (service: string): PlanRow | undefined =>
      plan("default-ssl-profile").find(
        (one) => one.adc_service === service && one.monitor !== null,
      );
    expect(row("sg_a")?.tls).toMatch(/^TLSv1\.2 to TLSv1\.3, .*ns_default_ssl_profile_backend/);
    expect(row("sg_b")?.tls).toMatch(/be13; SNI mail\.example\.com$/);
    expect(row("sg_d")?.note).toContain("-deviation");
  });

  test("partitions stay apart, and so do prompts and what a session prints", () => {
    expect([...read("td").services.keys()]).toEqual(["a", "b", "c6"]);
    expect(read("session-prompt").services.get("svc1")?.monitors).toMatchObject([
      { monitor: "http" },
    ]);
  });
});
