import { stringify } from "yaml";
import type { Declarations } from "../maintenance/declarations.ts";
import type { MaintenanceActions, ActionResult, WebActions } from "../web/sources.ts";
import type { LiveState } from "../model/live.ts";
import { preflight, PREFLIGHT_DEFAULTS } from "../change/preflight.ts";
import { verifyDrained, verifyReturned, type VerifyInputs } from "../change/verify.ts";
import {
  type History,
  createHistory,
  HISTORY_BYTES,
  type HistoryBounds,
} from "../web/history/history.ts";
import { TIMELINE_MS } from "../web/history/timelines.ts";
import { Agent } from "../agent/agent.ts";
import { openDeclarations } from "../agent/kept-state.ts";
import type { Log } from "../lib/log.ts";
import type { loadConfig } from "../config/load.ts";
import { maskedConfig } from "../config/normalise.ts";
import { parseHostPort } from "../lib/host-port.ts";
import { withPort } from "../lib/ip.ts";
import { formatProblem } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import type { TimelineEntry, TimelineOwner } from "../model/timeline.ts";
import { coalesce, oneAtATime } from "../lib/pacing.ts";
import { StorageWatch } from "../lib/durable-file.ts";
import { Notifications } from "../notify/notifications.ts";
import { createMetrics } from "../exporters/prometheus/metrics.ts";
import { startWeb } from "../web/server.ts";
import { Journal } from "../change/journal.ts";
import { readJournal, timelineOf, type Track } from "../change/journal-reader.ts";
import { sloOf, windowReport } from "../change/window-report.ts";
import type { Estate } from "../model/estate.ts";
import { memberOwner, ownerKey, vserverOwner } from "../model/timeline.ts";
import { MEMBER_VERDICTS, VSERVER_VERDICTS, type Verdict } from "../model/verdicts.ts";
import { memberCommands, vserverCommands } from "../web/page/commands.ts";
import { unknownServers } from "../change/report.ts";
import { limitHeapGrowth, disablePretenuring } from "./heap-growth.ts";
import { packageRevision, packageVersion } from "./package-info.ts";

/**
 * The maintenance actions of the web, on the store of this process. `members`: of the current estate; while there is none,
 * every server is accepted.
 */
export function maintenanceActions(
  declarations: Declarations,
  members: () => LiveState["members"],
): Pick<MaintenanceActions, "list" | "start" | "end" | "extend"> {
  return {
    list: () => declarations.list(Date.now()),
    start: async (request, force) => {
      const stranger = force ? null : unknownServers(members(), request.servers);
      return stranger === null
        ? declarations.start(request, Date.now())
        : { kind: "refused", message: `${stranger} Use --force to declare the window anyway.` };
    },
    end: (name) => declarations.end(name, Date.now()),
    extend: (name, extension) => declarations.extend(name, extension, Date.now()),
  };
}

interface ReportSources {
  readonly stateDir: () => string;
  readonly live: () => LiveState;
  readonly declarations: Declarations;
  readonly estateOf: (adc: string) => Estate | null;
  /** Flushes the journal to disk. */
  readonly written: () => Promise<void>;
  readonly now: () => number;
}

/** Reports from the journal: a window, or a month. */
export function historyReports(
  sources: ReportSources,
): Pick<MaintenanceActions, "report"> & Pick<WebActions, "slo"> {
  const { stateDir, declarations, written, now } = sources;
  // One report at a time, since the whole history is in memory.
  const inTurn = oneAtATime();
  const readSince = (sinceMs: number) =>
    inTurn(async () => {
      await written();
      return readJournal(stateDir(), sinceMs, now());
    });
  return {
    report: async (name) => {
      const window = declarations.last(name, now());
      return window === null
        ? null
        : windowReport(window, await readSince(window.startAt), now(), commandsFinder(sources));
    },
    slo: async (from, to) => sloOf(await readSince(from), { from, to: Math.min(to, now()) }),
  };
}

/** Commands that correct a past verdict on the ADC; none if the member or vserver no longer exists. */
function commandsFinder({
  live,
  estateOf,
}: ReportSources): (track: Track, verdict: Verdict) => readonly string[] {
  const { members, vservers } = live();
  const memberOf = new Map(members.map((one) => [ownerKey(memberOwner(one)), one]));
  const vserverOf = new Map(vservers.map((one) => [ownerKey(vserverOwner(one)), one]));
  return ({ owner }, verdict) => {
    const member = memberOf.get(ownerKey(owner));
    const vserver = vserverOf.get(ownerKey(owner));
    const commands =
      member !== undefined
        ? memberCommands(
            { ...member, ...onlyVerdict(MEMBER_VERDICTS, verdict) },
            estateOf(owner.adc),
            [],
          )
        : vserver !== undefined
          ? vserverCommands({ ...vserver, ...onlyVerdict(VSERVER_VERDICTS, verdict) })
          : [];
    return commands.filter(({ where }) => where === "NetScaler").map(({ text }) => text);
  };
}

