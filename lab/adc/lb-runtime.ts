import type { LbVserver } from "../../src/model/vserver.ts";
import type { NitroState, VserverBelief } from "../nitro/backend.ts";
import type { MemberRuntime } from "./member-runtime.ts";
import { PersistenceTable, type ClientFacts } from "./persistence.ts";

type VserverState = Extract<NitroState, "UP" | "DOWN" | "OUT OF SERVICE">;

/** The member for a client, and the persistence cookie. */
export interface Choice {
  readonly member: MemberRuntime;
  readonly setCookie: string | null;
}

/** One load-balancing vserver: its state, and the member for the next client. */
export class LbRuntime {
  readonly vserver: LbVserver;
  readonly members: readonly MemberRuntime[];
  readonly persistence: PersistenceTable;
  readonly #now: () => number;
  readonly #backup: () => LbRuntime | null;
  readonly #certificateMissing: boolean;
  #enabled: boolean;
  #state: VserverState = "DOWN";
  #changedAt: number;
  #turn = 0;

  constructor(options: {
    vserver: LbVserver;
    members: readonly MemberRuntime[];
    now: () => number;
    timeScale: number;
    backup: () => LbRuntime | null;
    certificateMissing: boolean;
  }) {
    this.vserver = options.vserver;
    this.members = options.members;
    this.#now = options.now;
    this.#backup = options.backup;
    this.#certificateMissing = options.certificateMissing;
    this.#enabled = options.vserver.enabled;
    this.#changedAt = options.now();
    this.persistence = new PersistenceTable(
      options.vserver,
      options.members,
      options.now,
      options.timeScale,
    );
    this.refresh();
  }

  get state(): VserverState {
    return this.#state;
  }

  /** UP here or in the chain of backups. */
  get effectiveState(): VserverState {
    return this.effective()?.state ?? this.#state;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  setEnabled(enabled: boolean): void {
    this.#enabled = enabled;
    this.refresh();
  }

  /** To be called when a member's state changed. */
  refresh(): void {
    const next = this.#judge();
    if (next !== this.#state) {
      this.#state = next;
      this.#changedAt = this.#now();
    }
  }

  /** This vserver or the first backup that is UP; null when none is. */
  effective(asked: readonly LbRuntime[] = []): LbRuntime | null {
    if (this.#state === "UP") {
      return this;
    }
    const backup = this.#backup();
    return backup === null || asked.includes(backup) ? null : backup.effective([...asked, this]);
  }

  /** The member for this client; null if none is available. */
  choose(client: ClientFacts): Choice | null {
    const bound = this.persistence.find(client);
    const member = bound?.takesBoundClients === true ? bound : this.#nextMember();
    return member === null ? null : { member, setCookie: this.persistence.bind(client, member) };
  }

  belief(): VserverBelief {
    const active = this.members.filter((member) => member.takesNewClients).length;
    const effective = this.effective();
    return {
      state: this.#state,
      effectiveState: effective?.state ?? this.#state,
      healthPercent:
        this.members.length === 0 ? 0 : Math.floor((100 * active) / this.members.length),
      backupActive: effective !== null && effective !== this,
      totalServices: this.members.length,
      activeServices: active,
      remark: this.#certificateMissing ? "Certkey not bound" : null,
      clientConnections: this.members.reduce((sum, member) => sum + member.connections, 0),
      sinceChangeMs: this.#now() - this.#changedAt,
    };
  }

  #judge(): VserverState {
    if (!this.#enabled) {
      return "OUT OF SERVICE";
    }
    if (this.#certificateMissing) {
      return "DOWN";
    }
    const up = this.members.filter((member) => member.takesNewClients).length;
    return up >= Math.max(1, this.vserver.healthThreshold) ? "UP" : "DOWN";
  }

  #nextMember(): MemberRuntime | null {
    const up = this.members.filter((member) => member.takesNewClients);
    const turn = this.#turn;
    this.#turn += 1;
    if (this.vserver.method === "ROUNDROBIN") {
      const weighted = up.flatMap((member) =>
        Array.from({ length: this.#weight(member) }, () => member),
      );
      return weighted[turn % weighted.length] ?? null;
    }
    // Least connections, each member's weight considered; the turn decides among equals.
    const load = (member: MemberRuntime): number => member.connections / this.#weight(member);
    const least = Math.min(...up.map(load));
    const equals = up.filter((member) => load(member) === least);
    return equals[turn % equals.length] ?? null;
  }

  #weight(member: MemberRuntime): number {
    const binding = this.vserver.services.find(
      ({ service }) => service === member.member.adcService,
    );
    return Math.max(
      1,
      member.service.kind === "service" ? (binding?.weight ?? 1) : member.member.weight,
    );
  }
}
