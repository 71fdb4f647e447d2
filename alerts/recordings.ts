import { MEMBER, SCRAPE, series, VSERVER, type Recording } from "./alert.ts";

const MEMBER_LABELS = "adc, adc_service, server, port";
const OTHER = { ...SCRAPE, instance: "witness2:9743" } as const;
const SECOND_MEMBER = { ...MEMBER, server: "ex03" } as const;
const IN_VSERVER = { vserver: "v_imap" } as const;
const VSERVER_SAMPLE = '{adc="prod",instance="witness1:9743",job="adc-witness",vserver="v_imap"}';
const MEMBER_SAMPLE = '{adc="prod",adc_service="svc_imap",port="993",server="ex02"}';

/** Series that dashboards use: per vserver, per ADC, and joined over agents that look from several places. */
export const RECORDINGS: readonly Recording[] = [
  {
    record: "adc_witness:vserver:mismatch_ratio",
    expr: `avg by (job, instance, adc, vserver) (adc_witness_vserver_member_info * on (job, instance, ${MEMBER_LABELS}) group_left () adc_witness_mismatch)`,
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
      samples: [{ labels: '{adc="prod",instance="witness1:9743",job="adc-witness"}', value: 0.5 }],
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
      "Members that the ADC believes in beyond those that really work; below 0: capacity it does not use.",
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
    expr: `sum by (${MEMBER_LABELS}) (adc_witness_mismatch)`,
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
    record: "adc_witness:member:agents_agreement_ratio",
    expr: `abs(2 * avg by (${MEMBER_LABELS}) (adc_witness_mismatch) - 1)`,
    meaning: "1 when all agents say the same about the member, 0 when they are divided in half.",
    test: {
      series: [
        series("adc_witness_mismatch", MEMBER, "1x20"),
        series("adc_witness_mismatch", { ...MEMBER, ...OTHER }, "0x20"),
        series("adc_witness_mismatch", SECOND_MEMBER, "0x20"),
        series("adc_witness_mismatch", { ...SECOND_MEMBER, ...OTHER }, "0x20"),
      ],
      samples: [
        { labels: MEMBER_SAMPLE, value: 0 },
        { labels: '{adc="prod",adc_service="svc_imap",port="993",server="ex03"}', value: 1 },
      ],
    },
  },
];
