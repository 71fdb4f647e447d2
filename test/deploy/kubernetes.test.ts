import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { hashSync } from "bcryptjs";
import { describe, expect, onTestFinished, test } from "vitest";
import { labCa } from "../../lab/certificates/lab-certificate.ts";
import { parse } from "yaml";
import { z } from "zod";
import { parseConfig } from "../../src/config/load.ts";
import { ROOT } from "../docs/pages.ts";
import { debianProgram } from "../support/debian-program.ts";
import { maintenanceHour } from "../support/live-state.ts";
import { serve } from "../web/support.ts";

const FOLDER = join(ROOT, "deploy", "kubernetes");
const NAME = "adc-witness";
const openssl = debianProgram("openssl", "openssl");
const run = promisify(execFile);

/** The fields used here and no others: a misspelt one is an error. Not the whole schema of Kubernetes. */
const metadata = z.strictObject({
  name: z.literal(NAME),
  labels: z.strictObject({ "app.kubernetes.io/name": z.literal(NAME) }),
});
const selector = z.strictObject({
  matchLabels: z.strictObject({ "app.kubernetes.io/name": z.literal(NAME) }),
});
/** A key of our Secret. */
function key(name: string) {
  return z.strictObject({ name: z.literal(NAME), key: z.literal(name) });
}
const endpoint = z.strictObject({
  port: z.literal("web"),
  path: z.literal("/metrics"),
  interval: z.literal("15s"),
  honorLabels: z.literal(true),
  scheme: z.literal("https"),
  tlsConfig: z.strictObject({
    serverName: z.literal(NAME),
    ca: z.strictObject({ secret: key("ca.crt") }),
  }),
  basicAuth: z.strictObject({ username: key("web-user"), password: key("web-password") }),
});
const asksItself = (path: string) =>
  z.strictObject({
    exec: z.strictObject({
      command: z.tuple([z.literal("node"), z.literal("/config/probe.mjs"), z.literal(path)]),
    }),
    timeoutSeconds: z.number().int().positive(),
    periodSeconds: z.number().int().positive(),
    failureThreshold: z.number().int().positive().optional(),
  });
const tight = z.strictObject({
  allowPrivilegeEscalation: z.literal(false),
  readOnlyRootFilesystem: z.literal(true),
  capabilities: z.strictObject({ drop: z.tuple([z.literal("ALL")]) }),
});
const mounts = z.array(
  z.strictObject({
    name: z.string(),
    mountPath: z.string().startsWith("/"),
    readOnly: z.literal(true).optional(),
  }),
);
const image = { image: z.string(), imagePullPolicy: z.literal("IfNotPresent") };
const statefulSet = z.strictObject({
  apiVersion: z.literal("apps/v1"),
  kind: z.literal("StatefulSet"),
  metadata,
  spec: z.strictObject({
    serviceName: z.literal(NAME),
    replicas: z.number().int().positive(),
    podManagementPolicy: z.literal("Parallel"),
    selector,
    template: z.strictObject({
      metadata: metadata.omit({ name: true }),
      spec: z.strictObject({
        automountServiceAccountToken: z.literal(false),
        terminationGracePeriodSeconds: z.number().int().positive(),
        securityContext: z.strictObject({
          runAsNonRoot: z.literal(true),
          runAsUser: z.number().int().positive(),
          runAsGroup: z.number().int().positive(),
          fsGroup: z.number().int().positive(),
          seccompProfile: z.strictObject({ type: z.literal("RuntimeDefault") }),
        }),
        initContainers: z.tuple([
          z.strictObject({
            name: z.string(),
            ...image,
            command: z.tuple([z.literal("sh"), z.literal("-c"), z.string()]),
            env: z.tuple([z.strictObject({ name: z.literal("REPLICAS"), value: z.string() })]),
            securityContext: tight,
            volumeMounts: mounts,
          }),
        ]),
        containers: z.tuple([
          z.strictObject({
            name: z.string(),
            ...image,
            ports: z.tuple([
              z.strictObject({ name: z.literal("web"), containerPort: z.literal(9743) }),
            ]),
            startupProbe: asksItself("/-/healthy"),
            livenessProbe: asksItself("/-/healthy"),
            readinessProbe: asksItself("/-/ready"),
            resources: z.strictObject({
              requests: z.strictObject({ cpu: z.string(), memory: z.string() }),
              limits: z.strictObject({ memory: z.string() }),
            }),
            securityContext: tight,
            volumeMounts: mounts,
          }),
        ]),
        volumes: z.array(
          z.strictObject({
            name: z.string(),
            configMap: z.strictObject({ name: z.literal(NAME) }).optional(),
            secret: z
              .strictObject({ secretName: z.literal(NAME), defaultMode: z.number() })
              .optional(),
            emptyDir: z.strictObject({}).optional(),
          }),
        ),
      }),
    }),
    volumeClaimTemplates: z.tuple([
      z.strictObject({
        metadata: z.strictObject({ name: z.string() }),
        spec: z.strictObject({
          accessModes: z.tuple([z.literal("ReadWriteOnce")]),
          resources: z.strictObject({ requests: z.strictObject({ storage: z.string() }) }),
        }),
      }),
    ]),
  }),
});
const monitor = (kind: string, endpoints: string) =>
  z.strictObject({
    apiVersion: z.literal("monitoring.coreos.com/v1"),
    kind: z.literal(kind),
    metadata,
    spec: z.strictObject({
      jobLabel: z.literal("app.kubernetes.io/name"),
      selector,
      [endpoints]: z.tuple([endpoint]),
    }),
  });
