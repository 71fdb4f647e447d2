import { z } from "zod";

/**
 * The file that Prometheus' own servers and exporters take as `--web.config.file` (exporter-toolkit, "web
 * configuration"): the same keys with the same meaning. HTTP/2 is accepted and not offered.
 */
const CLIENT_AUTH_TYPES = [
  "NoClientCert",
  "RequestClientCert",
  "RequireAnyClientCert",
  "VerifyClientCertIfGiven",
  "RequireAndVerifyClientCert",
] as const;
export type ClientAuthType = (typeof CLIENT_AUTH_TYPES)[number];

const VERSIONS = { TLS10: "TLSv1", TLS11: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3" } as const;
const version = z.enum(["TLS10", "TLS11", "TLS12", "TLS13"]).transform((name) => VERSIONS[name]);

/** The names of Go's library, which the file uses, as OpenSSL knows them. TLS 1.3 suites cannot be chosen in either. */
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

/** The headers that exporter-toolkit lets be set. */
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

export const webConfigFile = z.strictObject({
  tls_server_config: tlsServerConfig.nullish(),
  http_server_config: z
    .strictObject({
      http2: z.boolean().optional(),
      headers: z
        .record(
          z.string(),
          z.string().refine((value) => !/[\r\n]/.test(value), "a header is one line"),
        )
        .refine(
          (headers) => Object.keys(headers).every((name) => HEADERS.includes(name.toLowerCase())),
          `only these headers can be set: ${HEADERS.join(", ")}`,
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

export type WebConfigFile = z.output<typeof webConfigFile>;
