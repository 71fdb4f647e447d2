import type { Statement } from "./statements.ts";

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

export const FLAGS: ReadonlySet<string> = new Set(
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

/** Options that an appliance may write at the end of any command; the command reference has neither. */
const SAVED = "devno builtin:*";

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

const GSLB_VSERVER_ROWS: readonly string[] = [
  "appflowLog backupLBMethod backupSessionTimeout backupVServer comment considerEffectiveState disablePrimaryOnDown",
  "dnsRecordType dynamicWeight ECS ecsAddrValidation EDR ipType lbMethod MIR netmask newname nodefaultBindings order",
  "orderThreshold persistenceId persistenceType persistMask rule serviceGroupName serviceName soBackupAction soMethod",
  "soPersistence soPersistenceTimeOut soThreshold state timeout toggleorder tolerance v6netmasklen v6persistmasklen weight:2",
  SAVED,
];

/** As above, `add gslb vserver`: domains are only bound. */
export const GSLB_VSERVER_OPTIONS_OF_ADD = optionRows(...GSLB_VSERVER_ROWS);

/** As above, `set gslb vserver`, which also changes what is bound. */
export const GSLB_VSERVER_OPTIONS = optionRows(...GSLB_VSERVER_ROWS, DOMAIN_BINDING_ROW);

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
