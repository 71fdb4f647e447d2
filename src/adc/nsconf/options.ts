import { isPlaceholder } from "../placeholders.ts";
import type { Statement } from "./statements.ts";
import { withArticle } from "../diagnostics.ts";
import { counted } from "../../lib/counted.ts";
import { report, type Draft, type StatementReader } from "./draft.ts";
import { noteProfiles } from "./profile-uses.ts";

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
  /** The most values that the option takes; an unknown one may have any number. */
  readonly mostValues: (key: string) => number;
}

/**
 * Finds options by these spellings. UNCONFIRMED: that the ADC accepts abbreviated options, as it does verbs, is not
 * documented.
 */
export function optionNames(
  spellings: readonly string[],
  mostValues: OptionNames["mostValues"],
): OptionNames {
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
    mostValues,
    whole: (key) => {
      if (known.has(key)) {
        return key;
      }
      const found = key.length < 2 ? [] : [...known.keys()].filter((one) => one.startsWith(key));
      return found.length === 1 ? (found[0] ?? null) : null;
    },
  };
}

/** Instead of the question whether to go on. UNCONFIRMED: of which commands the ADC takes it; scripts write it widely. */
const FORCE = "force";

/** Short forms that vendor examples use (`bind ssl vserver v -certkey c`), although newer options begin like them, too. */
const SHORT_FORMS: ReadonlyMap<string, string> = new Map([["certkey", "certkeyname"]]);

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
  const read = [...keys].map(([written, values]) => {
    const key = names.isPrefix(written) ? (SHORT_FORMS.get(written) ?? written) : written;
    return { key, option: names.whole(key), values };
  });
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

/** How many words that are no option and no value a command takes: names, addresses, types. */
export type MostWords = number | ((statement: Statement) => number);

/**
 * Reads a command whose form is known: expands abbreviated options, remembers the profiles that they name, and reports
 * unknown ones and words that belong to none.
 */
export function withKnownOptions(
  subject: string,
  names: OptionNames,
  mostWords: MostWords,
  read: StatementReader,
): StatementReader {
  return (statement, draft) => {
    const [object = subject] = statement.words;
    reportStray(statement, draft, object, names, mostWords);
    if (names.hasAll(statement.keys)) {
      noteProfiles(statement, draft);
      read(statement, draft);
      return;
    }
    const whole = expandOptions(statement, draft, object, names);
    reportUnknown(whole, draft, object, subject, names);
    noteProfiles(whole, draft);
    read(whole, draft);
  };
}

/** Reads a command that removes something. Which options it takes is less certain: they are only expanded. */
export function expanded(names: OptionNames, read: StatementReader): StatementReader {
  return (statement, draft) => {
    const [object = statement.group] = statement.words;
    read(expandOptions(statement, draft, object, names), draft);
  };
}

/**
 * Reports words behind the last positional argument, and behind the last value of an option: an option without its
 * hyphen, or a part of a text that belongs inside quotes.
 */
export function reportStray(
  statement: Statement,
  draft: Draft,
  object: string,
  names: OptionNames,
  mostWords: MostWords,
): void {
  const { words, keys, broken, verb } = statement;
  const most = typeof mostWords === "number" ? mostWords : mostWords(statement);
  if (words.length <= most && keys.size === 0) {
    return;
  }
  let loose = words.filter((word) => word !== PIPE).length;
  for (const [key, values] of keys) {
    const given = values.filter((value) => value !== PIPE).length;
    loose += Math.max(0, given - names.mostValues(names.whole(key) ?? key));
  }
  const isSaid = words.slice(1).some((word) => isTypeWithOption(word, names));
  if (loose <= most || broken || verb === "unset" || isTemplate(statement) || isSaid) {
    return;
  }
  const stray = loose - most;
  const belong = stray === 1 ? "belongs" : "belong";
  const message = `${counted(stray, "word")} of this line ${belong} to no option: the ADC rejects the whole command. This import uses it without them.`;
  report(draft, statement, "warning", "stray_words", object, message);
}

/** `add service s 10.0.0.1 TCP-cltTimeout 90`: what is reported is the unknown type. */
function isTypeWithOption(word: string, names: OptionNames): boolean {
  const [, option = null] = /^[A-Z_]{2,20}-([A-Za-z]{2,40})$/.exec(word) ?? [];
  return option !== null && names.whole(option.toLowerCase()) !== null;
}

/** Ends a command, as in a table of a page. */
const PIPE = "|";

/** `add lb vserver <name of the vserver> HTTP`: words that are still to be filled in. */
function isTemplate({ words, keys }: Statement): boolean {
  return [...words, ...[...keys.values()].flat()].some(isPlaceholder);
}

