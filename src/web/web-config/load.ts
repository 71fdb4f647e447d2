import { errorMessage } from "../../lib/log.ts";
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { z } from "zod";
import { parseDuration } from "../../lib/timers.ts";
import { parseLocatedYaml } from "../../config/located-yaml.ts";
import { formatProblem } from "../../config/problems.ts";

/**
 * The `--web.config.file` of Prometheus' servers and exporters (exporter-toolkit, "web configuration"), with the same keys and
 * meaning. HTTP/2 is accepted but not offered.
 */
const CLIENT_AUTH_TYPES = [
  "NoClientCert",
  "RequestClientCert",
  "RequireAnyClientCert",
  "VerifyClientCertIfGiven",
  "RequireAndVerifyClientCert",
] as const;
type ClientAuthType = (typeof CLIENT_AUTH_TYPES)[number];

const VERSIONS = { TLS10: "TLSv1", TLS11: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3" } as const;
const version = z.enum(["TLS10", "TLS11", "TLS12", "TLS13"]).transform((name) => VERSIONS[name]);

/** Go's cipher names (used in the file) to OpenSSL's. TLS 1.3 suites cannot be chosen in either. */
const CIPHERS: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_CBC_SHA: "AES128-SHA",
  TLS_RSA_WITH_AES_256_CBC_SHA: "AES256-SHA",
  TLS_RSA_WITH_AES_128_GCM_SHA256: "AES128-GCM-SHA256",
  TLS_RSA_WITH_AES_256_GCM_SHA384: "AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
};
const TLS13_CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
];
const cipher = z
  .string()
  .refine((name) => name in CIPHERS || TLS13_CIPHERS.includes(name), "unknown cipher suite")
  .transform((name) => CIPHERS[name] ?? null);

const CURVES = { CurveP256: "P-256", CurveP384: "P-384", CurveP521: "P-521", X25519: "X25519" };
const curve = z
  .enum(["CurveP256", "CurveP384", "CurveP521", "X25519"])
  .transform((name) => CURVES[name]);

/** The headers that exporter-toolkit allows. */
const HEADERS = [
  "content-security-policy",
  "x-frame-options",
  "x-content-type-options",
  "x-xss-protection",
  "strict-transport-security",
];

const tlsServerConfig = z.strictObject({
  cert_file: z.string().min(1).optional(),
  key_file: z.string().min(1).optional(),
  cert: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  client_auth_type: z.enum(CLIENT_AUTH_TYPES).default("NoClientCert"),
  client_ca_file: z.string().min(1).optional(),
  client_ca: z.string().min(1).optional(),
  client_allowed_sans: z.array(z.string()).default([]),
  min_version: version.default("TLSv1.2"),
  max_version: version.default("TLSv1.3"),
  cipher_suites: z.array(cipher).default([]),
  prefer_server_cipher_suites: z.boolean().default(true),
  curve_preferences: z.array(curve).default([]),
});

const BCRYPT_HASH = /^\$2[abxy]\$\d{2}\$[./A-Za-z0-9]{53}$/;

const webConfigFile = z.strictObject({
  tls_server_config: tlsServerConfig.nullish(),
  http_server_config: z
    .strictObject({
      http2: z.boolean().optional(),
      headers: z
        .record(
          z.string(),
          z
            .string()
            .refine((value) => /^[\t\x20-\x7e]*$/.test(value), "a header is one line of ASCII"),
        )
        .refine(
          (headers) => Object.keys(headers).every((name) => HEADERS.includes(name.toLowerCase())),
          `only these headers can be set: ${HEADERS.join(", ")}`,
        )
        .transform((headers) =>
          Object.fromEntries(
            Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
          ),
        )
        .nullish(),
    })
    .nullish(),
  basic_auth_users: z
    .record(z.string().min(1), z.string().regex(BCRYPT_HASH, "expected a bcrypt hash"))
    .nullish(),
  rate_limit: z
    .strictObject({
      interval: z
        .string()
        .regex(/^\d{1,6}(ms|s|m|h)$/, "expected a duration such as 1s")
        .optional(),
      burst: z.number().int().min(0).optional(),
    })
    .nullish(),
});

type WebConfigFile = z.output<typeof webConfigFile>;

/** The loaded web configuration. */
export interface WebConfig {
  readonly tls: ServerTls | null;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** User names to bcrypt hashes; null without basic auth. */
  readonly users: ReadonlyMap<string, string> | null;
  /** Rate limit: average interval in milliseconds, and burst; null: none. */
  readonly rateLimit: { readonly intervalMs: number; readonly burst: number } | null;
}

export interface ServerTls {
  readonly context: SecureContextOptions;
  readonly clientAuth: ClientAuthType;
  /** Empty: any name will do. */
  readonly allowedSans: readonly string[];
}

export const DEFAULT_WEB_CONFIG: WebConfig = {
  tls: null,
  headers: {},
  users: null,
  rateLimit: null,
};

type LoadedWebConfig =
  | {
      readonly kind: "loaded";
      readonly config: WebConfig;
      /** Changes with any of the files behind the configuration. */
      readonly versionStamp: string;
    }
  | { readonly kind: "failed"; readonly message: string };

/** Reads the file and the certificates it names (relative to its own folder). Never rejects. */
export async function loadWebConfig(path: string): Promise<LoadedWebConfig> {
  return withLoadErrors(path, async () => parseWebConfig(await readFile(path, "utf8"), path));
}

