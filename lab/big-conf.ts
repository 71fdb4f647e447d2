/** How large an estate to write, and how it is cut. */
export interface BigConfOptions {
  /** Members altogether. */
  readonly members: number;
  /** Members of one service group. Default 10. */
  readonly perGroup?: number;
  /** Seconds between probes. Default 60, which one thread can serve for 5,000 members and their servers. */
  readonly interval?: number;
  /** Seconds that a probe may take. Default half the interval. */
  readonly responseTimeout?: number;
}

/** Groups behind one content-switching vserver. */
const GROUPS_PER_SWITCH = 8;

/**
 * A valid ns.conf of any size for tests of scale: each member has two monitors (a health page over TLS and a TCP
 * handshake), groups have an LB vserver each, and every eight of these are behind a content-switching vserver.
 * Addresses are those of benchmarks (198.18.0.0/15) and documentation.
 */
export function bigConf(options: BigConfOptions): string {
  const { members, perGroup = 10, interval = 60 } = options;
  const timing = `-interval ${String(interval)} -resptimeout ${String(options.responseTimeout ?? Math.max(1, Math.floor(interval / 2)))} -downTime ${String(interval)}`;
  const groups = Math.ceil(members / perGroup);
  const lines = [
    "#NS13.1 Build 37.38",
    "set ns config -IPAddress 192.0.2.1 -netmask 255.255.255.0",
    "enable ns feature LB CS SSL",
    "add ssl certKey mail.example.com -cert mail.pem -key mail.key.pem",
    `add lb monitor mon_health HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -LRTM DISABLED ${timing} -secure YES`,
    `add lb monitor mon_port TCP -LRTM DISABLED ${timing}`,
  ];
  for (let member = 0; member < members; member += 1) {
    lines.push(`add server ${serverName(member)} ${addressOf(member)}`);
  }
  for (let group = 0; group < groups; group += 1) {
    lines.push(...groupLines(group, Math.min(perGroup, members - group * perGroup), perGroup));
  }
  for (let first = 0; first < groups; first += GROUPS_PER_SWITCH) {
    lines.push(...switchLines(first, Math.min(GROUPS_PER_SWITCH, groups - first)));
  }
  return `${lines.join("\n")}\n`;
}

function groupLines(group: number, count: number, perGroup: number): string[] {
  const members = Array.from({ length: count }, (_, index) => group * perGroup + index);
  return [
    `add serviceGroup sg_${String(group)} SSL -maxClient 0 -maxReq 0 -cip DISABLED -usip NO -cltTimeout 180 -svrTimeout 360`,
    `add lb vserver v_${String(group)} SSL 0.0.0.0 0 -persistenceType NONE -cltTimeout 180`,
    `bind lb vserver v_${String(group)} sg_${String(group)}`,
    ...members.map((member) => `bind serviceGroup sg_${String(group)} ${serverName(member)} 443`),
    `bind serviceGroup sg_${String(group)} -monitorName mon_health`,
    `bind serviceGroup sg_${String(group)} -monitorName mon_port`,
    `bind ssl vserver v_${String(group)} -certkeyName mail.example.com`,
  ];
}

function switchLines(first: number, count: number): string[] {
  const index = first / GROUPS_PER_SWITCH;
  const name = `cs_${String(index)}`;
  const groups = Array.from({ length: count }, (_, offset) => first + offset);
  return [
    `add cs vserver ${name} SSL 203.0.113.${String(1 + (index % 254))} ${String(443 + Math.floor(index / 254))} -cltTimeout 180`,
    `bind ssl vserver ${name} -certkeyName mail.example.com`,
    ...groups.flatMap((group) => [
      `add cs action act_${String(group)} -targetLBVserver v_${String(group)}`,
      `add cs policy pol_${String(group)} -rule "HTTP.REQ.URL.PATH.STARTSWITH(\\"/app${String(group)}/\\")" -action act_${String(group)}`,
      `bind cs vserver ${name} -policyName pol_${String(group)} -priority ${String(100 + (group - first) * 10)}`,
    ]),
  ];
}

function serverName(member: number): string {
  return `srv${String(member + 1).padStart(5, "0")}`;
}

/** 198.18.0.1 and on, 254 to a network. */
function addressOf(member: number): string {
  const network = Math.floor(member / 254);
  return `198.${String(18 + Math.floor(network / 256))}.${String(network % 256)}.${String(1 + (member % 254))}`;
}
