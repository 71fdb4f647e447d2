import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseConfig } from "../../src/config/load.ts";
import { ROOT } from "../docs/pages.ts";

const FOLDER = join(ROOT, "deploy", "kubernetes");
const NAME = "adc-witness";

/** The fields used here and no others: a misspelt one is an error. Not the whole schema of Kubernetes. */
const metadata = z.strictObject({
  name: z.literal(NAME),
  labels: z.strictObject({ "app.kubernetes.io/name": z.literal(NAME) }),
});
const selector = z.strictObject({
  matchLabels: z.strictObject({ "app.kubernetes.io/name": z.literal(NAME) }),
});
const endpoint = z.strictObject({
  port: z.literal("web"),
  path: z.literal("/metrics"),
  interval: z.literal("15s"),
  honorLabels: z.literal(true),
});
const httpGet = (path: string) =>
  z.strictObject({
    httpGet: z.strictObject({ path: z.literal(path), port: z.literal("web") }),
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
            startupProbe: httpGet("/-/healthy"),
            livenessProbe: httpGet("/-/healthy"),
            readinessProbe: httpGet("/-/ready"),
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
  data: z.strictObject({ "adc-witness.yml": z.string() }),
});
const secret = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Secret"),
  metadata,
  type: z.literal("Opaque"),
  stringData: z.record(z.string(), z.literal("CHANGE-ME")),
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

describe("the manifests", () => {
  test.each([
    ["config.yaml", configMap],
    ["secret.template.yaml", secret],
    ["service.yaml", service],
    ["statefulset.yaml", statefulSet],
    ["podmonitor.yaml", monitor("PodMonitor", "podMetricsEndpoints")],
    ["servicemonitor.yaml", monitor("ServiceMonitor", "endpoints")],
  ])("%s has the shape it should have", async (name, shape) => {
    await expect(manifest(name, shape)).resolves.toBeDefined();
  });

  test("every mount has its volume, and as many shares are made as there are replicas", async () => {
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

  test("the configuration is valid once the secrets are there", async () => {
    const directory = await mkdtemp(join(tmpdir(), "adc-witness-kubernetes-"));
    try {
      const { data } = await manifest("config.yaml", configMap);
      const { stringData } = await manifest("secret.template.yaml", secret);
      const authority = await readFile(join(ROOT, "lab", "certificates", "ca.pem"), "utf8");
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
});