const configMap = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("ConfigMap"),
  metadata,
  data: z.strictObject({ "adc-witness.yml": z.string(), "probe.mjs": z.string() }),
});
const secret = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Secret"),
  metadata,
  type: z.literal("Opaque"),
  stringData: z.strictObject({
    "nitro-password": z.literal("CHANGE-ME"),
    "maintenance-token": z.literal("CHANGE-ME"),
    "nsip-ca.pem": z.literal("CHANGE-ME"),
    "tls.crt": z.literal("CHANGE-ME"),
    "tls.key": z.literal("CHANGE-ME"),
    "ca.crt": z.literal("CHANGE-ME"),
    "web-user": z.literal("prometheus"),
    "web-password": z.literal("CHANGE-ME"),
    "web-config.yml": z.string(),
  }),
});
const ipBlock = z.strictObject({ ipBlock: z.strictObject({ cidr: z.string() }) });
const policyPort = z.strictObject({ protocol: z.enum(["TCP", "UDP"]), port: z.number().int() });
const networkPolicy = z.strictObject({
  apiVersion: z.literal("networking.k8s.io/v1"),
  kind: z.literal("NetworkPolicy"),
  metadata,
  spec: z.strictObject({
    podSelector: selector,
    policyTypes: z.tuple([z.literal("Ingress"), z.literal("Egress")]),
    ingress: z.tuple([
      z.strictObject({
        from: z.tuple([
          z.strictObject({
            podSelector: z.strictObject({
              matchLabels: z.strictObject({ "app.kubernetes.io/name": z.literal("prometheus") }),
            }),
          }),
        ]),
        ports: z.tuple([policyPort]),
      }),
    ]),
    egress: z.tuple([
      z.strictObject({
        to: z.array(
          z.strictObject({
            namespaceSelector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
            podSelector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
          }),
        ),
        ports: z.array(policyPort),
      }),
      z.strictObject({ to: z.array(ipBlock) }),
    ]),
  }),
});
const service = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Service"),
  metadata,
  spec: z.strictObject({
    clusterIP: z.literal("None"),
    selector: z.strictObject({ "app.kubernetes.io/name": z.literal(NAME) }),
    ports: z.tuple([
      z.strictObject({
        name: z.literal("web"),
        port: z.literal(9743),
        targetPort: z.literal("web"),
      }),
    ]),
  }),
});

async function manifest<Shape extends z.ZodType>(name: string, shape: Shape) {
  return shape.parse(parse(await readFile(join(FOLDER, name), "utf8"), { merge: true }));
}

