import type { Dashboard } from "./dashboard.ts";
import { GREEN_IF_NONE, NEUTRAL, RED_IF_NONE, UP_DOWN, YES_NO } from "./panel.ts";
import { ofAdc, rate } from "./query.ts";
import { TONE_MAPPINGS, toneExpression } from "./tones.ts";

const SERVER = 'server=~"$server"';

/** One server through its maintenance: is it out everywhere, is it empty, may it come back? */
export const MAINTENANCE_HOUR: Dashboard = {
  uid: "adc-witness-maintenance",
  title: "adc-witness / Maintenance hour",
  description:
    "One server through its maintenance: windows, leaks, connections left, and the way back.",
  variables: ["server"],
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
            "Members of the server that the ADC sends new clients to: none once it is drained.",
          unit: "short",
          queries: [
            {
              expr: `sum(${ofAdc("adc_witness_adc_member_state", `${SERVER},state="up"`)}) or vector(0)`,
              legend: "members",
              instant: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: GREEN_IF_NONE,
        },
        {
          kind: "stat",
          title: "Connections left",
          description: "Clients that the ADC still holds to the server.",
          unit: "short",
          queries: [
            {
              expr: `sum(${ofAdc("adc_witness_adc_member_connections", SERVER)})`,
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
          description: "Members in maintenance that the ADC still routes clients to.",
          unit: "short",
          queries: [
            {
              expr: `sum(${ofAdc("adc_witness_verdict", `${SERVER},verdict="routes_to_maintenance"`)}) or vector(0)`,
              legend: "members",
              instant: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: GREEN_IF_NONE,
        },
        {
          kind: "stat",
          title: "Members that really work",
          description: "Members of the server whose service answers as a client needs it.",
          unit: "short",
          queries: [
            {
              expr: `sum(${ofAdc("adc_witness_opinion", `${SERVER},opinion="service"`)})`,
              legend: "members",
              instant: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: RED_IF_NONE,
        },
        {
          kind: "stat",
          title: "Ready to return",
          description: "Members that were good for the stability time inside an open window.",
          unit: "short",
          queries: [
            {
              expr: `sum(${ofAdc("adc_witness_ready_to_return", SERVER)})`,
              legend: "members",
              instant: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: NEUTRAL,
        },
        {
          kind: "stat",
          title: "Window ends",
          description: "Planned end of the open window; nothing when none is open.",
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
      title: "What happened when",
      panels: [
        {
          kind: "state-timeline",
          title: "Maintenance by source",
          description:
            "Declared, by the ADC, or detected on the wire: they may disagree, and that has its verdict.",
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
          title: "What went down when",
          description:
            "What the ADC says, its monitors repeated, and the service, for every member of the server.",
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
              expr: `max by (server, adc_service, port) (${toneExpression("member", (matcher) => ofAdc("adc_witness_verdict", `${SERVER},${matcher}`))})`,
              legend: "{{server}} {{adc_service}}:{{port}}",
            },
          ],
          width: 24,
          height: 8,
          mappings: TONE_MAPPINGS,
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
            "Clients that the ADC holds to the server; sessions of IMAP and persistent ones leave last.",
          unit: "short",
          stacked: true,
          queries: [
            {
              expr: `sum by (adc_service, port) (${ofAdc("adc_witness_adc_member_connections", SERVER)})`,
              legend: "{{adc_service}}:{{port}}",
            },
          ],
          width: 12,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "Answers through VIPs by this server",
          description:
            "Our own probes through the VIPs that this server answered: zero while it is drained, and above zero again when it is back.",
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
          title: "What is left meanwhile",
          description: "Really good members of every vserver: watch that no line reaches one.",
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
