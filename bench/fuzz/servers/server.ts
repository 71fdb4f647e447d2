import type { Sockets } from "../../../src/net/network.ts";
import type { Script } from "./script.ts";

/** A server that sends scripted answers to one probe at a time. */
export interface FuzzServer {
  readonly port: number;
  /** Socket factory for its probes. */
  readonly sockets: Sockets;
  readonly say: (script: Script) => void;
  /** Call when the probe has ended: closes the connections that it left open, or throws because of them. */
  readonly hangUp: () => Promise<void>;
  readonly close: () => Promise<void>;
}
