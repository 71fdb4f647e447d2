import { fnv1a } from "../lib/bytes.ts";
import type { TlsSettings, TlsVersion } from "../model/tls-settings.ts";
import type { Estate } from "../model/estate.ts";
import type { CodeRange, Monitor } from "../model/monitor.ts";
import { requestSecrets } from "../adc/request-secrets.ts";
import { ANNOUNCED_TYPES } from "../probes/monitors/spec.ts";
import { monitorTlsSettings } from "../probes/monitors/monitor-tls.ts";

/** A blackbox_exporter module equivalent to the monitor, apart from its caveats; or why there is none. */
type BlackboxModule =
  | {
      readonly kind: "module";
      readonly name: string;
      readonly module: Readonly<Record<string, unknown>>;
      /** Where the prober may differ from the monitor; none known if empty. */
      readonly caveats: readonly string[];
      /** For HTTP: the path of the target. */
      readonly path: string | null;
      readonly scheme: "http" | "https" | null;
    }
  | { readonly kind: "inexpressible"; readonly reason: string };

/** The module of one monitor. Follows blackbox_exporter's CONFIGURATION.md and the monitor types' own semantics. */
export function blackboxModule(estate: Estate, monitor: Monitor): BlackboxModule {
  if (monitor.reverse) {
    return inexpressible("a reverse monitor distinguishes a timeout from a refused connection");
  }
  if (monitor.destIp !== null) {
    return inexpressible("its destination address is pinned");
  }
  if (carriesSecret(monitor)) {
    return inexpressible("its request contains a credential, which is not exported");
  }
  if (sendsProxyHeader(estate, monitor, monitor.netProfile)) {
    return inexpressible("it begins with a PROXY header, which the prober does not send");
  }
  const made = blackboxProber(estate, monitor);
  if (typeof made === "string") {
    return inexpressible(made);
  }
  return {
    kind: "module",
    name: moduleName(estate.adc, monitor.name),
    module: {
      prober: made.prober,
      timeout: `${String(Math.max(1, monitor.responseTimeoutMs))}ms`,
      ...(made.options === null ? {} : { [made.prober]: made.options }),
    },
    caveats: [...(made.caveats ?? []), ...(monitor.secure ? tlsCaveats(estate, monitor) : [])],
    path: made.path ?? null,
    scheme: made.prober === "http" ? (monitor.secure ? "https" : "http") : null,
  };
}

/** Whether a header or request contains a credential; the file may be readable by everybody. */
function carriesSecret({ parameters }: Monitor): boolean {
  return [parameters.customHeaders, parameters.send, parameters.httpRequest].some(
    (text) => text !== null && requestSecrets(text).secrets.length > 0,
  );
}

/** Whether a monitor with this net profile begins with a PROXY header. */
export function sendsProxyHeader(
  { netProfiles }: Estate,
  monitor: Monitor,
  netProfile: string | null,
): boolean {
  return (
    ANNOUNCED_TYPES.has(monitor.type.toUpperCase()) &&
    netProfiles.get(netProfile ?? "")?.proxyProtocol === true
  );
}

interface BlackboxProber {
  readonly prober: "tcp" | "http" | "icmp";
  readonly options: Readonly<Record<string, unknown>> | null;
  readonly path?: string;
  readonly caveats?: readonly string[];
}

const TLS_CAVEAT =
  "TLS settings of the service (versions, SNI) are not in it; the prober's TLS library may not offer old ciphers";
const HTTP_CAVEAT =
  "the prober sends a Host with the port, a User-Agent and Accept-Encoding of its own";
const BODY_CAVEAT =
  "the prober wants the whole answer and searches all of it, the ADC only the first 24 KB";
const LINE_CAVEAT =
  "the prober sees a line only once it has ended, and searches lines without a limit, the ADC 16 segments";
const EHLO_CAVEAT = "the prober does not fall back to HELO";

