import type {
  AdcConfig,
  Config,
  MemberConfig,
  TransactionRunConfig,
  VserverConfig,
} from "../../config/schema.ts";
import type { AdcHabits, MonitorCredential } from "../../probes/monitors/spec.ts";
import type { Account } from "../../model/transactions.ts";
import type { ResolvedNames } from "../public-names.ts";
import type { TlsVersion } from "../../model/tls-settings.ts";

export type VserverSettings = VserverConfig;
export type MemberSettings = MemberConfig;
export type TransactionRun = TransactionRunConfig;

export interface MonitorSettings {
  readonly credential: MonitorCredential | null;
  /** The command that stands for a USER monitor's own script. */
  readonly command: readonly string[] | null;
}

/** What the operator's configuration adds to an estate when probes are planned. */
export interface PlanSettings {
  readonly monitors: ReadonlyMap<string, MonitorSettings>;
  readonly vservers: ReadonlyMap<string, VserverSettings>;
  readonly members: readonly MemberSettings[];
  readonly runs: readonly TransactionRun[];
  readonly accounts: ReadonlyMap<string, Account>;
  /** The ADC's TLS range towards the servers, where firmware's default is not what this ADC does. */
  readonly monitorTls: { readonly min: TlsVersion; readonly max: TlsVersion } | null;
  /** What DNS answers for client-facing names, lower case; those not asked for yet are absent. */
  readonly resolved: ResolvedNames;
  /** What documentation leaves open about the ADC's probes; undefined: the likelier habits. */
  readonly habits?: AdcHabits;
}

/** Nothing but the estate: what `plan --ns-conf` plans with. */
export const BARE_SETTINGS: PlanSettings = {
  monitors: new Map(),
  vservers: new Map(),
  members: [],
  runs: [],
  accounts: new Map(),
  monitorTls: null,
  resolved: new Map(),
};

/** The settings of one ADC. Secrets are revealed here, to the specs that send them, and nowhere else. */
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
                  password: monitor.password?.reveal() ?? "",
                  secret: monitor.secret?.reveal() ?? null,
                },
          command: monitor.command,
        },
      ]),
    ),
    vservers: config.vservers,
    members: config.members,
    runs: config.transactions.run,
    accounts: new Map(
      config.transactions.accounts.map((account) => [
        account.name,
        { ...account, password: account.password.reveal() },
      ]),
    ),
    monitorTls: adc.monitorTls,
    resolved,
    habits: config.probe,
  };
}
