/** Where clients of the estate reach Outlook on the web. */
export const OWA_VIP = "192.168.100.80";

/** Two servers with Outlook on the web behind one VIP that ends TLS; `persistence`: the vserver's own words for it. */
export function owaEstate(persistence: string): string {
  return `add ns ip 192.168.1.10 255.255.255.0 -type SNIP
add server ex01 192.168.1.1
add server ex02 192.168.1.2
add serviceGroup sg_owa SSL
add lb monitor m_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES -interval 3 -resptimeout 2 -downTime 3
bind serviceGroup sg_owa ex01 443
bind serviceGroup sg_owa ex02 443
bind serviceGroup sg_owa -monitorName m_owa
add ssl certKey mail.example.com -cert mail.pem -key mail.key.pem
add lb vserver v_owa SSL ${OWA_VIP} 443 ${persistence}
bind lb vserver v_owa sg_owa
bind ssl vserver v_owa -certkeyName mail.example.com
`;
}
