import { z } from "zod";
import type {
  Config,
  AdcConfig,
  Endpoint,
  LookKind,
  LookSettings,
  MaintenanceConfig,
  ServerTrust,
  TransactionRunConfig,
} from "./schema.ts";
import {
  type WrittenConfig,
  writtenConfig,
  type WrittenAdc,
  type WrittenRun,
  type WrittenWindow,
} from "./written.ts";
import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Attachments } from "./attachments.ts";
import { parseDuration } from "../lib/timers.ts";
import { parseHostPort } from "../lib/host-port.ts";
import { normaliseNotifier } from "./rules-notify.ts";
import type { WindowConfig } from "../model/window.ts";
import { Secret } from "../lib/secret.ts";

const SECRET_KEYS: ReadonlySet<string> = new Set(["password", "secret", "token", "url"]);

/** The configuration in the file's own form, defaults filled in: safe to show to anybody who may see the page. */
export function maskedConfig(config: Config): unknown {
  return config.shown;
}

/** Masks inline secrets and the arguments of commands, which may hold some. */
function maskSecrets(written: WrittenConfig): unknown {
  return JSON.parse(
    JSON.stringify(written, (key, value: unknown) => {
      if (SECRET_KEYS.has(key) && typeof value === "string") {
        return "<secret>";
      }
      if (key === "command" && Array.isArray(value)) {
        return value.map((word: unknown, index) => (index === 0 ? word : "<argument>"));
      }
      return value;
    }),
  ) as unknown;
}

/** The part of JSON Schema that this schema uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly [keyword: string]: unknown;
}

/** JSON Schema (draft 2020-12) of the configuration file, for editors and for the reference. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(writtenConfig, { io: "input" });
  return {
    title: "adc-witness configuration",
    ...(schema as JsonSchema),
  };
}

/** Converts a validated configuration to the agent's types. */
export function normalise(
  written: WrittenConfig,
  attached: Attachments,
  file: string,
  baseDir: string,
): Config {
  return {
    file,
    agent: written.agent ?? hostname(),
    stateDir: resolve(baseDir, written.state_dir),
    sourceAddresses: written.source_addresses,
    adcs: written.adcs.map((adc, index) => normaliseAdc(adc, index, attached, baseDir)),
    connectTo: written.connect_to,
    unmapped: written.unmapped,
    allowTargets: written.allow_targets,
    dnsServers: written.dns_servers,
    monitors: new Map(
      Object.entries(written.monitors).map(([name, monitor]) => [
        name,
        {
          username: monitor.username ?? null,
          password: attached.secret(["monitors", name], "password"),
          secret: attached.secret(["monitors", name], "secret"),
          command: monitor.command ?? null,
          ...(monitor.verify === undefined ? {} : { verify: monitor.verify }),
          ...(monitor.servers === undefined ? {} : { servers: monitor.servers }),
        },
      ]),
    ),
    vservers: new Map(
      Object.entries(written.vservers).map(([name, vserver]) => [
        name,
        {
          host: vserver.host ?? null,
          names: vserver.names,
          path: vserver.path ?? null,
          ...trustOf(vserver, null),
          ca: attached.certificates(["vservers", name]),
          public: vserver.public,
          ...looksOf(vserver),
          sameCertificate: vserver.same_certificate,
        },
      ]),
    ),
    members: written.members.map((member, index) => ({
      match: member.match,
      protocol: member.protocol ?? null,
      exchange: member.exchange ?? null,
      path: member.path ?? null,
      host: member.host ?? null,
      ...(member.security === undefined ? {} : { security: member.security }),
      ...(member.query === undefined ? {} : { query: member.query }),
      ...looksOf(member),
      ...trustOf(member, attached.certificates(["members", index])),
    })),
    looks: written.looks,
    exclude: written.exclude.flatMap(({ from, reason, ...named }) =>
      (["monitor", "member", "vserver"] as const).flatMap((what) => {
        const pattern = named[what];
        return pattern === undefined ? [] : [{ what, pattern, from, reason }];
      }),
    ),
    transactions: {
      accounts: written.transactions.accounts.map((account, index) => ({
        name: account.name,
        username: account.username,
        address: account.address ?? null,
        domain: account.domain ?? null,
        ...trustOf(account, attached.certificates(["transactions", "accounts", index])),
        password: requireSecret(attached, ["transactions", "accounts", index], "password"),
      })),
      run: written.transactions.run.map(normaliseRun),
    },
    maintenance: normaliseMaintenance(written.maintenance, attached),
    controlTargets: written.control_targets.map(endpoint),
    probe: {
      httpVersion: written.probe.http_version,
      userAgent: written.probe.user_agent ?? null,
      tcpReverseTimeout: written.probe.tcp_reverse_timeout,
      tcpEcvSegments: written.probe.tcp_ecv_segments,
    },
    minProbeIntervalMs: durationMs(written.min_probe_interval),
    lookTimeoutMs: durationMs(written.look_timeout),
    metrics: written.metrics,
    lint: written.lint,
    notify: written.notify.map((one, index) => normaliseNotifier(one, index, attached)),
    web: {
      listen: written.web.listen.map(endpoint),
      configFile:
        written.web.config_file === undefined ? null : resolve(baseDir, written.web.config_file),
      hosts: written.web.hosts,
      externalUrl: written.web.external_url?.replace(/\/$/, "") ?? null,
    },
    shard: normaliseShard(written.shard),
    log: written.log,
    shown: maskSecrets(written),
  };
}

