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

/** docs/verdicts.md: every verdict, step and reason with its meaning and advice, under an anchor of its name. */
export function verdictReference(): string {
  const vserverOnly = VSERVER_VERDICTS.filter((verdict) => !isOfMembers(verdict));
  return [
    "# Verdicts and reasons",
    "",
    "A **verdict** is adc-witness' result for a member (one server:port of a service or group) or a vserver, from a closed",
    "list. The **reason** and the **step** say why and where a probe ended; they are from closed lists, too.",
    "",
    "A verdict compares three opinions: the **ADC**'s state, the result of a **replica** of its monitors that this agent",
    "runs, and the **service**'s own responses to a client. [architecture.md](dev/architecture.md) has more.",
    "",
    "Evidence expires: a replica or service opinion is `unknown` once its probes have given no result for three intervals",
    "(while DOWN: three down times; at least five seconds). The same applies to conclusions from a certificate, a login",
    "scheme, a sign of maintenance or a server's own TROFS response.",
    "",
    "`compare` exits with 2 for a *mismatch*, otherwise with 3 for an unexpected unknown, otherwise with 1 for a verdict that",
    "*needs attention*, otherwise with 0.",
    "",
    "A pass outweighs a failure only if it has at least the same depth, on the same path. The depths, shallowest first: `reach` (a TCP",
    "handshake), `tls`, `greeting` (or an HTTP status), `dialogue` (EHLO and MAIL FROM, a page or challenge of one virtual",
    "directory), `login`, `mailbox`. A passing greeting proves nothing against a failing login monitor: the verdict is",
    '`agree_down` ("the monitor fails here too"), or `unknown` if the monitor cannot be repeated. A member that is UP is also',
    "`unknown` if the server offers a configured login only schemes that this agent does not support (`scheme_unsupported`).",
    "",
    "A mismatch with an ADC that reports UP requires evidence from before the last poll that is not older than the replica's",
    "recovery. Until then the verdict is `settling`. With an ns.conf alone, without NITRO, every verdict is",
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
    "A member that fails but still gets clients causes its share of failures at the VIP, where it is named. The VIP is down",
    "only if more consecutive looks fail than chance explains once in a thousand runs (10 if every second member fails, 7 if",
    "every third does), or if the ADC itself does not respond. If persistence binds our address to one member, these looks prove nothing.",
    "",
    "An authentication vserver has no members: it is `vip_agree_up` if its login page responds, `vip_login_broken` if it does not",
    "although the ADC reports UP, and `unknown` if it cannot be reached.",
    "",
    "An ADC that has a vserver DOWN is contradicted only by members that pass checks as deep as its monitors: if a monitor logs",
    "in and its account is rejected, working greetings prove nothing.",
    "",
    ...overview(vserverOnly),
    ...vserverOnly.flatMap(verdictText),
    ...anchored(2, "steps", "Steps"),
    "How far a probe got.",
    "",
    ...table(
      ["step", "the probe ended"],
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
    return "needs attention: 1";
  }
  return verdict === "unknown" ? "3, if unexpected" : "0";
}
