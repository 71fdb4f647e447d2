/**
 * A saved configuration like that of an appliance with many applications, of a given number of lines: servers,
 * services, groups with members, monitors, vservers with policies, and statements that no probe needs. Deterministic.
 */
export function largeConf(lines: number): string {
  const written = [
    "#NS13.1 Build 51.15",
    "# Last modified Mon Nov 30 02:11:09 2026",
    "set ns config -IPAddress 10.0.0.10 -netmask 255.255.255.0",
    "add ns ip 10.0.0.11 255.255.255.0 -vServer DISABLED -mgmtAccess ENABLED",
    "enable ns feature LB CS SSL REWRITE RESPONDER",
  ];
  for (let at = 0; written.length < lines; at += 1) {
    written.push(...application(at));
  }
  return `${written.slice(0, lines).join("\n")}\n`;
}

/** One in this many applications is Exchange, which gets looks in addition to its monitors. */
const EXCHANGE_EVERY = 3;
const SERVICE =
  "-gslb NONE -maxClient 0 -maxReq 0 -cip DISABLED -usip NO -useproxyport YES -sp OFF -cltTimeout 180 -svrTimeout 360 -CKA NO -TCPB NO -CMP NO";
const GROUP =
  "-maxClient 0 -maxReq 0 -cip DISABLED -usip NO -useproxyport YES -cltTimeout 180 -svrTimeout 360 -CKA NO -TCPB NO -CMP NO";

function application(at: number): string[] {
  const id = String(at).padStart(5, "0");
  const [monitor, path] =
    at % EXCHANGE_EVERY === 0
      ? ["HTTP-ECV", "/owa/healthcheck.htm"]
      : ["HTTP", `/app-${id}/health`];
  const ask =
    monitor === "HTTP"
      ? `-respCode 200 -httpRequest "GET ${path}"`
      : `-send "GET ${path}" -recv "200 OK"`;
  const members = [1, 2, 3, 4].map((each) => `srv-app${id}-web0${String(each)}`);
  const [first = "", second = ""] = members;
  return [
    ...members.map(
      (name, each) =>
        `add server ${name} ${address(10, 4 * at + each)} -state ENABLED -comment "application ${id}, rack ${String(each)}"`,
    ),
    `add serviceGroup sg_app${id}_https SSL ${GROUP} -appflowLog DISABLED -comment "owner: team ${String(at % 40)}, change 00${id}"`,
    `add service svc_app${id}_smtp1 ${first} TCP 25 ${SERVICE}`,
    `add service svc_app${id}_smtp2 ${second} TCP 25 ${SERVICE}`,
    `add lb monitor mon_app${id}_web ${monitor} ${ask} -LRTM DISABLED -interval 10 -resptimeout 5 -secure YES`,
    `add lb monitor mon_app${id}_mail TCP-ECV -recv "220 " -LRTM DISABLED -interval 15 -resptimeout 6 -destPort 25`,
    `add lb vserver lb_app${id}_https SSL 0.0.0.0 0 -persistenceType COOKIEINSERT -timeout 20 -lbMethod ROUNDROBIN -cltTimeout 180`,
    `add lb vserver lb_app${id}_smtp TCP ${address(172, at)} 25 -persistenceType SOURCEIP -timeout 10 -cltTimeout 9000`,
    `add cs action act_app${id} -targetLBVserver lb_app${id}_https`,
    `add cs policy pol_app${id} -rule "HTTP.REQ.HOSTNAME.SET_TEXT_MODE(IGNORECASE).EQ(\\"app${id}.example.com\\")" -action act_app${id}`,
    `add responder action res_app${id} redirect "\\"https://app${id}.example.com\\" + HTTP.REQ.URL.PATH_AND_QUERY.HTTP_URL_SAFE" -responseStatusCode 301`,
    `add responder policy rpo_app${id} "HTTP.REQ.URL.PATH.EQ(\\"/old-${id}\\")" res_app${id}`,
    `add rewrite action rwa_app${id} insert_http_header X-Forwarded-App "\\"app${id}\\""`,
    `add rewrite policy rwp_app${id} true rwa_app${id}`,
    `add cs vserver cs_app${id} SSL ${address(192, at)} 443 -cltTimeout 180 -Listenpolicy None`,
    `add ssl certKey crt_app${id} -cert app${id}.example.com.pem -key app${id}.example.com.key`,
    `set ssl serviceGroup sg_app${id}_https -ssl3 DISABLED -tls1 DISABLED -tls11 DISABLED`,
    `set ssl vserver cs_app${id} -ssl3 DISABLED -tls1 DISABLED -tls11 DISABLED -HSTS ENABLED -maxage 15552000`,
    `bind lb vserver lb_app${id}_https sg_app${id}_https`,
    `bind lb vserver lb_app${id}_smtp svc_app${id}_smtp1`,
    `bind lb vserver lb_app${id}_smtp svc_app${id}_smtp2`,
    `bind lb vserver lb_app${id}_https -policyName rpo_app${id} -priority 100 -gotoPriorityExpression END -type REQUEST`,
    `bind lb vserver lb_app${id}_https -policyName rwp_app${id} -priority 100 -gotoPriorityExpression END -type REQUEST`,
    `bind cs vserver cs_app${id} -policyName pol_app${id} -priority 100`,
    ...members.map((name) => `bind serviceGroup sg_app${id}_https ${name} 443`),
    `bind serviceGroup sg_app${id}_https -monitorName mon_app${id}_web`,
    `bind serviceGroup sg_app${id}_https -monitorName tcp`,
    `bind service svc_app${id}_smtp1 -monitorName mon_app${id}_mail`,
    `bind service svc_app${id}_smtp2 -monitorName mon_app${id}_mail`,
    ...["P_256", "P_384", "P_224", "P_521"].map(
      (curve) => `bind ssl vserver cs_app${id} -eccCurveName ${curve}`,
    ),
    ...["P_256", "P_384"].map(
      (curve) => `bind ssl serviceGroup sg_app${id}_https -eccCurveName ${curve}`,
    ),
    `bind ssl vserver cs_app${id} -certkeyName crt_app${id}`,
    `bind ssl vserver cs_app${id} -cipherName HIGH`,
    `add dns addRec app${id}.example.com ${address(192, at)} -TTL 300`,
    `bind policy patset ps_hosts app${id}.example.com -index ${String(at + 1)} -charset ASCII`,
    `bind policy stringmap sm_owners app${id} "owner of application ${id}, team ${String(at % 40)}"`,
  ];
}

function address(network: number, at: number): string {
  return `${String(network)}.${String(16 + ((at >> 16) & 15))}.${String((at >> 8) & 255)}.${String(at & 255)}`;
}
