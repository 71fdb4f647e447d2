import type { Statement } from "./statements.ts";
import { report, type Draft, type StatementReader } from "./draft.ts";

/** The options of one kind of command. */
export interface OptionNames {
  /** The option as written or abbreviated: any unique prefix. In lower case; null: no match, or more than one. */
  readonly whole: (key: string) => string | null;
  /** Whether some option has this prefix. */
  readonly isPrefix: (key: string) => boolean;
  /** Whether all options of a statement are written in full, as nearly always. */
  readonly hasAll: (keys: Statement["keys"]) => boolean;
  /** As spelt in the command reference. */
  readonly spelled: (key: string) => string;
}

/**
 * Finds options by these spellings. UNCONFIRMED: that the ADC accepts abbreviated options, as it does verbs, is not
 * documented.
 */
export function optionNames(spellings: readonly string[]): OptionNames {
  const known = new Map(spellings.map((spelling) => [spelling.toLowerCase(), spelling]));
  const isPrefix = (key: string): boolean =>
    known.has(key) || [...known.keys()].some((option) => option.startsWith(key));
  return {
    isPrefix,
    hasAll: (keys) => {
      for (const key of keys.keys()) {
        if (!known.has(key)) {
          return false;
        }
      }
      return true;
    },
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

/** `-httpreq` is read as the whole option; the message says that the ADC's behaviour is a guess. */
export function expandOptions(
  statement: Statement,
  draft: Draft,
  object: string,
  names: OptionNames,
): Statement {
  const { keys } = statement;
  if (names.hasAll(keys)) {
    return statement;
  }
  const read = [...keys].map(([key, values]) => ({ key, option: names.whole(key), values }));
  if (read.some(({ key, option }) => option === null && names.isPrefix(key))) {
    const message = "This abbreviation matches several options, so it is ignored.";
    report(draft, statement, "info", "doubtful_option", object, message);
  }
  for (const { key, option } of read) {
    if (option !== null && key !== option) {
      const message = `An abbreviation of -${names.spelled(option)} is read as the whole option; whether the ADC accepts abbreviated options is not documented.`;
      report(draft, statement, "info", "doubtful_option", object, message);
    }
  }
  // An option that is written in full takes precedence, wherever it is.
  const halves = read.filter(({ key, option }) => key !== option);
  const whole = read.filter(({ key, option }) => key === option);
  return {
    ...statement,
    keys: new Map(
      [...halves, ...whole].map(({ key, option, values }) => [option ?? key, values] as const),
    ),
  };
}

/** Reads a command whose options are all known: expands abbreviated options, and reports unknown ones. */
export function withKnownOptions(
  subject: string,
  names: OptionNames,
  read: StatementReader,
): StatementReader {
  return (statement, draft) => {
    if (names.hasAll(statement.keys)) {
      read(statement, draft);
      return;
    }
    const [object = subject] = statement.words;
    const whole = expandOptions(statement, draft, object, names);
    reportUnknown(whole, draft, object, subject, names);
    read(whole, draft);
  };
}

/** In a file saved by an appliance, an unknown option belongs to newer firmware; elsewhere it is a typing mistake. */
function reportUnknown(
  statement: Statement,
  draft: Draft,
  object: string,
  subject: string,
  names: OptionNames,
): void {
  const unknown = [...statement.keys.keys()].filter((key) => !names.isPrefix(key));
  if (unknown.length === 0) {
    return;
  }
  // After an option without a value follows that value: a text that begins with a hyphen is not repeated.
  const hasLost = [...statement.keys].some(
    ([key, values]) => values.length === 0 && names.isPrefix(key) && !FLAGS.has(key),
  );
  const nameable = hasLost ? [] : unknown.filter((key) => /^[a-z][a-z0-9]{1,39}$/.test(key));
  const shown =
    nameable.length === unknown.length
      ? `-${nameable.join(", -")}`
      : `${String(unknown.length)} of its options`;
  if (draft.firmware !== null || statement.verb === "unset") {
    const message = `Unknown options of ${withArticle(subject)} are ignored: ${shown}.`;
    report(draft, statement, "info", "unknown_option", object, message);
    return;
  }
  const what = withArticle(subject);
  const message = `A${what.slice(1)} does not support ${shown}: the ADC rejects the whole command. This import uses the rest of it.`;
  report(draft, statement, "warning", "unknown_option", object, message);
}

/** `an lb vserver`, `a service`. */
function withArticle(subject: string): string {
  return `${subject.startsWith("lb ") ? "an" : "a"} ${subject}`;
}

const FLAGS: ReadonlySet<string> = new Set(
  "passive cip m ca snicert skipcaname snicertkeybundle".split(" "),
);

function optionRows(...rows: readonly string[]): OptionNames {
  return optionNames(rows.flatMap((row) => row.split(" ")));
}

/** Options that a saved configuration may append to any command. */
const SAVED = "devno";

const SERVICE_ROWS: readonly string[] = [
  "accessDown all appflowLog cacheable cacheType cip cipHeader CKA clearTextPort cltTimeout clMonOwner clMonView CMP comment",
  "contentInspectionProfileName CustomServerID delay dnsProfileName downStateFlush graceFul gslb hashId healthMonitor",
  "httpProfileName Internal IPAddress maxBandwidth maxClient maxReq monConnectionClose monitorName monState monThreshold",
  "netProfile nodefaultBindings oracleServerVersion passive pathMonitor pathMonitorIndv processLocal publicIP publicPort",
  "quicProfileName rtspSessionidRemap serverID sp state svrTimeout TCPB tcpProfileName td useproxyport usip weight",
  // Of firmware before 10, and of GSLB services, which are defined by the same command.
  "siteName sitePersistence cookieTimeout riseprofile bootstrap",
  // Documented only for `set ssl service`, but also used here on appliances that seem to accept it. UNCONFIRMED.
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

const POLICY_BINDING_ROW = "policyName priority gotoPriorityExpression type invoke";
const DOMAIN_BINDING_ROW = "domainName TTL backupIP cookieDomain cookieTimeout sitedomainTTL";

/**
 * As above, `bind lb vserver`. The last row is of other commands, by which people try it: what those bind is said where
 * they are read. UNCONFIRMED: that the ADC takes a service by option, too.
 */
export const LB_VSERVER_BINDING_OPTIONS = optionRows(
  POLICY_BINDING_ROW,
  "weight order analyticsProfile serviceName serviceGroupName",
  SAVED,
  "monitorName certkeyName",
);

/** As above, `bind cs vserver`. */
export const CS_VSERVER_BINDING_OPTIONS = optionRows(
  POLICY_BINDING_ROW,
  DOMAIN_BINDING_ROW,
  "lbvserver vServer targetLBVserver targetVserver order analyticsProfile",
  SAVED,
);

const CERTIFICATE_BINDING_ROW =
  "certkeyName CA crlCheck ocspCheck skipCAName SNICert cipherName eccCurveName certkeyBundleName SNICertkeybundle";

/** As above, `bind ssl vserver`, `bind ssl service` and `bind ssl serviceGroup`. */
export const TLS_BINDING_OPTIONS = optionRows(POLICY_BINDING_ROW, CERTIFICATE_BINDING_ROW, SAVED);

/** As above, `add|set gslb site`. */
export const GSLB_SITE_OPTIONS = optionRows(
  "publicIP metricExchange nwMetricExchange sessionExchange triggerMonitor parentSite backupParentlist clip publicCLIP",
  "naptrReplacementSuffix sitePassword siteType newname",
  SAVED,
);

/** As above, `bind gslb vserver`. */
export const GSLB_VSERVER_BINDING_OPTIONS = optionRows(
  POLICY_BINDING_ROW,
  DOMAIN_BINDING_ROW,
  "serviceName serviceGroupName weight order",
  SAVED,
);

/** As above, `bind gslb service`. */
export const GSLB_SERVICE_BINDING_OPTIONS = optionRows(
  "monitorName monState weight viewName viewIP",
  SAVED,
);
