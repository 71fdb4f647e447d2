import type { MonitorConfig } from "../config/schema.ts";
import type { Secret } from "../lib/secret.ts";
import { matchesPattern } from "./plan/pattern.ts";
import type { PlannedProbe } from "./plan/planned-probe.ts";
import { groupBy } from "../lib/group-by.ts";

/** What a monitor's secret was written for: what the monitor was when the secret was first used. */
interface Binding {
  readonly entry: MonitorConfig;
  readonly type: string;
  readonly secure: boolean;
  readonly script: string | null;
  readonly targets: ReadonlySet<string>;
}

export interface BoundPlan {
  readonly plan: PlannedProbe[];
  /** Each reason for which a secret is withheld, once: those not told before. */
  readonly news: readonly string[];
}

/** Reasons remembered as told: an import that changes for ever is no reason to grow. */
const MAX_TOLD = 1_000;

/**
 * Binds each secret of `monitors` to the type, the TLS and the servers of the monitor that it was first used with. Whoever
 * can change the ADC's configuration could else have it sent anywhere, in any protocol. A monitor that has become another
 * one does not get it, and neither does a server that was not there, until the configuration says so: by `servers`, by
 * another secret, or by a restart.
 */
export class SecretBindings {
  readonly #bindings = new Map<string, Binding>();
  readonly #told = new Set<string>();

  /** The plan without the secrets that it must not have. `monitors` is the configuration in force. */
  bind(plan: readonly PlannedProbe[], monitors: ReadonlyMap<string, MonitorConfig>): BoundPlan {
    const news: string[] = [];
    const sending = plan.flatMap((probe) => withSecret(probe) ?? []);
    for (const [key, probes] of groupBy(sending, keyOf)) {
      this.#bindFirst(key, probes, monitors);
    }
    const bound = plan.map((probe) => {
      const sends = withSecret(probe);
      const why = sends === null ? null : this.#objection(sends);
      if (sends === null || why === null) {
        return probe;
      }
      if (!this.#told.has(why) && this.#told.size < MAX_TOLD) {
        this.#told.add(why);
        news.push(why);
      }
      return withoutSecret(sends, why);
    });
    return { plan: bound, news };
  }

  #bindFirst(
    key: string,
    probes: readonly MonitorProbe[],
    monitors: ReadonlyMap<string, MonitorConfig>,
  ): void {
    const monitor = probes[0]?.action.monitor;
    const entry = monitor && monitors.get(monitor.name);
    const known = this.#bindings.get(key);
    if (monitor === undefined || entry === undefined) {
      return;
    }
    if (known === undefined || !sameEntry(known.entry, entry)) {
      this.#bindings.set(key, {
        entry,
        type: monitor.type,
        secure: monitor.secure,
        script: monitor.parameters.scriptName,
        targets: new Set(probes.map(targetOf)),
      });
    }
  }

  /** Why this probe must not have its monitor's secret, in words; null when it may. */
  #objection(probe: MonitorProbe): string | null {
    const { monitor } = probe.action;
    const binding = this.#bindings.get(keyOf(probe));
    if (binding === undefined) {
      return null;
    }
    const was = kindWords(binding.type, binding.secure, binding.script);
    const is = kindWords(monitor.type, monitor.secure, monitor.parameters.scriptName);
    const whose = `the secret of monitors.${monitor.name}`;
    if (was !== is) {
      return `${whose} was configured for ${was}, and ${probe.adc} now has ${is} there; it is not sent`;
    }
    const { servers = [] } = binding.entry;
    const allowed =
      servers.length > 0
        ? servers.some((pattern) =>
            [probe.server, probe.address].some(
              (name) => name !== null && matchesPattern(pattern, name),
            ),
          )
        : binding.targets.has(targetOf(probe));
    return allowed
      ? null
      : `${whose} was not configured for ${probe.server ?? probe.vserver} at ${targetOf(probe)}: ` +
          `it is not sent; to allow it, add the server to monitors.${monitor.name}.servers`;
  }
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

function sameEntry(before: MonitorConfig, now: MonitorConfig): boolean {
  return (
    before.username === now.username &&
    sameSecret(before.password, now.password) &&
    sameSecret(before.secret, now.secret) &&
    (before.servers ?? []).join("\n") === (now.servers ?? []).join("\n")
  );
}

function sameSecret(before: Secret | null, now: Secret | null): boolean {
  return before === null || now === null ? before === now : before.equals(now);
}
