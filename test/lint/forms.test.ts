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

describe("intended forms", () => {
  test.each(["alwaysup", "adns"])("%s › has no finding and no proposal", (name) => {
    expect(found(name)).toEqual([]);
  });

  test("plan › does not repeat a dummy's monitor of the ADC itself", () => {
    const [row] = plan("alwaysup").filter(({ monitor }) => monitor === "localhost_ping");
    expect(row).toMatchObject({
      supported: false,
      unsupported_reason: "destIP 127.0.0.1 is the ADC itself",
    });
  });

  test("lint › leaves destination and reverse of a standby's reversed monitor alone", () => {
    expect(said("reverse-ctx115525")).not.toContain("pinned_dest_ip mon_rev");
    expect(commands("reverse-ctx115525").join("\n")).not.toContain("mon_rev");
  });

  test("lint › leaves a transparent monitor's destination alone, and plan does not repeat it", () => {
    expect(commands("transparent").join("\n")).not.toContain("-destIP");
    expect(plan("transparent").map(({ supported }) => supported)).not.toContain(true);
  });

  test("lint › counts a route's monitor as used", () => {
    expect(said("route-monitor")).not.toContain("unused_monitor mon_gw");
  });

  test("lint › reports nothing about an option that was not written", () => {
    expect(said("lrtm-absent")).toEqual(["tcp_only g"]);
    expect(read("lrtm-absent").monitors.get("t")?.lrtm).toBe(true);
  });
});

describe("proposed commands", () => {
  test("keep all settings of the monitor they replace", () => {
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

  test("name the service first when they enable a binding", () => {
    expect(commands("disabled-binding")).toEqual([
      "set lb monitor m2 HTTP -state ENABLED",
      "enable lb monitor s1 m1",
    ]);
    expect(said("disable-cmd")).toEqual(["binding_disabled http_svc"]);
  });

  test("use new names that differ and have at most 31 characters", () => {
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
  ])("propose for %s a monitor that fits", (service, type, complete) => {
    expect(proposed("deep-fix-check", service)).toEqual([type, complete]);
  });

  test.each([
    ["my_sg", /^MYSQL-ECV .*-sqlQuery "select 1"/],
    ["sql_sg", /^MSSQL-ECV .*-sqlQuery "select 1"/],
    ["ldap_sg", /^LDAP -scriptName nsldap\.pl /],
  ])("propose for %s a monitor that is marked incomplete", (service, type) => {
    const [text, complete] = proposed("deep-fix-check", service) ?? [];
    expect(text).toMatch(type);
    expect(complete).toBe(false);
  });

  test("are none when no monitor is known for the type", () => {
    expect(proposed("deep-fix-check", "rdp_sg")).toBeNull();
  });
});

describe("mistakes", () => {
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
  ])("in %s are found: %s", (name, finding) => {
    expect(said(name)).toContain(finding);
  });

  test("name bind cs vserver when a policy is bound by the wrong command", () => {
    const told = found("comments").find(({ rule }) => rule === "wrong_kind_reference");
    expect(told?.message).toContain("use bind cs vserver");
  });

  test("include a GSLB service whose site is not configured", () => {
    const told = found("comments").find(({ object }) => object === "gslb_svc_dc1");
    expect(told?.message).toContain("GSLB site dc1, which is not configured");
  });
});

describe("plan of odd forms", () => {
  test("takes the port from the SRV record or the group when members have none", () => {
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

  test("shows the default back-end profile, a profile with SNI, and a deviation", () => {
    const row = (service: string): PlanRow | undefined =>
      plan("default-ssl-profile").find(
        (one) => one.adc_service === service && one.monitor !== null,
      );
    expect(row("sg_a")?.tls).toMatch(/^TLSv1\.2 to TLSv1\.3, .*ns_default_ssl_profile_backend/);
    expect(row("sg_b")?.tls).toMatch(/be13; SNI mail\.example\.com$/);
    expect(row("sg_d")?.note).toContain("-deviation");
  });

  test("keeps partitions apart and ignores prompts and output of a session", () => {
    expect([...read("td").services.keys()]).toEqual(["a", "b", "c6"]);
    expect(read("session-prompt").services.get("svc1")?.monitors).toMatchObject([
      { monitor: "http" },
    ]);
  });
});
