import type { Sockets } from "../../../src/net/network.ts";
import type { Script } from "./script.ts";

/** A server that says to one probe at a time what it is told to. */
export interface FuzzServer {
  readonly port: number;
  /** What its probes dial it with. */
  readonly sockets: Sockets;
  readonly say: (script: Script) => void;
  /** The probe has ended: ends what it left open, or tells of it by throwing. */
  readonly hangUp: () => Promise<void>;
  readonly close: () => Promise<void>;
}