/** In a file saved by an appliance, an unknown option belongs to newer firmware; elsewhere it is a typing mistake. */
function reportUnknown(
  statement: Statement,
  draft: Draft,
  object: string,
  subject: string,
  names: OptionNames,
): void {
  const unknown = [...statement.keys.keys()].filter((key) => key !== FORCE && !names.isPrefix(key));
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
  const message = `A${withArticle(subject).slice(1)} does not support ${shown}: the ADC rejects the whole command. This import uses the rest of it.`;
  report(draft, statement, "warning", "unknown_option", object, message);
}

const FLAGS: ReadonlySet<string> = new Set(
  "passive cip m ca snicert skipcaname snicertkeybundle".split(" "),
);

/**
 * Options by their spelling. One with several values has their number behind a colon; `*`: any number, or the value is
 * checked where it is read.
 */
function optionRows(...rows: readonly string[]): OptionNames {
  const options = rows.flatMap((row) => row.split(" ")).map((entry) => entry.split(":"));
  const several = new Map(
    options.flatMap(([spelling = "", most]) =>
      most === undefined ? [] : [[spelling.toLowerCase(), most === "*" ? Infinity : Number(most)]],
    ),
  );
  const spellings = options.map(([spelling = ""]) => spelling);
  const known = new Set(spellings.map((spelling) => spelling.toLowerCase()));
  return optionNames(spellings, (key) => several.get(key) ?? (known.has(key) ? 1 : Infinity));
}

/** Options that a saved configuration may append to any command. */
const SAVED = "devno";

const SERVICE_ROWS: readonly string[] = [
  "accessDown all appflowLog cacheable cacheType cip:2 cipHeader CKA clearTextPort cltTimeout clMonOwner clMonView CMP comment",
  "contentInspectionProfileName CustomServerID:* delay dnsProfileName downStateFlush graceFul gslb hashId healthMonitor",
  "httpProfileName Internal IPAddress maxBandwidth maxClient maxReq monConnectionClose monitorName monState monThreshold",
  "netProfile nodefaultBindings oracleServerVersion passive pathMonitor pathMonitorIndv processLocal publicIP publicPort",
  "quicProfileName riseApbrStatsMsgCode rtspSessionidRemap sc serverID sp state svrTimeout TCPB tcpProfileName td useproxyport usip weight:2",
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
  "monitorName monState passive weight policyName priority gotoPriorityExpression type CustomServerID:* serverID hashId state",
  "dbsTTL nameServer order port IPAddress serverName serviceGroupName monWeight",
  SAVED,
);

const VSERVER_ROWS: readonly string[] = [
  "adfsProxyProfile apiProfile appflowLog Authentication AuthenticationHost authn401 authnProfile authnVsName",
  "backupPersistenceTimeout backupVServer cacheable cacheVserver cltTimeout comment cookieName cookieDomain dbProfileName",
  "disablePrimaryOnDown dnsOverHttps dnsProfileName dnsVserverName domain downStateFlush dtls gt2GB homePage httpProfileName",
  "httpsRedirectUrl icmpVsrResponse insertVserverIPPort:2 IPAddress IPMask:2 IPPattern ipset l2Conn Listenpolicy Listenpriority",
  "map mssqlServerVersion mysqlCharacterSet mysqlProtocolVersion mysqlServerCapabilities mysqlServerVersion netProfile",
  "nodefaultBindings oracleServerVersion order persistenceBackup persistenceType:* persistMask port precedence probePort",
  "probeProtocol probeSuccessResponseCode:* push pushLabel pushMultiClients pushVserver quicProfileName quicBridgeProfilename",
  "range redirectFromPort redirectPortRewrite redirectURL RHIstate rtspNat rule soBackupAction soMethod soPersistence",
  "soPersistenceTimeOut soThreshold state tcpProbePort tcpProfileName td timeout v6persistmasklen vipHeader weight:2",
  // Of firmware before 12: priority queuing and SureConnect.
  "pq sc",
  SAVED,
];

/** NetScaler command reference and NITRO docs, `add|set lb vserver`. */
export const LB_VSERVER_OPTIONS_OF_COMMAND = optionRows(
  ...VSERVER_ROWS,
  "backupLBMethod bypassAAAA connfailover dataLength dataOffset dbsLb dns64 hashLength healthThreshold lbMethod:* lbprofilename m",
  "macmodeRetainvlan maxAutoscaleMembers minAutoscaleMembers netmask newServiceRequest:2 newServiceRequestIncrementInterval",
  "newServiceRequestUnit orderThreshold persistAVPno:* processLocal RecursionAvailable resRule retainConnectionsOnCluster",
  "sessionless skippersistency toggleorder tosId trofsPersistence v6netmasklen serviceName sslProfile",
);

