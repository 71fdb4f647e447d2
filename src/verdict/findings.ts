import type { Reason, Step } from "../model/reasons.ts";
import { transactionRank } from "./service-opinion.ts";
import type { ProbeFacts } from "./facts.ts";
import type { LiveFinding, LiveMember } from "../model/live.ts";
import { withPort } from "../lib/ip.ts";

/** A fault behind all front ends: one finding for the estate, instead of a blind monitor at each of them. */
export interface MailboxFinding {
  readonly kind: "mailbox_side";
  readonly adc: string;
  readonly account: string;
  /** Transactions that fail the same way through every front end. */
  readonly transactions: readonly string[];
  readonly reason: Reason | null;
  /** Mailbox servers that the front ends name in the failing answers, each once. */
  readonly backendServers: readonly string[];
  readonly message: string;
}

export interface MailboxSide {
  readonly findings: readonly MailboxFinding[];
  /** Probes whose failure is attributed to the mailbox: they give no opinion on their front end. */
  readonly probes: ReadonlySet<ProbeFacts>;
}

/** Steps whose failure may lie behind the front end. */
const BEHIND_THE_FRONT_END: ReadonlySet<Step> = new Set<Step>([
  "login",
  "response",
  "mail_from",
  "transaction",
]);

/**
 * Finds what fails the same way through every front end: the same login fails behind all of at least two front ends, or an
 * account is suspended while another is still accepted at the same servers. An unavailable database answers like a wrong
 * password, so the second finding names both.
 */
export function findMailboxSide(
  probes: readonly ProbeFacts[],
  suspended: readonly { readonly account: string }[],
): MailboxSide {
  const logins = probes.filter(
    (probe) =>
      probe.vantage === "backend" &&
      probe.transaction !== "" &&
      transactionRank(probe.transaction) === "login" &&
      probe.account !== null,
  );
  const findings: MailboxFinding[] = [];
  const mailboxSide = new Set<ProbeFacts>();
  for (const account of new Set(logins.map((probe) => probe.account))) {
    if (account === null) {
      continue;
    }
    const own = logins.filter((probe) => probe.account === account);
    const failing = alikeEverywhere(own);
    const closed =
      suspended.some((each) => each.account === account) &&
      own.some(
        ({ current, heldBack }) =>
          current?.reason === "auth_rejected" || heldBack?.why === "suspended",
      ) &&
      anotherIsAccepted(own, logins, account);
    if (failing.length === 0 && !closed) {
      continue;
    }
    const concerned = closed ? own : failing;
    for (const probe of concerned) {
      mailboxSide.add(probe);
    }
    const transactions = [...new Set(concerned.map((probe) => probe.transaction))];
    const pointed = pointers(concerned);
    findings.push({
      kind: "mailbox_side",
      adc: own[0]?.adc ?? "",
      account,
      transactions,
      reason: failing[0]?.last?.reason ?? "auth_rejected",
      backendServers: [...pointed.keys()],
      message: closed
        ? `${account} is rejected through every front end while another account is accepted: its password is wrong or its mailbox database is unavailable; the front ends work.${pointersInWords(pointed)}`
        : `${transactions.join(", ")} of ${account} fail in the same way through every front end: the mailbox side fails, not the front ends.${pointersInWords(pointed)}`,
    });
  }
  return { findings, probes: mailboxSide };
}

/** For each mailbox server: the front ends whose failing answers name it. */
function pointers(concerned: readonly ProbeFacts[]): ReadonlyMap<string, ReadonlySet<string>> {
  const pointed = new Map<string, Set<string>>();
  for (const { server, current } of concerned) {
    if (current?.backendServer !== undefined && current.outcome !== "match") {
      const { backendServer } = current;
      pointed.set(backendServer, (pointed.get(backendServer) ?? new Set()).add(server));
    }
  }
  return new Map([...pointed].sort(([one], [other]) => one.localeCompare(other)));
}

/** For the message: which front ends proxy to which mailbox server. */
function pointersInWords(pointed: ReadonlyMap<string, ReadonlySet<string>>): string {
  return [...pointed]
    .map(([backend, frontEnds]) => ` ${[...frontEnds].sort().join(", ")}: to ${backend}.`)
    .join("");
}

/** The probes of each transaction that fails behind the front end at all of at least two servers. */
function alikeEverywhere(own: readonly ProbeFacts[]): ProbeFacts[] {
  return [...new Set(own.map((probe) => probe.transaction))].flatMap((transaction) => {
    const group = own.filter((probe) => probe.transaction === transaction);
    const servers = new Set(group.map((probe) => probe.server));
    const alike = group.every(
      (probe) =>
        probe.opinion === "down" &&
        probe.current !== null &&
        BEHIND_THE_FRONT_END.has(probe.current.step),
    );
    return servers.size >= 2 && alike ? group : [];
  });
}

function anotherIsAccepted(
  own: readonly ProbeFacts[],
  logins: readonly ProbeFacts[],
  account: string,
): boolean {
  const servers = new Set(own.map((probe) => probe.server));
  return logins.some(
    (probe) => probe.account !== account && servers.has(probe.server) && probe.opinion === "up",
  );
}

/** Members that the ADC takes DOWN and UP while they work, each with what the ADC's own monitors answered. */
export function flappingFindings(members: readonly LiveMember[]): readonly LiveFinding[] {
  return members.flatMap((member): readonly LiveFinding[] => {
    const { adc, adcService, server, port, flapping = null } = member;
    if (flapping === null) {
      return [];
    }
    const { flaps, lastResponses } = flapping;
    const answers = lastResponses.map((each) => `"${each}"`).join(", ");
    const answered = answers === "" ? "" : ` Its monitor answered: ${answers}.`;
    const message = `${adc} took ${adcService} ${withPort(server, port)} DOWN and UP ${String(flaps)} times within the last hour, while it worked all the time.${answered}`;
    return [{ kind: "adc_flapping", adc, adcService, server, port, flapping, message }];
  });
}
