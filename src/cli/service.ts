import { stringify } from "yaml";
import type { Declarations } from "../maintenance/declarations.ts";
import type { MaintenanceActions, ActionResult, WebActions } from "../web/actions.ts";
import type { LiveState } from "../model/live.ts";
import { preflight, PREFLIGHT_DEFAULTS } from "../change/preflight.ts";
import { verifyDrained, verifyReturned, type VerifyInputs } from "../change/verify.ts";
import {
  type History,
  createHistory,
  HISTORY_BYTES,
  type HistoryBounds,
} from "../web/history/history.ts";
import { Agent } from "../agent/agent.ts";
import { openDeclarations } from "../agent/declarations.ts";
import type { Log } from "../agent/events.ts";
import type { loadConfig } from "../config/load.ts";
import { maskedConfig } from "../config/json-schema.ts";
import { formatProblem } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import { createMetrics } from "../exporters/prometheus/metrics.ts";
import { startWeb } from "../web/server.ts";
import { boundHeapGrowth } from "./heap-growth.ts";
import { packageVersion } from "./package-info.ts";

/** Declared maintenance as the web offers it, over the store that this process holds. */
export function maintenanceActions(
  declarations: Declarations,
): Pick<MaintenanceActions, "list" | "start" | "end"> {
  return {
    list: () => declarations.list(Date.now()),
    start: (request) => declarations.start(request, Date.now()),
    end: (name) => declarations.end(name, Date.now()),
  };
}

interface CheckSources {
  readonly live: () => LiveState;
  readonly declarations: Declarations;
  readonly history: Pick<History, "runs">;
  /** The estate's server for what an answer called itself; null when nobody in the estate calls itself so. */
  readonly serverOf: (adc: string, servedBy: string) => string | null;
  readonly stabilityMs: () => number;
  readonly now: () => number;
}

/** The looks before and after a change, as the web offers them: pure decisions over what is known at this moment. */
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
        keepGood: minCapacity ?? PREFLIGHT_DEFAULTS.keepGood,
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

/** Answers through a vserver's VIP, of all its probes, in the order of time. */
function recentAnswers({ history, serverOf }: CheckSources): VerifyInputs["recentAnswers"] {
  return (vserver, count) =>
    vserver.probes
      .flatMap((probe) => history.runs(probe.id, count))
      .flatMap(({ observation: { startedAt, servedBy } }) =>
        servedBy === null ? [] : [{ at: startedAt, server: serverOf(vserver.adc, servedBy) }],
      )
      .sort((a, b) => a.at - b.at)
      .slice(-count);
}

export interface ServiceOptions {
  readonly config: Config;
  /** `address:port` list in place of `web.listen`. */
  readonly listen: readonly string[] | null;
  readonly log: Log;
  /** Reads the configuration again; null where there is no file (the demo). */
  readonly reread: (() => ReturnType<typeof loadConfig>) | null;
  /** Resolves when the process is to end: an ADC that hangs then delays the start no longer. */
  readonly ended?: Promise<unknown>;
  /** What the history may hold. Default: 32 MB of runs. */
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

/** Agent, metrics and web together. The web listens before the agent has asked its ADCs, so that readiness can be watched. */
export async function startService(options: ServiceOptions): Promise<StartedService> {
  const { config, log } = options;
  const metrics = createMetrics({
    version: packageVersion(),
    revision: "unknown",
    phases: config.metrics.phases,
  });
  const history = createHistory({
    ...(options.history ?? { maxBytes: HISTORY_BYTES }),
    now: Date.now,
  });
  const opened = await openDeclarations(config, log);
  if (opened.kind === "failed") {
    metrics.close();
    return opened;
  }
  const { declarations } = opened;
  const agent = await Agent.open({
    config,
    declarations,
    events: {
      ...metrics,
      probeFinished: (probe, observation, passed) => {
        metrics.probeFinished(probe, observation, passed);
        history.probeFinished(probe, observation, passed);
      },
      probesPlanned: boundHeapGrowth,
    },
    log,
  });
  metrics.configReloaded(true, Date.now());
  const reloadOnce = async (): Promise<ActionResult> => {
    const read = options.reread === null ? null : await options.reread();
    if (read === null || read.kind === "invalid") {
      const message =
        read === null
          ? "there is no configuration file to read"
          : read.problems.map(formatProblem).join("\n");
      metrics.configReloaded(false, Date.now());
      log.error({ problems: message }, "reload refused: the old configuration stays in force");
      return { ok: false, message };
    }
    await agent.reload(read.config);
    metrics.setPhases(read.config.metrics.phases);
    metrics.configReloaded(true, Date.now());
    log.info({ file: read.config.file }, "configuration reloaded");
    return { ok: true };
  };
  // One after another, so that the last one's result is what stays told.
  let turn: Promise<unknown> = Promise.resolve();
  const reload = (): Promise<ActionResult> => {
    const next = turn.then(reloadOnce);
    turn = next.catch(() => undefined);
    return next;
  };
  const actions: WebActions = {
    reload,
    probeNow: async (probeId, { timeoutMs }) => {
      const record = agent.generation.recordOf(probeId);
      const result = record === null ? null : await agent.generation.probeNow(record, timeoutMs);
      return record === null || result === null
        ? { kind: "unavailable", message: "no such probe, or it cannot be run" }
        : { kind: "observed", probe: record, ...result };
    },
    maintenance: {
      ...maintenanceActions(declarations),
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
    listen: options.listen ?? config.web.listen.map(({ host, port }) => listenText(host, port)),
    hosts: config.web.hosts,
    configFile: config.web.configFile,
    token: () => agent.config.maintenance.token?.reveal() ?? null,
    log,
    live: () => agent.state,
    estates: () =>
      agent.config.adcs.flatMap((adc) => agent.state.recordsOf(adc.name)?.estate ?? []),
    metrics,
    history,
    actions,
    configMasked: () => stringify(maskedConfig(agent.config)),
    version: packageVersion(),
    now: Date.now,
  });
  if (web.kind === "failed") {
    metrics.close();
    await declarations.close();
    return web;
  }
  const stop = async (): Promise<void> => {
    await agent.stop();
    await web.close();
    await declarations.close();
    metrics.close();
  };
  await Promise.race([agent.start(), ...(options.ended === undefined ? [] : [options.ended])]);
  return { kind: "started", agent, addresses: web.addresses, reload, stop };
}

function listenText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}
