import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { parseConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { parseNsConf } from "../../../src/estate/nsconf/import.ts";
import { lint } from "../../../src/lint/lint.ts";
import { BARE_SETTINGS } from "../../../src/agent/plan/settings.ts";
import { planProbes } from "../../../src/agent/plan/plan.ts";
import { loadWebConfig } from "../../../src/web/web-config/load.ts";
import { mutateJson } from "../mutate-json.ts";
import { repositoryRoot } from "../root.ts";
import type { FuzzTarget } from "../target.ts";

/** Readers of files: what an operator, or an ADC, wrote. */

export function nsConfTarget(): FuzzTarget {
  const folder = join(repositoryRoot(), "test", "fixtures", "ns.conf");
  const seeds = [
    ...readdirSync(folder).map((file) => readFileSync(join(folder, file))),
    readFileSync(join(repositoryRoot(), "lab", "demo.conf")),
  ];
  const small = seeds.flatMap((file) => piecesOf(file, 10));
  return {
    name: "ns.conf",
    // Pieces rather than whole files: what a mutation breaks is then a large part of what is read.
    seeds: [...seeds, ...seeds.flatMap((file) => piecesOf(file, 40)), ...small, ...small],
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

/** So many lines each. */
function piecesOf(file: Buffer, size: number): Buffer[] {
  const lines = file.toString("utf8").split("\n");
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, index) =>
    Buffer.from(lines.slice(index * size, index * size + size).join("\n")),
  );
}

export function configTarget(): FuzzTarget {
  const root = repositoryRoot();
  const whole = readFileSync(join(root, "test", "fixtures", "config", "whole.yml"), "utf8");
  const small =
    "agent: dc1\nadcs:\n  - name: prod\n    ns_conf: ./ns.conf\nmaintenance:\n  windows:\n    - { name: p, servers: [ex*], cron: '0 22 * * 2', timezone: Europe/Berlin, duration: 4h }\n";
  const data: readonly unknown[] = [whole, small, small, small].map((text): unknown => parse(text));
  return {
    name: "configuration",
    seeds: [small, small, small, whole].map((text) => Buffer.from(text)),
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
      "0 0 31 2 *",
    ],
    mutate: (random) => Buffer.from(stringify(mutateJson(random.pick(data), random))),
    read: async (input) => {
      const result = await parseConfig(input.toString("utf8"), {
        file: "fuzz.yml",
        baseDir: join(root, "test", "fixtures", "config"),
        env: { X: "secret" },
      });
      if (result.kind === "invalid") {
        result.problems.map(formatProblem);
      }
    },
  };
}

export function webConfigTarget(): FuzzTarget {
  const directory = mkdtempSync(join(tmpdir(), "adc-witness-fuzz-"));
  const file = join(directory, "web-config.yml");
  const certificates = join(repositoryRoot(), "lab", "certificates");
  const written = {
    tls_server_config: {
      cert_file: join(certificates, "mail.pem"),
      key_file: join(certificates, "mail.key.pem"),
      client_auth_type: "RequireAndVerifyClientCert",
      client_ca_file: join(certificates, "ca.pem"),
      client_allowed_sans: ["client.example.com"],
      min_version: "TLS12",
      max_version: "TLS13",
      cipher_suites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
      curve_preferences: ["CurveP256"],
    },
    http_server_config: { http2: true, headers: { "X-Frame-Options": "deny" } },
    basic_auth_users: { alice: `$2b$10$${"a".repeat(53)}` },
    rate_limit: { interval: "1s", burst: 20 },
  };
  return {
    name: "web-config",
    seeds: [Buffer.from(stringify(written)), Buffer.from("basic_auth_users: {}\n")],
    words: ["&a ", "*a", "<<: ", "!!binary ", "TLS10", "NoClientCert", "- ", ": "],
    mutate: (random) => Buffer.from(stringify(mutateJson(written, random))),
    read: async (input) => {
      await writeFile(file, input);
      await loadWebConfig(file);
    },
    close: () => {
      rmSync(directory, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}
