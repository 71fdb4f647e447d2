import type { Dashboard } from "./dashboard.ts";
import {
  MEMBER_LINKS,
  MEMBER_ROW_LINKS,
  NEUTRAL,
  NO_GOOD_YES_BAD,
  UP_DOWN,
  VSERVER_LINKS,
  YES_NO,
} from "./panel.ts";
import { ofAdc, ofAgent, rate, servingVserver } from "./query.ts";
import { TONE_MAPPINGS, toneExpression } from "./tones.ts";

const VSERVER = 'vserver=~"$vserver"';
const SERVER = 'server=~"$server"';

/** What an administrator should know of the servers behind a VIP, and no verdict tells. */
const WHAT_SERVERS_SEE_AND_SHOW = [
  {
    title: "Client's address kept",
    description:
      "Whether servers see the client's own address, according to SMTP servers. If they see the ADC's address instead, limits per source treat all clients as one.",
    metric: "adc_witness_client_address_kept",
    mappings: YES_NO,
  },
  {
    title: "Certificates differ",
    description:
      "Whether certificates that must be identical differ, depending on where client TLS is terminated.",
    metric: "adc_witness_certificate_differs",
    mappings: NO_GOOD_YES_BAD,
  },
  {
    title: "Login schemes differ",
    description:
      "Whether a server offers other login schemes than the rest of its group at the same URL. The status page names it.",
    metric: "adc_witness_auth_schemes_differ",
    mappings: NO_GOOD_YES_BAD,
  },
] as const;

