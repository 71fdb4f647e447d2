import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { groupFindings } from "../../src/lint/group.ts";
import { ALL_RULES, lint } from "../../src/lint/lint.ts";
import { renderText } from "../../src/lint/render-text.ts";

function text(name: string): string {
  return readFileSync(new URL(`../fixtures/ns.conf/${name}.conf`, import.meta.url), "utf8");
}

/** What lint says of a guide's configuration, as `rule object`. */
function said(name: string): string[] {
  return lint(parseNsConf(text(name), { adc: "test" })).map(
    ({ rule, object }) => `${rule} ${object}`,
  );
}

describe("lint of the guides' configurations", () => {
  test("reports the expected findings of Exchange 2010, command summaries", () => {
    expect(said("exchange-2010")).toEqual([
      "head_request http",
      "ping_only Exchange_2010_owa",
      "wildcard_port Exchange_2010_RPC",
      "single_login_account Exchange_2010_POP3",
      "unused_monitor e2010_SMTP_monitor",
    ]);
  });

  test("reports the expected findings of Exchange 2010 with a second server under each monitor", () => {
    expect(said("exchange-2010-full")).toEqual([
      "pinned_dest_ip e2010_IMAP4_monitor",
      "pinned_dest_ip e2010_POP3_monitor",
      "pinned_dest_ip e2010_RPC_monitor",
      "head_request http",
      "ping_only Exchange_2010_owa",
      "wildcard_port Exchange_2010_RPC",
      "wildcard_port Exchange_2010_RPC_2",
      "duplicate_service_endpoint Exchange_2010_AS",
      "duplicate_service_endpoint Exchange_2010_AS_2",
      "client_timeout_too_short Exchange_2010_AS_vserver",
      "duplicate_service_endpoint Exchange_2010_OA",
      "duplicate_service_endpoint Exchange_2010_OA_2",
      "authorization_persistence Exchange_2010_OA_vserver",
      "client_timeout_too_short Exchange_2010_OA_vserver",
      "smtp_banner_only Exchange_2010_Edge_SMTP",
      "smtp_banner_only Exchange_2010_Edge_SMTP_2",
      "single_login_account Exchange_2010_POP3",
      "single_login_account Exchange_2010_POP3_2",
      "source_limit Exchange_2010_Edge_SMTP",
      "source_limit Exchange_2010_Edge_SMTP_2",
    ]);
  });

  test("reports the expected findings of Exchange 2016", () => {
    expect(said("exchange-2016")).toEqual([
      "client_timeout_too_short cs_exchange2016_ssl",
      "cs_policies_overlap cs_pol_ews",
      "cs_passes_every_url cs_pol_owa_redirect",
      "cache_on_exchange lb_vsrv_ex2016_owa",
      "feo_on_exchange cs_exchange2016_ssl",
      "aaa_policy_first cs_pol_aaa",
      "tcp_only lb_svg_exch2016_smtp",
      "tcp_only lb_svg_exch2016_smtp_465",
      "tcp_only lb_svg_exch2016_smtp_587",
      "tcp_only lb_svg_exch2016_imap",
      "tcp_on_tls lb_svg_exch2016_imap_993",
      "udp_without_recv lb_svg_ntp",
      "source_limit lb_svg_exch2016_smtp",
      "source_limit lb_svg_exch2016_smtp_465",
      "source_limit lb_svg_exch2016_smtp_587",
      "persistence_longer_than_drain lb_vsrv_ex2016_owa",
      "cs_without_stateupdate cs_exchange2016_ssl",
    ]);
  });

  test.each([
    ["exchange-2010", 40],
    // Every service twice, and two more of them.
    ["exchange-2010-full", 48],
    ["exchange-2016", 40],
  ])("shows the findings of %s on one screen", (name, lines) => {
    const groups = groupFindings(lint(parseNsConf(text(name), { adc: "test" })));
    expect(renderText(groups, ALL_RULES).split("\n").length).toBeLessThanOrEqual(lines);
  });
});
