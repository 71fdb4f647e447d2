import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { compareOnce } from "../../src/change/compare.ts";
import { parseConfig } from "../../src/config/load.ts";
import { createDeclarations } from "../../src/maintenance/declarations.ts";
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

test("a probe that was not heard because this process was held is asked again", async () => {
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

test("a server that goes on refusing is asked until its monitor has decided", async () => {
  const { probe, accepted } = await compareWith((socket) => socket.end("* BYE\r\n"));
  expect(probe).toMatchObject({ opinion: "down", lastPassed: false });
  expect(accepted).toBe(3);
});