/** One vserver: who says what about each member, how fast it is, and who really answers. */
export const VSERVER_DASHBOARD: Dashboard = {
  uid: "adc-witness-vserver",
  title: "adc-witness / Vserver",
  description: "The three opinions and the verdict on every member of a vserver, over time.",
  variables: ["vserver", "server"],
  from: "now-6h",
  refresh: "30s",
  rows: [
    {
      title: "The vserver",
      panels: [
        {
          kind: "state-timeline",
          title: "Verdict on the vserver",
          description: "Whether the result through the VIP matches the ADC's state.",
          unit: "short",
          queries: [
            {
              expr: `max by (adc, vserver) (${toneExpression("vserver", (matcher) => ofAdc("adc_witness_vserver_verdict", `${VSERVER},${matcher}`))})`,
              legend: "{{vserver}}",
            },
          ],
          width: 16,
          height: 6,
          mappings: TONE_MAPPINGS,
          links: VSERVER_LINKS,
        },
        {
          kind: "stat",
          title: "Certificate valid for",
          description: "Days until the first certificate presented at the VIP expires.",
          unit: "d",
          decimals: 0,
          queries: [
            {
              expr: `min by (vserver) (${ofAdc("adc_witness_tls_certificate_not_after_timestamp_seconds", VSERVER)} - time()) / 86400`,
              legend: "{{vserver}}",
              instant: true,
            },
          ],
          width: 8,
          height: 6,
          thresholds: [
            { from: null, color: "red" },
            { from: 7, color: "orange" },
            { from: 21, color: "green" },
          ],
        },
        ...WHAT_SERVERS_SEE_AND_SHOW.map(
          ({ title, description, metric, mappings }) =>
            ({
              kind: "stat",
              title,
              description,
              unit: "short",
              queries: [
                {
                  expr: `max by (adc, vserver) (${ofAdc(metric, VSERVER)})`,
                  legend: "{{vserver}}",
                  instant: true,
                },
              ],
              width: 8,
              height: 4,
              thresholds: NEUTRAL,
              mappings,
            }) as const,
        ),
      ],
    },
    {
      title: "Public addresses",
      panels: [
        {
          kind: "state-timeline",
          title: "Public addresses and names",
          description:
            "Each public address from DNS or the configuration; the worst of its probes. They do not affect verdicts, which are about the VIP.",
          unit: "short",
          noValue: "no public addresses",
          queries: [
            {
              expr: `min by (vserver, name, address) (${ofAdc("adc_witness_public_address_up", VSERVER)})`,
              legend: "{{vserver}} {{name}} {{address}}",
            },
          ],
          width: 12,
          height: 8,
          mappings: UP_DOWN,
        },
        {
          kind: "timeseries",
          title: "Public addresses and VIP",
          description: "Duration of the last run by vantage.",
          unit: "s",
          queries: [
            {
              expr: `max by (vserver, vantage) (${ofAdc("adc_witness_probe_duration_seconds", `${VSERVER},vantage=~"public|vip"`)})`,
              legend: "{{vserver}} {{vantage}}",
            },
          ],
          width: 12,
          height: 8,
        },
      ],
    },
    {
      title: "GSLB sites",
      panels: [
        {
          kind: "state-timeline",
          title: "Sites in DNS and in service",
          description:
            "Two lanes per site: whether the ADC's DNS hands it out, and whether its VIP serves clients. A site that is handed out and does not serve is `vip_up_members_down`.",
          unit: "short",
          noValue: "no GSLB",
          queries: [
            {
              expr: `min by (vserver, site, server, port) (${ofAdc("adc_witness_gslb_site_handed_out", VSERVER)})`,
              legend: "{{site}} {{server}}:{{port}} in DNS",
            },
            {
              expr: `min by (vserver, site, server, port) (${ofAdc("adc_witness_gslb_site_serving", VSERVER)})`,
              legend: "{{site}} {{server}}:{{port}} serves",
            },
          ],
          width: 16,
          height: 8,
          mappings: YES_NO,
        },
        {
          kind: "stat",
          title: "Metric exchange (MEP)",
          description: "Whether the ADC exchanges metrics with each remote site.",
          unit: "short",
          queries: [
            {
              expr: `min by (adc, site) (${ofAdc("adc_witness_gslb_mep_up")})`,
              legend: "{{adc}} {{site}}",
              instant: true,
            },
          ],
          width: 8,
          height: 8,
          thresholds: NEUTRAL,
          mappings: UP_DOWN,
        },
      ],
    },
    {
      title: "Members",
      panels: [
        {
          kind: "state-timeline",
          title: "Opinions on $server",
          description: "Three lanes per member: ADC state, replica and service.",
          unit: "short",
          queries: (["adc", "replica", "service"] as const).map((opinion) => ({
            expr: `min by (adc, adc_service, server, port) (${servingVserver(ofAdc("adc_witness_opinion", `${SERVER},opinion="${opinion}"`))})`,
            legend: `{{adc_service}}:{{port}} ${opinion}`,
          })),
          width: 24,
          height: 8,
          mappings: UP_DOWN,
          repeat: "server",
        },
        {
          kind: "state-timeline",
          title: "Verdicts",
          description: "The verdict on each member, coloured by urgency.",
          unit: "short",
          queries: [
            {
              expr: `max by (adc, server, adc_service, port) (${toneExpression("member", (matcher) => `(${servingVserver(ofAdc("adc_witness_verdict", `${SERVER},${matcher}`))})`)})`,
              legend: "{{server}} {{adc_service}}:{{port}}",
            },
          ],
          width: 24,
          height: 8,
          mappings: TONE_MAPPINGS,
          links: MEMBER_LINKS,
        },
      ],
    },
    {
      title: "Speed",
      panels: [
        {
          kind: "timeseries",
          title: "Last probe through the VIP and at the members",
          description:
            "Duration of the last run: through the VIP by vserver, and directly at each member.",
          unit: "s",
          queries: [
            {
              expr: `max by (vserver, monitor, transaction) (${ofAdc("adc_witness_probe_duration_seconds", `${VSERVER},vantage!="backend"`)})`,
              legend: "VIP {{vserver}} {{monitor}}{{transaction}}",
            },
            {
              expr: `max by (server, monitor, transaction) (${servingVserver(ofAdc("adc_witness_probe_duration_seconds", `${SERVER},vantage="backend"`))})`,
              legend: "{{server}} {{monitor}}{{transaction}}",
            },
          ],
          width: 12,
          height: 9,
        },
        {
          kind: "timeseries",
          title: "95th percentile, VIP against members",
          description: "All probes of the ADC, by vantage.",
          unit: "s",
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (le, vantage) (${rate(ofAdc("adc_witness_probe_seconds_bucket"))}))`,
              legend: "{{vantage}}",
            },
          ],
          width: 6,
          height: 9,
        },
        {
          kind: "timeseries",
          title: "Mean by phase",
          description: "Mean duration of each phase: DNS, connect, TLS, banner, response.",
          unit: "s",
          stacked: true,
          queries: [
            {
              expr: `sum by (phase) (${rate(ofAdc("adc_witness_probe_by_phase_seconds_sum"))}) / sum by (phase) (${rate(ofAdc("adc_witness_probe_by_phase_seconds_count"))})`,
              legend: "{{phase}}",
            },
          ],
          width: 6,
          height: 9,
        },
      ],
    },
    {
      title: "Responses",
      panels: [
        {
          kind: "timeseries",
          title: "VIP responses by server",
          description:
            "Servers that answered the agent's probes through the VIP; unrecognised if the response names no server of the estate.",
          unit: "ops",
          stacked: true,
          queries: [
            {
              expr: `sum by (server) (${rate(ofAdc("adc_witness_vip_served_by_total", VSERVER))})`,
              legend: "{{server}}",
            },
          ],
          width: 12,
          height: 8,
        },
        {
          kind: "table",
          title: "Why probes fail",
          description: "Every probe whose last run did not pass, with step and reason.",
          unit: "short",
          noValue: "none fails",
          coloured: [],
          links: MEMBER_ROW_LINKS,
          queries: [
            {
              expr: `max without (job, instance) (${ofAdc("adc_witness_probe_failure_info", VSERVER)} or (${servingVserver(ofAdc("adc_witness_probe_failure_info", SERVER))}))`,
              legend: "",
              instant: true,
            },
          ],
          width: 12,
          height: 8,
          thresholds: NEUTRAL,
          table: {
            hide: ["Time", "Value"],
            rename: {},
          },
        },
        {
          kind: "timeseries",
          title: "Schedule lag of the agent",
          description:
            "Delay between the scheduled and the actual start of probes; above a second, the times shown here are unreliable.",
          unit: "s",
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (le) (${rate(ofAgent("adc_witness_schedule_lag_seconds_bucket"))}))`,
              legend: "p99",
            },
          ],
          width: 24,
          height: 5,
        },
      ],
    },
  ],
};
