import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request, type RequestOptions } from "node:https";
import { TLSSocket } from "node:tls";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { hashSync } from "bcryptjs";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  labCa,
  labCertificate,
  type CertificateName,
} from "../../../lab/certificates/lab-certificate.ts";
import { labAuthorityFiles } from "../../support/lab-certificate-files.ts";
import { maintenanceHour } from "../../support/live-state.ts";
import { serve } from "../support.ts";
import { debianProgram } from "../../support/debian-program.ts";
import { until } from "../until.ts";

const certificate = (name: CertificateName): string => labCertificate(name).certificate;
const keyOf = (name: CertificateName): string => labCertificate(name).key;
const HASH = hashSync("open sesame", 5);

async function folder(files: Record<string, string>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "adc-witness-web-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(path, name), text);
  }
  return path;
}

/** The lab's certificates are servers' own: a client's is made here, signed by the lab's CA. */
async function clientCertificate(name: string): Promise<{ cert: string; key: string }> {
  const path = await folder({ ext: `extendedKeyUsage=clientAuth\nsubjectAltName=DNS:${name}\n` });
  const openssl = debianProgram("openssl", "openssl") ?? expect.fail("openssl is needed");
  const at = (file: string): string => join(path, file);
  const authority = labAuthorityFiles();
  const ca = ["-CA", authority.certificate, "-CAkey", authority.key];
  const key = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-keyout",
    at("key.pem"),
  ];
  execFileSync(openssl, ["req", "-new", ...key, "-subj", `/CN=${name}`, "-out", at("csr.pem")], {
    stdio: "ignore",
  });
  execFileSync(
    openssl,
    [
      "x509",
      "-req",
      "-in",
      at("csr.pem"),
      ...ca,
      "-set_serial",
      "77",
      "-days",
      "2",
      "-extfile",
      at("ext"),
      "-out",
      at("cert.pem"),
    ],
    { stdio: "ignore" },
  );
  return { cert: readFileSync(at("cert.pem"), "utf8"), key: readFileSync(at("key.pem"), "utf8") };
}

interface Tried {
  readonly status: number | null;
  readonly serial: string | null;
  readonly protocol: string | null;
  readonly headers: Record<string, unknown>;
  readonly error: string | null;
}

/** One HTTPS request on a connection of its own. */
function tryTls(port: number, options: RequestOptions = {}): Promise<Tried> {
  return new Promise((resolve) => {
    let serial: string | null = null;
    let protocol: string | null = null;
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        path: "/-/healthy",
        agent: false,
        rejectUnauthorized: false,
        ...options,
      },
      (response) => {
        response.resume();
        response.on("end", () => {
          resolve({
            status: response.statusCode ?? null,
            serial,
            protocol,
            headers: response.headers,
            error: null,
          });
        });
      },
    );
    asked.on("socket", (socket) => {
      socket.on("secureConnect", () => {
        if (socket instanceof TLSSocket) {
          serial = socket.getPeerX509Certificate()?.serialNumber ?? null;
          protocol = socket.getProtocol();
        }
      });
    });
    asked.on("error", (error) => {
      resolve({ status: null, serial, protocol, headers: {}, error: error.message });
    });
    asked.end();
  });
}

