import type { MonitorConfig } from "../config/schema.ts";
import type { AccountKeeper, WantedBinding } from "./accounts/account-keeper.ts";
import type { SecretBinding } from "./accounts/login-state.ts";
import { matchesPattern } from "./plan/settings.ts";
import type { PlannedProbe } from "./plan/planned-probe.ts";
import { groupBy } from "../lib/steps.ts";

export interface BoundPlan {
  readonly plan: PlannedProbe[];
  /** Each reason for which a secret is withheld, once: those not reported before. */
  readonly news: readonly string[];
}

/** Maximum number of reported reasons kept: an import that changes for ever must not make it grow. */
const MAX_REPORTED = 1_000;

/**
 * Binds each secret of `monitors` to the type, the TLS and the servers of the monitor that it was first used with, and keeps
 * that in the state directory. Whoever can change the ADC's configuration could else have it sent anywhere, in any protocol.
 * A monitor that has become another one does not get it, and neither does a server that was not there, until the
 * configuration says so: by `servers`, or by another secret.
 */
export class SecretBindings {
  /** What was read last: used while the state directory cannot be read. */
  readonly #known = new Map<string, SecretBinding>();
  readonly #reported = new Set<string>();

  /** The plan without the secrets that it must not have. `monitors` is the configuration in force. */
  async bind(
    plan: readonly PlannedProbe[],
    monitors: ReadonlyMap<string, MonitorConfig>,
    keeper: Pick<AccountKeeper, "bindSecrets">,
  ): Promise<BoundPlan> {
    const news: string[] = [];
    const wanted = wantedBindings(plan, monitors);
    const bound = (await keeper.bindSecrets(wanted)) ?? this.#known;
    for (const [key, binding] of bound) {
      this.#known.set(key, binding);
    }
    const given = plan.map((probe) => {
      const sends = withSecret(probe);
      const entry = sends === null ? undefined : monitors.get(sends.action.monitor.name);
      const why =
        sends === null || entry === undefined
          ? null
          : objection(sends, entry, bound.get(keyOf(sends)) ?? null);
      if (sends === null || why === null) {
        return probe;
      }
      if (!this.#reported.has(why) && this.#reported.size < MAX_REPORTED) {
        this.#reported.add(why);
        news.push(why);
      }
      return withoutSecret(sends, why);
    });
    return { plan: given, news };
  }
}

/** What each secret is used for by this plan. */
function wantedBindings(
  plan: readonly PlannedProbe[],
  monitors: ReadonlyMap<string, MonitorConfig>,
): ReadonlyMap<string, WantedBinding> {
  const wanted = new Map<string, WantedBinding>();
  const sending = plan.flatMap((probe) => withSecret(probe) ?? []);
  for (const [key, probes] of groupBy(sending, keyOf)) {
    const monitor = probes[0]?.action.monitor;
    const entry = monitor && monitors.get(monitor.name);
    if (monitor !== undefined && entry !== undefined) {
      wanted.set(key, {
        entry: { reveal: () => entryText(entry) },
        type: monitor.type,
        secure: monitor.secure,
        script: monitor.parameters.scriptName,
        targets: [...new Set(probes.map(targetOf))],
      });
    }
  }
  return wanted;
}

/** Why this probe must not have its monitor's secret, in words; null when it may. */
function objection(
  probe: MonitorProbe,
  { servers = [] }: MonitorConfig,
  binding: SecretBinding | null,
): string | null {
  const { monitor } = probe.action;
  const whose = `the secret of monitors.${monitor.name}`;
  if (binding === null) {
    return `${whose} is not sent, because state_dir cannot tell what it was first used for`;
  }
  const was = kindWords(binding.type, binding.secure, binding.script);
  const is = kindWords(monitor.type, monitor.secure, monitor.parameters.scriptName);
  if (was !== is) {
    return (
      `${whose} was configured for ${was}, and ${probe.adc} now has ${is} there; it is not sent; ` +
      `to allow it, change monitors.${monitor.name}: its servers, or the secret`
    );
  }
  const allowed =
    servers.length > 0
      ? servers.some((pattern) =>
          [probe.server, probe.address].some(
            (name) => name !== null && matchesPattern(pattern, name),
          ),
        )
      : binding.targets.includes(targetOf(probe));
  return allowed
    ? null
    : `${whose} was not configured for ${probe.server ?? probe.vserver} at ${targetOf(probe)}: ` +
        `it is not sent; to allow it, add the server to monitors.${monitor.name}.servers`;
}

type MonitorProbe = PlannedProbe & {
  readonly action: Extract<PlannedProbe["action"], { kind: "monitor" }>;
};

/** The probe, where it is a monitor's and would send what the configuration holds for it; else null. */
function withSecret(probe: PlannedProbe): MonitorProbe | null {
  const { action } = probe;
  return action.kind === "monitor" && (action.run?.spec.credential ?? null) !== null
    ? { ...probe, action }
    : null;
}

function withoutSecret(probe: MonitorProbe, withheld: string): PlannedProbe {
  const { action } = probe;
  const run = action.run && {
    ...action.run,
    spec: { ...action.run.spec, credential: null, withheld },
  };
  return { ...probe, note: withheld, action: { ...action, run } };
}

function keyOf({ adc, action }: MonitorProbe): string {
  return `${adc} ${action.monitor.name}`;
}

function targetOf({ address, port }: PlannedProbe): string {
  return `${address ?? ""}:${String(port ?? "")}`;
}

function kindWords(type: string, secure: boolean, script: string | null): string {
  return `${type}${secure ? " over TLS" : ""}${script === null ? "" : ` by ${script}`}`;
}

/** What distinguishes one entry from another, its secrets included. */
function entryText({ username, password, secret, servers = [] }: MonitorConfig): string {
  return JSON.stringify([username, password?.reveal() ?? null, secret?.reveal() ?? null, servers]);
}