/** The configured kinds of looks. */
function looksOf({
  looks,
}: {
  readonly looks?: Partial<Record<LookKind, boolean | undefined>> | undefined;
}): {
  readonly looks?: Partial<LookSettings>;
} {
  const given = Object.entries(looks ?? {}).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { looks: Object.fromEntries(given) };
}

/** Only the configured keys; certificates come from their files. */
function trustOf(
  written: {
    readonly fingerprint_sha256: string | readonly string[];
    readonly server_name?: string | undefined;
    readonly verify?: boolean | undefined;
  },
  ca: string | null,
): ServerTrust {
  const { fingerprint_sha256, server_name, verify } = written;
  return {
    ...(ca === null ? {} : { ca }),
    ...pinsOf(fingerprint_sha256),
    ...(server_name === undefined ? {} : { serverName: server_name }),
    ...(verify === undefined ? {} : { verify }),
  };
}

function pinsOf(written: string | readonly string[]): {
  readonly fingerprints?: readonly string[];
} {
  const pins = [written].flat();
  return pins.length === 0
    ? {}
    : { fingerprints: pins.map((pin) => pin.replaceAll(":", "").toLowerCase()) };
}

function normaliseAdc(
  adc: WrittenAdc,
  index: number,
  attached: Attachments,
  baseDir: string,
): AdcConfig {
  const { nitro } = adc;
  const path = ["adcs", index, "nitro"];
  return {
    name: adc.name,
    nitro:
      nitro === undefined
        ? null
        : {
            urls: nitro.urls.map((url) => new URL(url).origin),
            username: nitro.username,
            password: requireSecret(attached, path, "password"),
            tls: {
              verify: nitro.tls.verify,
              ca: attached.certificates([...path, "tls"]),
              serverName: nitro.tls.server_name ?? null,
              ...pinsOf(nitro.fingerprint_sha256),
            },
            partition: nitro.partition ?? null,
            importEveryMs: durationMs(nitro.import_every),
            pollEveryMs: durationMs(nitro.poll_every),
            timeoutMs: durationMs(nitro.timeout),
          },
    nsConf: adc.ns_conf === undefined ? null : resolve(baseDir, adc.ns_conf),
    monitorTls: adc.monitor_tls ?? null,
    adns: adc.adns.map(endpoint),
  };
}

function normaliseRun(run: WrittenRun): TransactionRunConfig {
  return {
    transaction: run.transaction,
    account: run.account ?? null,
    everyMs: run.every === undefined ? null : durationMs(run.every),
    timeoutMs: run.timeout === undefined ? null : durationMs(run.timeout),
    vantages: run.vantages,
    members: {
      servers: [run.members.server].flat(),
      ports: [run.members.port].flat(),
      adcServices: [run.members.adc_service].flat(),
      vservers: [run.members.vserver].flat(),
    },
    path: run.path ?? null,
    host: run.host ?? null,
    security: run.security ?? null,
    expect: run.expect,
    allowPlaintext: run.allow_plaintext,
    options: run.options,
  };
}

function normaliseMaintenance(
  maintenance: WrittenConfig["maintenance"],
  attached: Attachments,
): MaintenanceConfig {
  return {
    token: attached.secret(["maintenance"], "token"),
    stabilityMs: durationMs(maintenance.stability),
    overdueAfterMs: durationMs(maintenance.overdue_after),
    windows: maintenance.windows.map(normaliseWindow),
  };
}

function normaliseWindow(window: WrittenWindow): WindowConfig {
  return {
    name: window.name,
    servers: window.servers,
    when:
      window.cron === undefined
        ? {
            kind: "fixed",
            startAt: Date.parse(window.start ?? ""),
            endAt: window.end === "never" ? Infinity : Date.parse(window.end ?? ""),
          }
        : {
            kind: "cron",
            cron: window.cron,
            timezone: window.timezone ?? "UTC",
            durationMs: durationMs(window.duration ?? ""),
          },
    reason: window.reason ?? null,
    author: window.author ?? null,
    autoEnd: window.auto_end,
    flexible: window.flexible,
  };
}

function normaliseShard(shard: string | undefined): Config["shard"] {
  if (shard === undefined) {
    return null;
  }
  const [index = 0, count = 1] = shard.split("/").map(Number);
  return { index, count };
}

function endpoint(text: string): Endpoint {
  const parsed = parseHostPort(text);
  return { host: parsed?.host ?? "", port: parsed?.port ?? 0 };
}

/** The schema has validated it as a duration. */
function durationMs(text: string): number {
  return parseDuration(text) ?? 0;
}

/** A rule has checked that it exists. */
function requireSecret(
  attached: Attachments,
  path: readonly (string | number)[],
  key: string,
): Secret {
  return attached.secret(path, key) ?? new Secret("");
}
