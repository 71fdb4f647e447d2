import { REASONS, STEPS, REASON_WORDS, STEP_WORDS } from "../src/model/reasons.ts";
import {
  MEMBER_VERDICTS,
  MISMATCH_VERDICTS,
  VSERVER_VERDICTS,
  WARNING_VERDICTS,
  type Verdict,
  VERDICT_WORDS,
} from "../src/model/verdicts.ts";
import { anchored, code, table } from "./markdown.ts";

/** docs/verdicts.md: every verdict, step and reason, in words and with what to do, under an anchor of its name. */
export function verdictReference(): string {
  const vserverOnly = VSERVER_VERDICTS.filter((verdict) => !isOfMembers(verdict));
  return [
    "# Verdicts and reasons",
    "",
    "A **verdict** is what adc-witness says of a member (one server:port of a service or group) or of a vserver. It is one",
    "of a closed list. The **reason** and the **step** say why a probe ended as it did; they are closed lists, too.",
    "",
    "A verdict compares three opinions: what the **ADC** says, what a **replica** of its monitors says when this agent runs",
    "them, and what the **service** says when a client talks to it. [architecture.md](dev/architecture.md) has more.",
    "",
    "Evidence grows old: a replica or a service opinion is `unknown` once its probes have brought no result for three",
    "intervals (while DOWN: three down times; five seconds at least), and so is whatever rests on a certificate, a login",
    "scheme, a sign of maintenance or a server's own TROFS answer that was seen last before that.",
    "",
    "`compare` exits with 2 for a *mismatch*, else with 3 for an unknown that was not to be expected, else with 1 for what",
    "*deserves a look*, else with 0.",
    "",
    "A pass outranks a failure only if it saw as deep, on the same path. The depths, shallowest first: `reach` (a TCP",
    "handshake), `tls`, `greeting` (or an HTTP status), `dialogue` (EHLO and MAIL FROM, a page or challenge of one virtual",
    "directory), `login`, `mailbox`. A greeting that is good proves nothing against a login monitor that fails: that is",
    '`agree_down` ("the monitor fails here too"), or `unknown` where the monitor cannot be repeated. Likewise `unknown` is a',
    "member that is UP where a configured login is offered only what this agent cannot speak (`scheme_unsupported`).",
    "",
    "An ADC that says UP is accused only by evidence that came up before it was last asked, and that is not older than the",
    "replica's recovery. Until then the verdict is `settling`. With an ns.conf alone, without NITRO, every verdict is",
    "`unknown`.",
    "",
    "## Verdicts on members",
    "",
    ...overview(MEMBER_VERDICTS),
    ...MEMBER_VERDICTS.flatMap(verdictText),
    "## Verdicts on vservers",
    "",
    "`settling` and `unknown` mean the same as for members.",
    "",
    "A member that fails and still gets clients brings its share of failures to the VIP. It is named there; the VIP is down",
    "only when more looks in a row fail than chance brings once in a thousand runs (10 where every second member fails, 7",
    "where every third does), or when the ADC itself does not answer. Where our address sticks to one member, they say nothing.",
    "",
    "An authentication vserver has no members: it is `vip_agree_up` when its login answers, `vip_login_broken` when it does not",
    "although the ADC says UP, and `unknown` where nothing leads to it.",
    "",
    "An ADC that has a vserver DOWN is contradicted only by members that work as deep as its monitors look: where it logs in",
    "and its account is rejected, servers that greet prove nothing.",
    "",
    ...overview(vserverOnly),
    ...vserverOnly.flatMap(verdictText),
    ...anchored(2, "steps", "Steps"),
    "How far a probe came.",
    "",
    ...table(
      ["step", "it ended"],
      STEPS.map((step) => [code(step), STEP_WORDS[step]]),
    ),
    "",
    ...anchored(2, "reasons", "Reasons"),
    "Why it ended there.",
    "",
    ...REASONS.flatMap((reason) => {
      const { label, advice } = REASON_WORDS[reason];
      return [...anchored(3, reason), `In words: ${label}.`, "", `What to do: ${advice}`, ""];
    }),
  ].join("\n");
}

function isOfMembers(verdict: Verdict): boolean {
  const members: readonly Verdict[] = MEMBER_VERDICTS;
  return members.includes(verdict);
}

function overview(verdicts: readonly Verdict[]): string[] {
  return [
    ...table(
      ["verdict", "in words", "`compare`"],
      verdicts.map((verdict) => [
        `[\`${verdict}\`](#${verdict})`,
        VERDICT_WORDS[verdict].label,
        weight(verdict),
      ]),
    ),
    "",
  ];
}

function verdictText(verdict: Verdict): string[] {
  const { label, meaning, advice } = VERDICT_WORDS[verdict];
  return [...anchored(3, verdict), `*${label}*. ${meaning}`, "", `What to do: ${advice}`, ""];
}

function weight(verdict: Verdict): string {
  if (MISMATCH_VERDICTS.has(verdict)) {
    return "mismatch: 2";
  }
  if (WARNING_VERDICTS.has(verdict)) {
    return "deserves a look: 1";
  }
  return verdict === "unknown" ? "3, where not to be expected" : "0";
}
