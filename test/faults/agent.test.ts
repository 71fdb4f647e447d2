import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { configOf, startInProcess } from "../support/in-process-agent.ts";
import { until } from "../support/lab-agent.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) {
    await close();
  }
});

async function listening(): Promise<{ server: Server; port: number; cut: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    socket.write("READY\r\n");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const cut = async (): Promise<void> => {
    if (server.listening) {
      const closed = once(server, "close");
      server.close();
      sockets.forEach((socket) => socket.destroy());
      await closed;
    }
  };
  closers.push(cut);
  return { server, port: typeof address === "object" && address !== null ? address.port : 0, cut };
}

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "adc-witness-faults-"));
  closers.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** An estate of so many members, all played by one server; probed every second. */
async function written(
  path: string,
  port: number,
  members: number,
  more: object = {},
): Promise<string> {
  const names = Array.from({ length: members }, (_, index) => index + 1);
  await writeFile(
    join(path, "ns.conf"),
    [
      "add lb monitor m TCP-ECV -recv READY -interval 1 -resptimeout 900 -units4 MSEC -LRTM DISABLED",
      "add serviceGroup sg TCP",
      ...names.map((name) => `add server s${String(name)} 192.0.2.${String(name)}`),
      ...names.map((name) => `bind serviceGroup sg s${String(name)} 7777`),
      "bind serviceGroup sg -monitorName m",
      "",
    ].join("\n"),
  );
  return JSON.stringify({
    agent: "faults",
    state_dir: join(path, "state"),
    adcs: [{ name: "prod", ns_conf: join(path, "ns.conf") }],
    connect_to: Object.fromEntries(
      names.map((name) => [`192.0.2.${String(name)}:7777`, `127.0.0.1:${String(port)}`]),
    ),
    ...more,
  });
}

test("agent › is cut off with every opinion unknown when its control targets are lost", async () => {
  const path = await directory();
  const target = await listening();
  const control = await listening();
  const text = await written(path, target.port, 3, {
    control_targets: [`127.0.0.1:${String(control.port)}`],
  });
  const source = { file: join(path, "agent.yml"), baseDir: path, env: {} };
  const service = await startInProcess(await configOf(parseConfig(text, source)));
  closers.push(service.stop);
  const opinions = (): string => service.agent.state.members.map((member) => member.replica).join();
  await until("all members up", opinions, (seen) => seen === "up,up,up", 10_000);
  await Promise.all([control.cut(), target.cut()]);
  await until(
    "cut off",
    () => service.agent.state.cutOff,
    (cut) => cut,
    15_000,
  );
  await until("all unknown", opinions, (seen) => seen === "unknown,unknown,unknown", 5_000);
  expect(service.agent.state.members.map((member) => member.verdict)).toEqual([
    "unknown",
    "unknown",
    "unknown",
  ]);
});
