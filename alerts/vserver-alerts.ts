import type { VserverVerdict } from "../src/model/verdicts.ts";
import { SCRAPE, series, VSERVER, type AlertGroup } from "./alert.ts";
import { provenByFlag } from "./proof.ts";
import { verdictAlerts } from "./verdict-alert.ts";

const PLACE = "{{ $labels.vserver }} on {{ $labels.adc }}";
const MEMBERS = "adc_witness_vserver_members";
const VERDICT = "adc_witness_vserver_verdict";
/** The last good one goes as well, while the alert waits to be sure. */
const MANY_SERIES = [
  series(MEMBERS, { ...VSERVER, of: "configured" }, "3x240"),
  series(MEMBERS, { ...VSERVER, of: "really_up" }, "2 1x2 0x240"),
  series(MEMBERS, { ...VSERVER, of: "really_down" }, "1 2x2 3x240"),
];
/** Members of which one more failure, or the last one, was the end; a blind agent counts none as good or bad. */
const AT_MOST_ONE = [
  `${MEMBERS}{of="really_up"} == 1`,
  `(${MEMBERS}{of="really_up"} == 0 and ignoring (of) ${MEMBERS}{of="really_down"} > 0)`,
].join(" or ");
const TAKEN_OUT = 'adc_witness_adc_vserver_state{state="out"} == 1';
const verdictAlert = verdictAlerts<VserverVerdict>(VERDICT, VSERVER);

