import { MEMBER, SCRAPE, series, VSERVER, type Recording } from "./alert.ts";

const MEMBER_LABELS = "adc, adc_service, server, port";
/** Joins an agent's series of a member with the same agent's other series of it. */
const ON_AGENT_AND_MEMBER = `on (job, instance, ${MEMBER_LABELS})`;

/** Only agents with a usable result: one that is cut off, or has no path, neither confirms nor contradicts. */
const KNOWN_MISMATCH = `adc_witness_mismatch unless ${ON_AGENT_AND_MEMBER} adc_witness_verdict{verdict="unknown"} == 1`;

/** One value a member, over all agents. */
function overAgents(aggregation: string, expr: string): string {
  return `${aggregation} by (${MEMBER_LABELS}) (${expr})`;
}

const OTHER = { ...SCRAPE, instance: "witness2:9743" } as const;
const SECOND_MEMBER = { ...MEMBER, server: "ex03" } as const;
const THIRD_MEMBER = { ...MEMBER, server: "ex04" } as const;
const IN_VSERVER = { vserver: "v_imap" } as const;
const ADC_SAMPLE = '{adc="prod",instance="witness1:9743",job="adc-witness"}';
const VSERVER_SAMPLE = '{adc="prod",instance="witness1:9743",job="adc-witness",vserver="v_imap"}';
const MEMBER_SAMPLE = memberSample("ex02");
const SECOND_SAMPLE = memberSample("ex03");
const THIRD_SAMPLE = memberSample("ex04");

/** A sample that is joined over agents has the member's own labels alone. */
function memberSample(server: string): string {
  return `{adc="prod",adc_service="svc_imap",port="993",server="${server}"}`;
}

/** Of two agents both say that the ADC is wrong about ex02, one says so of ex03, and of ex04 only one knows anything. */
const BOTH_AND_ONE = [
  series("adc_witness_mismatch", MEMBER, "1x20"),
  series("adc_witness_mismatch", { ...MEMBER, ...OTHER }, "1x20"),
  series("adc_witness_mismatch", SECOND_MEMBER, "0x20"),
  series("adc_witness_mismatch", { ...SECOND_MEMBER, ...OTHER }, "1x20"),
  series("adc_witness_mismatch", THIRD_MEMBER, "1x20"),
  series("adc_witness_mismatch", { ...THIRD_MEMBER, ...OTHER }, "0x20"),
  series("adc_witness_verdict", { ...THIRD_MEMBER, ...OTHER, verdict: "unknown" }, "1x20"),
  series("adc_witness_verdict", { ...MEMBER, ...OTHER, verdict: "unknown" }, "0x20"),
];

