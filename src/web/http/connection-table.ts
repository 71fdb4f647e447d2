import type { Socket } from "node:net";
import { addressGroup } from "../../lib/ip.ts";

/** Maximum number of connections per state. */
export interface ConnectionLimits {
  /** Silent, sending a request, or idle, per address and in total. */
  readonly waitingPerAddress: number;
  readonly waiting: number;
  /** Being answered, per address and in total; each holds its answer in memory. */
  readonly answeringPerAddress: number;
  readonly answering: number;
  /** Event streams, per address (of a proxy, for all clients behind it) and in total; each may buffer 256 KB. */
  readonly streamingPerAddress: number;
  readonly streaming: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  waitingPerAddress: 256,
  waiting: 1_024,
  answeringPerAddress: 64,
  answering: 256,
  streamingPerAddress: 1_000,
  streaming: 2_000,
};

export type ConnectionState = "silent" | "idle" | "answering" | "streaming";
/** States without a request, in the order in which connections are closed. */
const WAITING = ["silent", "idle"] as const;

/** Identifies a connection by its addresses, because TLS wraps the socket in another. */
export type SocketAddresses = Pick<Socket, "remoteAddress" | "remotePort" | "localPort">;

/**
 * The open connections of the whole server. A new connection is always accepted. If there are too many, the address with the
 * most connections loses the one that has been longest in its state, so a flood from one address affects only that address.
 */
export interface ConnectionTable {
  /** Adds a new connection; it is `silent` until its first complete request. */
  readonly add: (socket: Socket) => void;
  readonly setState: (addresses: SocketAddresses, state: ConnectionState) => void;
  readonly count: () => number;
}

interface Entry {
  readonly socket: Socket;
  readonly group: string;
  state: ConnectionState;
}

export function createConnectionTable(
  limits: ConnectionLimits,
  /** Called for each closed connection, with its address. */
  onClosed: (group: string) => void,
): ConnectionTable {
  const entries = new Map<string, Entry>();
  // Per state and address, the connections in the order in which they entered the state.
  const byState: Record<ConnectionState, Map<string, Set<Entry>>> = {
    silent: new Map(),
    idle: new Map(),
    answering: new Map(),
    streaming: new Map(),
  };
  const counts: Record<ConnectionState, number> = {
    silent: 0,
    idle: 0,
    answering: 0,
    streaming: 0,
  };

  function addToState(entry: Entry): void {
    const ofState = byState[entry.state];
    const ofGroup = ofState.get(entry.group) ?? new Set<Entry>();
    ofState.set(entry.group, ofGroup.add(entry));
    counts[entry.state] += 1;
  }

  function removeFromState(entry: Entry): void {
    const ofGroup = byState[entry.state].get(entry.group);
    if (ofGroup?.delete(entry) === true) {
      counts[entry.state] -= 1;
      if (ofGroup.size === 0) {
        byState[entry.state].delete(entry.group);
      }
    }
  }

  function sizeOf(state: ConnectionState, group: string): number {
    return byState[state].get(group)?.size ?? 0;
  }

  function closeEntry(entry: Entry | undefined): void {
    if (entry !== undefined) {
      removeFromState(entry);
      onClosed(entry.group);
      entry.socket.destroy();
    }
  }

  function oldestOf(states: readonly ConnectionState[], group: string): Entry | undefined {
    for (const state of states) {
      const [oldest] = byState[state].get(group) ?? [];
      if (oldest !== undefined) {
        return oldest;
      }
    }
    return undefined;
  }

  /** The oldest connection, at the address with the most, in the first non-empty of these states. */
  function oldestOfFullest(states: readonly ConnectionState[]): Entry | undefined {
    for (const state of states) {
      let fullest: ReadonlySet<Entry> | undefined;
      for (const ofGroup of byState[state].values()) {
        fullest = fullest === undefined || ofGroup.size > fullest.size ? ofGroup : fullest;
      }
      const [oldest] = fullest ?? [];
      if (oldest !== undefined) {
        return oldest;
      }
    }
    return undefined;
  }

  function enforceLimits({ state, group }: Entry): void {
    if (state === "silent" || state === "idle") {
      if (sizeOf("silent", group) + sizeOf("idle", group) > limits.waitingPerAddress) {
        closeEntry(oldestOf(WAITING, group));
      }
      if (counts.silent + counts.idle > limits.waiting) {
        closeEntry(oldestOfFullest(WAITING));
      }
      return;
    }
    const perAddress =
      state === "answering" ? limits.answeringPerAddress : limits.streamingPerAddress;
    if (sizeOf(state, group) > perAddress) {
      closeEntry(oldestOf([state], group));
    }
    if (counts[state] > limits[state]) {
      closeEntry(oldestOfFullest([state]));
    }
  }

  return {
    add: (socket) => {
      const key = keyOf(socket);
      const entry: Entry = {
        socket,
        group: addressGroup(socket.remoteAddress ?? ""),
        state: "silent",
      };
      entries.set(key, entry);
      addToState(entry);
      socket.once("close", () => {
        removeFromState(entry);
        if (entries.get(key) === entry) {
          entries.delete(key);
        }
      });
      enforceLimits(entry);
    },
    setState: (addresses, state) => {
      const entry = entries.get(keyOf(addresses));
      if (entry === undefined || entry.socket.destroyed || entry.state === state) {
        return;
      }
      removeFromState(entry);
      entry.state = state;
      addToState(entry);
      enforceLimits(entry);
    },
    count: () => counts.silent + counts.idle + counts.answering + counts.streaming,
  };
}

function keyOf({ remoteAddress, remotePort, localPort }: SocketAddresses): string {
  return `${remoteAddress ?? ""} ${String(remotePort)} ${String(localPort)}`;
}
