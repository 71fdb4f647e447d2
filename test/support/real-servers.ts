import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

/** A server program of Debian, started for a test on loopback in a directory of its own. */
export interface RealServer {
  readonly directory: string;
  readonly ports: Readonly<Record<string, number>>;
  /** What it wrote to its standard streams, for failure messages. */
  output(): string;
  stop(): Promise<void>;
}

export interface RealServerPlan {
  readonly program: string;
  /** Names of the free ports it needs. */
  readonly ports: readonly string[];
  /** Writes configuration files, and returns the arguments that keep the server in the foreground. */
  readonly prepare: (place: {
    directory: string;
    ports: Record<string, number>;
  }) => readonly string[];
  /** Ports that accept connections when it is ready; default: all of them. */
  readonly ready?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Asked repeatedly instead of connecting, for servers without TCP. */
  readonly answers?: (ports: Record<string, number>) => Promise<boolean>;
}

/** Absolute path of a program, sbin directories included, or null. */
export function findProgram(name: string): string | null {
  if (isAbsolute(name)) {
    return existsSync(name) ? name : null;
  }
  const path = (process.env["PATH"] ?? "").split(delimiter);
  for (const directory of [...path, "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/libexec"]) {
    const file = join(directory, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      continue;
    }
  }
  return null;
}

/**
 * Whether a suite that needs this program must be skipped. On a developer's machine it is, and says which Debian package
 * would help; under CI the missing program is an error.
 */
export function missing(program: string, debianPackage: string): string | null {
  if (findProgram(program) !== null) {
    return null;
  }
  const words = `${program} is missing: apt-get install ${debianPackage}`;
  if (process.env["CI"] !== undefined && process.env["CI"] !== "") {
    throw new Error(words);
  }
  return words;
}

/**
 * Starts the server and waits until it accepts connections. Throws with its output when it does not within 60 s. Where another
 * program took its port before it could, it is started at others.
 */
export async function startServer(plan: RealServerPlan): Promise<RealServer> {
  for (let start = 1; ; start++) {
    const started = await startOnce(plan);
    if (started.kind === "ready") {
      return started.server;
    }
    if (start === MAX_STARTS || !PORT_TAKEN.test(started.output)) {
      throw new Error(
        `${plan.program} did not start: ${String(started.error)}\n${started.output}`,
        {
          cause: started.error,
        },
      );
    }
  }
}

const MAX_STARTS = 3;
const PORT_TAKEN = /address (?:is )?already in use|cannot bind|EADDRINUSE/i;

type Started =
  | { readonly kind: "ready"; readonly server: RealServer }
  | { readonly kind: "failed"; readonly error: unknown; readonly output: string };

async function startOnce(plan: RealServerPlan): Promise<Started> {
  const directory = mkdtempSync(join(tmpdir(), "adc-witness-test-"));
  // Many of these servers drop privileges and must still reach their files.
  chmodSync(directory, 0o755);
  const ports = await freePorts(plan.ports);
  const program = findProgram(plan.program);
  if (program === null) {
    throw new Error(`${plan.program} is not installed`);
  }
  const args = plan.prepare({ directory, ports });
  let output = "";
  const child = spawn(program, args, {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...plan.env },
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      output = (output + data.toString()).slice(-16_384);
    });
  }
  const server: RealServer = {
    directory,
    ports,
    output: () => output,
    async stop() {
      await end(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await ready(plan, ports, child);
    return { kind: "ready", server };
  } catch (error) {
    await server.stop();
    return { kind: "failed", error, output };
  }
}

async function ready(
  plan: RealServerPlan,
  ports: Record<string, number>,
  child: ChildProcess,
): Promise<void> {
  const deadline = performance.now() + 60_000;
  const awaited = plan.ready ?? plan.ports;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
    }
    const up =
      plan.answers === undefined
        ? (await Promise.all(awaited.map((name) => accepts(ports[name] ?? 0)))).every(Boolean)
        : await plan.answers(ports);
    if (up) {
      return;
    }
    if (performance.now() > deadline) {
      throw new Error("no answer within 60 s");
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Ends the whole process group: these servers have children of their own. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
    return;
  }
  const exited = once(child, "exit");
  const group = -child.pid;
  signal(group, "SIGTERM");
  const insist = setTimeout(() => signal(group, "SIGKILL"), 3000);
  await exited;
  clearTimeout(insist);
  signal(group, "SIGKILL");
}

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(group, name);
  } catch {
    // The group is gone already, which is what is wanted.
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Below those that Linux gives to whoever asks for any port, above those of well-known services. */
const LOWEST_PORT = 12_000;
const HIGHEST_PORT = 32_767;

/**
 * Loopback ports for a program that must be told its port, all different and free at this moment. Nobody who asks for any
 * port is given one of them before the program has come to take it: tests run side by side, and ask for thousands.
 */
export async function freePorts(names: readonly string[]): Promise<Record<string, number>> {
  const ports: Record<string, number> = {};
  const held = [];
  for (const name of names) {
    const server = await listenBelow();
    ports[name] = (server.address() as AddressInfo).port;
    held.push(server);
  }
  for (const server of held) {
    server.close();
    await once(server, "close");
  }
  return ports;
}

async function listenBelow(): Promise<Server> {
  for (let tries = 0; tries < 100; tries++) {
    const server = createServer().listen(randomInt(LOWEST_PORT, HIGHEST_PORT + 1), "127.0.0.1");
    try {
      await once(server, "listening");
      return server;
    } catch {
      // Somebody has it.
    }
  }
  throw new Error("no port is free");
}

/** A file in the server's directory, readable by whomever it runs as. */
export function put(directory: string, name: string, text: string, mode = 0o644): string {
  const file = join(directory, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** The user the tests run as: servers that insist on a name are given this one. */
export function testUser(): string {
  return userInfo().username;
}
