import type { ExchangeError } from "./exchange-error.ts";

/** Who is to answer one ICMP echo, and from which of our addresses it is sent (null: the system's choice). */
export interface EchoQuestion {
  readonly address: string;
  readonly family: 4 | 6;
  readonly localAddress: string | null;
}
/** An answer in the words of the program that received it. */
interface EchoReply {
  readonly kind: "reply";
  readonly roundTripMs: number | null;
  readonly words: string;
}
export type EchoResult = EchoReply | ExchangeError;
