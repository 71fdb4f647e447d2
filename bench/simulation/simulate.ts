import { buildRecords } from "../../src/agent/records/build-records.ts";
import type { ProbeRecord } from "../../src/agent/records/probe-record.ts";
import { WitnessState } from "../../src/agent/records/witness-state.ts";
import { judgeMember } from "../../src/verdict/judge-member.ts";
import { lastRecovery } from "../../src/agent/probe-runner.ts";
import type { ProbeResult } from "../../src/agent/run-probe.ts";
import { DueQueue } from "../../src/agent/scheduler.ts";
import { lockoutKeyOf } from "../../src/probes/monitors/spec.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { memberKey, type MemberState } from "../../src/model/adc-state.ts";
import {
  GUARDED_VSERVERS,
  IMAP_USER,
  LOGIN_EVERY_MS,
  MONITOR_USER,
  POLL_MS,
  simulatedEstate,
  simulatedSettings,
  TIMING,
} from "./estate.ts";
import type { LoginState, Situation } from "./expected.ts";
import { sumOfCounts, type FlapCounts } from "./flap-judge.ts";
import { GuardedVserver, type LoginCounts } from "./guarded.ts";
import type { Mistake, Named } from "./judge.ts";
import { loginSeen, REFUSED, SimulatedLogins } from "./logins.ts";
import {
  AGENT_EVALUATES_MS,
  adcSees,
  memberOf,
  OVERDUE_AFTER_MS,
  STABILITY_MS,
  type Member,
} from "./member.ts";
import { nextTruth } from "./member-life.ts";
import { drawOperation, SimulatedWindows, type Step } from "./operation.ts";
import { seededRandom } from "./random.ts";
import type { Tally } from "./tally.ts";
import {
  failureSeen,
  logsIn,
  LOST,
  lookPasses,
  monitorPasses,
  observation,
  WELL,
  type LookName,
  type Truth,
} from "./world.ts";

export interface SimulationOptions {
  readonly hours: number;
  readonly servers: number;
  readonly seed: number;
}

/** Plain data: a worker sends it. */
export interface SimulationResult {
  readonly members: number;
  readonly hours: number;
  readonly probes: number;
  /** Times at which a member's condition, or the quality of its ADC's monitoring, changed. */
  readonly changes: number;
  /** Pieces of work on a server that were begun. */
  readonly operations: number;
  readonly episodes: number;
  readonly named: readonly Named[];
  readonly flapping: FlapCounts;
  /** Breaks of the ADC's own login. */
  readonly logins: LoginCounts;
  readonly missed: readonly Mistake[];
  readonly falseAlarms: readonly Mistake[];
  readonly tally: Tally;
}

/** A member that is down is probed every 30 s, and needs two passing results to leave maintenance. */
const UNSEEN_MS = 90_000;
/** The result of a login is valid for three intervals, and until the next evaluation. */
const LOGIN_LASTS_MS = 3 * LOGIN_EVERY_MS + 20_000;
/** One probe in a thousand is lost, of the agent and of the ADC. */
const LOST_SHARE = 0.001;
/** The world begins after noon of some day, so that no clock starts at zero. */
const BEGIN = Date.UTC(2026, 10, 3, 12);

type Event =
  | { readonly kind: "probe"; readonly probe: ProbeRecord; readonly member: Member }
  | { readonly kind: "vip_probe"; readonly probe: ProbeRecord; readonly vserver: GuardedVserver }
  | { readonly kind: "aaa"; readonly vserver: GuardedVserver }
  | { readonly kind: "account"; readonly account: Account }
  | { readonly kind: "adc_probe"; readonly member: Member }
  | { readonly kind: "poll" }
  | { readonly kind: "evaluate"; readonly member: Member }
  | { readonly kind: "change"; readonly member: Member }
  | { readonly kind: "work"; readonly server: Server }
  | { readonly kind: "step"; readonly server: Server; readonly step: Step };

/** An account that the domain rejects at times: the password has expired, or only the agent has an old one. */
interface Account {
  readonly user: string;
  refusesUs: boolean;
  refusesAdc: boolean;
}

interface Server {
  readonly name: string;
  readonly members: readonly Member[];
  atWork: ReturnType<typeof drawOperation> | null;
}

