import { VERDICT_WORDS, type VserverVerdict } from "../src/model/verdicts.ts";
import {
  SCRAPE,
  series,
  SHOWN_ADC,
  SHOWN_VSERVER,
  VSERVER,
  VSERVER_KEY,
  type Alert,
  type AlertGroup,
} from "./alert.ts";
import { provenByFlag } from "./proof.ts";
import { verdictAlerts } from "./verdict-alert.ts";

const PLACE = "{{ $labels.vserver }} on {{ $labels.adc }}";
const MEMBERS = "adc_witness_vserver_members";
const VERDICT = "adc_witness_vserver_verdict";
/** The last good one goes as well, while the alert waits to be sure; of another vserver one is left all the time. */
const MANY_SERIES = [
  series(MEMBERS, { ...VSERVER, vserver: "v_pop", of: "configured" }, "2x240"),
  series(MEMBERS, { ...VSERVER, vserver: "v_pop", of: "really_up" }, "2 1x240"),
  series(MEMBERS, { ...VSERVER, of: "configured" }, "3x240"),
  series(MEMBERS, { ...VSERVER, of: "really_up" }, "2 1x2 0x240"),
  series(MEMBERS, { ...VSERVER, of: "really_down" }, "1 2x2 3x240"),
];
/** Vservers with several members, of which at most one works; a blind agent counts none as good or bad. */
const LAST_GOOD = `(${MEMBERS}{of="really_up"} == 1 or (${MEMBERS}{of="really_up"} == 0 and ignoring (of) ${MEMBERS}{of="really_down"} > 0)) and ignoring (of) ${MEMBERS}{of="configured"} > 1`;
const LAST_GOOD_WORDS =
  "By this agent's opinions, whatever the ADC reports, at most one more failure stops the service. Stop maintenance on the last working server, and bring another member back first. The vservers";
/** Their names, as a template queries them from Prometheus. */
const LAST_GOOD_NAMES = `{{ range printf ${goString(`(${LAST_GOOD}) and on (adc, instance) ${MEMBERS}{adc=%q,instance=%q}`)} $labels.adc $labels.instance | query | sortByLabel "vserver" }}{{ .Labels.vserver }} {{ end }}`;

/** Where a certificate is presented: vservers and servers. */
const PRESENTED_BY = `{{ range printf ${goString("adc_witness_tls_certificate_info{adc=%q,instance=%q,sha256=%q}")} $labels.adc $labels.instance $labels.sha256 | query | sortByLabel "server" }}{{ .Labels.vserver }}{{ .Labels.server }} {{ end }}`;
const NOT_AFTER = "adc_witness_certificate_not_after_timestamp_seconds";
const CERTIFICATE = { ...SCRAPE, adc: "prod", subject: "CN=mail", sha256: "ab12" } as const;

/** One of two stages: what is left when it begins, in days. */
function certificateAlert(
  name: string,
  severity: Alert["severity"],
  [days, words]: readonly [days: number, words: string],
): Alert {
  const advice =
    "Renew it, bind it on the ADC and on every server, and check AdcWitnessCertificateDiffers afterwards. It is presented by: ";
  return {
    name,
    severity,
    expr: `${NOT_AFTER} - time() < ${String(days)} * 86400`,
    for: "1m",
    heldBy: null,
    summary: `Certificate {{ $labels.subject }} on {{ $labels.adc }} expires in less than ${words}`,
    description: `${advice}${PRESENTED_BY}`,
    shownAt: SHOWN_ADC,
    verdict: null,
    fires: {
      series: [
        series(NOT_AFTER, CERTIFICATE, `${String((days - 1) * 86_400)}x240`),
        ...[{ vserver: "v_owa" }, { server: "ex01", port: "443" }].map((endpoint) =>
          series("adc_witness_tls_certificate_info", { ...CERTIFICATE, ...endpoint }, "1x240"),
        ),
      ],
      labels: CERTIFICATE,
      expanded: { description: `${advice}v_owa ex01 ` },
    },
    nearMiss: {
      because: `while it is valid for more than ${words}`,
      series: [series(NOT_AFTER, CERTIFICATE, `${String((days + 1) * 86_400)}x240`)],
    },
  };
}

/** A string as Go's templates read it, without escapes. */
function goString(text: string): string {
  return `\`${text}\``;
}

const TAKEN_OUT = 'adc_witness_adc_vserver_state{state="out"} == 1';
const DRAINED = VERDICT_WORDS.vip_served_by_drained_server;
const verdictAlert = verdictAlerts<VserverVerdict>(VERDICT, VSERVER, {
  key: VSERVER_KEY,
  shownAt: SHOWN_VSERVER,
});

