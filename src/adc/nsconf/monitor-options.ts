/**
 * Which monitor type takes which options (NetScaler command reference, `add lb monitor`), in lower case. Types that this
 * table leaves out (Citrix's own products) are not judged.
 */
export const MONITOR_TYPE_OPTIONS: ReadonlyMap<string, ReadonlySet<string>> = build();

/** Options that belong to some types only. Any other option may belong to any type. */
export const TYPED_OPTIONS: ReadonlySet<string> = new Set(
  [
    "httprequest rtsprequest respcode customheaders send recv trofscode trofsstring query querytype",
    "ipaddress scriptname scriptargs basedn binddn filter attribute group filename sqlquery evalrule",
    "radkey radnasid radnasip snmpoid snmpthreshold sipmethod sipuri maxforwards",
  ].flatMap((row) => row.split(" ")),
);

function build(): ReadonlyMap<string, ReadonlySet<string>> {
  const common =
    "interval resptimeout downtime deviation retries failureretries successretries alertretries " +
    "resptimeoutthresh destip state reverse transparent iptunnel tos tosid lrtm";
  const ported = `${common} destport`;
  const native = `${ported} netprofile`;
  const tcp = `${native} secure sslprofile`;
  const script = `${ported} scriptname dispatcherip dispatcherport`;
  const login = "username password";
  const sql = `${native} ${login} database sqlquery evalrule storedb`;
  const sip = `${native} sipmethod sipuri maxforwards respcode`;
  const http = `${tcp} httprequest respcode customheaders trofscode`;
  const table: Readonly<Record<string, string>> = {
    PING: `${common} netprofile`,
    TCP: tcp,
    HTTP: http,
    HTTP2: http,
    "HTTP-INLINE": `${http} action`,
    "HTTP-ECV": `${tcp} send recv customheaders trofsstring`,
    "TCP-ECV": `${tcp} send recv trofsstring`,
    "UDP-ECV": `${native} send recv`,
    DNS: `${native} query querytype ipaddress`,
    "DNS-TCP": `${native} query querytype ipaddress`,
    FTP: `${native} ${login}`,
    "FTP-EXTENDED": `${script} ${login} filename`,
    SMTP: `${script} ${login}`,
    POP3: `${script} ${login}`,
    NNTP: `${script} ${login} group`,
    LDAP: `${script} password basedn binddn filter attribute secure`,
    MYSQL: `${script} ${login} database sqlquery`,
    USER: `${script} scriptargs secureargs secure`,
    RADIUS: `${native} ${login} radkey radnasid radnasip respcode`,
    "MYSQL-ECV": sql,
    "MSSQL-ECV": sql,
    "ORACLE-ECV": sql,
    SNMP: `${ported} snmpoid snmpcommunity snmpthreshold snmpversion`,
    RTSP: `${native} rtsprequest respcode`,
    "SIP-UDP": sip,
    "SIP-TCP": sip,
    ARP: common,
    ND6: common,
  };
  return new Map(
    Object.entries(table).map(([type, options]) => [type, new Set(options.split(" "))]),
  );
}
