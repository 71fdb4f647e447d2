import type { Policy } from "../../src/model/policy.ts";
import type { CsVserver } from "../../src/model/vserver.ts";
import type { NitroState, VserverBelief } from "../nitro/backend.ts";
import { holds, type ExpressionSubject } from "./expression.ts";

type VserverState = Extract<NitroState, "UP" | "DOWN" | "OUT OF SERVICE">;

/** One content-switching vserver: the target of a request, and a state that is usually independent of its targets. */
export class CsRuntime {
  readonly vserver: CsVserver;
  readonly #policies: ReadonlyMap<string, Policy>;
  readonly #targetOfAction: (action: string) => string | null;
  readonly #targetIsUp: (target: string) => boolean;
  readonly #certificateMissing: boolean;
  readonly #now: () => number;
  #enabled: boolean;
  #state: VserverState = "DOWN";
  #changedAt: number;
  /** Clients connected now; kept by the listener. */
  clientConnections = 0;

  constructor(options: {
    vserver: CsVserver;
    policies: ReadonlyMap<string, Policy>;
    targetOfAction: (action: string) => string | null;
    targetIsUp: (target: string) => boolean;
    certificateMissing: boolean;
    now: () => number;
  }) {
    this.vserver = options.vserver;
    this.#policies = options.policies;
    this.#targetOfAction = options.targetOfAction;
    this.#targetIsUp = options.targetIsUp;
    this.#certificateMissing = options.certificateMissing;
    this.#now = options.now;
    this.#enabled = options.vserver.enabled;
    this.#changedAt = options.now();
    this.refresh();
  }

  get state(): VserverState {
    return this.#state;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  setEnabled(enabled: boolean): void {
    this.#enabled = enabled;
    this.refresh();
  }

  /**
   * Name of the target of the first matching policy, in order of priority; otherwise the default; null if there is
   * none.
   */
  route(request: ExpressionSubject): string | null {
    const ordered = [...this.vserver.targets].sort(
      (a, b) => (a.priority ?? Number.MAX_SAFE_INTEGER) - (b.priority ?? Number.MAX_SAFE_INTEGER),
    );
    for (const binding of ordered) {
      const policy = this.#policies.get(binding.policy);
      if (policy !== undefined && holds(this.#cased(policy.rule), this.#casedSubject(request))) {
        return (
          binding.target ?? (policy.action === null ? null : this.#targetOfAction(policy.action))
        );
      }
    }
    return this.vserver.defaultTarget;
  }

  /** To be called when a target's state changed. */
  refresh(): void {
    const next = this.#judge();
    if (next !== this.#state) {
      this.#state = next;
      this.#changedAt = this.#now();
    }
  }

  belief(): VserverBelief {
    return {
      state: this.#state,
      effectiveState: this.#state,
      healthPercent: 0,
      backupActive: false,
      totalServices: 0,
      activeServices: 0,
      remark: this.#certificateMissing ? "Certkey not bound" : null,
      clientConnections: this.clientConnections,
      sinceChangeMs: this.#now() - this.#changedAt,
    };
  }

  /** UP whatever its targets are, unless `-stateupdate ENABLED` (NetScaler docs: content switching). */
  #judge(): VserverState {
    if (!this.#enabled) {
      return "OUT OF SERVICE";
    }
    if (this.#certificateMissing) {
      return "DOWN";
    }
    return !this.vserver.stateUpdate || this.#targets().some(this.#targetIsUp) ? "UP" : "DOWN";
  }

  #targets(): string[] {
    const named = this.vserver.targets.flatMap((binding) => {
      const action = this.#policies.get(binding.policy)?.action ?? null;
      return [binding.target ?? (action === null ? null : this.#targetOfAction(action))];
    });
    return [...named, this.vserver.defaultTarget].filter((target) => target !== null);
  }

  /** `-caseSensitive OFF` compares URLs without regard to case. */
  #cased(rule: string): string {
    return this.vserver.caseSensitive
      ? rule
      : rule.replace(/"(?:[^"\\]|\\.)*"/g, (text) => text.toLowerCase());
  }

  #casedSubject(request: ExpressionSubject): ExpressionSubject {
    return this.vserver.caseSensitive
      ? request
      : { ...request, url: request.url.toLowerCase(), host: request.host.toLowerCase() };
  }
}
