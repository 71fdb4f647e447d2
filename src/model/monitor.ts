import type { SourceLine } from "./source-line.ts";

export interface Monitor {
  readonly name: string;
  /** In upper case as ns.conf writes it: `TCP-ECV`, `HTTP` … Unknown types are kept unchanged. */
  readonly type: string;
  readonly builtIn: boolean;
  /** `-state DISABLED`. */
  readonly enabled: boolean;
  readonly intervalMs: number;
  readonly responseTimeoutMs: number;
  readonly downTimeMs: number;
  readonly deviationMs: number;
  readonly retries: number;
  readonly failureRetries: number;
  readonly successRetries: number;
  readonly alertRetries: number;
  readonly reverse: boolean;
  readonly transparent: boolean;
  readonly ipTunnel: boolean;
  readonly tos: boolean;
  readonly secure: boolean;
  readonly lrtm: boolean;
  /** Null: the address of the bound member. */
  readonly destIp: string | null;
  /** Null: the port of the bound member. */
  readonly destPort: number | null;
  readonly netProfile: string | null;
  readonly sslProfile: string | null;
  readonly parameters: MonitorParameters;
  /** Every parameter as written, keys in lower case without the dash: nothing is lost. Secrets are replaced by `<secret>`. */
  readonly written: ReadonlyMap<string, readonly string[]>;
  readonly line: SourceLine;
}

/** An inclusive range of response codes. */
export interface CodeRange {
  readonly from: number;
  readonly to: number;
}

/** Parameters that belong to some types only; null where not given. */
export interface MonitorParameters {
  readonly httpRequest: string | null;
  readonly rtspRequest: string | null;
  readonly respCodes: readonly CodeRange[] | null;
  /** Decoded: `\r\n` is two characters CR LF. */
  readonly customHeaders: string | null;
  readonly send: string | null;
  readonly recv: string | null;
  readonly trofsCode: number | null;
  readonly trofsString: string | null;
  readonly query: string | null;
  readonly queryType: string | null;
  readonly ipAddresses: readonly string[];
  readonly userName: string | null;
  /** How the password is configured: only the ADC can read an encrypted one. The model does not contain the secret. */
  readonly password: "none" | "clear" | "encrypted";
  readonly scriptName: string | null;
  readonly scriptArgs: string | null;
  readonly dispatcherIp: string | null;
  readonly dispatcherPort: number | null;
  readonly baseDn: string | null;
  readonly bindDn: string | null;
  readonly filter: string | null;
  readonly attribute: string | null;
  readonly group: string | null;
  readonly fileName: string | null;
  readonly database: string | null;
  readonly sqlQuery: string | null;
  readonly radNasId: string | null;
  readonly radNasIp: string | null;
  readonly snmpOid: string | null;
  readonly snmpThreshold: string | null;
  readonly snmpVersion: "V1" | "V2" | null;
  readonly sipMethod: string | null;
  readonly sipUri: string | null;
  readonly maxForwards: number | null;
  readonly action: string | null;
}
