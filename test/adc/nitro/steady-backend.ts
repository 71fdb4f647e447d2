import type {
  MemberBelief,
  MonitorBelief,
  NitroBackend,
  NodeBelief,
  PersistenceBelief,
  VserverBelief,
} from "../../../lab/nitro/backend.ts";
import { memberKey } from "../../../src/model/adc-state.ts";
import type { Estate } from "../../../src/model/estate.ts";

const UP_VSERVER: VserverBelief = {
  state: "UP",
  effectiveState: "UP",
  healthPercent: 100,
  backupActive: false,
  totalServices: 2,
  activeServices: 2,
  remark: null,
  clientConnections: 0,
  sinceChangeMs: 60_000,
};

const UP_MEMBER: MemberBelief = {
  state: "UP",
  trofsReason: null,
  clientConnections: 0,
  serverConnections: 0,
  sinceChangeMs: 60_000,
};

const UP_MONITOR: MonitorBelief = {
  state: "UP",
  lastResponse: "Success - TCP syn+ack received.",
  responseTimeMs: 0.5,
  totalProbes: 100,
  failedProbes: 0,
  currentFailedProbes: 0,
};

export const PRIMARY: NodeBelief = {
  name: "ns1",
  address: "192.0.2.1",
  role: "Primary",
  masterState: "PRIMARY",
  health: "UP",
};

/** An ADC that believes what a test writes into its maps, and that all is well otherwise. */
export interface SteadyBackend extends NitroBackend {
  readonly set: {
    estate: Estate;
    nodes: [NodeBelief, ...NodeBelief[]];
    readonly vservers: Map<string, Partial<VserverBelief>>;
    /** By `memberKey`. */
    readonly members: Map<string, Partial<MemberBelief>>;
    /** By `memberKey` and the monitor's name, joined by a slash. */
    readonly monitors: Map<string, Partial<MonitorBelief>>;
    /** By vserver. */
    readonly persistence: Map<string, readonly PersistenceBelief[]>;
  };
}

const OUT = "OUT OF SERVICE";

function isVserverOn({ lbVservers, csVservers }: Estate, name: string): boolean {
  return (lbVservers.get(name) ?? csVservers.get(name))?.enabled !== false;
}

export function steadyBackend(estate: Estate): SteadyBackend {
  const set: SteadyBackend["set"] = {
    estate,
    nodes: [PRIMARY],
    vservers: new Map(),
    members: new Map(),
    monitors: new Map(),
    persistence: new Map(),
  };
  return {
    set,
    estate: () => set.estate,
    nodes: () => set.nodes,
    vserver: (name) => ({
      ...UP_VSERVER,
      ...(isVserverOn(set.estate, name)
        ? {}
        : { state: OUT, effectiveState: OUT, healthPercent: 0 }),
      ...set.vservers.get(name),
    }),
    member: (member) => ({
      ...UP_MEMBER,
      ...(member.enabled && set.estate.services.get(member.adcService)?.enabled !== false
        ? {}
        : { state: OUT }),
      ...set.members.get(memberKey(member.adcService, member.server, member.port)),
    }),
    persistence: (vserver) => set.persistence.get(vserver) ?? [],
    monitor: ({ adcService, server, port }, { monitor }) => ({
      ...UP_MONITOR,
      ...set.monitors.get(`${memberKey(adcService, server, port)}/${monitor}`),
    }),
  };
}
