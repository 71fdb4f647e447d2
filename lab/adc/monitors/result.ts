import type { SecureContext } from "node:tls";
import type { Monitor } from "../../../src/model/monitor.ts";
import type { Endpoint } from "../address-map.ts";

/**
 * How one probe of the ADC ended. `refused` is an active no of the network (RST, ICMP unreachable), `timeout` silence:
 * NetScaler's reverse monitors treat the four differently.
 */
export interface MonitorResult {
  readonly outcome: "match" | "mismatch" | "refused" | "timeout";
  /** What `show service` prints as "Last response". */
  readonly response: string;
  /** The server responded with its trofsCode or trofsString: it wants to be taken out of service. */
  readonly leaving: boolean;
}

/** Input of a probe of the ADC. */
export interface MonitorTask {
  readonly monitor: Monitor;
  /** Where destIP and destPort, or the member, really listen; null when nothing does. */
  readonly endpoint: Endpoint | null;
  /** For the Host header: the probed address as the ns.conf writes it. */
  readonly address: string;
  /** Null: the monitor is not `-secure YES`. */
  readonly tls: SecureContext | null;
  readonly serverName: string | null;
  /** A PROXY header comes first. */
  readonly announces?: boolean;
  readonly timeoutMs: number;
  /** The decrypted password of a login monitor; null when the ADC has none. */
  readonly password: string | null;
  readonly answersPing: boolean;
}

/** No sentence of the ADC's is known for a connection that ends without an answer; this is its usual one (UNCONFIRMED). */
export const NO_RESPONSE = "Failure - TCP connection successful, but application timed out";

export type RunMonitor = (task: MonitorTask) => Promise<MonitorResult>;

export function match(response: string, leaving = false): MonitorResult {
  return { outcome: "match", response, leaving };
}

export function mismatch(response: string): MonitorResult {
  return { outcome: "mismatch", response, leaving: false };
}

export function timedOut(response: string): MonitorResult {
  return { outcome: "timeout", response, leaving: false };
}

export function refused(response: string): MonitorResult {
  return { outcome: "refused", response, leaving: false };
}
