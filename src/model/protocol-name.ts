import type { LiveMember, LiveProbe, LiveVserver } from "./live.ts";

const BY_PORT: ReadonlyMap<number, string> = new Map([
  [25, "SMTP"],
  [465, "SMTP"],
  [587, "SMTP"],
  [2525, "SMTP"],
  [53, "DNS"],
  [80, "HTTP"],
  [443, "HTTPS"],
  [110, "POP3"],
  [995, "POP3"],
  [123, "NTP"],
  [135, "RPC"],
  [143, "IMAP"],
  [993, "IMAP"],
  [389, "LDAP"],
  [636, "LDAP"],
  [3268, "LDAP"],
  [3269, "LDAP"],
  [1812, "RADIUS"],
  [161, "SNMP"],
]);

const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/^imap/, "IMAP"],
  [/^pop3/i, "POP3"],
  [/^smtp|^mail_/i, "SMTP"],
  [/^dns/i, "DNS"],
  [/^ntp/, "NTP"],
  [/^ldap/i, "LDAP"],
  [/^rpc/, "RPC"],
  [/^(https_|owa|eas|ews|autodiscover|mapi|oab|health_page)/, "HTTPS"],
  [/^HTTP/, "HTTP"],
  [/^SSL$/, "HTTPS"],
];

/** What people call that which is spoken there: by its port, else by what probes it, else the port itself. */
export function protocolOf(endpoint: LiveMember | LiveVserver): string {
  const known = typeof endpoint.port === "number" ? BY_PORT.get(endpoint.port) : undefined;
  if (known !== undefined) {
    return known;
  }
  const names = [...endpoint.probes].sort(transactionsFirst).flatMap(namesOf);
  const service = "serviceType" in endpoint ? [endpoint.serviceType] : [];
  for (const name of [...names, ...service]) {
    const found = BY_NAME.find(([pattern]) => pattern.test(name));
    if (found !== undefined) {
      return found[1];
    }
  }
  return endpoint.port === null ? "virtual" : `port ${String(endpoint.port)}`;
}

/** `IMAP (143)`: the protocol and the port, where the port is not the protocol's name already. */
export function protocolWithPort(endpoint: LiveMember | LiveVserver): string {
  const protocol = protocolOf(endpoint);
  return endpoint.port === null || protocol.startsWith("port ")
    ? protocol
    : `${protocol} (${String(endpoint.port)})`;
}

function namesOf(probe: LiveProbe): readonly string[] {
  return probe.kind === "transaction" ? [probe.transaction] : [probe.type];
}

function transactionsFirst(one: LiveProbe, other: LiveProbe): number {
  return Number(other.kind === "transaction") - Number(one.kind === "transaction");
}
