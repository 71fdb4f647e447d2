import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { packageRoot } from "../../src/cli/package-info.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MAIN = join(packageRoot(), "dist", "src", "cli", "main.js");
const CONF = `#NS13.1 Build 49.13
add server ex01 127.0.0.1
add serviceGroup sg TCP
bind serviceGroup sg ex01 9
`;

/** A NITRO of which `hangs` says which requests are never answered; it has an empty estate. */
async function nitro(hangs: (path: string) => boolean) {
  const asked: string[] = [];
  let tell: (path: string) => void = () => undefined;
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://nitro").pathname;
    asked.push(path);
    tell(path);
    if (hangs(path)) {
      return;
    }
    const login = path.endsWith("/login");
    response.writeHead(login ? 201 : 200, {
      "content-type": "application/json",
      ...(login ? { "set-cookie": "NITRO_AUTH_TOKEN=abc; path=/nitro/v1" } : {}),
    });
    response.end(JSON.stringify({ errorcode: 0, message: "Done", severity: "NONE" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  /** Resolves when a request for a path that ends so comes in. */
  const heard = (end: string): Promise<void> =>
    new Promise((resolve) => {
      tell = (path) => {
        if (path.endsWith(end)) {
          resolve();
        }
      };
    });
  return { port: (server.address() as AddressInfo).port, asked, heard };
}

/** The built agent beside its log; `serving` resolves when it says so. */
async function agent(port: number) {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "ns.conf"), CONF);
  await writeFile(join(folder, "password"), "nitro", { mode: 0o600 });
  const url = `http://127.0.0.1:${String(port)}`;
  const access = { urls: [url], username: "w", password_file: "password", timeout: "30s" };
  const config = {
    adcs: [{ name: "prod", nitro: { ...access, poll_every: "1s" }, ns_conf: "ns.conf" }],
    web: { listen: ["127.0.0.1:0"] },
  };
  await writeFile(join(folder, "agent.yml"), JSON.stringify(config));
  const child: ChildProcess = spawn(
    process.execPath,
    [MAIN, "run", "--config", join(folder, "agent.yml")],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  let serves: () => void = () => undefined;
  const serving = new Promise<void>((resolve) => (serves = resolve));
  if (child.stderr !== null) {
    createInterface(child.stderr).on("line", (line) => {
      lines.push(line);
      if (line.includes('"serving"')) {
        serves();
      }
    });
  }
  return { child, lines, serving };
}

/** Sends SIGTERM; the exit status, and how long the end took. */
async function ends(
  child: ChildProcess,
): Promise<{ readonly status: unknown; readonly ms: number }> {
  const began = performance.now();
  child.kill("SIGTERM");
  const [status] = (await once(child, "exit")) as [unknown];
  return { status, ms: performance.now() - began };
}

test.each(["login", "logout", "a GET"])(
  "SIGTERM › ends the agent within five seconds when NITRO hangs at %s",
  { timeout: 60_000 },
  async (where) => {
    let hanging = where === "login";
    const adc = await nitro(
      (path) =>
        hanging && (where === "a GET" ? !/log(in|out)$/.test(path) : path.endsWith(`/${where}`)),
    );
    const heardLogin = adc.heard("/login");
    const { child, serving } = await agent(adc.port);
    if (where === "login") {
      await heardLogin;
    } else {
      await serving;
      hanging = true;
      await (where === "a GET" ? adc.heard("") : Promise.resolve());
    }
    const { status, ms } = await ends(child);
    expect(status).toBe(0);
    expect(ms).toBeLessThan(5_000);
  },
);

test(
  "SIGHUP › makes few reloads, one after another, when it is sent three hundred times",
  { timeout: 60_000 },
  async () => {
    const adc = await nitro(() => false);
    const { child, lines, serving } = await agent(adc.port);
    await serving;
    const reloads = (): number =>
      lines.filter((line) => line.includes("configuration reloaded")).length;
    const began = performance.now();
    for (let count = 0; count < 300; count += 1) {
      child.kill("SIGHUP");
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(reloads, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
    const { status } = await ends(child);
    expect(status).toBe(0);
    // One at once, and one for each second in which more were asked for.
    expect(reloads()).toBeLessThanOrEqual(2 + (performance.now() - began) / 1000);
  },
);

test(
  "SIGHUP › does not end a starting agent, and is handled when the agent serves",
  { timeout: 60_000 },
  async () => {
    const adc = await nitro(() => false);
    const { child, lines, serving } = await agent(adc.port);
    await handles(child, "SIGHUP");
    const asking = setInterval(() => child.kill("SIGHUP"), 5);
    await adc.heard("/login");
    clearInterval(asking);
    await serving;
    await expect
      .poll(() => lines.some((line) => line.includes("configuration reloaded")), {
        timeout: 20_000,
      })
      .toBe(true);
    expect(await ends(child)).toMatchObject({ status: 0 });
  },
);

/** Resolves when the process handles a signal by itself, as Linux tells: what comes before that is the system's to answer. */
async function handles(child: ChildProcess, signal: "SIGHUP"): Promise<void> {
  const bit = 1n << BigInt(constants.signals[signal] - 1);
  const caught = async (): Promise<boolean> => {
    const status = await readFile(`/proc/${String(child.pid)}/status`, "utf8");
    return (BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`) & bit) !== 0n;
  };
  await expect.poll(caught, { timeout: 10_000, interval: 1 }).toBe(true);
}