/**
 * Maintenance hours in virtual time: an estate with a known truth goes through maintenance, outages, flaps, blind ADCs
 * and lost probes, while the agent's own records and rules judge the results of probes and polls. Sockets and timers
 * are simulated; everything that decides is the agent's own.
 * The agent judges all members every second. Here a member is judged at each of its events, at the full second before
 * anything about it changes, and every second while it settles: at all other times judging it changes nothing.
 */
export function simulate(options: SimulationOptions): SimulationResult {
  const random = seededRandom(options.seed);
  const windows = new SimulatedWindows();
  const tally: Tally = {};
  let now = BEGIN;
  const clock = (): number => now;
  const estate = simulatedEstate(options.servers);
  const plan = planProbes(estate, simulatedSettings());
  const records = buildRecords(
    estate,
    plan,
    { pollMs: POLL_MS, vservers: new Map(), now: clock },
    null,
  );
  const state = new WitnessState({
    agent: "simulation",
    stabilityMs: STABILITY_MS,
    overdueAfterMs: OVERDUE_AFTER_MS,
    declarations: {
      declaredFor: (server, at, awaySince) => windows.declaredFor(server, at, awaySince),
      observe: () => undefined,
    },
    grace: "watched",
    now: clock,
  });
  state.addAdc(estate.adc, { nitro: true, pollMs: POLL_MS });
  state.setRecords(estate.adc, records);
  state.evaluateAll();
  const world = new Map(records.members.map((record) => [record, memberOf(record, BEGIN, tally)]));
  const members = [...world.values()];
  const servers = [...new Set(members.map(({ record }) => record.server))].map((name): Server => {
    return { name, members: members.filter(({ record }) => record.server === name), atWork: null };
  });
  const logins = new SimulatedLogins();
  const accounts = [MONITOR_USER, IMAP_USER].map((user): Account => {
    return { user, refusesUs: false, refusesAdc: false };
  });
  const guarded = records.vservers
    .filter(({ vserver }) => GUARDED_VSERVERS.some((name) => name === vserver))
    .map((record) => {
      return new GuardedVserver(
        record,
        members.filter(({ kind }) => kind === "guarded"),
      );
    });

  const queue = new DueQueue<Event>();
  for (const probe of records.probes) {
    const record = records.memberOf.get(probe);
    const member = record === undefined ? undefined : world.get(record);
    if (member !== undefined && probe.planned.action.run !== null) {
      queue.push(BEGIN + random.whole(0, 10_000), { kind: "probe", probe, member });
    }
    const vserver = guarded.find(({ record: { vserver: name } }) => name === probe.vserver);
    if (vserver !== undefined && probe.vantage === "vip" && probe.planned.action.run !== null) {
      queue.push(BEGIN + random.whole(0, 10_000), { kind: "vip_probe", probe, vserver });
    }
  }
  for (const vserver of guarded) {
    queue.push(BEGIN + random.whole(600_000, 7_200_000), { kind: "aaa", vserver });
  }
  for (const account of accounts) {
    queue.push(BEGIN + random.whole(600_000, 18_000_000), { kind: "account", account });
  }
  for (const member of members) {
    queue.push(BEGIN + random.whole(0, TIMING.intervalMs), { kind: "adc_probe", member });
    queue.push(BEGIN + random.whole(300_000, 7_200_000), { kind: "change", member });
  }
  for (const server of servers) {
    queue.push(BEGIN + random.whole(600_000, 40_000_000), { kind: "work", server });
  }
  queue.push(BEGIN + 5_000, { kind: "poll" });

  const end = BEGIN + options.hours * 3_600_000;
  let probes = 0;
  let changes = 0;
  let operations = 0;
  for (let due = queue.popDue(end); due !== undefined; due = queue.popDue(end)) {
    now = due.dueAt;
    const againMs = happen(due.item);
    if (againMs !== null) {
      queue.push(now + Math.round(againMs), due.item);
    }
  }
  now = end;
  members.forEach(look);
  const judges = members.map((member) => member.judge);
  return {
    members: members.length,
    hours: options.hours,
    probes,
    changes,
    operations,
    episodes: judges.reduce((sum, judge) => sum + judge.episodes, 0),
    named: judges.flatMap((judge) => judge.named),
    flapping: sumOfCounts(members.map(({ flaps }) => flaps)),
    logins: sumOfCounts(guarded),
    missed: [
      ...judges.flatMap((judge) => judge.missed),
      ...[...members.map(({ flaps }) => flaps), ...guarded].flatMap(({ missed }) => missed),
    ],
    falseAlarms: [
      ...judges.flatMap((judge) => judge.falseAlarms),
      ...[...members.map(({ flaps }) => flaps), ...guarded].flatMap((each) => each.falseAlarms),
    ],
    tally,
  };

  /** Does what is due, and returns the milliseconds until the next action; null: none. */
  function happen(event: Event): number | null {
    switch (event.kind) {
      case "probe":
        probes += 1;
        return observeProbe(event.probe, event.member);
      case "vip_probe":
        probes += 1;
        return probeVip(event.probe, event.vserver);
      case "aaa":
        return event.vserver.change(now, random);
      case "account":
        return changeAccount(event.account);
      case "adc_probe": {
        const { member } = event;
        const lost = random.next() < LOST_SHARE;
        return probeOfAdc(member, lost);
      }
      case "poll":
        poll();
        return POLL_MS;
      case "evaluate":
        event.member.evaluationIsDue = false;
        evaluate(event.member, now);
        judged(event.member);
        return null;
      case "change":
        return change(event.member);
      case "work":
        return work(event.server);
      case "step":
        doStep(event.server, event.step);
        return null;
    }
  }

  function probeOfAdc(member: Member, lost: boolean): number {
    const { adc, truth } = member;
    const isRefused = logsIn(member.kind) && accountOf(member)?.refusesAdc === true;
    const againMs = adc.probe(now, adcSees(member, now) && !isRefused, lost);
    member.flaps.believes(adc.beliefFrom(now), now, truth.condition === "well");
    return againMs;
  }

  function observeProbe(probe: ProbeRecord, member: Member): number {
    const { kind, truth } = member;
    const name = probe.transaction === "" ? null : (probe.transaction as LookName);
    const passes = name === null ? monitorPasses(kind, truth, "us") : lookPasses(name, truth);
    const lost = random.next() < LOST_SHARE;
    const failure = lost ? LOST : passes ? null : failureSeen(name ?? kind, truth);
    if (probe.credential !== null) {
      const way = failure !== null && failure.step !== "login" ? failure : null;
      return logIn(probe, member, () =>
        way === null && accountUsed(probe)?.refusesUs === true
          ? loginSeen(now, REFUSED, "rejected")
          : loginSeen(now, failure, failure === null ? "accepted" : "not_tried"),
      );
    }
    return book(probe, member, {
      observation: observation(now, failure),
      passed: failure === null,
    });
  }

  /** A login, if the account's gate allows it. */
  function logIn(probe: ProbeRecord, member: Member | null, attempt: () => ProbeResult): number {
    const recoveredAt = probe.lastPassed === true ? null : lastRecovery(probe, state);
    const played = logins.run(probe, now, recoveredAt, attempt);
    if (played.kind === "later") {
      return played.inMs;
    }
    for (const { key, failureOf } of played.broken) {
      const place = records.probes.find(({ id }) => id === key);
      if (place !== undefined && place.last !== null) {
        const { result, times } = failureOf(place);
        for (let count = 0; count < times; count++) {
          book(place, memberBehind(place), result);
        }
      }
    }
    if (played.result === null) {
      if (member !== null) {
        look(member);
      }
      return probe.intervalMs;
    }
    return book(probe, member, played.result);
  }

  function book(
    probe: ProbeRecord,
    member: Member | null,
    { observation: seen, passed }: ProbeResult,
  ): number {
    if (member !== null) {
      if (passed !== true) {
        member.flaps.weFailed(now);
      }
      if (passed !== true || probe.lastPassed !== true) {
        catchUp(member);
      }
    }
    const againMs = state.recordResult(probe, seen, passed);
    if (member !== null) {
      judged(member);
    }
    return againMs;
  }

  function memberBehind(probe: ProbeRecord): Member | null {
    const record = records.memberOf.get(probe);
    return record === undefined ? null : (world.get(record) ?? null);
  }

  function probeVip(probe: ProbeRecord, vserver: GuardedVserver): number {
    const lost = random.next() < LOST_SHARE;
    const attempt = (): ProbeResult =>
      lost ? loginSeen(now, LOST, "not_tried") : vserver.see(probe, now, random);
    const againMs =
      probe.credential === null ? book(probe, null, attempt()) : logIn(probe, null, attempt);
    vserver.look(now);
    return againMs;
  }

  /** The account of logins at this member. */
  function accountOf({ kind }: Member): Account | undefined {
    const user = logsIn(kind) ? MONITOR_USER : kind === "plain" ? IMAP_USER : null;
    return accounts.find((account) => account.user === user);
  }

  /** The account of this probe, if it is ever rejected. */
  function accountUsed({ credential }: ProbeRecord): Account | undefined {
    return accounts.find(({ user }) => lockoutKeyOf(user) === credential?.lockoutKey);
  }

  function changeAccount(account: Account): number {
    const affected = members.filter((member) => accountOf(member) === account);
    affected.forEach(look);
    account.refusesUs = !account.refusesUs;
    account.refusesAdc = account.refusesUs && random.next() < 0.6;
    affected.forEach(look);
    return account.refusesUs
      ? random.whole(60_000, 2 * 3_600_000)
      : random.whole(2 * 3_600_000, 12 * 3_600_000);
  }

  /** Whether logins at this member give results now; one that was held back gives one when it is made later. */
  function loginAt(member: Member, of: ProbeRecord["kind"] | null): LoginState {
    const own = member.record.probes.filter(
      ({ credential, kind }) => credential !== null && (of === null || kind === of),
    );
    if (own.some((probe) => accountUsed(probe)?.refusesUs === true)) {
      return "refused";
    }
    const isHeld = own.some(
      ({ heldBack, lastPassed, last }) =>
        heldBack !== null || (last !== null && lastPassed === null),
    );
    return isHeld ? "held" : "works";
  }

  function poll(): void {
    const states = new Map<string, MemberState>();
    for (const member of members) {
      const { record, adc, polled } = member;
      const belief = adc.beliefAt(now);
      if (belief !== member.heard) {
        catchUp(member);
        member.heard = belief;
      }
      states.set(memberKey(record.adcService, record.server, record.port), polled[belief]);
    }
    const vservers = new Map(guarded.map((each) => [each.record.vserver, each.polled(now)]));
    state.applyAdcPoll(estate.adc, { at: now, nodes: [], vservers, members: states });
    members.forEach(judged);
    guarded.forEach((vserver) => {
      vserver.look(now);
    });
  }

  /** What the agent did at the last full second. */
  function catchUp(member: Member): void {
    const second = now - ((now - BEGIN) % AGENT_EVALUATES_MS);
    if (second > member.evaluatedAt && second < now) {
      const at = now;
      now = second;
      evaluate(member, second);
      now = at;
    }
  }

  function evaluate(member: Member, at: number): void {
    const { record } = member;
    const outcome = judgeMember(record, {
      now: at,
      cutOff: false,
      nitro: true,
      declared: windows.declaredFor(record.server, at, record.awaySince).state,
      stabilityMs: STABILITY_MS,
      overdueAfterMs: OVERDUE_AFTER_MS,
      grace: "watched",
      mailboxSide: new Set(),
    });
    record.apply(outcome, at);
  }

  function judged(member: Member): void {
    member.evaluatedAt = now;
    look(member);
    if (member.record.verdict === "settling" && !member.evaluationIsDue) {
      member.evaluationIsDue = true;
      const second = now - ((now - BEGIN) % AGENT_EVALUATES_MS) + AGENT_EVALUATES_MS;
      queue.push(second, { kind: "evaluate", member });
    }
  }

  function look(member: Member): void {
    const { record, kind, truth, adc } = member;
    const away = awayOf(member);
    const isProven = kind === "proven";
    const login = loginAt(member, isProven ? "transaction" : null);
    if (login !== "works") {
      member.isAwayUntold = true;
      member.toldAt = now;
    } else if (truth.condition === "well" && adc.beliefAt(now) === "up") {
      member.isAwayUntold &&= now - Math.max(member.toldAt, member.wellAt) < UNSEEN_MS;
    }
    const monitorLogin = isProven ? loginAt(member, "monitor") : "works";
    if (monitorLogin !== "works") {
      member.monitorToldAt = now;
    }
    const situation: Situation = {
      kind,
      truth: adc.sightIsLost && truth.adc === "honest" ? { ...truth, adc: "stuck_down" } : truth,
      adc: record.adcOpinion,
      window: away.window,
      overdue: away.overdueAt !== null && away.overdueAt <= now,
      wasBrieflyWell: member.wasBrieflyWell,
      login,
      monitorLogin,
      loginLags: kind === "plain" && login !== "works" && now - member.changedAt < LOGIN_LASTS_MS,
      isAwayUntold: member.isAwayUntold,
    };
    member.judge.look(now, situation, {
      since: Math.max(
        member.changedAt,
        adc.believedSince(now),
        // Until the agent's login has a result again.
        ...(member.isAwayUntold ? [now] : []),
        member.monitorToldAt,
        ...(away.endedAt === null ? [] : [away.endedAt]),
        ...(situation.overdue ? [away.overdueAt ?? 0] : []),
      ),
      before: member.before,
      changedAt: member.changedAt,
    });
    member.flaps.look(now);
  }

  /** The correct maintenance state of a member: since when it is out, and what was open then. */
  function awayOf({ record, adc, notWellSince, workedOn }: Member): {
    readonly window: Situation["window"];
    /** When the window ended that is over. */
    readonly endedAt: number | null;
    readonly overdueAt: number | null;
  } {
    const span = windows.spanOf(record.server);
    const outSince = adc.outSince;
    const since = [notWellSince, outSince].filter((at) => at !== null);
    const awaySince = since.length === 0 ? null : Math.min(...since);
    const isOpen = span !== null && span.startAt <= now && now < span.endAt;
    const isOver =
      span !== null && awaySince !== null && span.endAt <= now && span.endAt > awaySince;
    const isWorkedOn = workedOn && notWellSince !== null;
    return {
      window: isOpen ? "open" : isOver ? "over" : "no",
      endedAt: isOver ? span.endAt : null,
      overdueAt: isWorkedOn && awaySince !== null ? awaySince + OVERDUE_AFTER_MS : null,
    };
  }

  function change(member: Member): number {
    if (servers.some((server) => server.atWork !== null && server.members.includes(member))) {
      return random.whole(600_000, 3_600_000);
    }
    const { truth, lastsMs } = nextTruth(member.truth, member.kind, random);
    look(member);
    setTruth(member, truth);
    look(member);
    return lastsMs;
  }

  /** Begins a piece of work on a server, whose members then have no troubles of their own. */
  function work(server: Server): number {
    operations += 1;
    const operation = drawOperation(random);
    server.atWork = operation;
    for (const step of operation.steps) {
      queue.push(now + step.afterMs, { kind: "step", server, step });
    }
    return (operation.steps.at(-1)?.afterMs ?? 0) + random.whole(4 * 3_600_000, 24 * 3_600_000);
  }

  function doStep(server: Server, { does }: Step): void {
    const { atWork } = server;
    for (const member of server.members) {
      look(member);
      if (does === "begin" || does === "mend") {
        setTruth(member, WELL);
      } else if (does === "break") {
        setTruth(member, atWork?.breaks ?? WELL);
      } else if (does === "take_out") {
        member.adc.takeOut(now);
        member.workedOn = member.notWellSince !== null;
      } else if (does === "put_back") {
        member.adc.putBack(now);
      }
    }
    if (does === "begin" && typeof atWork?.windowMs === "number") {
      windows.declare(server.name, now, now + atWork.windowMs);
    }
    if (does === "end") {
      server.atWork = null;
    }
    server.members.forEach(look);
  }

  function setTruth(member: Member, truth: Truth): void {
    if (truth !== member.truth) {
      changes += 1;
      member.before = member.truth;
      member.truth = truth;
      member.changedAt = now;
      const isWell = truth.condition === "well";
      if (isWell) {
        member.wellAt = now;
      } else if (member.before.condition === "well") {
        member.wasBrieflyWell = now - member.wellAt < UNSEEN_MS;
      }
      member.notWellSince = isWell ? null : (member.notWellSince ?? now);
      const isWork = truth.condition === "maintenance" || member.adc.outSince !== null;
      member.workedOn = !isWell && (member.workedOn || isWork);
    }
  }
}