/** Alerts about virtual servers: what clients get, and how much is left. */
export const VSERVER_ALERTS: AlertGroup = {
  file: "vservers",
  title: "Virtual servers",
  alerts: [
    {
      name: "AdcWitnessVipServedByDrainedServer",
      severity: "critical",
      expr: "adc_witness_vip_served_by_drained == 1",
      for: "1m",
      heldBy: [...VSERVER_KEY, "server"],
      summary: `${PLACE} sends clients to {{ $labels.server }}, which is out of service or in maintenance`,
      description: `${DRAINED.meaning} ${DRAINED.advice}`,
      shownAt: SHOWN_VSERVER,
      verdict: "vip_served_by_drained_server",
      ...provenByFlag(
        "adc_witness_vip_served_by_drained",
        { ...VSERVER, server: "ex02" },
        "while the server that answers is in service",
      ),
    },
    verdictAlert(
      "AdcWitnessVipDownMembersUp",
      "critical",
      "vip_down_members_up",
      `${PLACE} does not serve although it has working members`,
      ["vip_agree_down", "no member works either"],
    ),
    verdictAlert(
      "AdcWitnessVipLoginBroken",
      "critical",
      "vip_login_broken",
      `Logins through ${PLACE} fail although members work`,
      ["vip_protected", "no account was given for a login there"],
    ),
    verdictAlert(
      "AdcWitnessVipUpMembersDown",
      "critical",
      "vip_up_members_down",
      `${PLACE} is UP without a working member, or hands out a site that does not serve`,
      ["settling", "the ADC still has time to notice"],
    ),
    verdictAlert(
      "AdcWitnessVipWrongCertificate",
      "critical",
      "vip_wrong_certificate",
      `${PLACE} presents the wrong certificate`,
      ["vip_agree_up", "the certificate is the bound one"],
    ),
    verdictAlert(
      "AdcWitnessVipSiteWithheld",
      "warning",
      "vip_site_withheld",
      `${PLACE} holds a site DOWN that serves`,
      ["vip_agree_up", "the site is handed out again"],
    ),
    {
      name: "AdcWitnessGslbMepDown",
      severity: "warning",
      expr: "adc_witness_gslb_mep_up == 0",
      for: "2m",
      heldBy: null,
      summary: "{{ $labels.adc }} exchanges no metrics (MEP) with site {{ $labels.site }}",
      description:
        "The state of GSLB services of this site is old wherever no monitor is bound to them, and dynamic methods fall back to round robin. Check the connection between the sites (TCP 3011, or 3009 with TLS) and the RPC nodes of both ADCs.",
      shownAt: SHOWN_ADC,
      verdict: null,
      ...provenByFlag(
        "adc_witness_gslb_mep_up",
        { ...SCRAPE, adc: "prod", site: "dc2" },
        "while the exchange is up",
        { right: "1", wrong: "0" },
      ),
    },
    {
      name: "AdcWitnessPublicAddressDown",
      severity: "critical",
      expr: "adc_witness_public_address_up == 0",
      for: "2m",
      heldBy: null,
      summary:
        "Public address {{ $labels.address }} {{ $labels.name }} of {{ $labels.vserver }} fails",
      description:
        "Clients that DNS sends to this address are not served, whatever the VIP itself does. Compare with the other addresses of the same name: the address translation, the firewall or the site in front of it is the first suspect.",
      shownAt: SHOWN_VSERVER,
      verdict: null,
      ...provenByFlag(
        "adc_witness_public_address_up",
        { ...VSERVER, name: "mail.example.com", address: "203.0.113.10" },
        "while its probes pass",
        { right: "1", wrong: "0" },
      ),
    },
    {
      name: "AdcWitnessLastReallyGoodMember",
      severity: "critical",
      expr: `count by (job, instance, adc) (${LAST_GOOD})`,
      for: "1m",
      heldBy: null,
      summary: "At most one member works behind {{ $value }} vservers of {{ $labels.adc }}",
      description: `${LAST_GOOD_WORDS}: ${LAST_GOOD_NAMES}`,
      shownAt: SHOWN_ADC,
      verdict: null,
      fires: {
        series: MANY_SERIES,
        labels: { ...SCRAPE, adc: "prod" },
        expanded: {
          summary: "At most one member works behind 2 vservers of prod",
          description: `${LAST_GOOD_WORDS}: v_imap v_pop `,
        },
      },
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
      name: "AdcWitnessVipDown",
      severity: "critical",
      expr: `adc_witness_vserver_verdict{verdict="vip_agree_down"} == 1 and on (job, instance, adc, vserver) ${MEMBERS}{of="configured"} > 0 unless on (job, instance, adc, vserver) ${TAKEN_OUT}`,
      for: "1m",
      heldBy: VSERVER_KEY,
      summary: `${PLACE} is down, and the ADC knows it`,
      description:
        "ADC and agent agree that no member works, so clients are not served. The members' pages show why each fails; first check what they have in common (a directory, a database, a certificate, a switch).",
      shownAt: SHOWN_VSERVER,
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
      name: "AdcWitnessCertificateDiffers",
      severity: "warning",
      expr: "adc_witness_certificate_differs == 1",
      for: "1m",
      heldBy: null,
      summary: `Certificates of ${PLACE} that must be identical differ`,
      description:
        "Clients that move from one server to another see different certificates, so logins loop or fail. Bind the same certificate on all members, and on the vserver if it re-encrypts.",
      shownAt: SHOWN_VSERVER,
      verdict: null,
      ...provenByFlag("adc_witness_certificate_differs", VSERVER, "while they are alike"),
    },
    {
      name: "AdcWitnessAuthSchemesDiffer",
      severity: "warning",
      expr: "adc_witness_auth_schemes_differ == 1",
      for: "3m",
      heldBy: null,
      summary: `A server behind ${PLACE} offers other login schemes than the other members`,
      description:
        "Clients on this server are asked for a password, or fail, although the other servers accept them. Compare the authentication settings of its virtual directories with those of another server; the status page and /api/v1/verdicts name the server, the path and the schemes.",
      shownAt: SHOWN_VSERVER,
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
    certificateAlert("AdcWitnessCertificateExpiresSoon", "warning", [21, "three weeks"]),
    certificateAlert("AdcWitnessCertificateAlmostExpired", "critical", [5, "five days"]),
  ],
};