/** The same for the contents of the file. */
export function parseWebConfig(text: string, path: string): Promise<LoadedWebConfig> {
  return withLoadErrors(path, async () => {
    const written = parseFile(text, path);
    if (written.kind === "failed") {
      return written;
    }
    const { file } = written;
    const versionStamp = await versionStampOf(filesOf(path, file));
    const tls = await serverTls(path, file.tls_server_config ?? null);
    return {
      kind: "loaded",
      versionStamp,
      config: {
        tls,
        headers: file.http_server_config?.headers ?? {},
        users: users(file),
        rateLimit: rateLimit(file),
      },
    };
  });
}

/** A cheap version stamp of the configuration's files; rejects if one is missing. */
export async function currentVersionStamp(path: string): Promise<string> {
  const written = parseFile(await readFile(path, "utf8"), path);
  return versionStampOf(written.kind === "written" ? filesOf(path, written.file) : [path]);
}

type ParsedFile =
  | { readonly kind: "written"; readonly file: WebConfigFile }
  | { readonly kind: "failed"; readonly message: string };

/** Never quotes values, since the file may contain a key. */
function parseFile(text: string, path: string): ParsedFile {
  const read = parseLocatedYaml(text, path);
  if (read.kind === "invalid") {
    return { kind: "failed", message: read.problems.slice(0, 1).map(formatProblem).join("") };
  }
  const parsed = webConfigFile.safeParse(read.yaml.data ?? {});
  return parsed.success
    ? { kind: "written", file: parsed.data }
    : { kind: "failed", message: `${path}: ${z.prettifyError(parsed.error)}` };
}

async function withLoadErrors(
  path: string,
  load: () => Promise<LoadedWebConfig>,
): Promise<LoadedWebConfig> {
  try {
    return await load();
  } catch (error) {
    const message = errorMessage(error);
    return { kind: "failed", message: `${path}: ${message}` };
  }
}

function filesOf(path: string, file: WebConfigFile): readonly string[] {
  const tls = file.tls_server_config;
  const named = [tls?.cert_file, tls?.key_file, tls?.client_ca_file];
  return [path, ...named.filter((one) => one !== undefined).map((one) => beside(path, one))];
}

async function versionStampOf(files: readonly string[]): Promise<string> {
  const states = await Promise.all(
    files.map(async (file) => {
      const { mtimeMs, size, ino } = await stat(file);
      return [file, mtimeMs, size, ino].join(" ");
    }),
  );
  return states.join("\n");
}

async function serverTls(
  path: string,
  tls: NonNullable<WebConfigFile["tls_server_config"]> | null,
): Promise<ServerTls | null> {
  if (tls === null) {
    return null;
  }
  const cert = await content(path, tls.cert_file, tls.cert);
  const key = await content(path, tls.key_file, tls.key);
  const ca = await content(path, tls.client_ca_file, tls.client_ca);
  if (cert === null || key === null) {
    throw new Error("tls_server_config needs cert_file and key_file");
  }
  const verifies = tls.client_auth_type.includes("Verify");
  if (verifies && ca === null) {
    throw new Error(`client_auth_type ${tls.client_auth_type} needs client_ca_file`);
  }
  const ciphers = tls.cipher_suites.filter((name) => name !== null);
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: tls.min_version,
    maxVersion: tls.max_version,
    honorCipherOrder: tls.prefer_server_cipher_suites,
    ...(ca === null ? {} : { ca }),
    ...(ciphers.length === 0 ? {} : { ciphers: ciphers.join(":") }),
    ...(tls.curve_preferences.length === 0 ? {} : { ecdhCurve: tls.curve_preferences.join(":") }),
  };
  // Detects a certificate and key that do not match before the first connection.
  createSecureContext(context);
  return { context, clientAuth: tls.client_auth_type, allowedSans: tls.client_allowed_sans };
}

async function content(
  path: string,
  file: string | undefined,
  inline: string | undefined,
): Promise<string | null> {
  return file === undefined ? (inline ?? null) : readFile(beside(path, file), "utf8");
}

function users(file: WebConfigFile): ReadonlyMap<string, string> | null {
  const named = Object.entries(file.basic_auth_users ?? {});
  return named.length === 0 ? null : new Map(named);
}

function rateLimit(file: WebConfigFile): WebConfig["rateLimit"] {
  const intervalMs = parseDuration(file.rate_limit?.interval ?? "0s") ?? Infinity;
  return intervalMs === 0 ? null : { intervalMs, burst: file.rate_limit?.burst ?? 1 };
}

function beside(path: string, file: string): string {
  return resolve(dirname(path), file);
}

export interface RateLimit {
  /** Whether one more request may pass now; authenticated and other clients have separate limits. */
  readonly pass: (
    limit: NonNullable<WebConfig["rateLimit"]>,
    whose: "known" | "unknown",
  ) => boolean;
}

/**
 * Token bucket over all requests, as in exporter-toolkit; two of them, so that unauthenticated clients cannot block
 * authenticated ones.
 */
export function createRateLimit(monotonic: () => number): RateLimit {
  const full = () => ({ tokens: Infinity, filledAt: monotonic() });
  const buckets = { known: full(), unknown: full() };
  return {
    pass: ({ intervalMs, burst }, whose) => {
      const bucket = buckets[whose];
      const now = monotonic();
      const filled = bucket.tokens + (now - bucket.filledAt) / intervalMs;
      bucket.tokens = Math.min(Math.max(1, burst), filled);
      bucket.filledAt = now;
      if (bucket.tokens < 1) {
        return false;
      }
      bucket.tokens -= 1;
      return true;
    },
  };
}
