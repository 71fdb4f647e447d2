import type { Statement } from "./statements.ts";
import { report, type Draft, type StatementReader } from "./draft.ts";

/** The options of one kind of command. */
export interface OptionNames {
  /** The option as typed or meant: any beginning that only one has. In lower case; null: none, or more than one. */
  readonly whole: (key: string) => string | null;
  /** Whether some option begins so. */
  readonly isBeginning: (key: string) => boolean;
  /** As the reference spells it. */
  readonly spelled: (key: string) => string;
}

/**
 * Finds options among these spellings. UNCONFIRMED: that the ADC takes half an option, as it takes half a verb, is
 * documented nowhere.
 */
export function optionNames(spellings: readonly string[]): OptionNames {
  const known = new Map(spellings.map((spelling) => [spelling.toLowerCase(), spelling]));
  const isBeginning = (key: string): boolean =>
    known.has(key) || [...known.keys()].some((option) => option.startsWith(key));
  return {
    isBeginning,
    spelled: (key) => known.get(key) ?? key,
    whole: (key) => {
      if (known.has(key)) {
        return key;
      }
      const found = key.length < 2 ? [] : [...known.keys()].filter((one) => one.startsWith(key));
      return found.length === 1 ? (found[0] ?? null) : null;
    },
  };
}

/** `-httpreq` is read as the whole option; that the ADC would do so is told as the guess that it is. */
export function withWholeOptions(
  statement: Statement,
  draft: Draft,
  object: string,
  names: OptionNames,
): Statement {
  const { keys } = statement;
  const read = [...keys].map(([key, values]) => ({ key, option: names.whole(key), values }));
  if (read.every(({ key, option }) => key === option)) {
    return statement;
  }
  if (read.some(({ key, option }) => option === null && names.isBeginning(key))) {
    const message = "What several options begin with is none of them, and is not read.";
    report(draft, statement, "info", "doubtful_option", object, message);
  }
  for (const { key, option } of read) {
    if (option !== null && key !== option) {
      const message = `The beginning of -${names.spelled(option)} is read as the whole option; whether the ADC takes half an option is not documented.`;
      report(draft, statement, "info", "doubtful_option", object, message);
    }
  }
  // What is written in full counts, wherever it stands.
  const halves = read.filter(({ key, option }) => key !== option);
  const whole = read.filter(({ key, option }) => key === option);
  return {
    ...statement,
    keys: new Map(
      [...halves, ...whole].map(({ key, option, values }) => [option ?? key, values] as const),
    ),
  };
}

/** Reads a command whose options are all known: half options as meant, and tells of those that it does not have. */
export function knowing(
  subject: string,
  names: OptionNames,
  read: StatementReader,
): StatementReader {
  return (statement, draft) => {
    if (statement.keys.size === 0) {
      read(statement, draft);
      return;
    }
    const [object = subject] = statement.words;
    const whole = withWholeOptions(statement, draft, object, names);
    reportUnknown(whole, draft, object, subject, names);
    read(whole, draft);
  };
}

/** What an appliance has saved itself is an option of newer firmware; elsewhere it is a slip. */
function reportUnknown(
  statement: Statement,
  draft: Draft,
  object: string,
  subject: string,
  names: OptionNames,
): void {
  const unknown = [...statement.keys.keys()].filter((key) => !names.isBeginning(key));
  if (unknown.length === 0) {
    return;
  }
  // Behind an option without its value stands that value: a text that begins with a dash is not repeated.
  const hasLost = [...statement.keys].some(
    ([key, values]) => values.length === 0 && names.isBeginning(key) && !FLAGS.has(key),
  );
  const nameable = hasLost ? [] : unknown.filter((key) => /^[a-z][a-z0-9]{1,39}$/.test(key));
  const shown =
    nameable.length === unknown.length
      ? `-${nameable.join(", -")}`
      : `${String(unknown.length)} of the options written here`;
  if (draft.firmware !== null || statement.verb === "unset") {
    const message = `A ${subject} has, as far as is known here, no ${shown}: not read.`;
    report(draft, statement, "info", "unknown_option", object, message);
    return;
  }
  const message = `No ${subject} has ${shown}: the ADC refuses the whole command. The rest of it is read here.`;
  report(draft, statement, "warning", "unknown_option", object, message);
}

const FLAGS: ReadonlySet<string> = new Set(["passive", "cip", "m"]);

