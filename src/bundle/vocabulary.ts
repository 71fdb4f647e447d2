/**
 * The words that a bundle may contain unchanged; every other word becomes a pseudonym. Sources: NITRO docs (values of
 * enumerations, error messages), NetScaler's expression language, RFC 3501, 1939, 5321, 9110, and what Exchange says to
 * anybody.
 */

/** Values of NITRO's enumerations: kept where such a value is all that a field holds, spelt like this. */
export const ENUMERATED: ReadonlySet<string> = new Set(
  `
10G|11G|2000SP1|2008R2|A|AAAA|ACCEPT|ACTIVE|ADDRESS|ADNS|ADNS_TCP|AGG|ALL|ALL_VSERVERS|ANY|APPC|ARP|ATTACHED
AUDITLOGHASH|AUTO|AUTO DISABLED|Address|Advanced Policy|Always|BANDWIDTH|BROADCOM 5700/5701|BUSY|BackEnd
Broadcom 5704|Bypass|CACHE|CALLID|CALLIDHASH|CICO|CITRIX-AAC-LAS|CITRIX-AAC-LOGINPAGE|CITRIX-AG
CITRIX-STA-SERVICE|CITRIX-STA-SERVICE-NHOP|CITRIX-WEB-INTERFACE|CITRIX-WI-EXTENDED|CITRIX-XD-DDC|CITRIX-XDM
CITRIX-XML-SERVICE|CITRIX-XNC-ECV|CLIP|CLNT_CERT|CLUSTER|CNAME|COLLECTING|CONNECTION|CONTENT|COOKIEINSERT
CURRENT|CUSTOMLOAD|CUSTOMSERVERID|Certkey not bound|Chelsio 10G|Chelsio 1G|Classic Policy|Climode|Cluster
Cluster LAG|Configured|CoordinatedUniversalTime|DEFAULT|DEFAULTED|DELETABLE|DER|DESTINATIONIPHASH|DESTIP
DETACHED|DHCPRA|DIAMETER|DISABLED|DISTRIBUTING|DNS|DNS-TCP|DNS_TCP|DOMAINHASH|DOWN
DOWN WHEN GOING OUT OF SERVICE|DROP|DSA-SHA1|DSA-SHA224|DSA-SHA256|DSA-SHA384|DSA-SHA512|DTLS
DYNAMICCONNECTION|DYNAMIC_ROUTING|Dynamic|ECDSA-SHA1|ECDSA-SHA224|ECDSA-SHA256|ECDSA-SHA384|ECDSA-SHA512
ENABLED|EXPIRED|EXPRESS|Expired|FAILED|FIBER|FIN|FIX|FIXSESSION|FORWARD|FRONTEND_CLIENT|FRONTEND_CLIENTSERVER
FTP|FTP-EXTENDED|FULL|FrontEnd|GLOBAL|GOING OUT OF SERVICE|GRE|GSLB|GSLBsiteIP|Global|Group|HA|HALF|HEALTH
HTTP|HTTP-ECV|HTTP-INLINE|HTTP2|Hyper v|IMMUTABLE|IN PROGRESS|INACTIVE|INCREMENTAL SYNC DISABLED|INIT
INTEL 82546|INTEL 8255X(PRO)|INTM_CERT|INVAL|INVITE|IP|IPTUNNEL|Ignore|Intel 10G|Intel 8247X|Intel 8247X SFP
Intel 82541/47|Intel 82576 VF|Intel 82599 VF|Intel FVL 10G|Intel FVL 40G|Intel FVL 40G VF|Internal
KAFKA-AUTODISCOVER|KVM Virtio|LACP_DISABLED|LDAP|LDNS-DNS|LDNS-PING|LDNS-TCP|LEASTBANDWIDTH|LEASTCONNECTION
LEASTPACKETS|LEASTREQUEST|LEASTRESPONSETIME|LOAD|LOCAL|LOG|LONG|LRTM|Link Aggregate|Local|Loopback|MAC
MAJORITY|MANUAL|MAY_CACHE|MAY_NOCACHE|MIN|MIP|MODIFIABLE|MQTT|MSEC|MSSQL|MSSQL-ECV|MYSQL|MYSQL-ECV|Mandatory
Mellanox 100G|Mellanox 50G|Merge|NAPTR|ND6|NNTP|NO|NOCACHE|NODE|NONE|NONSECURE|NOT PRESENT|NOT UP
NOT-SPECIFIED|NO_INBAND_SECURITY|NSIP|NS_EMPTY_STR|None|Not yet valid|OFF|OFS|ON|ONE_VSERVER|OPTIONS|ORACLE
ORACLE-ECV|ORIGIN|OUT OF SERVICE|Optional|PARTIAL-DOWN|PARTIAL-UP|PARTITION_ALL|PASSIVE|PEM|PERCENT|PERPOLICY
PERURL|PER_SECOND|PFX|PING|POLICY|POP3|PORT_DISABLED|PPTP|PRIMARY|PROXY|PUSH|Pooled|Primary|QUIC|RADIUS
RADIUSListener|RADIUS_ACCOUNTING|RDP|RECEIVER|REDIRECT|REGISTER|REMOTE|REQUEST|RESET|RESPONSE|REVERSE|RISE
ROOT_CERT|ROUNDROBIN|RPCSVR|RSA-MD5|RSA-SHA1|RSA-SHA224|RSA-SHA256|RSA-SHA384|RSA-SHA512|RTSP|RTSPSID|RULE|RX
RXTX|ReLb|SEC|SECONDARY|SECUREONLY|SELECTED|SHA1|SHA512|SHORT|SIP-TCP|SIP-UDP|SIP_SSL|SIP_TCP|SIP_UDP|SMPP
SMTP|SNIP|SNMP|SOURCEIP|SOURCEIPHASH|SPARE|SRCIPDESTIP|SRCIPDESTIPHASH|SRCIPSRCPORTHASH|SRVR_CERT|SSL
SSL card(s) of the node have failed|SSL feature disabled|SSLSESSION|SSL_BRIDGE|SSL_DIAMETER|SSL_FIX|SSL_PUSH
SSL_TCP|STANDBY|START|STATEFUL|STATELESS|STATICPROXIMITY|STAYPRIMARY|STAYSECONDARY|STOP|STOREFRONT|SUCCESS
SYNC|SYSLOGTCP|SYSLOGUDP|Secondary|Stand-alone|TCP|TCP-ECV|TFTP|TIGON1/TIGON2|TLS|TOKEN|TOS|TRANSCEIVER
TRANSMITTER|TRANSPARENT|TROFS|TX|TYPE1|TYPE5|The CLAG member(s) of the node are down
The backplane interface is not set|Timer|UDP|UDP-ECV|UNKNOWN|UNKNOWN_CERT|UNSELECTED|UP|URL|URLHASH|URLPASSIVE
USER|USERSESSION|USER_SSL_TCP|USER_TCP|USER_TOKEN|UTF-8|UTP|Unicode|Unknown|Unknown Health|User|V1|V2
V6TOV4MAPPING|VALID|VIP|VIPADDR|VMXNET3|VSVR_CNTRLD|Valid|WAITING|XEN Interface|Xen Virtual|YES|Zone|ascending
basic|cli|clientless_vpn_decode|clientless_vpn_decode_all|clientless_vpn_encode|clientless_vpn_encode_all
compress|corrupt_http_header|corrupt_sip_header|deflate|delete|delete_all|delete_http_header|delete_sip_header
descending|extended|full|gzip|insert_after|insert_after_all|insert_before|insert_before_all|insert_http_header
insert_sip_header|is down|nocompress|noop|or is disabled|policylabel|redirect|replace|replace_all
replace_diameter_header_field|replace_dns_answer_section|replace_dns_header_field|replace_http_res
replace_sip_res|reqvserver|respondwith|respondwithhtmlpage|resvserver|service|sqlresponse_error|sqlresponse_ok
vserver|xml
`
    .trim()
    .split(/[|\n]/),
);