/** Alerts about virtual servers: what clients get, and how much is left. */
export const VSERVER_ALERTS: AlertGroup = {
  file: "vservers",
  title: "Virtual servers",
  alerts: [
    verdictAlert(
      "VipServedByDrainedServer",
      "critical",
      "vip_served_by_drained_server",
      `${PLACE} sends clients to a server that is out of service or in maintenance`,
      ["vip_agree_up", "the server that answers is in service"],
    ),
    verdictAlert(
      "VipDownMembersUp",
      "critical",
      "vip_down_members_up",
      `${PLACE} does not serve although it has working members`,
      ["vip_agree_down", "no member works either"],
    ),
    verdictAlert(
      "VipLoginBroken",
      "critical",
      "vip_login_broken",
      `Logins through ${PLACE} fail although members work`,
      ["vip_protected", "no account was given for a login there"],
    ),
    verdictAlert(
      "VipUpMembersDown",
      "critical",
      "vip_up_members_down",
      `${PLACE} is UP without a working member, or hands out a site that does not serve`,
      ["settling", "the ADC still has time to notice"],
    ),
    verdictAlert(
      "VipWrongCertificate",
      "critical",
      "vip_wrong_certificate",
      `${PLACE} presents the wrong certificate`,
      ["vip_agree_up", "the certificate is the bound one"],
    ),
    verdictAlert(
      "VipSiteWithheld",
      "warning",
      "vip_site_withheld",
      `${PLACE} holds a site DOWN that serves`,
      ["vip_agree_up", "the site is handed out again"],
    ),
    {
      name: "GslbMepDown",
      severity: "warning",
      expr: "adc_witness_gslb_mep_up == 0",
      for: "2m",
      keepFiringFor: "10m",
      summary: "{{ $labels.adc }} exchanges no metrics (MEP) with site {{ $labels.site }}",
      description:
        "The state of GSLB services of this site is old wherever no monitor is bound to them, and dynamic methods fall back to round robin. Check the connection between the sites (TCP 3011, or 3009 with TLS) and the RPC nodes of both ADCs.",
      verdict: null,
      ...provenByFlag(
        "adc_witness_gslb_mep_up",
        { ...SCRAPE, adc: "prod", site: "dc2" },
        "while the exchange is up",
        { right: "1", wrong: "0" },
      ),
    },
    {
      name: "PublicAddressDown",
      severity: "critical",
      expr: "adc_witness_public_address_up == 0",
      for: "2m",
      keepFiringFor: "10m",
      summary:
        "Public address {{ $labels.address }} {{ $labels.name }} of {{ $labels.vserver }} fails",
      description:
        "Clients that DNS sends to this address are not served, whatever the VIP itself does. Compare with the other addresses of the same name: the address translation, the firewall or the site in front of it is the first suspect.",
      verdict: null,
      ...provenByFlag(
        "adc_witness_public_address_up",
        { ...VSERVER, name: "mail.example.com", address: "203.0.113.10" },
        "while its probes pass",
        { right: "1", wrong: "0" },
      ),
    },
    {
      name: "LastReallyGoodMember",
      severity: "critical",
      expr: `(${AT_MOST_ONE}) and ignoring (of) ${MEMBERS}{of="configured"} > 1`,
      for: "1m",
      keepFiringFor: "10m",
      summary: `At most one member of ${PLACE} works`,
      description:
        "By this agent's opinions, whatever the ADC reports, at most one more failure stops the service. Stop maintenance on the last working server, and bring another member back first.",
      verdict: null,
      fires: { series: MANY_SERIES, labels: { ...VSERVER, of: "really_up" } },
      nearMiss: {
        because:
          "for a vserver that has one member only, two that work, or of whose members nothing is known",
        series: [
          series(MEMBERS, { ...VSERVER, of: "configured" }, "1x240"),
          series(MEMBERS, { ...VSERVER, of: "really_up" }, "1x240"),
          series(MEMBERS, { ...VSERVER, vserver: "v_owa", of: "configured" }, "3x240"),
          series(MEMBERS, { ...VSERVER, vserver: "v_owa", of: "really_up" }, "2x240"),
          series(MEMBERS, { ...VSERVER, vserver: "v_pop", of: "configured" }, "3x240"),
          series(MEMBERS, { ...VSERVER, vserver: "v_pop", of: "really_up" }, "0x240"),
          series(MEMBERS, { ...VSERVER, vserver: "v_pop", of: "really_down" }, "0x240"),
        ],
      },
    },
    {
      name: "VipDown",
      severity: "critical",
      expr: `adc_witness_vserver_verdict{verdict="vip_agree_down"} == 1 and on (job, instance, adc, vserver) ${MEMBERS}{of="configured"} > 0 unless on (job, instance, adc, vserver) ${TAKEN_OUT}`,
      for: "1m",
      keepFiringFor: "10m",
      summary: `${PLACE} is down, and the ADC knows it`,
      description:
        "ADC and agent agree that no member works, so clients are not served. The members' pages show why each fails; first check what they have in common (a directory, a database, a certificate, a switch).",
      verdict: "vip_agree_down",
      fires: {
        series: [
          series(VERDICT, { ...VSERVER, verdict: "vip_agree_down" }, "0 1x240"),
          series(MEMBERS, { ...VSERVER, of: "configured" }, "3x240"),
          series("adc_witness_adc_vserver_state", { ...VSERVER, state: "down" }, "1x240"),
        ],
        labels: { ...VSERVER, verdict: "vip_agree_down" },
      },
      nearMiss: {
        because:
          "for a vserver that was disabled on purpose, one without members, or one that serves",
        series: [
          series(VERDICT, { ...VSERVER, verdict: "vip_agree_down" }, "1x240"),
          series(MEMBERS, { ...VSERVER, of: "configured" }, "3x240"),
          series("adc_witness_adc_vserver_state", { ...VSERVER, state: "out" }, "1x240"),
          series(VERDICT, { ...VSERVER, vserver: "v_new", verdict: "vip_agree_down" }, "1x240"),
          series(MEMBERS, { ...VSERVER, vserver: "v_new", of: "configured" }, "0x240"),
          series(VERDICT, { ...VSERVER, vserver: "v_owa", verdict: "vip_agree_down" }, "0x240"),
          series(MEMBERS, { ...VSERVER, vserver: "v_owa", of: "configured" }, "3x240"),
        ],
      },
    },
    {
      name: "CertificateDiffers",
      severity: "warning",
      expr: "adc_witness_certificate_differs == 1",
      for: "1m",
      keepFiringFor: "10m",
      summary: `Certificates of ${PLACE} that must be identical differ`,
      description:
        "Clients that move from one server to another see different certificates, so logins loop or fail. Bind the same certificate on all members, and on the vserver if it re-encrypts.",
      verdict: null,
      ...provenByFlag("adc_witness_certificate_differs", VSERVER, "while they are alike"),
    },
    {
      name: "AuthSchemesDiffer",
      severity: "warning",
      expr: "adc_witness_auth_schemes_differ == 1",
      for: "3m",
      keepFiringFor: "10m",
      summary: `A server behind ${PLACE} offers other login schemes than the other members`,
      description:
        "Clients on this server are asked for a password, or fail, although the other servers accept them. Compare the authentication settings of its virtual directories with those of another server; the status page and /api/v1/verdicts name the server, the path and the schemes.",
      verdict: null,
      fires: {
        series: [series("adc_witness_auth_schemes_differ", VSERVER, "0 1x240")],
        labels: VSERVER,
      },
      nearMiss: {
        because: "while they are alike, or for the minutes of a change that reaches all of them",
        series: [
          series("adc_witness_auth_schemes_differ", VSERVER, "0x240"),
          series(
            "adc_witness_auth_schemes_differ",
            { ...VSERVER, vserver: "v_owa" },
            "0x10 1x8 0x230",
          ),
        ],
      },
    },
    {
      name: "CertificateExpiresSoon",
      severity: "warning",
      expr: "adc_witness_tls_certificate_not_after_timestamp_seconds - time() < 21 * 86400",
      for: "1m",
      keepFiringFor: null,
      summary:
        "A certificate presented by {{ $labels.vserver }}{{ $labels.server }} expires in less than three weeks",
      description:
        "It is presented by vserver {{ $labels.vserver }} or server {{ $labels.server }}:{{ $labels.port }} of {{ $labels.adc }}. Renew it, bind it on the ADC and on every server, and check CertificateDiffers afterwards.",
      verdict: null,
      fires: {
        series: [
          series(
            "adc_witness_tls_certificate_not_after_timestamp_seconds",
            { ...VSERVER, adc_service: "", server: "", port: "" },
            `${String(20 * 86_400)}x240`,
          ),
        ],
        labels: VSERVER,
      },
      nearMiss: {
        because: "while it is valid for more than three weeks",
        series: [
          series(
            "adc_witness_tls_certificate_not_after_timestamp_seconds",
            { ...VSERVER, adc_service: "", server: "", port: "" },
            `${String(22 * 86_400)}x240`,
          ),
        ],
      },
    },
  ],
};
