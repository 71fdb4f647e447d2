import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { NitroFaultHook } from "../../lab/nitro/faults.ts";
import { startNitroServer } from "../../lab/nitro/server.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { compareOnce } from "../../src/change/compare.ts";
import { runCompare, type CompareCommand } from "../../src/cli/compare.ts";
import { memberKey } from "../../src/model/adc-state.ts";
import type { CompareJson } from "../../src/web/api/verdicts.ts";
import { parseConfig } from "../../src/config/load.ts";
import { createDeclarations } from "../../src/maintenance/declarations.ts";
import { CREDENTIALS } from "../adc/nitro/lab-client.ts";
import { steadyBackend } from "../adc/nitro/steady-backend.ts";
import { until as waitUntil } from "../support/contract.ts";
import { serve, type Behaviour } from "../support/scripted-server.ts";

const NS_CONF = `add server ex01 192.0.2.11
add service svc_imap ex01 TCP 143
add lb monitor mon_imap TCP-ECV -recv OK -interval 10 -resptimeout 1 -retries 3
bind service svc_imap -monitorName mon_imap
`;

/** Compares an estate of one member, which is this server. */
async function compareWith(behaviour: Behaviour) {
  const server = await serve(behaviour);
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-compare-"));
  onTestFinished(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });
  await writeFile(join(directory, "ns.conf"), NS_CONF);
  const text = `agent: test
state_dir: ${directory}
unmapped: refuse
connect_to: { "192.0.2.11:143": "127.0.0.1:${String(server.port)}" }
adcs:
  - name: prod
    ns_conf: ./ns.conf
transactions: {}
looks: { mail: false }
`;
  const read = await parseConfig(text, { file: "test.yml", baseDir: directory, env: {} });
  if (read.kind !== "config") {
    throw new Error(JSON.stringify(read));
  }
  const compared = await compareOnce({
    config: read.config,
    server: null,
    declarations: createDeclarations({
      configured: [],
      store: null,
      snapshot: null,
      onFailure: (message) => {
        throw new Error(message);
      },
    }),
    timeoutMs: 60_000,
    waitMs: 0,
  });
  if (compared.kind === "failed") {
    throw new Error(compared.message);
  }
  const probe = compared.state.probes.find(({ monitor }) => monitor === "mon_imap");
  return { probe, accepted: server.accepted() };
}

test("compare › probes again when our own event loop stalled and no answer was heard", async () => {
  let held = false;
  const { probe, accepted } = await compareWith((socket) => {
    if (!held) {
      held = true;
      // Says nothing, and keeps us from hearing until the probe's time is over.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
      return;
    }
    socket.write("* OK ready\r\n");
  });
  expect(probe).toMatchObject({ opinion: "up", lastPassed: true });
  expect(accepted).toBeGreaterThanOrEqual(2);
});

test("compare › probes a refusing server until its monitor has decided", async () => {
  const { probe, accepted } = await compareWith((socket) => socket.end("* BYE\r\n"));
  expect(probe).toMatchObject({ opinion: "down", lastPassed: false });
  expect(accepted).toBe(3);
});

test("compareOnce › leaves no timer behind that would keep a command from ending", async () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const before = timers();
  await compareWith((socket) => socket.write("* OK ready\r\n"));
  await waitUntil(() => timers() <= before);
});

test("compareOnce › keeps every result current, however long a single look takes", async () => {
  const { probe } = await compareWith((socket) => socket.write("* OK ready\r\n"));
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  expect(probe).toMatchObject({ opinion: "up" });
  expect(probe?.current).not.toBeNull();
});

