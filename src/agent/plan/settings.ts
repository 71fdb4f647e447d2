import type {
  AdcConfig,
  Config,
  ExcludeConfig,
  LookSettings,
  MemberConfig,
  ServerTrust,
  TransactionRunConfig,
  VserverConfig,
} from "../../config/schema.ts";
import type { AdcQuirks, MonitorCredential } from "../../probes/monitors/spec.ts";
import type { Account } from "../../model/transactions.ts";
import { NO_SECRET } from "../../lib/secret.ts";
import { ownAddresses } from "../../net/target-policy.ts";
import type { ResolvedNames } from "../public-names.ts";
import { targetCheck, type TargetCheck } from "./own-host.ts";
import type { TlsVersion } from "../../model/tls-settings.ts";

export type VserverSettings = VserverConfig;
export type MemberSettings = MemberConfig;
export type TransactionRun = TransactionRunConfig;

export interface MonitorSettings {
  readonly credential: MonitorCredential | null;
  /** The command that stands for a USER monitor's own script. */
  readonly command: readonly string[] | null;
  /** False: over TLS the credential is sent to an unverified server; absent means true. */
  readonly verify?: boolean;
}

/** What the operator's configuration adds to an estate when probes are planned. */
export interface PlanSettings {
  readonly monitors: ReadonlyMap<string, MonitorSettings>;
  readonly vservers: ReadonlyMap<string, VserverSettings>;
  readonly members: readonly MemberSettings[];
  readonly runs: readonly TransactionRun[];
  readonly accounts: ReadonlyMap<string, Account & ServerTrust>;
  /** Kinds of looks that are made without anybody asking. */
  readonly looks: LookSettings;
  readonly exclude: readonly ExcludeConfig[];
  /** The ADC's TLS range towards the servers, where firmware's default is not what this ADC does. */
  readonly monitorTls: { readonly min: TlsVersion; readonly max: TlsVersion } | null;
  /** Addresses that our connections may come from; empty where they are not known. */
  readonly ownAddresses: readonly string[];
  /** Which imported addresses may be dialled. */
  readonly targets: TargetCheck;
  /** What DNS answers for client-facing names, lower case; those not asked for yet are absent. */
  readonly resolved: ResolvedNames;
  /** No monitor is repeated more often than this, whatever the ADC's configuration says. */
  readonly minIntervalMs: number;
  /** How long an anonymous look waits for its server. */
  readonly lookTimeoutMs: number;
  /** What documentation leaves open about the ADC's probes; undefined: the likelier habits. */
  readonly habits?: AdcQuirks;
}

export const ALL_LOOKS: LookSettings = { mail: true, web: true, ldap: true, dns: true, ntp: true };

/** Nothing but the estate: what `plan --ns-conf` plans with. */
export const BARE_SETTINGS: PlanSettings = {
  monitors: new Map(),
  vservers: new Map(),
  members: [],
  runs: [],
  accounts: new Map(),
  looks: ALL_LOOKS,
  exclude: [],
  monitorTls: null,
  ownAddresses: [],
  targets: targetCheck({ connectTo: {}, allowTargets: [], listen: [] }),
  resolved: new Map(),
  minIntervalMs: 100,
  lookTimeoutMs: 10_000,
};

/** The settings of one ADC. Secrets stay sealed: they are disclosed where they are sent, see `disclose`. */
export function planSettings(
  config: Config,
  adc: AdcConfig,
  resolved: ResolvedNames,
): PlanSettings {
  return {
    monitors: new Map(
      [...config.monitors].map(([name, monitor]) => [
        name,
        {
          credential:
            monitor.password === null && monitor.secret === null
              ? null
              : {
                  username: monitor.username ?? "",
                  password: monitor.password ?? NO_SECRET,
                  secret: monitor.secret,
                },
          command: monitor.command,
          verify: monitor.verify ?? true,
        },
      ]),
    ),
    vservers: config.vservers,
    members: config.members,
    runs: config.transactions.run,
    accounts: new Map(config.transactions.accounts.map((account) => [account.name, account])),
    looks: config.looks ?? ALL_LOOKS,
    exclude: config.exclude ?? [],
    monitorTls: adc.monitorTls,
    ownAddresses: config.sourceAddresses.length > 0 ? config.sourceAddresses : ownAddresses(),
    targets: targetCheck({ ...config, listen: config.web.listen }),
    resolved,
    minIntervalMs: config.minProbeIntervalMs,
    lookTimeoutMs: config.lookTimeoutMs,
    habits: config.probe,
  };
}