function blackboxProber(estate: Estate, monitor: Monitor): BlackboxProber | string {
  const withTls = tls(estate, monitor);
  switch (monitor.type) {
    case "PING":
      return { prober: "icmp", options: IPV4 };
    case "TCP":
      return { prober: "tcp", options: { ...IPV4, ...withTls } };
    case "TCP-ECV":
      return tcpEcv(monitor, withTls);
    case "SMTP":
      return {
        prober: "tcp",
        options: {
          ...IPV4,
          ...withTls,
          query_response: SMTP_STEPS,
        },
        caveats: [EHLO_CAVEAT],
      };
    case "HTTP":
    case "HTTP-INLINE":
      return http(monitor, withTls);
    case "HTTP-ECV":
      return httpEcv(monitor, withTls);
    default:
      return `no prober is equivalent to ${monitor.type}`;
  }
}

/** The prober adds a line feed to what it sends. A reply may consist of the code alone. */
const SMTP_STEPS = [
  { expect: "^220(?:[ -]|$)" },
  { send: "EHLO blackbox.invalid\r" },
  { expect: "^250(?:[ -]|$)" },
  { send: "QUIT\r" },
];

const IPV4 = { preferred_ip_protocol: "ip4" } as const;

const MIN_VERSIONS: Readonly<Record<TlsVersion, string>> = {
  TLSv1: "TLS10",
  "TLSv1.1": "TLS11",
  "TLSv1.2": "TLS12",
  "TLSv1.3": "TLS13",
};

type TlsOptions = { readonly tls?: true; readonly tls_config?: Readonly<Record<string, unknown>> };

/** The ADC does not verify certificates by default, and offers versions that the prober's library disables by default. */
function tls(estate: Estate, monitor: Monitor): TlsOptions {
  if (!monitor.secure) {
    return {};
  }
  const min_version = MIN_VERSIONS[ownTls(estate, monitor).minVersion];
  return { tls: true, tls_config: { insecure_skip_verify: true, min_version } };
}

/** TLS versions of the monitor and the firmware only, since all services of a monitor share its module. */
function ownTls({ sslProfiles, firmware }: Estate, { sslProfile }: Monitor): TlsSettings {
  return monitorTlsSettings({
    service: null,
    serviceProfile: null,
    monitorProfile: sslProfile === null ? null : (sslProfiles.get(sslProfile) ?? null),
    firmware,
    override: null,
  }).settings;
}

/** max_version is not written: older probers reject the whole file because of it. */
function tlsCaveats(estate: Estate, monitor: Monitor): readonly string[] {
  const { maxVersion } = ownTls(estate, monitor);
  return maxVersion === "TLSv1.3"
    ? [TLS_CAVEAT]
    : [TLS_CAVEAT, `the prober speaks newer TLS too, the ADC none after ${maxVersion}`];
}

function tcpEcv(monitor: Monitor, withTls: TlsOptions): BlackboxProber | string {
  const { send, recv, trofsString } = monitor.parameters;
  if (trofsString !== null) {
    return "it detects maintenance from the response";
  }
  if (recv !== null && /[\r\n]/.test(recv)) {
    return "its pattern spans lines, but the prober matches line by line";
  }
  const steps: Record<string, string>[] = [];
  if (send !== null && send !== "" && recv !== null && recv !== "") {
    // The prober adds the line feed at the end of the monitor's text.
    if (!send.endsWith("\n")) {
      return "what it sends does not end in a line feed, which the prober adds";
    }
    if (send === "\n") {
      return "it sends an empty line, which the prober does not";
    }
    steps.push({ send: send.replace(/\n$/, "") });
  }
  if (recv !== null && recv !== "") {
    steps.push({ expect: escapeRe2(recv) });
  }
  return {
    prober: "tcp",
    options: { ...IPV4, ...withTls, ...(steps.length === 0 ? {} : { query_response: steps }) },
    caveats: recv === null || recv === "" ? [] : [LINE_CAVEAT],
  };
}

