import type { VserverVerdict } from "../src/model/verdicts.ts";
import { series, VSERVER, type AlertGroup } from "./alert.ts";
import { provenByFlag } from "./proof.ts";
import { verdictAlerts } from "./verdict-alert.ts";

const PLACE = "{{ $labels.vserver }} on {{ $labels.adc }}";
const MEMBERS = "adc_witness_vserver_members";
const MANY_SERIES = [
  series(MEMBERS, { ...VSERVER, of: "configured" }, "3x240"),
  series(MEMBERS, { ...VSERVER, of: "really_up" }, "2 1x240"),
];
const verdictAlert = verdictAlerts<VserverVerdict>("adc_witness_vserver_verdict", VSERVER);

/** Alerts about virtual servers: what clients get, and how much is left. */
export const VSERVER_ALERTS: AlertGroup = {
  file: "vservers",
  title: "Virtual servers",
  alerts: [
    verdictAlert(
      "VipServedByDrainedServer",
      "critical",
      "vip_served_by_drained_server",
      `${PLACE} hands clients to a server that is out or in maintenance`,
      ["vip_agree_up", "the server that answers is in service"],
    ),
    verdictAlert(
      "VipDownMembersUp",
      "critical",
      "vip_down_members_up",
      `${PLACE} does not serve although it has members that work`,
      ["vip_agree_down", "no member works either"],
    ),
    verdictAlert(
      "VipUpMembersDown",
      "critical",
      "vip_up_members_down",
      `${PLACE} is UP without one member that works`,
      ["settling", "the ADC still has time to notice"],
    ),
    verdictAlert(
      "VipWrongCertificate",
      "critical",
      "vip_wrong_certificate",
      `${PLACE} shows a wrong certificate`,
      ["vip_agree_up", "the certificate is the bound one"],
    ),
    {
      name: "LastReallyGoodMember",
      severity: "critical",
      expr: `${MEMBERS}{of="really_up"} == 1 and ignoring (of) ${MEMBERS}{of="configured"} > 1`,
      for: "1m",
      keepFiringFor: "10m",
      summary: `Only one member of ${PLACE} really works`,
      description:
        "By our opinions, whatever the ADC says, one more failure takes the service away. Stop maintenance on the last good server, and bring another member back first.",
      verdict: null,
      fires: { series: MANY_SERIES, labels: { ...VSERVER, of: "really_up" } },
      nearMiss: {
        because: "for a vserver that has one member only, or two that work",
        series: [
          series(MEMBERS, { ...VSERVER, of: "configured" }, "1x240"),
          series(MEMBERS, { ...VSERVER, of: "really_up" }, "1x240"),
          series(MEMBERS, { ...VSERVER, vserver: "v_owa", of: "configured" }, "3x240"),
          series(MEMBERS, { ...VSERVER, vserver: "v_owa", of: "really_up" }, "2x240"),
        ],
      },
    },
    {
      name: "CertificateDiffers",
      severity: "warning",
      expr: "adc_witness_certificate_differs == 1",
      for: "1m",
      keepFiringFor: "10m",
      summary: `The certificates behind ${PLACE} differ where they must be alike`,
      description:
        "Clients that are switched from one server to another see different certificates: logins loop or fail. Bind the same certificate on all members, and on the vserver where it re-encrypts.",
      verdict: null,
      ...provenByFlag("adc_witness_certificate_differs", VSERVER, "while they are alike"),
    },
    {
      name: "AuthSchemesDiffer",
      severity: "warning",
      expr: "adc_witness_auth_schemes_differ == 1",
      for: "3m",
      keepFiringFor: "10m",
      summary: `A server behind ${PLACE} offers other login schemes than its brothers`,
      description:
        "Clients that this server takes are asked for a password, or fail, where the others let them in. Compare the authentication settings of its virtual directories with another server's; the agent's page and /api/v1/verdicts name the server, the path and the schemes.",
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
        "A certificate shown by {{ $labels.vserver }}{{ $labels.server }} expires in less than three weeks",
      description:
        "It is shown at vserver {{ $labels.vserver }} or server {{ $labels.server }}:{{ $labels.port }} of {{ $labels.adc }}. Renew it, bind it on the ADC and on every server, and look at CertificateDiffers afterwards.",
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
