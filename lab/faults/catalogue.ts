import type { Fault } from "./fault.ts";
import { HTTP_FAULTS } from "./http-faults.ts";
import { LINE_FAULTS } from "./line-faults.ts";
import { TCP_FAULTS } from "./tcp-faults.ts";
import { TLS_FAULTS } from "./tls-faults.ts";

/** Every fault by name: `protocol.what`. */
export const FAULTS = {
  ...TCP_FAULTS,
  ...TLS_FAULTS,
  ...HTTP_FAULTS,
  ...LINE_FAULTS,
} satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];
