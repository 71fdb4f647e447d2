import type { Dashboard } from "./dashboard.ts";
import { GREEN_IF_NONE, MEMBER_LINKS, NEUTRAL, RED_IF_NONE, UP_DOWN, YES_NO } from "./panel.ts";
import { ofAdc, onceByMember, rate } from "./query.ts";
import { TONE_MAPPINGS, toneExpression } from "./tones.ts";

const SERVER = 'server=~"$server"';

/** One server through its maintenance: is it out everywhere, is it empty, may it come back? */
export const MAINTENANCE_HOUR: Dashboard = {
  uid: "adc-witness-maintenance",
  title: "adc-witness / Maintenance hour",
  description:
    "One server during maintenance: windows, leaks, remaining connections, and the return.",
  variables: ["server in maintenance"],
  from: "now-2h",
  refresh: "10s",
  rows: [
    {
      title: "Checklist",
      panels: [
        {
          kind: "stat",
          title: "Still UP on the ADC",
          description:
            "Members of the server that the ADC sends new clients to; zero once it is drained.",
          unit: "short",
          queries: [
            {
              expr: `sum(${onceByMember(ofAdc("adc_witness_adc_member_state", `${SERVER},state="up"`))}) or vector(0)`,
              legend: "members",
              instant: true,
            },
            {
              expr: `count(${onceByMember(ofAdc("adc_witness_mismatch", SERVER))})`,
              legend: "of",
              instant: true,
              denominator: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: GREEN_IF_NONE,
        },
        {
          kind: "stat",
          title: "Remaining connections",
          description: "Client connections still open to the server.",
          unit: "short",
          noValue: "no NITRO",
          queries: [
            {
              expr: `sum(${onceByMember(ofAdc("adc_witness_adc_member_connections", SERVER))})`,
              legend: "connections",
              instant: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: GREEN_IF_NONE,
        },
        {
          kind: "stat",
          title: "Leak: in maintenance, still gets clients",
          description: "Members in maintenance that the ADC still sends clients to.",
          unit: "short",
          queries: [
            {
              expr: `sum(${onceByMember(ofAdc("adc_witness_verdict", `${SERVER},verdict="routes_to_maintenance"`))}) or vector(0)`,
              legend: "members",
              instant: true,
            },
            {
              expr: `count(${onceByMember(ofAdc("adc_witness_mismatch", SERVER))})`,
              legend: "of",
              instant: true,
              denominator: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: GREEN_IF_NONE,
        },
        {
          kind: "stat",
          title: "Working members",
          description: "Members of the server whose service works for clients.",
          unit: "short",
          queries: [
            {
              expr: `sum(${onceByMember(ofAdc("adc_witness_opinion", `${SERVER},opinion="service"`))})`,
              legend: "members",
              instant: true,
            },
            {
              expr: `count(${onceByMember(ofAdc("adc_witness_mismatch", SERVER))})`,
              legend: "of",
              instant: true,
              denominator: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: RED_IF_NONE,
        },
        {
          kind: "stat",
          title: "Ready to return",
          description: "Members that passed every check for the stability time in an open window.",
          unit: "short",
          noValue: "no window",
          queries: [
            {
              expr: `sum(${onceByMember(ofAdc("adc_witness_ready_to_return", SERVER))})`,
              legend: "members",
              instant: true,
            },
            {
              expr: `count(${onceByMember(ofAdc("adc_witness_mismatch", SERVER))})`,
              legend: "of",
              instant: true,
              denominator: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: NEUTRAL,
        },
        {
          kind: "stat",
          title: "Window ends",
          description: "Planned end of the open window.",
          noValue: "no window",
          unit: "dateTimeFromNow",
          queries: [
            {
              expr: `max by (server) (${ofAdc("adc_witness_maintenance_end_timestamp_seconds", SERVER)}) * 1000`,
              legend: "{{server}}",
              instant: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: NEUTRAL,
        },
      ],
    },
    {
      title: "Timeline",
      panels: [
        {
          kind: "state-timeline",
          title: "Maintenance by source",
          description: "Declared, set on the ADC, or detected; a disagreement has its own verdict.",
          unit: "short",
          queries: [
            {
              expr: `max by (server, source) (${ofAdc("adc_witness_maintenance", SERVER)})`,
              legend: "{{server}} {{source}}",
            },
          ],
          width: 24,
          height: 6,
          mappings: YES_NO,
        },
        {
          kind: "state-timeline",
          title: "Opinions over time",
          description: "ADC state, replica and service of every member of the server.",
          unit: "short",
          queries: (["adc", "replica", "service"] as const).map((opinion) => ({
            expr: `max by (server, adc_service, port) (${ofAdc("adc_witness_opinion", `${SERVER},opinion="${opinion}"`)})`,
            legend: `{{adc_service}}:{{port}} ${opinion}`,
          })),
          width: 24,
          height: 10,
          mappings: UP_DOWN,
        },
        {
          kind: "state-timeline",
          title: "Verdicts",
          description: "The verdict on every member of the server.",
          unit: "short",
          queries: [
            {
              expr: `max by (adc, server, adc_service, port) (${toneExpression("member", (matcher) => ofAdc("adc_witness_verdict", `${SERVER},${matcher}`))})`,
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
      title: "Clients",
      panels: [
        {
          kind: "timeseries",
          title: "Connections by service",
          description:
            "Client connections from the ADC to the server; IMAP and persistent sessions end last.",
          unit: "short",
          stacked: true,
          queries: [
            {
              expr: `sum by (adc_service, port) (${onceByMember(ofAdc("adc_witness_adc_member_connections", SERVER))})`,
              legend: "{{adc_service}}:{{port}}",
            },
          ],
          width: 12,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "VIP responses from this server",
          description:
            "The agent's probes through the VIPs that this server answered: zero while drained, above zero after its return.",
          unit: "ops",
          queries: [
            {
              expr: `sum by (vserver, server) (${rate(ofAdc("adc_witness_vip_served_by_total", SERVER))})`,
              legend: "{{vserver}} {{server}}",
            },
          ],
          width: 12,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "Remaining capacity",
          description: "Working members of every vserver; no line should drop to one.",
          unit: "short",
          queries: [
            {
              expr: `min by (vserver) (${ofAdc("adc_witness_vserver_members", 'of="really_up"')})`,
              legend: "{{vserver}}",
            },
          ],
          width: 24,
          height: 7,
        },
      ],
    },
  ],
};