function http(monitor: Monitor, withTls: TlsOptions): BlackboxProber | string {
  const { httpRequest, respCodes, trofsCode } = monitor.parameters;
  if (trofsCode !== null) {
    return "it detects maintenance from the status";
  }
  const codes = statusCodesIn(respCodes ?? [{ from: 200, to: 200 }]);
  return request(monitor, httpRequest ?? "HEAD /", withTls, { valid_status_codes: codes }, []);
}

/** HTTP-ECV checks only the body, regardless of the status. */
function httpEcv(monitor: Monitor, withTls: TlsOptions): BlackboxProber | string {
  const { send, recv, trofsString } = monitor.parameters;
  if (trofsString !== null) {
    return "it detects maintenance from the response";
  }
  const hasPattern = recv !== null && recv !== "";
  return request(
    monitor,
    send === null || send === "" ? "GET /" : send,
    withTls,
    {
      valid_status_codes: statusCodesIn([{ from: 100, to: 999 }]),
      ...(hasPattern ? { fail_if_body_not_matches_regexp: [escapeRe2(recv)] } : {}),
    },
    hasPattern ? [BODY_CAVEAT] : [],
  );
}

function request(
  monitor: Monitor,
  line: string,
  { tls_config }: TlsOptions,
  checks: Readonly<Record<string, unknown>>,
  caveats: readonly string[],
): BlackboxProber | string {
  const parts = /^([A-Z]+) +(\/[^\s]*)\s*$/.exec(line);
  if (parts === null) {
    return "its request has more than a method and a path";
  }
  const [, method, path = "/"] = parts;
  if (!KEPT_PATH.test(path)) {
    return "the prober would write its path in another way";
  }
  const headers = readHeaders(monitor.parameters.customHeaders ?? "");
  if (typeof headers === "string") {
    return headers;
  }
  return {
    prober: "http",
    path,
    options: {
      ...IPV4,
      method,
      follow_redirects: false,
      enable_http2: false,
      ...checks,
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...(tls_config === undefined ? {} : { fail_if_not_ssl: true, tls_config }),
    },
    caveats: [HTTP_CAVEAT, ...caveats],
  };
}

/** Paths that Go sends unchanged: no fragment, and nothing that it would escape. */
const KEPT_PATH = /^(?:[\w\-.~!$&'()*+,;=:@/[\]]|%[0-9a-f]{2})*(?:\?[!"$-~]*)?$/i;

/** Headers that the prober always sets itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "trailer",
]);

/** The headers in the prober's form, each name once; or why it cannot send them. */
function readHeaders(text: string): Record<string, string> | string {
  const headers = new Map<string, readonly [name: string, value: string]>();
  for (const line of text.split(/\r?\n/).filter((each) => each.trim() !== "")) {
    const [, name = "", value = ""] =
      /^([!#$%&'*+.^_`|~\w-]+):([\t\x20-\x7e\x80-\uffff]*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    if (name === "") {
      return "a line of its custom headers is none that the prober can send";
    }
    if (OWN_HEADERS.has(key)) {
      return `the prober sets ${name} itself`;
    }
    if (headers.has(key)) {
      return `the prober sends ${name} only once`;
    }
    headers.set(key, [name, value.trimStart()]);
  }
  return Object.fromEntries(headers.values());
}

function statusCodesIn(ranges: readonly CodeRange[]): readonly number[] {
  return ranges.flatMap(({ from, to }) =>
    Array.from({ length: Math.max(0, Math.min(to, 999) - from + 1) }, (_, index) => from + index),
  );
}

/** Escapes a text for RE2. */
function escapeRe2(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/**
 * Module names appear in URLs and labels, so special characters are replaced. Names stay unique, also for `b_c` of ADC `a` and
 * `c` of ADC `a_b`.
 */
function moduleName(adc: string, monitor: string): string {
  const written = `${adc}_${monitor}`;
  const name = written.replace(/[^\w-]+/g, "_");
  return name === written && !adc.includes("_")
    ? name
    : `${name}_${fnv1a(`${adc}\n${monitor}`).toString(16)}`;
}

function inexpressible(reason: string): BlackboxModule {
  return { kind: "inexpressible", reason };
}