describe("basic auth", () => {
  const doors = async (users: Record<string, string>) => {
    const lines = Object.entries(users).map(([name, hash]) => `  ${name}: ${hash}\n`);
    const path = await folder({ "web.yml": `basic_auth_users:\n${lines.join("")}` });
    return serve(maintenanceHour(), { configFile: join(path, "web.yml"), token: () => "t0ken" });
  };
  const basic = (name: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`,
  });

  test("accepts only a user's password, at every path", async () => {
    const web = await doors({ prometheus: HASH.replace("$2b$", "$2y$") });
    for (const path of ["/", "/metrics", "/-/healthy", "/api/v1/verdicts", "/nowhere"]) {
      const refused = await web.get(path);
      expect(refused.status).toBe(401);
      expect(refused.headers["www-authenticate"]).toMatch(/^Basic realm=/);
    }
    expect((await web.get("/metrics", basic("prometheus", "open sesame"))).status).toBe(200);
    for (const [name, password] of [
      ["prometheus", "open sesam"],
      ["prometheus", ""],
      ["grafana", "open sesame"],
      ["__proto__", "open sesame"],
      ["", ""],
    ] as const) {
      expect((await web.get("/metrics", basic(name, password))).status).toBe(401);
    }
    expect((await web.get("/metrics", { authorization: "Basic !!!" })).status).toBe(401);
    expect((await web.get("/metrics", { authorization: "Basic bm9jb2xvbg==" })).status).toBe(401);
  });

  test("accepts a password with colons and letters of any script", async () => {
    const web = await doors({ anna: hashSync("a:b:ü", 4) });
    expect((await web.get("/-/healthy", basic("anna", "a:b:ü"))).status).toBe(200);
  });

  test("needs no user name with the token, and takes no password for a token", async () => {
    const web = await doors({ prometheus: HASH });
    const bearer = { authorization: "Bearer t0ken" };
    expect((await web.get("/api/v1/verdicts", bearer)).status).toBe(200);
    expect((await web.get("/api/v1/verdicts", { authorization: "Bearer t0kem" })).status).toBe(401);
    const path = "/api/v1/maintenance?name=x";
    const both = { ...basic("prometheus", "open sesame"), "x-adc-witness-token": "t0ken" };
    expect(
      (await web.ask("DELETE", path, { headers: basic("prometheus", "open sesame") })).status,
    ).toBe(401);
    expect((await web.ask("DELETE", path, { headers: both })).status).toBe(404);
  });

  test("delays a guesser and not others", async () => {
    const web = await doors({ prometheus: hashSync("open sesame", 8) });
    expect((await web.get("/-/healthy", basic("prometheus", "open sesame"))).status).toBe(200);
    let turns = 0;
    let going = true;
    const turn = () => {
      turns += 1;
      if (going) {
        setImmediate(turn);
      }
    };
    turn();
    const guesses = Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        web.get("/metrics", basic("prometheus", String(index))),
      ),
    );
    const known = await web.get("/-/healthy", basic("prometheus", "open sesame"));
    expect(known.status).toBe(200);
    const answers = (await guesses).map(({ status }) => status);
    going = false;
    expect(new Set(answers)).toEqual(new Set([401, 429]));
    expect(turns).toBeGreaterThan(200);
  });
});

describe("TLS", () => {
  const TLS = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";
  const files = (web: string, name: CertificateName = "mail") => ({
    "web.yml": web,
    "cert.pem": certificate(name),
    "key.pem": keyOf(name),
    "ca.pem": labCa(),
  });
  const over = async (web: string) => {
    const path = await folder(files(web));
    const running = await serve(maintenanceHour(), { configFile: join(path, "web.yml") });
    return { ...running, path };
  };

  test("serves the certificate beside the file with TLS 1.2 and later", async () => {
    const { port, url } = await over(TLS);
    expect(url).toMatch(/^https:/);
    expect(await tryTls(port)).toMatchObject({ status: 200, protocol: "TLSv1.3" });
    expect(await tryTls(port, { maxVersion: "TLSv1.2" })).toMatchObject({ status: 200 });
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" } as const;
    expect((await tryTls(port, old)).status).toBeNull();
    const trusted = { ca: labCa(), rejectUnauthorized: true, servername: "mail.example.com" };
    expect((await tryTls(port, trusted)).status).toBe(200);
  });

  test("uses the file's versions, suites and curves", async () => {
    const { port } = await over(
      `${TLS}  min_version: TLS12\n  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [CurveP256]\n`,
    );
    expect(await tryTls(port)).toMatchObject({ status: 200, protocol: "TLSv1.2" });
    expect((await tryTls(port, { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })).status).toBeNull();
    expect((await tryTls(port, { ecdhCurve: "X25519" })).status).toBeNull();
  });

  test("serves a renewed certificate soon and rejects a broken one", async () => {
    const { port, path, logged } = await over(TLS);
    const before = await tryTls(port);
    await writeFile(join(path, "cert.pem"), certificate("other"));
    await until(() => logged.some((line) => line.includes("rejected")));
    expect((await tryTls(port)).serial).toBe(before.serial);
    await writeFile(join(path, "key.pem"), keyOf("other"));
    await until(async () => (await tryTls(port)).serial !== before.serial);
    await writeFile(join(path, "web.yml"), "tls_server_config: {cert_file: [oops");
    await until(() => logged.filter((line) => line.includes("rejected")).length === 2);
    expect((await tryTls(port)).status).toBe(200);
  });

  test("requires client certificates as configured: none, any, verified, of a name", async () => {
    const client = (name: CertificateName) => ({ cert: certificate(name), key: keyOf(name) });
    const scraper = await clientCertificate("prometheus.example.com");
    const verify = `${TLS}  client_ca_file: ca.pem\n  client_auth_type: `;
    const any = await over(`${TLS}  client_auth_type: RequireAnyClientCert\n`);
    expect((await tryTls(any.port)).status).toBeNull();
    expect((await tryTls(any.port, client("self_signed"))).status).toBe(200);
    const must = await over(`${verify}RequireAndVerifyClientCert\n`);
    expect((await tryTls(must.port)).status).toBeNull();
    expect((await tryTls(must.port, client("self_signed"))).status).toBeNull();
    expect((await tryTls(must.port, scraper)).status).toBe(200);
    const given = await over(`${verify}VerifyClientCertIfGiven\n`);
    expect((await tryTls(given.port)).status).toBe(200);
    expect((await tryTls(given.port, client("self_signed"))).status).toBeNull();
    const allow = (name: string) =>
      over(`${verify}RequireAndVerifyClientCert\n  client_allowed_sans: [${name}]\n`);
    const named = await allow("prometheus.example.com");
    expect((await tryTls(named.port, scraper)).status).toBe(200);
    const other = await allow("grafana.example.com");
    expect((await tryTls(other.port, scraper)).status).toBeNull();
  });

  test("adds the file's headers", async () => {
    const { port } = await over(
      `${TLS}http_server_config:\n  http2: false\n  headers:\n    Strict-Transport-Security: max-age=31536000\n    X-Frame-Options: SAMEORIGIN\n`,
    );
    expect((await tryTls(port)).headers).toMatchObject({
      "strict-transport-security": "max-age=31536000",
      "x-frame-options": "SAMEORIGIN",
      "x-content-type-options": "nosniff",
    });
  });
});

test.each([
  ["a policy", "Content-Security-Policy: frame-ancestors https://wall.example", undefined],
  ["a frame option", "X-Frame-Options: DENY", "frame-ancestors 'none'"],
  ["neither", "X-Content-Type-Options: nosniff", "frame-ancestors *"],
])(
  "embed view › may be framed as the operator says when the file sets %s",
  async (_name, header, policy) => {
    const text = `http_server_config:\n  headers:\n    ${header}\n`;
    const path = await folder({ "web.yml": text });
    const web = await serve(maintenanceHour(), { configFile: join(path, "web.yml") });
    const { headers } = await web.get("/?embed");
    const found = String(headers["content-security-policy"]);
    expect(found.split("; ").at(-1)).toBe(policy ?? "frame-ancestors https://wall.example");
  },
);

test("rate limit › answers 429 when it is exceeded", async () => {
  const path = await folder({ "web.yml": "rate_limit:\n  interval: 1h\n  burst: 3\n" });
  const web = await serve(maintenanceHour(), { configFile: join(path, "web.yml") });
  const statuses: number[] = [];
  for (let index = 0; index < 5; index += 1) {
    statuses.push((await web.get("/-/healthy")).status);
  }
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
});

test.each([
  ["no such file", {}, /ENOENT/],
  ["an unknown key", { "web.yml": "tls_server: {}\n" }, /Unrecognized key/],
  ["a clear password", { "web.yml": "basic_auth_users: {me: secret}\n" }, /bcrypt/],
  [
    "a key without certificate",
    { "web.yml": "tls_server_config: {key_file: k}\n" },
    /ENOENT|cert_file/,
  ],
  ["an unknown suite", { "web.yml": "tls_server_config: {cipher_suites: [NULL]}\n" }, /cipher/],
  [
    "a header that may not be set",
    { "web.yml": "http_server_config: {headers: {Set-Cookie: a}}\n" },
    /only these headers/,
  ],
  [
    "a header that cannot be sent",
    { "web.yml": 'http_server_config: {headers: {X-Frame-Options: "\\u2603"}}\n' },
    /one line of ASCII/,
  ],
  [
    "verification without a CA",
    {
      "web.yml":
        "tls_server_config: {cert_file: c, key_file: c, client_auth_type: VerifyClientCertIfGiven}\n",
      c: "",
    },
    /client_ca_file/,
  ],
] as const)(
  "web server › fails to start with a message when there is %s",
  async (_, files, words) => {
    const path = await folder(files);
    await expect(serve(maintenanceHour(), { configFile: join(path, "web.yml") })).rejects.toThrow(
      words,
    );
  },
);
