import type { MonitorConfig } from "../config/schema.ts";
import type { AccountKeeper, WantedBinding } from "./accounts/account-keeper.ts";
import type { SecretBinding } from "./accounts/login-state.ts";
import { matchesPattern } from "./plan/settings.ts";
import type { PlannedProbe } from "./plan/planned-probe.ts";
import { groupBy } from "../lib/steps.ts";

export interface BoundPlan {
  readonly plan: PlannedProbe[];
  /** Why secrets are withheld: each reason that was not reported before. */
  readonly news: readonly string[];
}

/** Maximum number of reported reasons: an estate that keeps changing must not fill memory. */
const MAX_REPORTED = 1_000;

/**
 * Binds each secret of `monitors` to the type, TLS setting and servers of the monitor at its first use, and stores that in the
 * state directory. Otherwise anyone who can change the ADC's configuration could have the secret sent to any server in any
 * protocol. A monitor that has changed, or a new server, gets the secret only if the agent's configuration allows it: by
 * `servers`, or by a changed secret.
 */
export class SecretBindings {
  /** The last bindings read, used while the state directory is unusable. */
  readonly #known = new Map<string, SecretBinding>();
  readonly #reported = new Set<string>();

  /** Removes the secrets that the plan must not use. `monitors`: from the configuration in force. */
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

/** The use of each secret in this plan. */
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

/** Why this probe must not use its monitor's secret; null if it may. */
function objection(
  probe: MonitorProbe,
  { servers = [] }: MonitorConfig,
  binding: SecretBinding | null,
): string | null {
  const { monitor } = probe.action;
  const whose = `the secret of monitors.${monitor.name}`;
  if (binding === null) {
    return `${whose} is not sent, because state_dir cannot be read, so its first use is unknown`;
  }
  const was = kindWords(binding.type, binding.secure, binding.script);
  const is = kindWords(monitor.type, monitor.secure, monitor.parameters.scriptName);
  if (was !== is) {
    return (
      `${whose} is not sent: it was configured for ${was}, but the monitor on ${probe.adc} is now ${is}; ` +
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
    : `${whose} is not sent: it was not configured for ${probe.server ?? probe.vserver} at ${targetOf(probe)}; ` +
        `to allow it, add the server to monitors.${monitor.name}.servers`;
}

type MonitorProbe = PlannedProbe & {
  readonly action: Extract<PlannedProbe["action"], { kind: "monitor" }>;
};

/** The probe if it is a monitor that would send a secret from the configuration, else null. */
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

/** The text of an entry for its fingerprint, including its secrets. */
function entryText({ username, password, secret, servers = [] }: MonitorConfig): string {
  return JSON.stringify([username, password?.reveal() ?? null, secret?.reveal() ?? null, servers]);
}