/** Series that dashboards use: per vserver, per ADC, and joined over agents that look from several places. */
export const RECORDINGS: readonly Recording[] = [
  {
    record: "adc_witness:vserver:mismatch_ratio",
    expr: `avg by (job, instance, adc, vserver) (adc_witness_vserver_member_info * ${ON_AGENT_AND_MEMBER} group_left () adc_witness_mismatch)`,
    meaning:
      "Share of a vserver's members that the ADC is wrong about, 0 to 1, as each agent sees it.",
    test: {
      series: [
        series("adc_witness_vserver_member_info", { ...MEMBER, ...IN_VSERVER }, "1x20"),
        series("adc_witness_vserver_member_info", { ...SECOND_MEMBER, ...IN_VSERVER }, "1x20"),
        series("adc_witness_mismatch", MEMBER, "1x20"),
        series("adc_witness_mismatch", SECOND_MEMBER, "0x20"),
      ],
      samples: [{ labels: VSERVER_SAMPLE, value: 0.5 }],
    },
  },
  {
    record: "adc_witness:adc:mismatch_ratio",
    expr: "avg by (job, instance, adc) (adc_witness_mismatch)",
    meaning: "Share of an ADC's members that it is wrong about, 0 to 1, as each agent sees it.",
    test: {
      series: [
        series("adc_witness_mismatch", MEMBER, "1x20"),
        series("adc_witness_mismatch", SECOND_MEMBER, "0x20"),
      ],
      samples: [{ labels: ADC_SAMPLE, value: 0.5 }],
    },
  },
  {
    record: "adc_witness:vserver:really_up_ratio",
    expr: 'adc_witness_vserver_members{of="really_up"} / ignoring (of) (adc_witness_vserver_members{of="configured"} > 0)',
    meaning: "Share of a vserver's members that really work, 0 to 1.",
    test: {
      series: [
        series("adc_witness_vserver_members", { ...VSERVER, of: "configured" }, "4x20"),
        series("adc_witness_vserver_members", { ...VSERVER, of: "really_up" }, "3x20"),
      ],
      samples: [{ labels: VSERVER_SAMPLE, value: 0.75 }],
    },
  },
  {
    record: "adc_witness:vserver:believed_surplus",
    expr: 'adc_witness_vserver_members{of="adc_up"} - ignoring (of) adc_witness_vserver_members{of="really_up"}',
    meaning:
      "Members that the ADC reports as up minus members that really work; below 0: unused capacity.",
    test: {
      series: [
        series("adc_witness_vserver_members", { ...VSERVER, of: "adc_up" }, "3x20"),
        series("adc_witness_vserver_members", { ...VSERVER, of: "really_up" }, "1x20"),
      ],
      samples: [{ labels: VSERVER_SAMPLE, value: 2 }],
    },
  },
  {
    record: "adc_witness:member:agents_saying_mismatch",
    expr: overAgents("sum", "adc_witness_mismatch"),
    meaning: "How many agents say that the ADC is wrong about the member.",
    test: {
      series: [
        series("adc_witness_mismatch", MEMBER, "1x20"),
        series("adc_witness_mismatch", { ...MEMBER, ...OTHER }, "0x20"),
      ],
      samples: [{ labels: MEMBER_SAMPLE, value: 1 }],
    },
  },
  {
    record: "adc_witness:member:agents_knowing",
    expr: overAgents("count", KNOWN_MISMATCH),
    meaning:
      "How many agents have a verdict on the member other than unknown; absent when none has.",
    test: {
      series: BOTH_AND_ONE,
      samples: [
        { labels: MEMBER_SAMPLE, value: 2 },
        { labels: SECOND_SAMPLE, value: 2 },
        { labels: THIRD_SAMPLE, value: 1 },
      ],
    },
  },
  {
    record: "adc_witness:member:all_say_mismatch",
    expr: overAgents("min", KNOWN_MISMATCH),
    meaning:
      "1 when every agent that knows the member says that the ADC is wrong about it: with two agents, both say.",
    test: {
      series: BOTH_AND_ONE,
      samples: [
        { labels: MEMBER_SAMPLE, value: 1 },
        { labels: SECOND_SAMPLE, value: 0 },
        { labels: THIRD_SAMPLE, value: 1 },
      ],
    },
  },
  {
    record: "adc_witness:member:only_some_say_mismatch",
    expr: `${overAgents("max", KNOWN_MISMATCH)} - ${overAgents("min", KNOWN_MISMATCH)}`,
    meaning:
      "1 when the agents that know the member are divided: with two agents, one says that the ADC is wrong, the other that it is right.",
    test: {
      series: BOTH_AND_ONE,
      samples: [
        { labels: MEMBER_SAMPLE, value: 0 },
        { labels: SECOND_SAMPLE, value: 1 },
        { labels: THIRD_SAMPLE, value: 0 },
      ],
    },
  },
  {
    record: "adc_witness:member:agents_agreement_ratio",
    expr: `abs(2 * ${overAgents("avg", KNOWN_MISMATCH)} - 1)`,
    meaning:
      "1 when all agents that know the member say the same about it, 0 when they are divided in half.",
    test: {
      series: [
        series("adc_witness_mismatch", MEMBER, "1x20"),
        series("adc_witness_mismatch", { ...MEMBER, ...OTHER }, "0x20"),
        series("adc_witness_mismatch", SECOND_MEMBER, "0x20"),
        series("adc_witness_mismatch", { ...SECOND_MEMBER, ...OTHER }, "0x20"),
      ],
      samples: [
        { labels: MEMBER_SAMPLE, value: 0 },
        { labels: SECOND_SAMPLE, value: 1 },
      ],
    },
  },
];
