import { stringify } from "yaml";
import type { Estate } from "../../model/estate.ts";
import type { CodeRange, Monitor } from "../../model/monitor.ts";
import { requestSecrets } from "../../adc/request-secrets.ts";

/** A module of blackbox_exporter that gives the same up or down as the monitor, or why there is none. */
type BlackboxModule =
  | {
      readonly kind: "module";
      readonly name: string;
      readonly module: Readonly<Record<string, unknown>>;
      /** For HTTP: what follows address and port in the target. */
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
  const made = make(monitor);
  if (typeof made === "string") {
    return inexpressible(made);
  }
  const timeout = `${String(Math.max(1, Math.round(monitor.responseTimeoutMs / 1000)))}s`;
  return {
    kind: "module",
    name: moduleName(estate.adc, monitor.name),
    module: {
      prober: made.prober,
      timeout,
      ...(made.options === null ? {} : { [made.prober]: made.options }),
    },
    path: made.path ?? null,
    scheme: made.prober === "http" ? (monitor.secure ? "https" : "http") : null,
  };
}

/** Whether a header or request of the monitor lets its bearer in: the file may be read by everybody. */
function carriesSecret({ parameters }: Monitor): boolean {
  return [parameters.customHeaders, parameters.send, parameters.httpRequest].some(
    (text) => text !== null && requestSecrets(text).secrets.length > 0,
  );
}

interface Made {
  readonly prober: "tcp" | "http" | "icmp";
  readonly options: Readonly<Record<string, unknown>> | null;
  readonly path?: string;
}

function make(monitor: Monitor): Made | string {
  switch (monitor.type) {
    case "PING":
      return { prober: "icmp", options: IPV4 };
    case "TCP":
      return { prober: "tcp", options: { ...IPV4, ...tls(monitor) } };
    case "TCP-ECV":
      return tcpEcv(monitor);
    case "SMTP":
      return {
        prober: "tcp",
        options: {
          ...IPV4,
          ...tls(monitor),
          query_response: SMTP_STEPS,
        },
      };
    case "HTTP":
    case "HTTP-INLINE":
      return http(monitor);
    case "HTTP-ECV":
      return httpEcv(monitor);
    default:
      return `no prober is equivalent to ${monitor.type}`;
  }
}

/** The prober adds a line feed to what it sends. */
const SMTP_STEPS = [
  { expect: "^220[ -]" },
  { send: "EHLO blackbox.invalid\r" },
  { expect: "^250[ -]" },
  { send: "QUIT\r" },
];

const IPV4 = { preferred_ip_protocol: "ip4" } as const;

/** The ADC checks no certificate unless it is told to; TLS versions are left to the prober's library. */
function tls(monitor: Monitor): Readonly<Record<string, unknown>> {
  return monitor.secure ? { tls: true, tls_config: { insecure_skip_verify: true } } : {};
}

function tcpEcv(monitor: Monitor): Made | string {
  const { send, recv, trofsString } = monitor.parameters;
  if (trofsString !== null) {
    return "it detects maintenance from the response";
  }
  if (recv !== null && /[\r\n]/.test(recv)) {
    return "its pattern spans lines, but the prober matches line by line";
  }
  const steps: Record<string, string>[] = [];
  if (send !== null && send !== "") {
    // The prober adds a line feed to what it sends; one at the end of the monitor's own text is that line feed.
    steps.push({ send: send.replace(/\n$/, "") });
  }
  if (recv !== null && recv !== "") {
    steps.push({ expect: literal(recv) });
  }
  return {
    prober: "tcp",
    options: { ...IPV4, ...tls(monitor), ...(steps.length === 0 ? {} : { query_response: steps }) },
  };
}

function http(monitor: Monitor): Made | string {
  const { httpRequest, respCodes, trofsCode } = monitor.parameters;
  if (trofsCode !== null) {
    return "it detects maintenance from the status";
  }
  const codes = expand(respCodes ?? [{ from: 200, to: 200 }]);
  return request(monitor, httpRequest ?? "HEAD /", { valid_status_codes: codes });
}

/** HTTP-ECV looks at the body alone, whatever the status. */
function httpEcv(monitor: Monitor): Made | string {
  const { send, recv, trofsString } = monitor.parameters;
  if (trofsString !== null) {
    return "it detects maintenance from the response";
  }
  return request(monitor, send === null || send === "" ? "GET /" : send, {
    valid_status_codes: expand([{ from: 100, to: 599 }]),
    ...(recv === null || recv === "" ? {} : { fail_if_body_not_matches_regexp: [literal(recv)] }),
  });
}

function request(
  monitor: Monitor,
  line: string,
  checks: Readonly<Record<string, unknown>>,
): Made | string {
  const parts = /^([A-Z]+) +(\/[^\s]*)(?: HTTP\/1\.[01])?\s*$/.exec(line);
  if (parts === null) {
    return "its request has more than a method and a path";
  }
  const [, method, path = "/"] = parts;
  const headers = readHeaders(monitor.parameters.customHeaders ?? "");
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
      ...(monitor.secure
        ? { fail_if_not_ssl: true, tls_config: { insecure_skip_verify: true } }
        : {}),
    },
  };
}

function readHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const parts = /^([!#$%&'*+.^_`|~\w-]+):(.*)$/.exec(line);
    if (parts?.[1] !== undefined && parts[2] !== undefined) {
      headers[parts[1]] = parts[2].trimStart();
    }
  }
  return headers;
}

function expand(ranges: readonly CodeRange[]): readonly number[] {
  return ranges.flatMap(({ from, to }) =>
    Array.from({ length: Math.max(0, Math.min(to, 999) - from + 1) }, (_, index) => from + index),
  );
}

/** A text as a pattern of RE2 that matches just it. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Module names are free text in YAML, but they travel in URLs and labels. */
function moduleName(adc: string, monitor: string): string {
  return `${adc}_${monitor}`.replace(/[^\w-]+/g, "_");
}

function inexpressible(reason: string): BlackboxModule {
  return { kind: "inexpressible", reason };
}

/** The imported monitors as a configuration file for blackbox_exporter; what it cannot express is named in comments. */
export function blackboxFile(estates: readonly Estate[]): string {
  const modules: Record<string, unknown> = {};
  const left: string[] = [];
  for (const estate of estates) {
    const bound = new Set(
      [...estate.services.values()].flatMap(({ monitors }) =>
        monitors.map(({ monitor }) => monitor),
      ),
    );
    for (const monitor of estate.monitors.values()) {
      if (bound.has(monitor.name)) {
        const made = blackboxModule(estate, monitor);
        if (made.kind === "module") {
          modules[made.name] = made.module;
        } else {
          left.push(`${estate.adc}: ${monitor.name} (${monitor.type}): ${made.reason}`);
        }
      }
    }
  }
  const comments = left.map((line) => `# not expressed: ${line.replace(/\s+/g, " ")}\n`).join("");
  return `# Monitors imported by adc-witness as modules of blackbox_exporter.\n${comments}${stringify({ modules }, { lineWidth: 0 })}`;
}