/** Compares against the lab's NITRO over one member that answers, and prints as the command does. */
async function compareNitro(
  faults: NitroFaultHook,
  timeoutMs = 60_000,
): Promise<{ status: number; out: string; err: string }> {
  const server = await serve((socket) => socket.write("* OK ready\r\n"));
  const estate = parseNsConf(NS_CONF, { adc: "prod" });
  const lab = await startNitroServer(steadyBackend(estate), { ...CREDENTIALS, faults });
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-compare-"));
  onTestFinished(async () => {
    await server.close();
    await lab.close();
    await rm(directory, { recursive: true });
  });
  const config = join(directory, "config.yml");
  await writeFile(
    config,
    `agent: test
state_dir: ${directory}
unmapped: refuse
connect_to:
  "192.0.2.11:143": "127.0.0.1:${String(server.port)}"
  "127.0.0.1:${String(lab.port)}": "127.0.0.1:${String(lab.port)}"
adcs:
  - name: prod
    nitro: { urls: ["${lab.url}"], username: ${CREDENTIALS.username}, password: "\${NITRO_PASSWORD}" }
transactions: {}
looks: { mail: false }
`,
  );
  vi.stubEnv("NITRO_PASSWORD", CREDENTIALS.password);
  let out = "";
  let err = "";
  const status = await runCompare(
    { config, server: null, waitMs: 0, timeoutMs, strict: false, json: false },
    { out: (text) => (out += text), err: (text) => (err += text) },
  );
  expect(lab.openSessions()).toBe(0);
  return { status, out, err };
}

test("compare › exits with 0 when everything is read, and with 3 when a kind of vserver is not", async () => {
  expect(await compareNitro(() => null)).toMatchObject({ status: 0 });
  const blind = await compareNitro(({ query }) =>
    query.resource === "csvserver"
      ? { kind: "error", code: 1043, message: "Internal error" }
      : null,
  );
  expect(blind).toMatchObject({ status: 3 });
  expect(blind.out).toMatch(
    /^prod: 127\.0\.0\.1:\d+ does not return csvserver \(Internal error \[1043\], code 1043\)\. Not watched: content switching vservers\.$/m,
  );
  const poorer = await compareNitro(({ query }) =>
    query.resource === "sslcertkey" ? { kind: "error", code: 257 } : null,
  );
  expect(poorer).toMatchObject({ status: 0 });
  expect(poorer.out).toContain("Not watched: certificates and when they expire.");
});

test("compare › says that flapping cannot be seen yet for members that changed at the ADC just now, and for no others", async () => {
  const words =
    "1 of 1 members changed at the ADC within the last 15 minutes (svc_imap/ex01): only an agent that runs for a while can tell whether one flaps";
  expect((await compareNitro(() => null)).out).toContain(words);
  expect((await compareSeveral([{ name: "well" }])).out).not.toContain("only time tells");
});

test("compare › applies --timeout to the import and says what took the time", async () => {
  let release: () => void = () => undefined;
  const never = new Promise<void>((resolve) => {
    release = resolve;
  });
  let asked = 0;
  const slow = compareNitro(
    ({ method }) => (method === "GET" && ++asked > 3 ? { kind: "wait", until: never } : null),
    3_000,
  );
  const { status, out } = await slow;
  release();
  expect(status).toBe(3);
  expect(out).toMatch(
    /^WITNESS UNKNOWN - prod: the import did not end within 3\.0 s \(--timeout\): NITRO answered \d+ requests in \d+\.\d s, \d+\.\d s each \|/m,
  );
});

interface AdcPlay {
  readonly name: string;
  readonly faults?: NitroFaultHook;
  /** What the ADC says of its one member. */
  readonly state?: "UP" | "DOWN";
}

