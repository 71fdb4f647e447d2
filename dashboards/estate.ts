import type { Dashboard } from "./dashboard.ts";
import { GREEN_IF_NONE, MEMBER_ROW_LINKS, NEUTRAL, RED_IF_NONE } from "./panel.ts";
import { byVserver, ofAdc, ofAgent, onceByMember, onceByVserver } from "./query.ts";
import { MEMBER_MISMATCHES, TONE_MAPPINGS, toneExpression, VSERVER_MISMATCHES } from "./tones.ts";

const MEMBERS = "adc_witness_vserver_members";

/** Whom is the ADC wrong about, and how much is really left? */
export const ESTATE: Dashboard = {
  uid: "adc-witness-estate",
  title: "adc-witness / Estate",
  description: "Where the ADC's state and the real service disagree, across all ADCs.",
  variables: ["vserver"],
  from: "now-6h",
  refresh: "30s",
  rows: [
    {
      title: "Now",
      panels: [
        {
          kind: "stat",
          title: "Members the ADC is wrong about",
          description: "Members whose verdict is a mismatch.",
          unit: "short",
          queries: [
            {
              expr: `sum(${onceByMember(ofAdc("adc_witness_mismatch"))})`,
              legend: "wrong",
              instant: true,
            },
            {
              expr: `count(${onceByMember(ofAdc("adc_witness_mismatch"))})`,
              legend: "of",
              instant: true,
              denominator: true,
            },
          ],
          width: 5,
          height: 4,
          thresholds: GREEN_IF_NONE,
        },
        {
          kind: "stat",
          title: "Vservers the ADC is wrong about",
          description: "Virtual servers whose verdict is a mismatch.",
          unit: "short",
          queries: [
            {
              expr: `sum(${onceByVserver(ofAdc("adc_witness_vserver_mismatch"))})`,
              legend: "wrong",
              instant: true,
            },
            {
              expr: `count(${onceByVserver(ofAdc("adc_witness_vserver_mismatch"))})`,
              legend: "of",
              instant: true,
              denominator: true,
            },
          ],
          width: 5,
          height: 4,
          thresholds: GREEN_IF_NONE,
        },
        {
          kind: "stat",
          title: "Clients sent into maintenance",
          description: "Members in maintenance that the ADC still sends clients to.",
          unit: "short",
          queries: [
            {
              expr: `sum(${onceByMember(ofAdc("adc_witness_verdict", 'verdict="routes_to_maintenance"'))}) or vector(0)`,
              legend: "members",
              instant: true,
            },
          ],
          width: 5,
          height: 4,
          thresholds: GREEN_IF_NONE,
        },
        {
          kind: "stat",
          title: "Members in maintenance",
          description:
            "Members in maintenance from any source: declared, set on the ADC, or detected.",
          unit: "short",
          queries: [
            {
              expr: `count(${onceByMember(ofAdc("adc_witness_member_maintenance"))} == 1) or vector(0)`,
              legend: "members",
              instant: true,
            },
          ],
          width: 5,
          height: 4,
          thresholds: NEUTRAL,
        },
        {
          kind: "stat",
          title: "ADCs that respond",
          description:
            "Share of ADCs whose last NITRO poll succeeded; the verdicts of others become unknown.",
          unit: "percentunit",
          noValue: "no NITRO",
          queries: [
            {
              expr: `avg(max by (adc) (${ofAdc("adc_witness_adc_up")}))`,
              legend: "answer",
              instant: true,
            },
          ],
          width: 4,
          height: 4,
          thresholds: RED_IF_NONE,
        },
        {
          kind: "table",
          title: "Members the ADC is wrong about, by name",
          description: "Every member in mismatch, with its verdict and its age in seconds.",
          unit: "s",
          queries: [
            {
              expr: onceByMember(
                `(time() - ${ofAdc("adc_witness_verdict_since_timestamp_seconds")}) * on (job, instance, adc, adc_service, server, port) group_right () (${ofAdc("adc_witness_verdict", MEMBER_MISMATCHES)} == 1)`,
                "verdict",
              ),
              legend: "",
              instant: true,
            },
          ],
          width: 14,
          height: 9,
          thresholds: [{ from: null, color: "red" }],
          coloured: ["for"],
          noValue: "none",
          links: MEMBER_ROW_LINKS,
          table: { hide: ["Time"], rename: { Value: "for" } },
        },
        {
          kind: "table",
          title: "Server and service",
          description: "Every member, coloured by verdict: rows are servers, columns are services.",
          unit: "short",
          queries: [
            {
              expr: `max by (server, adc_service) (${toneExpression("member", (matcher) => ofAdc("adc_witness_verdict", matcher))})`,
              legend: "",
              instant: true,
            },
          ],
          width: 10,
          height: 9,
          mappings: TONE_MAPPINGS,
          noValue: "-",
          links: [
            {
              title: "Page of the member",
              url: "${page}/member?adc_service=${__field.name}&server=${__data.fields[0]}",
            },
            {
              title: "Vserver dashboard",
              url: "/d/adc-witness-vserver?var-server=${__data.fields[0]}&${__url_time_range}",
            },
          ],
          matrix: { row: "server", column: "adc_service" },
        },
      ],
    },
    {
      title: "Over time",
      panels: [
        {
          kind: "timeseries",
          title: "Mismatches by verdict",
          description: "Number of members and vservers for each mismatch verdict.",
          unit: "short",
          stacked: true,
          queries: [
            {
              expr: `sum by (verdict) (${onceByMember(ofAdc("adc_witness_verdict", MEMBER_MISMATCHES), "verdict")})`,
              legend: "{{verdict}}",
            },
            {
              expr: `sum by (verdict) (${onceByVserver(ofAdc("adc_witness_vserver_verdict", VSERVER_MISMATCHES), "verdict")})`,
              legend: "{{verdict}}",
            },
          ],
          width: 12,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "Mismatches by vserver",
          description: "Members in mismatch behind each vserver.",
          unit: "short",
          stacked: true,
          queries: [
            {
              expr: `sum by (adc, vserver) (${onceByMember(byVserver(ofAdc("adc_witness_mismatch")), "vserver")})`,
              legend: "{{vserver}}",
            },
          ],
          width: 12,
          height: 8,
        },
      ],
    },
    {
      title: "Capacity",
      panels: [
        {
          kind: "table",
          title: "Capacity on the ADC and real capacity",
          description:
            "Members of each vserver: configured, up on the ADC, and really up by the agent's opinions.",
          unit: "short",
          queries: [
            {
              expr: `max by (vserver, of) (${ofAdc(MEMBERS, 'vserver=~"$vserver",of=~"configured|adc_up|really_up"')})`,
              legend: "",
              instant: true,
            },
          ],
          width: 10,
          height: 9,
          thresholds: [
            { from: null, color: "red" },
            { from: 1, color: "orange" },
            { from: 2, color: "green" },
          ],
          coloured: ["really_up"],
          links: [
            {
              title: "Vserver dashboard",
              url: "/d/adc-witness-vserver?var-vserver=${__data.fields[0]}&${__url_time_range}",
            },
          ],
          matrix: { row: "vserver", column: "of" },
        },
        {
          kind: "timeseries",
          title: "Members up on the ADC minus members really up",
          description:
            "Above zero, the ADC reports members UP that do not work; below zero, it leaves capacity unused.",
          unit: "short",
          queries: [
            {
              expr: `max by (vserver) (${ofAdc(MEMBERS, 'vserver=~"$vserver",of="adc_up"')} - ignoring (of) ${ofAdc(MEMBERS, 'vserver=~"$vserver",of="really_up"')})`,
              legend: "{{vserver}}",
            },
          ],
          width: 14,
          height: 9,
        },
        {
          kind: "timeseries",
          title: "Agents",
          description: "Builds of the running agents; one line per agent and version.",
          unit: "short",
          queries: [
            {
              expr: `sum by (instance, version) (${ofAgent("adc_witness_build_info")})`,
              legend: "{{instance}} {{version}}",
            },
          ],
          width: 24,
          height: 5,
        },
      ],
    },
  ],
};