describe("Kubernetes manifests", () => {
  test.each([
    ["config.yaml", configMap],
    ["secret.template.yaml", secret],
    ["service.yaml", service],
    ["statefulset.yaml", statefulSet],
    ["networkpolicy.yaml", networkPolicy],
    ["podmonitor.yaml", monitor("PodMonitor", "podMetricsEndpoints")],
    ["servicemonitor.yaml", monitor("ServiceMonitor", "endpoints")],
  ])("%s has its expected shape", async (name, shape) => {
    await expect(manifest(name, shape)).resolves.toBeDefined();
  });

  test("mount only existing volumes and make as many shards as there are replicas", async () => {
    const { spec } = await manifest("statefulset.yaml", statefulSet);
    const pod = spec.template.spec;
    const volumes = [
      ...pod.volumes.map(({ name }) => name),
      ...spec.volumeClaimTemplates.map((claim) => claim.metadata.name),
    ];
    const mounted = [...pod.initContainers, ...pod.containers].flatMap((one) =>
      one.volumeMounts.map(({ name }) => name),
    );
    expect(mounted.filter((name) => !volumes.includes(name))).toEqual([]);
    expect(pod.initContainers[0].env[0].value).toBe(String(spec.replicas));
  });

  test("hold a valid configuration when the secrets exist", async () => {
    const directory = await mkdtemp(join(tmpdir(), "adc-witness-kubernetes-"));
    try {
      const { data } = await manifest("config.yaml", configMap);
      const { stringData } = await manifest("secret.template.yaml", secret);
      const authority = labCa();
      for (const name of Object.keys(stringData)) {
        await writeFile(join(directory, name), name.endsWith(".pem") ? authority : "filled-in\n");
      }
      const written = data["adc-witness.yml"]
        .replaceAll("/run/secrets/adc-witness/", `${directory}/`)
        .replace(/(shard: )SHARD/, "$12/4");
      const read = await parseConfig(written, { file: "config.yaml", baseDir: directory, env: {} });
      expect(read.kind === "config" ? [] : read.problems).toEqual([]);
      expect(read.kind === "config" ? read.config.shard : null).toEqual({ index: 2, count: 4 });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test.skipIf(openssl === null)(
    "probe their own page with login and TLS, and refuse another's",
    async () => {
      const directory = await mkdtemp(join(tmpdir(), "adc-witness-probe-"));
      onTestFinished(() => rm(directory, { recursive: true, force: true }));
      const at = (name: string): string => join(directory, name);
      const { data } = await manifest("config.yaml", configMap);
      const { stringData } = await manifest("secret.template.yaml", secret);
      const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
      const names = ["-subj", "/CN=x", "-addext", "subjectAltName=DNS:adc-witness"];
      const files = ["-keyout", at("tls.key"), "-out", at("tls.crt")];
      await run(openssl ?? "", [...request.split(" "), ...names, ...files]);
      await cp(at("tls.crt"), at("ca.crt"));
      await writeFile(at("web-user"), "prometheus\n");
      await writeFile(at("web-password"), "open sesame\n");
      const written = stringData["web-config.yml"].replace("CHANGE-ME", hashSync("open sesame", 4));
      await writeFile(at("web-config.yml"), written);
      await writeFile(at("probe.mjs"), data["probe.mjs"]);
      const web = await serve(maintenanceHour(), { configFile: at("web-config.yml") });
      const ask = (path: string): Promise<number> => {
        const env = { PATH: process.env["PATH"], SECRETS: directory, PORT: String(web.port) };
        return run(process.execPath, [at("probe.mjs"), path], { env }).then(
          () => 0,
          (error: unknown) => (error as { code: number }).code,
        );
      };
      expect(await ask("/-/healthy")).toBe(0);
      expect(await ask("/nowhere")).toBe(1);
      await writeFile(at("web-password"), "another\n");
      expect(await ask("/-/healthy")).toBe(1);
      await writeFile(at("web-password"), "open sesame\n");
      await writeFile(at("ca.crt"), labCa());
      expect(await ask("/-/healthy")).toBe(1);
    },
  );
});