function onlyVerdict<Of extends Verdict>(
  all: readonly Of[],
  verdict: Verdict,
): { readonly verdict?: Of } {
  const found = all.find((one) => one === verdict);
  return found === undefined ? {} : { verdict: found };
}

interface CheckSources {
  readonly live: () => LiveState;
  readonly declarations: Declarations;
  readonly history: Pick<History, "runs">;
  /** The estate's server for the name in a response; null if unknown. */
  readonly serverOf: (adc: string, servedBy: string) => string | null;
  readonly stabilityMs: () => number;
  readonly now: () => number;
}

/** Preflight and verify for the web: pure decisions over the live state. */
export function maintenanceChecks(
  sources: CheckSources,
): Pick<MaintenanceActions, "preflight" | "verify"> {
  const { live, declarations, now } = sources;
  return {
    preflight: async (server, { minCapacity, horizonMs }) =>
      preflight({
        live: live(),
        windows: declarations.list(now()),
        server,
        now: now(),
        minWorkingMembers: minCapacity ?? PREFLIGHT_DEFAULTS.minWorkingMembers,
        horizonMs: horizonMs ?? PREFLIGHT_DEFAULTS.horizonMs,
      }),
    verify: async (server, want) => {
      const inputs: VerifyInputs = {
        live: live(),
        server,
        now: now(),
        stabilityMs: sources.stabilityMs(),
        recentAnswers: recentAnswers(sources),
      };
      return want === "drained" ? verifyDrained(inputs) : verifyReturned(inputs);
    },
  };
}

/** Responses through a vserver's VIP, of all its probes, oldest first, including unidentified ones. */
function recentAnswers({ history, serverOf }: CheckSources): VerifyInputs["recentAnswers"] {
  return (vserver, count) =>
    vserver.probes
      .filter(({ vantage }) => vantage === "vip")
      .flatMap((probe) => history.runs(probe.id, count))
      .filter(({ observation }) => observation.servedBy !== null || observation.outcome === "match")
      .map(({ observation: { startedAt, servedBy } }) => ({
        at: startedAt,
        server: servedBy === null ? null : serverOf(vserver.adc, servedBy),
      }))
      .sort((a, b) => a.at - b.at)
      .slice(-count);
}

export interface ServiceOptions {
  readonly config: Config;
  /** `address:port` list that replaces `web.listen`. */
  readonly listen: readonly string[] | null;
  readonly log: Log;
  /** Reloads the configuration; null without a file (the demo). */
  readonly reread: (() => ReturnType<typeof loadConfig>) | null;
  /** Resolves at shutdown, so that an ADC that hangs does not delay it during startup. */
  readonly ended?: Promise<unknown>;
  /** Delay of the first login without a state file, as in the agent; 0 in the demo, where the state directory is always new. */
  readonly firstLoginDelayMs?: number;
  /** Earlier history to start with. */
  readonly previousHistory?: readonly {
    readonly owner: TimelineOwner;
    readonly entries: readonly TimelineEntry[];
  }[];
  /** Limits of the history. Default: 32 MB of runs. */
  readonly history?: HistoryBounds;
}

export type StartedService =
  | {
      readonly kind: "started";
      readonly agent: Agent;
      readonly addresses: readonly string[];
      readonly reload: () => Promise<ActionResult>;
      readonly stop: () => Promise<void>;
    }
  | { readonly kind: "failed"; readonly message: string };

/** Minimum time between the starts of two reloads. */
const RELOAD_INTERVAL_MS = 1_000;

