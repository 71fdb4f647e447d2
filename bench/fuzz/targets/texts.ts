import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { parseConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problems.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { lint } from "../../../src/lint/lint.ts";
import { BARE_SETTINGS } from "../../../src/agent/plan/settings.ts";
import { planProbes } from "../../../src/agent/plan/plan.ts";
import { parseWebConfig } from "../../../src/web/web-config/load.ts";
import { labCa, labCertificate } from "../../../lab/certificates/lab-certificate.ts";
import type { Random } from "../../simulation/random.ts";
import { mutateJson } from "../mutate-json.ts";
import { repositoryRoot } from "../root.ts";
import type { FuzzTarget } from "../target.ts";

/** Readers of files: what an operator, or an ADC, wrote. */

/** The share of mutated data that begins with a whole file: what only many sections together do. */
const WHOLE = 0.02;

export function nsConfTarget(): FuzzTarget {
  const folder = join(repositoryRoot(), "test", "fixtures", "ns.conf");
  const seeds = [
    ...readdirSync(folder).map((file) => readFileSync(join(folder, file))),
    readFileSync(join(repositoryRoot(), "lab", "demo.conf")),
  ];
  const small = seeds.flatMap((file) => piecesOf(file, 6));
  const large = seeds.flatMap((file) => piecesOf(file, 40));
  return {
    name: "ns.conf",
    // Pieces rather than whole files: a mutation then affects a large part of the input.
    seeds: [...seeds, ...large, ...new Array<readonly Buffer[]>(5).fill(small).flat()],
    usualBytes: 1_024,
    words: [
      "add lb monitor m HTTP-ECV ",
      "bind serviceGroup ",
      "add server ",
      "-IPMask ",
      "[1-9]",
      "[a-z]",
      "q/",
      "q{",
      "-monitorName ",
      "-respCode 200-299 ",
      "set ",
      "unset ",
      "rm ",
      "link ",
      "-encrypted",
      "\\",
      "'",
    ],
    read: (input) => {
      const estate = parseNsConf(input.toString("utf8"), { adc: "fuzz" });
      lint(estate);
      planProbes(estate, BARE_SETTINGS);
    },
  };
}

/** Split into pieces of this many lines. */
function piecesOf(file: Buffer, size: number): Buffer[] {
  const lines = file.toString("utf8").split("\n");
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, index) =>
    Buffer.from(lines.slice(index * size, index * size + size).join("\n")),
  );
}

export function configTarget(): FuzzTarget {
  const directory = join(repositoryRoot(), "test", "fixtures", "config");
  const text = readFileSync(join(directory, "whole.yml"), "utf8");
  const whole = parse(text) as Record<string, unknown>;
  const sections = sectionsOf(whole);
  const small = sections.map((section) => Buffer.from(stringify(section)));
  return {
    name: "configuration",
    seeds: [...small, ...small, Buffer.from(text)],
    usualBytes: 256,
    words: [
      "&a ",
      "*a",
      "<<: ",
      "!!binary ",
      "|\n",
      "? ",
      "- ",
      ": ",
      "${X}",
      "1e3s",
      ".nan",
      "0 0 31 2 *",
    ],
    mutate: (random) => {
      const data = random.next() < WHOLE ? whole : random.pick(sections);
      return writtenBy(random, mutateJson(data, random));
    },
    read: async (input) => {
      const result = await parseConfig(input.toString("utf8"), {
        file: "fuzz.yml",
        baseDir: directory,
        env: { X: "secret" },
      });
      if (result.kind === "invalid") {
        result.problems.map(formatProblem);
      }
    },
  };
}

/** The least that a configuration needs: an ADC that refers to no file. */
const LEAST = {
  adcs: [{ name: "p", nitro: { urls: "https://a.example", username: "u", password: "${X}" } }],
};

/**
 * Each setting of a configuration with the minimum that it requires; settings that refer to others of their section are
 * kept together.
 */
function sectionsOf({ transactions, ...sections }: Record<string, unknown>): readonly object[] {
  return [
    { ...LEAST, transactions },
    ...Object.entries(sections).flatMap(([name, section]) =>
      partsOf(section, 2).map((part) => ({ ...LEAST, [name]: part })),
    ),
  ];
}

/** Lists and mappings of one thing each. */
function partsOf(value: unknown, levels: number): readonly unknown[] {
  if (levels === 0 || value === null || typeof value !== "object") {
    return [value];
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown) => [item]);
  }
  return Object.entries(value).flatMap(([key, item]) =>
    partsOf(item, levels - 1).map((part) => ({ [key]: part })),
  );
}

/** JSON is YAML too, and far sooner written. */
function writtenBy(random: Random, data: unknown): Buffer {
  return Buffer.from(random.next() < 0.75 ? JSON.stringify(data) : stringify(data));
}

/** The certificates that a web configuration names, in a folder that is removed with the process. */
function certificateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "adc-witness-fuzz-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const { certificate, key } = labCertificate("mail");
  writeFileSync(join(folder, "mail.pem"), certificate);
  writeFileSync(join(folder, "mail.key.pem"), key, { mode: 0o600 });
  writeFileSync(join(folder, "ca.pem"), labCa());
  return folder;
}

export function webConfigTarget(): FuzzTarget {
  const certificates = certificateFolder();
  const tls = {
    cert_file: "mail.pem",
    key_file: "mail.key.pem",
    client_auth_type: "RequireAndVerifyClientCert",
    client_ca_file: "ca.pem",
    client_allowed_sans: ["client.example.com"],
    min_version: "TLS12",
    max_version: "TLS13",
    cipher_suites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
    curve_preferences: ["CurveP256"],
  };
  const sections: readonly unknown[] = [
    { tls_server_config: tls },
    { tls_server_config: { client_auth_type: "NoClientCert", min_version: "TLS10" } },
    { http_server_config: { http2: true, headers: { "X-Frame-Options": "deny" } } },
    { basic_auth_users: { alice: `$2b$10$${"a".repeat(53)}` } },
    { rate_limit: { interval: "1s", burst: 20 } },
  ];
  const whole: unknown = Object.assign({}, ...sections.toReversed());
  return {
    name: "web-config",
    seeds: [...sections, ...sections, ...sections, whole].map((data) =>
      Buffer.from(stringify(data)),
    ),
    usualBytes: 512,
    words: ["&a ", "*a", "<<: ", "!!binary ", "TLS10", "NoClientCert", "- ", ": "],
    mutate: (random) => {
      const data = random.next() < WHOLE ? whole : random.pick(sections);
      return writtenBy(random, mutateJson(data, random));
    },
    // The certificates that it names are read from files; whether the file itself is readable is not tested here.
    read: (input) => parseWebConfig(input.toString("utf8"), join(certificates, "mail.pem")),
  };
}