function optionRows(...rows: readonly string[]): OptionNames {
  return optionNames(rows.flatMap((row) => row.split(" ")));
}

/** What a saved configuration writes behind anything. */
const SAVED = "devno";

const SERVICE_ROWS: readonly string[] = [
  "accessDown all appflowLog cacheable cacheType cip cipHeader CKA clearTextPort cltTimeout clMonOwner clMonView CMP comment",
  "contentInspectionProfileName CustomServerID delay dnsProfileName downStateFlush graceFul gslb hashId healthMonitor",
  "httpProfileName Internal IPAddress maxBandwidth maxClient maxReq monConnectionClose monitorName monState monThreshold",
  "netProfile nodefaultBindings oracleServerVersion passive pathMonitor pathMonitorIndv processLocal publicIP publicPort",
  "quicProfileName rtspSessionidRemap serverID sp state svrTimeout TCPB tcpProfileName td useproxyport usip weight",
  // Of firmware before 10, and of GSLB services, which people define by the same command.
  "siteName sitePersistence cookieTimeout riseprofile bootstrap",
  // Documented for `set ssl service` alone; typed here by people whose appliances seem to take it. UNCONFIRMED.
  "sslProfile",
  SAVED,
];

/** NetScaler command reference and NITRO docs, `add|set service`. */
export const SERVICE_OPTIONS_OF_COMMAND = optionRows(...SERVICE_ROWS);

/** As above, `add|set serviceGroup`. */
export const GROUP_OPTIONS_OF_COMMAND = optionRows(
  ...SERVICE_ROWS,
  "autoScale autoDelayedTrofs autoDisabledelay autoDisablegraceful dbsTTL includeMembers memberPort monWeight nameServer order port",
  "topicName",
);

/** As above, `bind service` and `bind serviceGroup`. */
export const SERVICE_BINDING_OPTIONS = optionRows(
  "monitorName monState passive weight policyName priority gotoPriorityExpression type CustomServerID serverID hashId state",
  "dbsTTL nameServer order port IPAddress serverName serviceGroupName monWeight",
  SAVED,
);

const VSERVER_ROWS: readonly string[] = [
  "adfsProxyProfile apiProfile appflowLog Authentication AuthenticationHost authn401 authnProfile authnVsName",
  "backupPersistenceTimeout backupVServer cacheable cacheVserver cltTimeout comment cookieName cookieDomain dbProfileName",
  "disablePrimaryOnDown dnsOverHttps dnsProfileName dnsVserverName domain downStateFlush dtls gt2GB homePage httpProfileName",
  "httpsRedirectUrl icmpVsrResponse insertVserverIPPort IPAddress IPMask IPPattern ipset l2Conn Listenpolicy Listenpriority",
  "map mssqlServerVersion mysqlCharacterSet mysqlProtocolVersion mysqlServerCapabilities mysqlServerVersion netProfile",
  "nodefaultBindings oracleServerVersion order persistenceBackup persistenceType persistMask port precedence probePort",
  "probeProtocol probeSuccessResponseCode push pushLabel pushMultiClients pushVserver quicProfileName quicBridgeProfilename",
  "range redirectFromPort redirectPortRewrite redirectURL RHIstate rtspNat rule soBackupAction soMethod soPersistence",
  "soPersistenceTimeOut soThreshold state tcpProbePort tcpProfileName td timeout v6persistmasklen vipHeader weight",
  SAVED,
];

/** NetScaler command reference and NITRO docs, `add|set lb vserver`. */
export const LB_VSERVER_OPTIONS_OF_COMMAND = optionRows(
  ...VSERVER_ROWS,
  "backupLBMethod bypassAAAA connfailover dataLength dataOffset dbsLb dns64 hashLength healthThreshold lbMethod lbprofilename m",
  "macmodeRetainvlan maxAutoscaleMembers minAutoscaleMembers netmask newServiceRequest newServiceRequestIncrementInterval",
  "newServiceRequestUnit orderThreshold persistAVPno processLocal RecursionAvailable resRule retainConnectionsOnCluster",
  "sessionless skippersistency toggleorder tosId trofsPersistence v6netmasklen serviceName sslProfile",
);

/** As above, `add|set cs vserver`. */
export const CS_VSERVER_OPTIONS_OF_COMMAND = optionRows(
  ...VSERVER_ROWS,
  "backupIP cacheType caseSensitive cookieTimeout dnsRecordType domainName persistenceId sitedomainTTL stateupdate targetType TTL",
  "sslProfile",
);
