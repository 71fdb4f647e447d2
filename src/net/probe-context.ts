import type { Network } from "./network.ts";
import type { ProxyVersion } from "./proxy-header.ts";
import type { Vantage } from "../model/observation.ts";

/** Where a probe goes, as the estate names it; `connect_to` is applied by the network, not by the probe. */
export interface Target {
  /** IP literal or host name. */
  readonly host: string;
  readonly port: number;
  /** The estate's name of the server, for learning and telling who answered; null at a VIP. */
  readonly server: string | null;
  /** Which addresses of a name the ADC asks DNS for; absent: whichever comes first. */
  readonly family?: 4 | 6;
  /** The PROXY header that a connection begins with, where the server awaits one; absent: none. */
  readonly proxy?: ProxyVersion;
}
export interface ProbeContext {
  readonly network: Network;
  /** Aborted when the agent stops or the round is abandoned: the probe ends at once as `agent_fault`. */
  readonly signal: AbortSignal;
  /** Whole time the probe may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Local address to probe from, or null for the system's choice. */
  readonly localAddress: string | null;
  readonly vantage: Vantage;
  /** False: a failure is the server's even where a stall of our event loop explains it as well. Default: true. */
  readonly excuseStalls?: boolean | undefined;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Monotonic clock in milliseconds, for durations. */
  readonly monotonic: () => number;
}