/** Several ADCs, each with a member of its own that answers well; its NITRO answers as the faults say. */
async function compareSeveral(
  adcs: readonly AdcPlay[],
  command: Partial<CompareCommand> = {},
): Promise<{ status: number; out: string; err: string; tookMs: number }> {
  const server = await serve((socket) => socket.write("* OK ready\r\n"));
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-compare-"));
  const labs = await Promise.all(
    adcs.map(async ({ name, faults, state = "UP" }) => {
      const estate = parseNsConf(
        `${NS_CONF}add lb vserver v_imap TCP 192.0.2.100 143\nbind lb vserver v_imap svc_imap\n`,
        { adc: name },
      );
      const backend = steadyBackend(estate);
      backend.set.members.set(memberKey("svc_imap", "ex01", 143), {
        state,
        sinceChangeMs: 3_600_000,
      });
      backend.set.monitors.set(`${memberKey("svc_imap", "ex01", 143)}/mon_imap`, { state });
      return startNitroServer(backend, {
        ...CREDENTIALS,
        ...(faults === undefined ? {} : { faults }),
      });
    }),
  );
  onTestFinished(async () => {
    await server.close();
    await Promise.all(labs.map((lab) => lab.close()));
    // What was left behind at the end of the time may still write what it knows of an account.
    await rm(directory, { recursive: true, maxRetries: 5, retryDelay: 100 });
  });
  const config = join(directory, "config.yml");
  const port = String(server.port);
  const lines = [
    "agent: test",
    `state_dir: ${directory}`,
    "unmapped: refuse",
    "connect_to:",
    `  "192.0.2.11:143": "127.0.0.1:${port}"`,
    `  "192.0.2.100:143": "127.0.0.1:${port}"`,
    ...labs.map((lab) => `  "127.0.0.1:${String(lab.port)}": "127.0.0.1:${String(lab.port)}"`),
    "adcs:",
    ...labs.map(
      (lab, index) =>
        `  - { name: ${adcs[index]?.name ?? ""}, nitro: { urls: ["${lab.url}"], username: ${CREDENTIALS.username}, password: "\${NITRO_PASSWORD}" } }`,
    ),
    "transactions: {}",
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  vi.stubEnv("NITRO_PASSWORD", CREDENTIALS.password);
  let out = "";
  let err = "";
  const startedAt = performance.now();
  const status = await runCompare(
    { config, server: null, waitMs: 0, timeoutMs: 8_000, strict: false, json: false, ...command },
    { out: (text) => (out += text), err: (text) => (err += text) },
  );
  return { status, out, err, tookMs: performance.now() - startedAt };
}

const NEVER = new Promise<void>(() => undefined);

test.each<[string, NitroFaultHook]>([
  ["its login", () => ({ kind: "wait", until: NEVER })],
  [
    "its import",
    ({ query }) => (query.resource === "lbvserver" ? { kind: "wait", until: NEVER } : null),
  ],
  [
    "its last query",
    ({ path }) => (path.includes("/stat/") ? { kind: "wait", until: NEVER } : null),
  ],
])(
  "compare › reports another ADC's mismatch within --timeout when one ADC is silent at %s",
  async (_where, faults) => {
    const wrong = { name: "wrong", state: "DOWN" } as const;
    const both = await compareSeveral([{ name: "silent", faults }, wrong], { timeoutMs: 6_000 });
    expect(both.out).toMatch(/^WITNESS CRITICAL - silent: .*svc_imap\/ex01:143 false_down/);
    expect(both.status).toBe(2);
    expect(both.tookMs).toBeLessThan(7_500);
  },
);

test("compare › exits with 3 and gives the reason in --json when one ADC is silent and the others agree", async () => {
  const faults: NitroFaultHook = () => ({ kind: "wait", until: NEVER });
  const silent = { name: "silent", faults };
  const told = await compareSeveral([silent, { name: "well" }], { json: true, timeoutMs: 6_000 });
  expect(told.status).toBe(3);
  const json = JSON.parse(told.out) as CompareJson;
  expect(json).toMatchObject({ status: "UNKNOWN", error: null, summary: { agree_up: 1 } });
  expect(json.adcs).toMatchObject([
    { adc: "silent", up: false, error: expect.stringContaining("did not end") as unknown },
    { adc: "well", up: true, error: null },
  ]);
  const broken = await compareSeveral([{ name: "well" }], { json: true, config: "/nowhere.yml" });
  expect(broken.status).toBe(3);
  expect(JSON.parse(broken.out)).toMatchObject({
    status: "UNKNOWN",
    error: "invalid configuration",
    rows: [],
    vservers: [],
  });
}, 30_000);

test.each<[number | null, number | null, number, RegExp]>([
  [null, null, 0, /\| mismatches=0 unknown=0 'v_imap'=100%;;;0;100$/m],
  [80, 50, 0, /'v_imap'=100%;80:;50:;0;100$/m],
])(
  "compare › compares a vserver's health with warning %s and critical %s",
  async (warningBelow, criticalBelow, status, line) => {
    const told = await compareSeveral([{ name: "well" }], { warningBelow, criticalBelow });
    expect(told).toMatchObject({ status });
    expect(told.out).toMatch(line);
  },
);