/** As above, `add|set cs vserver`. */
export const CS_VSERVER_OPTIONS_OF_COMMAND = optionRows(
  ...VSERVER_ROWS,
  "backupIP cacheType caseSensitive cookieTimeout dnsRecordType domainName persistenceId sitedomainTTL stateupdate targetType TTL",
  "sslProfile",
);

const POLICY_BINDING_ROW = "policyName priority gotoPriorityExpression type invoke:2";
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
  "publicIP metricExchange nwMetricExchange sessionExchange triggerMonitor parentSite backupParentlist:* clip:2 publicCLIP",
  "naptrReplacementSuffix sitePassword siteType newname",
  SAVED,
);

const GSLB_SERVICE_ROWS: readonly string[] = [
  "appflowLog cip:2 cipHeader cltTimeout clMonOwner clMonView comment downStateFlush hashId healthMonitor maxBandwidth maxClient",
  "monitorName monState monThreshold monWeight newname nodefaultBindings port publicIP publicPort serverName serviceType siteName",
  "sitePersistence sitePrefix state svrTimeout weight",
  SAVED,
];

/** As above, `add|set gslb service`. */
export const GSLB_SERVICE_OPTIONS = optionRows(
  ...GSLB_SERVICE_ROWS,
  "cnameEntry cookieTimeout IP IPAddress maxAAAUsers naptrDomainTTL naptrOrder naptrPreference naptrReplacement naptrServices",
  "viewIP viewName:2",
);

/** As above, `add|set gslb serviceGroup`. */
export const GSLB_GROUP_OPTIONS = optionRows(
  ...GSLB_SERVICE_ROWS,
  "autoDelayedTrofs autoScale delay graceFul includeMembers order",
);

/** As above, `add|set gslb vserver`. */
export const GSLB_VSERVER_OPTIONS = optionRows(
  "appflowLog backupLBMethod backupSessionTimeout backupVServer comment considerEffectiveState disablePrimaryOnDown",
  "dnsRecordType dynamicWeight ECS ecsAddrValidation EDR ipType lbMethod MIR netmask newname nodefaultBindings order",
  "orderThreshold persistenceId persistenceType persistMask rule serviceGroupName serviceName soBackupAction soMethod",
  "soPersistence soPersistenceTimeOut soThreshold state timeout toggleorder tolerance v6netmasklen v6persistmasklen weight:2",
  DOMAIN_BINDING_ROW,
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
  "monitorName monState weight viewName:2 viewIP",
  SAVED,
);

/** As above, `bind gslb serviceGroup`. */
export const GSLB_GROUP_BINDING_OPTIONS = optionRows(
  "hashId monitorName monState monWeight order passive port publicIP publicPort serverName sitePrefix state weight",
  SAVED,
);

const TLS_ROWS: readonly string[] = [
  "cipherRedirect cipherURL clientAuth clientCert dh dhCount dhFile dhKeyExpSizeLimit eRSA eRSACount ocspStapling",
  "pushEncTrigger redirectPortRewrite sendCloseNotify sessReuse sessTimeout SNIEnable ssl3 sslRedirect sslClientLogs",
  "strictSigDigestCheck tls1 tls11 tls12 tls13 nonFipsCiphers",
  SAVED,
];
const TLS_OBJECT_ROW = "ssl2 sslv2Redirect sslv2URL dtls1 dtls12 dtlsProfileName sslProfile";
const FRONT_END_ROW =
  "clearTextPort HSTS maxage IncludeSubdomains preload defaultSNI dheKeyExchangeWithPsk tls13SessionTicketsPerAuthContext " +
  "zeroRttEarlyData";
const BACK_END_ROW = "commonName serverAuth";

/** NetScaler command reference and NITRO docs, `set ssl vserver`. */
export const TLS_VSERVER_OPTIONS = optionRows(...TLS_ROWS, TLS_OBJECT_ROW, FRONT_END_ROW);

/** As above, `set ssl service`. */
export const TLS_SERVICE_OPTIONS = optionRows(...TLS_ROWS, TLS_OBJECT_ROW, BACK_END_ROW);

/** As above, `set ssl serviceGroup`: the ADC is only a client of its members. */
export const TLS_GROUP_OPTIONS = optionRows(
  "nonFipsCiphers ocspStapling sendCloseNotify sessReuse sessTimeout SNIEnable ssl3 sslClientLogs sslProfile",
  "strictSigDigestCheck tls1 tls11 tls12 tls13",
  BACK_END_ROW,
  SAVED,
);

const TRIGGER_ROW =
  "denySSLReneg dropReqWithNoHostHeader encryptTriggerPktCount insertionEncoding pushEncTriggerTimeout pushFlag quantumSize " +
  "SNIHTTPHostMatch sslTriggerTimeout strictCAChecks";

