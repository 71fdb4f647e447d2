import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { ROOT } from "../docs/pages.ts";
import { debianProgram } from "../support/debian-program.ts";

const DEPLOY = join(ROOT, "deploy");
const run = promisify(execFile);
const promtool = debianProgram("promtool", "prometheus");

const service = z.strictObject({
  image: z.string().regex(/^[\w./-]+:v?\d+\.\d+\.\d+(?:-rc\.\d+)?$/),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)).optional(),
  networks: z.record(z.string(), z.strictObject({ aliases: z.array(z.string()) })).optional(),
  network_mode: z.literal("service:agent").optional(),
  depends_on: z.array(z.string()).optional(),
  healthcheck: z.strictObject({ disable: z.literal(true) }).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  volumes: z.array(z.string()).optional(),
});
const compose = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.strictObject({})),
});

test("compose-shards.yaml › runs each shard with a configuration and a volume of its own", async () => {
  const text = await readFile(join(DEPLOY, "compose-shards.yaml"), "utf8");
  const { services, volumes } = compose.parse(parse(text, { merge: true }));
  expect(Object.keys(services)).toEqual(Object.keys(volumes));
  for (const [index, name] of Object.keys(services).entries()) {
    expect(services[name]?.command?.at(-1)).toBe(`/etc/adc-witness/${String(index)}.yml`);
    expect(services[name]?.volumes).toContain(`${name}:/var/lib/adc-witness`);
  }
});

describe("compose.yaml", () => {
  test("is valid and mounts only what exists", async () => {
    const { services, volumes } = compose.parse(
      parse(await readFile(join(DEPLOY, "compose.yaml"), "utf8")),
    );
    expect(Object.keys(services)).toEqual([
      "agent",
      "door",
      "prometheus",
      "alertmanager",
      "grafana",
    ]);
    const mounted = Object.values(services).flatMap((one) => one.volumes ?? []);
    const missing = mounted
      .map((mount) => mount.split(":")[0] ?? "")
      .filter((source) =>
        source.startsWith(".") ? !existsSync(join(DEPLOY, source)) : !(source in volumes),
      );
    expect(missing).toEqual([]);
  });

  test("gives Grafana the folders that its provisioning names", async () => {
    const { services } = compose.parse(parse(await readFile(join(DEPLOY, "compose.yaml"), "utf8")));
    const provider = await readFile(
      join(ROOT, "dashboards", "provisioning", "dashboards", "adc-witness.yml"),
      "utf8",
    );
    const path = /path: (\S+)/.exec(provider)?.[1] ?? "";
    expect(services["grafana"]?.volumes).toContain(`../dashboards:${path}:ro`);
    const source = await readFile(
      join(ROOT, "dashboards", "provisioning", "datasources", "prometheus.yml"),
      "utf8",
    );
    const host = new URL(/url: (\S+)/.exec(source)?.[1] ?? "").hostname;
    expect(services["agent"]?.networks?.["default"]?.aliases).toEqual([host]);
  });
});

test("image › has the package's version in every file", async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  const files = [
    "compose.yaml",
    "compose-shards.yaml",
    "Dockerfile",
    "kubernetes/statefulset.yaml",
    "../docs/deploy.md",
  ];
  for (const file of files) {
    const text = await readFile(join(DEPLOY, file), "utf8");
    const named = [...text.matchAll(/(?:image: |--tag |\/adc-witness )(adc-witness\S*)/g)];
    expect(named.length).toBeGreaterThan(0);
    expect(
      named.map(([, image]) => image).filter((image) => image !== `adc-witness:${version}`),
    ).toEqual([]);
    expect(text).not.toContain(":latest");
  }
});

describe("Dockerfile", () => {
  test("copies what exists, runs without root, and checks its health", async () => {
    const text = await readFile(join(DEPLOY, "Dockerfile"), "utf8");
    const ignored = await readFile(join(DEPLOY, "Dockerfile.dockerignore"), "utf8");
    const kept = [...ignored.matchAll(/^!(\S+)$/gm)].map(([, name = ""]) => name);
    for (const [, path = ""] of text.matchAll(/^COPY --from=build \/src\/(\S+)/gm)) {
      const [top = ""] = path.replace("./", "").split("/");
      expect([path, ["dist", "node_modules"].includes(top) || kept.includes(top)]).toEqual([
        path,
        true,
      ]);
      expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
    }
    expect(text).toMatch(/^USER node$/m);
    expect(text.indexOf("USER node")).toBeLessThan(text.indexOf("ENTRYPOINT"));
    expect(text).toMatch(/^HEALTHCHECK .*\\\n +CMD \["node", "-e", ".*\/-\/healthy/m);
    const stages = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(stages).toEqual(["node:22.14.0-slim", "node:22.14.0-slim"]);
  });

  test("does not ignore what the build needs", async () => {
    const ignored = await readFile(join(DEPLOY, "Dockerfile.dockerignore"), "utf8");
    const { include } = JSON.parse(await readFile(join(ROOT, "tsconfig.build.json"), "utf8")) as {
      include: readonly string[];
    };
    expect(include.filter((folder) => !ignored.includes(`!${folder}\n`))).toEqual([]);
  });
});

test.skipIf(promtool === null)(
  "prometheus.yml › is accepted by promtool with our rules",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "adc-witness-prometheus-"));
    try {
      await cp(join(DEPLOY, "prometheus"), directory, { recursive: true });
      await cp(join(ROOT, "alerts"), join(directory, "rules"), { recursive: true });
      const { stdout } = await run(promtool ?? "", [
        "check",
        "config",
        join(directory, "prometheus.yml"),
      ]);
      const rules = (await readdir(join(ROOT, "alerts"))).filter((name) =>
        name.endsWith(".rules.yml"),
      );
      expect(stdout).toContain(`${String(rules.length)} rule files found`);
      expect(stdout).not.toContain("FAILED");
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