/**
 * Words of protocols, of expressions and of the vendor's and Exchange's messages: kept in texts, in any letter case.
 */
export const COMMON_WORDS: ReadonlySet<string> = new Set(
  `
8bitmime a aaa abort absexpiry absexpirygmt absolute accept accepted access accessible account ack acl acl6
acls across action actions activate active activesync adaptivetcp adc add added adding addition address
addresses adhere admin adns advanced advertise advertisement aes after again against age agent agent's
aggregation aggregator agurl aia alarm alert alg algorithm alias alive all allocate allocation allow allowed
allprotocolproxy alone along alphanumeric alphanumerics already also alternate always ambiguous an and
annotation anonymous another answer answered answers any anywhere apbr apop app append appflow appfw appliance
applicable application applicationprofile applied applies apply appprofile appqoe appropriate approved
appsprofile apr april archive are argument arguments arp as ascii asked asks asmx asp aspnet aspx assigned
assignment associated association at atleast attach attached attachment attack attempts attribute attributes
audit auditlog aug august auth authenticate authenticated authentication authorization authorizationgroup auto
autodiscover autoproxy autoscale available avp b64 back backend backplane backup backupvserver bad balancing
bandwidth banner bannner base based basedn basic be bearer because been before begin being belong below
beserver between beyond bfd bgp big binarymime bind binded binding bindings bindpoint bindpoints binds
bindtype bit bits block bmr body bodystructure bookmark both bound bounded bridge bridgegroup broadcast broken
browser buffer buffering build built bundle busy but by bye bypass bytes c ca cache caching calculatedbetarget
call callhome callout can cannot cant capabilities capability capacity card cas cascade case categories cause
cbc cer cert certficate certhash certificate certificate's certificates certkey cest cet cfg chacha20
challenge challenged change changed changes changing channel channels char character characters charset check
checks child children chunked chunking cipher cipheralias ciphers ciphersuite citrix clag classic clear cli
client clip close closed closing cluster clustering cmp cn cname code codes coefficient coexist collector
combination combined command commands comment commit common commonname communication compatible compilation
completely cone conf confidential config configuration configure configured configuring confirm conflict
conflicting conflicts connect connected connecting connection connections consistency contact contain contains
content contentgroup continue control converting cookie cookieconsistency cookies coordinator copy correct
corresponding corrupt could count country cr create created creation credit crl crlf crls
crosssiterequestforgery crosssitescripting crt cs csrf current currently curve custom customserverid data
database dataset datastream date db dbprofile dbs dbslb dc dec december decode default defaultprofile defined
dele delete delete_http_header deleted deletion delta denied denyurl dependencies dependent deprecated depth
der destination destip details detected deterministic device dh dhcp dhe diaginfo diagnostics diameter did
different digest direct directly directory disable disabled disabling disallowed discarded disk dispatcher
displayed distance dll dn dns dnskey dnskeys dnsrecordtype do does doesnt domain domains done dos double down
drafts drop dropped ds dsa dsn dss dst dstport dtls due dummy duplex duplicate during dynamic e each eas ecc
ecdh ecdhe ecdsa echo ecp ecs effect ehlo either else email empty emsmdb enable enabled enabling encode
encoding encrypted encryption end endpoint endpoints endswith engine engines enhancedstatuscodes enough ensure
enter entered entities entity entries entry envelope epa epaaction eq equal equals equivalent err erro error
errorfe ersa escaped esmtp establish established establishment ethernet etrn eula evaluate event every ews
examine exceed exceeded exceeding exceeds exception exchange exclusive execute executed execution exhausted
exist existing exists exit exited expectation expected expired expires expiry explicitly exponent export
exported expression expressions extend extended extension external extraction fail failed failover failure
false family farm fastmatch fatal favour feature features feb february feo feserver fetch few field
fieldconsistency fieldformat fields fieldtype file filepath files filter filtering fin find fips firmware
firmwares first fis flag flags flow flowtype flush for forbidden force form format forms forward forwarding
forwardingsession found freed fri friday from fron front frontend ftp full fully function functionality
functions fwd gateway gcm ge get give given global globally gmt gone gotopriorityexpression gre greater
greylisted group groups gslb gssapi gt gui ha had half handshake hardware has have having hdr head header
headers health healthcheck healthy hello helo here heterogeneous heurexpiryparam higher hit hitparams
hitselector hmac hop host hostname hsm htm html http http_header httponly httpprofile https hub i ic ica icap
icmp icmpv6 id identical identifier identifiers idle idp if ifvaluetoobig ignorecase ignored
ignoreparamvaluecase ignoring iis ikev1 imap imap4 implementation implemented import imported importing in
inappropriate inat inbox inc include inclusive incompatible incomplete inconsistent incorrect index info
information initial initialize initialized injection input insert insert_after insert_before
insert_http_header insertion inspection installation installed instance instead insufficient integer
integrated interception interface interfaces intermediate internal interrupted interval intranet inval invalid
invalidation invalparams invalrestrictedtohost invalselector invoke involving ip ipaddress iprange ips ipsec
ipset iptunnel ipv4 ipv6 is is_not_valid is_valid iso issuer issues it item its jan january json jul july jun
june junk kcd keep kerberos key keys keytab keyvalue kill killed l l2 la label lack lacp lang language large
last later latin lb lbprofile ldap ldns le leading learn learning least len length less level levels license
licensed life like limit limitidentifier limitselector link linked links linkset list listen listener
listenpolicy lite literal llb load loading local locality location locationfile locations locked log logged
logging login logindisabled logon logout long longer lookup loop loopback loss lost low lower lsn lt mac made
mail mailbox management mandatory manually many map mapi mapped mapping mar march mask master match
matchcookies matching matrix max maxaaausers maximum may mb mbps md5 media member memory mentioned mep message
messages method methods metric microsoft might milliseconds min minimum minutes mip mirroring mismatch missing
mixed mode modified modify module modulus mon monday monitor monitoring monitors more most move moved mozilla
mpx ms msexch msgval msr mssql mtu multicast multiple multiples must mutual mutually mysql n n3fips name names
nameserver namespace naptr nat nat46 nat64 natip natpr natrule nc ncore nd6 ne nearest need needed needs
negative negotiate negotiated net net1 net2 net3 netbridge netmask netprofile netscaler network network6
networkroute new nextfactor nexthop nfs ng nitro nnm nntp no nodata node nodegroup nodes non none noop normal
not note nothing nov november now ns nsb nscitrix nsdns nsftp nshttp nsimap nsip nsldap nslog nslogglobal
nsmssql nsmysql nsnntp nsntlm nsoracle nspi nspop3 nsradius nsrdp nssf nssip nssmtp nssnmp nsstorefront nstftp
nsvlan nt ntlm ntp null number numeric nxdomain o oab oauth2 object objects occurred ocsp oct october of off
office offset oid ok old on once one only open opening operating operation operations operator option options
or oracle order organization organizational origin ospfarea other ou our out outlook output over overflow
overlapping owa owaversion owner ownernode ownership packet page pair param parameter parameterized parameters
params parent parse parsing part partial partition partitions pass passed passive password passwords patch
path patset pattern patterns payload pbr pbr6 pbrs pbrsto pcp pcre pe peer pem pending per percentage
performed period permanent permanentflags permanently permission permitted persist persistence persistency pfx
phrase ping pipelining pkcs12 pl plain platform please pleased point points polices policies policy
policylabel poly1305 pool pop pop3 port portal portblock portblocksize portrange ports possible post postbody
powered powershell pq pragma pre preauth preauthentication prebody precondition prefetch prefetchperiod
prefetchperiodmillisec prefix prefixes presence present presented previous previously primary prime256v1
printable priority private probe probes probing problem process processes processing profile profiles program
progress propagated propagation proper protocol protocols prototype provide provided province proximity proxy
public push put pxy py qualified qualifier queries query queue queued quit radius range ranges rcode rcpt rdp
re reached read reading reads ready realm reason reasonphrase reboot rebooted received recent recipient record
records rectify recursive redirect redirection redirects reduced redundancy redundant reference referenced
references referred reffered refresh refused regex registration regular reject relative relay relaying
relexpiry relexpirymilisec relexpirymillisec relies remote remove removed removing rename renaming
renegotiation repeated replace replaced replacement reply req request requested requests required requires
requisite res reserved reset resetting resize resolution resolve resolved resolves resource resources
responder respondwith respondwithhtmlpage response responses restart restricted result retain retr retries
retry return returned reverse revocation revoked rewrite rfc822 rhi rise rm rnat rnat6 rollback root rounded
route routed routes routing rpc rpcnode rpcproxy rsa rset rst rtsp rule rules run running s safeobject said
same samesite saml san sasl sat satisfiable saturday save saved says sc scale scans scope script sdx search
second secondary seconds secondstaurl secp256r1 secret secs secure security see select selected selector send
sender sending sent sep september serial server server's serverauth serverip servers servfail service
servicegroup servicegroups services servicetype sess session sessionless sessionreliability sessions set
set_text_mode sets setting settings setup sfps sh sha sha1 sha256 sha384 sha512 shared short shorter should
show shutdown side sign signature signatures signin signing sim simple since singleton sip sipalg site
sitepath sites size skipped sleep small smaller smpp smtp smtputf8 sni snip snip6 snips snmp so soa socket
some source sp space spaces spam special specific specification specified specify speed spill spillover
spotted sql sqlinjection src srcmacmask srcport ssh ssl sslprofile sslv sslv2 sslv3 sslvpn sso st stage stages
standalone start startswith starttls starturl stat state stateful stateless static status staurl stls store
str stream streaming strict string stringmap strip_start_chars striped strong subject subnet subscriber
subscribers subset substr succeeded success such suffix sun sunday superuser support supported supports sure
switch switching syn sync synchronization syncvlan syntax sys syslog syslogglobal syslogtcp syslogudp system
table tag tagging tags take target targetvserver tcp tcpprofile tcpproxy td tds techsupport telnet template
temporarily term text text_t tftp than that the theme then there these they this those threshold throughput
thu thursday ticket time timed timeout timer timezone tls tlsv tlsv1 tm to together told too top topology tos
total traffic trailing transaction transfer transformation transitioning translation transmission transparent
transport trap traps trash trigger true trunk trusted try trying ttl tue tuesday tunnel tunnels turn turned
two txt type typecast types ua udp uid uidl uidnext uidplus uidvalidity un unable unauthorized unavailable
unbind unbinding unbound undef under underscore underscores unexpected unhealthy unique unit unknown unless
unlink unmatched unreachable unrecognized unselect unset unsetting unsigned unspecified unsuccessful
unsupported untagged until up update updating upgrade upper uri url urlset usable use used user username
usetwotickets using usip utc utf utf8 v3 v6 valid validate validation value values var variable variables vary
verification versa version via vice view vip virtual vlan vlans vmac vpn vpx vrfy vrid vserver vservers vxlan
wait want warning was we web wed wednesday weekposrelexpiry were when where whether which while wi wicmd wild
wildcard will windows with withheld within without witness wlm work works would writing wrong wrote ws www x
x25519 xenappweb xml xmlmaxfilesize xmlminfilesize xmlsqlinjection xmlxss xoauth xoauth2 xpath xrdst xss yes
yet you your zero zone
`
    .trim()
    .split(/\s+/),
);
