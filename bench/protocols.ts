/** The protocols to compare, their rates, and their configuration for each program. */
export const PROTOCOLS = ["tcp", "tcp_ecv", "http_ecv", "https_ecv"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface ProtocolPlan {
  /** Members of the estate; each is probed once per interval. */
  readonly members: number;
  /** NetScaler's `add lb monitor`, without its timing. */
  readonly monitor: string;
  readonly serviceType: string;
  /** blackbox_exporter's module of the same check. */
  readonly module: string;
}

/** NetScaler's default interval. */
export const INTERVAL_SECONDS = 5;
export const BANNER = "READY bench service\r\n";
export const BODY = "the service is alive";
/** The text that both check for. */
export const GREETING_WORD = "READY";
export const BODY_WORD = "alive";
/** No health page of Exchange: an ordinary web application. */
export const PATH = "/status";

/** Only monitors are compared: whether a web service also gets a look does not affect the cost per probe. */
export const NO_LOOKS = { mail: false, web: false, ldap: false, dns: false, ntp: false } as const;

export const PLANS: Readonly<Record<Protocol, ProtocolPlan>> = {
  tcp: {
    members: 4_000,
    monitor: "TCP -LRTM DISABLED",
    serviceType: "TCP",
    module: "{ prober: tcp, timeout: 4s }",
  },
  tcp_ecv: {
    members: 4_000,
    monitor: 'TCP-ECV -recv "READY" -LRTM DISABLED',
    serviceType: "TCP",
    module: '{ prober: tcp, timeout: 4s, tcp: { query_response: [{ expect: "^READY" }] } }',
  },
  http_ecv: {
    members: 2_500,
    monitor: `HTTP-ECV -send "GET ${PATH}" -recv "alive" -LRTM DISABLED`,
    serviceType: "HTTP",
    module: '{ prober: http, timeout: 4s, http: { fail_if_body_not_matches_regexp: ["alive"] } }',
  },
  https_ecv: {
    members: 500,
    monitor: `HTTP-ECV -send "GET ${PATH}" -recv "alive" -LRTM DISABLED -secure YES`,
    serviceType: "SSL",
    module:
      '{ prober: http, timeout: 4s, http: { fail_if_not_ssl: true, tls_config: { insecure_skip_verify: true }, fail_if_body_not_matches_regexp: ["alive"] } }',
  },
};

/** Starts per second: every contender is driven at this same rate. */
export function rateOf(protocol: Protocol): number {
  return PLANS[protocol].members / INTERVAL_SECONDS;
}