/** Runs agent, metrics and web. The web listens before the agent has polled its ADCs, so that readiness can be observed. */
export async function startService(options: ServiceOptions): Promise<StartedService> {
  disablePretenuring();
  const { config, log } = options;
  const metrics = createMetrics({
    version: packageVersion(),
    revision: packageRevision(),
    phases: config.metrics.phases,
  });
  const history = createHistory({
    ...(options.history ?? { maxBytes: HISTORY_BYTES }),
    now: Date.now,
  });
  const storage = new StorageWatch(log);
  const opened = await openDeclarations(config, log, storage);
  if (opened.kind === "failed") {
    metrics.close();
    return opened;
  }
  const { declarations } = opened;
  const agent = await Agent.open({
    config: withListenAddresses(config, options.listen),
    declarations,
    storage,
    events: {
      ...metrics,
      probeFinished: (probe, observation, passed) => {
        metrics.probeFinished(probe, observation, passed);
        history.probeFinished(probe, observation, passed);
      },
      probesPlanned: (probes) => {
        limitHeapGrowth({ probes });
      },
    },
    log,
    ...(options.firstLoginDelayMs === undefined
      ? {}
      : { firstLoginDelayMs: options.firstLoginDelayMs }),
  });
  metrics.configReloaded(true, Date.now());
  const openJournal = (stateDir: string): Journal =>
    new Journal({ stateDir, storage, current: history.current, now: Date.now });
  let journal = openJournal(config.stateDir);
  history.subscribe((changes) => {
    journal.record(changes);
  });
  const notifications = new Notifications({
    live: () => agent.state,
    config: () => agent.config,
    storage,
    log,
    onOutcome: metrics.notified,
  });
  const reloadOnce = async (): Promise<ActionResult> => {
    const read = options.reread === null ? null : await options.reread();
    if (read === null || read.kind === "invalid") {
      const message =
        read === null
          ? "no configuration file to reload"
          : read.problems.map(formatProblem).join("\n");
      metrics.configReloaded(false, Date.now());
      log.error({ problems: message }, "reload rejected, previous configuration kept");
      return { ok: false, message };
    }
    for (const warning of [...read.warnings, ...read.openToOthers]) {
      log.warn({ problem: formatProblem(warning) }, "configuration");
    }
    if (read.config.stateDir !== agent.config.stateDir) {
      await journal.close();
      journal = openJournal(read.config.stateDir);
    }
    await agent.reload(withListenAddresses(read.config, options.listen));
    metrics.setPhases(read.config.metrics.phases);
    metrics.configReloaded(true, Date.now());
    log.info({ file: read.config.file }, "configuration reloaded");
    return { ok: true };
  };
  const reload = coalesce(reloadOnce, RELOAD_INTERVAL_MS);
  const reports = historyReports({
    stateDir: () => agent.config.stateDir,
    live: () => agent.state,
    declarations,
    estateOf: (adc) => agent.state.recordsOf(adc)?.estate ?? null,
    written: () => journal.flushed(),
    now: Date.now,
  });
  const actions: WebActions = {
    reload,
    probeNow: async (probeId, { timeoutMs }) => {
      const record = agent.run.recordOf(probeId);
      const result = record === null ? null : await agent.run.probeNow(record, timeoutMs);
      return record === null || result === null
        ? { kind: "unavailable", message: "no such probe, or it cannot run now" }
        : { kind: "observed", probe: record, ...result };
    },
    slo: reports.slo,
    maintenance: {
      ...maintenanceActions(declarations, () => agent.state.members),
      report: reports.report,
      ...maintenanceChecks({
        live: () => agent.state,
        declarations,
        history,
        serverOf: (adc, servedBy) => agent.state.names.serverOf(adc, servedBy),
        stabilityMs: () => agent.config.maintenance.stabilityMs,
        now: Date.now,
      }),
    },
  };
  const web = await startWeb({
    listen: options.listen ?? config.web.listen.map(({ host, port }) => withPort(host, port)),
    hosts: config.web.hosts,
    configFile: config.web.configFile,
    token: () => agent.config.maintenance.token?.reveal() ?? null,
    log,
    live: () => agent.state,
    estates: () =>
      agent.config.adcs.flatMap((adc) => agent.state.recordsOf(adc.name)?.estate ?? []),
    lintIgnore: () => agent.config.lint.ignore,
    metrics,
    history,
    actions,
    configMasked: () => stringify(maskedConfig(agent.config)),
    version: packageVersion(),
    now: Date.now,
  });
  if (web.kind === "failed") {
    metrics.close();
    await journal.close();
    await declarations.close();
    return web;
  }
  // Two files of 16 MB take seconds; meanwhile the page shows that the agent is starting.
  const { tracks } = await readJournal(config.stateDir, Date.now() - TIMELINE_MS, null);
  for (const track of tracks) {
    history.restore(track.owner, timelineOf(track));
  }
  for (const { owner, entries } of options.previousHistory ?? []) {
    history.restore(owner, entries);
  }
  await notifications.start();
  const stop = async (): Promise<void> => {
    await Promise.all([notifications.stop(), agent.stop(), web.close()]);
    await journal.close();
    await declarations.close();
    metrics.close();
  };
  await Promise.race([agent.start(), ...(options.ended === undefined ? [] : [options.ended])]);
  return { kind: "started", agent, addresses: web.addresses, reload, stop };
}

/** The agent needs its listening addresses, because no probe may connect there. */
function withListenAddresses(config: Config, listen: ServiceOptions["listen"]): Config {
  const endpoints = (listen ?? []).flatMap((text) => {
    const { host = "", port = null } = parseHostPort(text) ?? {};
    return port === null ? [] : [{ host, port }];
  });
  return listen === null ? config : { ...config, web: { ...config.web, listen: endpoints } };
}