/** As above, `add|set ssl profile`. */
export const TLS_PROFILE_OPTIONS = optionRows(
  ...TLS_ROWS,
  FRONT_END_ROW,
  BACK_END_ROW,
  TRIGGER_ROW,
  "allowExtendedMasterSecret allowLegacyKDF allowUnknownSNI alpnProtocol cipherName cipherPriority clientAuthUseBoundCAChain",
  "encryptedClientHello maxRenegRate nodefaultBindings prevSessionKeyLifeTime sessionKeyLifeTime sessionTicket",
  "sessionTicketKeyData sessionTicketKeyRefresh sessionTicketLifeTime skipClientCertPolicyCheck sslImaxSessPerServer",
  "sslInterception ssliOCSPCheck ssliReneg sslLogProfile sslProfileType",
);

/** As above, `set ssl parameter`. */
export const TLS_PARAMETER_OPTIONS = optionRows(
  TRIGGER_ROW,
  "crlMemorySizeMB cryptodevDisableLimit defaultProfile heterogeneousSSLHW hybridFIPSMode insertCertSpace",
  "ndcppComplianceCertCheck ocspCacheSize operationQueueLimit sendCloseNotify sigDigestType:* softwareCryptoThreshold",
  "ssliErrorCache ssliMaxErrorCacheMem undefActionControl undefActionData",
  SAVED,
);

/** As above, `add|set netProfile`. */
export const NET_PROFILE_OPTIONS = optionRows(
  "MBF overrideLsn proxyProtocol proxyProtocolAfterTLSHandshake proxyProtocolTxVersion srcIP srcippersistency td",
  SAVED,
);

/** As above, `add|set ns tcpProfile`. */
export const TCP_PROFILE_OPTIONS = optionRows(
  "ackAggregation ackOnPush applyAdaptiveTCP bufferSize burstRateControl clientIpTcpOption clientIpTcpOptionNumber",
  "delayedAck DropEstConnOnTimeout DropHalfClosedConnOnTimeout dsack dupackthresh dynamicReceiveBuffering ecn",
  "EstablishClientConn fack flavor frto Hystart initialCwnd KA KAconnIdleTime KAmaxProbes KAprobeInterval",
  "KAprobeUpdateLastactivity maxBurst maxcwnd maxPktPerMss minRTO mpCapableCbit mptcp mptcpDropDataOnPreEstSF",
  "mptcpFastOpen mptcpSessionTimeout mss nagle oooQSize pktPerRetx rateqmax rfc5961Compliance rstMaxAck",
  "rstWindowAttenuate SACK sendBuffsize sendClientPortInTcpOption slowStartIncr slowStartThreshold spoofSynDrop synCookie",
  "taillossprobe tcpFastOpen tcpFastOpenCookieSize tcpmode tcprate tcpSegOffload TimeStamp WS WSVal",
  SAVED,
);

/** As above, `add|set ns httpProfile`. */
export const HTTP_PROFILE_OPTIONS = optionRows(
  "adptTimeout allowOnlyWordCharactersAndHyphen altsvc altSvcValue apdexCltRespTimeThreshold clientIpHdrExpr cmpOnPush",
  "conMultiplex dropExtraCRLF dropExtraData dropInvalReqs grpcHoldLimit grpcHoldTimeout grpcLengthDelimitation",
  "hostHeaderValidation http2 http2AltSvcFrame http2Direct http2ExtendedConnect http2HeaderTableSize",
  "http2InitialConnWindowSize http2InitialWindowSize http2MaxConcurrentStreams http2MaxEmptyFramesPerMin",
  "http2MaxFrameSize http2MaxHeaderListSize http2MaxPingFramesPerMin http2MaxResetFramesPerMin",
  "http2MaxRxResetFramesPerMin http2MaxSettingsFramesPerMin http2MinSeverConn http2SmallWndTimeout http2StrictCipher",
  "http3 http3MaxHeaderBlockedStreams http3MaxHeaderFieldSectionSize http3MaxHeaderTableSize http3MinSeverConn",
  "http3WebTransport httpPipelineBuffSize incompHdrDelay markConnReqInval markHttp09Inval markHttpHeaderExtraWSError",
  "markRFC7230NonCompliantInval markTraceReqInval maxDuplicateHeaderFields maxHeaderFieldLen maxHeaderLen maxReq",
  "maxReusePool minReUsePool passProtocolUpgrade persistentETag reqTimeout reqTimeoutAction reusePoolTimeout rtspTunnel",
  "spdy webLog webSocket",
  SAVED,
);

/** As above, `add|set server`. */
export const SERVER_OPTIONS = optionRows(
  "comment delay domain domainResolveNow domainResolveRetry graceFul Internal IPAddress IPv6Address queryType state td",
  "translationIp translationMask",
  SAVED,
);
