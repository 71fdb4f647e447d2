import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { request } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { labCa } from "../../../lab/certificates/lab-certificate.ts";
import {
  createOrganisation,
  startExchangeServer,
  type ExchangeServer,
  type ExchangeServerOptions,
  type Organisation,
} from "../../../lab/exchange/exchange-server.ts";
import { onSilence } from "../../support/on-silence.ts";

export const ACCOUNT = {
  username: "probe-a",
  domain: "LAB",
  address: "probe-a@lab.example.com",
  password: "Correct-Horse-1",
  database: "DB01",
} as const;
export const SECOND_ACCOUNT = {
  username: "probe-b",
  domain: "LAB",
  address: "probe-b@lab.example.com",
  password: "Battery-Stäple-2",
  database: "DB02",
} as const;

export function newOrganisation(): Organisation {
  return createOrganisation({
    accounts: [ACCOUNT, SECOND_ACCOUNT],
    mailboxServer: "ex01.lab.example.com",
  });
}

export function startServer(
  options: Partial<ExchangeServerOptions> & { organisation: Organisation },
): Promise<ExchangeServer> {
  const name = options.name ?? "ex01";
  return startExchangeServer({
    name,
    fqdn: `${name}.lab.example.com`,
    version: "2016",
    ...options,
  });
}

/** The loopback port behind a well-known one; throws when the server has none there. */
export function portOf(server: ExchangeServer, wellKnown: number): number {
  const endpoint = server.endpoint(wellKnown);
  if (endpoint === null) {
    throw new Error(`${server.name} has no port ${wellKnown}.`);
  }
  return endpoint.port;
}

/** How a TCP conversation went: what came, and how it ended. */
export interface RawResult {
  readonly received: string;
  readonly end: "closed" | "reset" | "refused" | "open";
}

/**
 * Connects, sends at once, collects until the peer closes or `until` matches what came. `quietMs` of silence end it as
 * `open`: that is what silence looks like.
 */
export async function rawExchange(
  port: number,
  options: { readonly send?: string | Buffer; readonly until?: RegExp; readonly quietMs?: number },
): Promise<RawResult> {
  const socket = connect({ host: "127.0.0.1", port, autoSelectFamily: false });
  return collect(socket, options);
}

function collect(
  socket: Socket,
  options: { readonly send?: string | Buffer; readonly until?: RegExp; readonly quietMs?: number },
): Promise<RawResult> {
  return new Promise((resolve) => {
    let received = "";
    const finish = (end: RawResult["end"]): void => {
      socket.destroy();
      resolve({ received, end });
    };
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      if (options.until?.test(received) === true) {
        finish("open");
      }
    });
    socket.once("connect", () => {
      if (options.send !== undefined) {
        socket.write(options.send);
      }
    });
    if (options.quietMs !== undefined) {
      onSilence(socket, options.quietMs, () => finish("open"));
    }
    socket.once("end", () => finish("closed"));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      finish(error.code === "ECONNREFUSED" ? "refused" : "reset");
    });
  });
}

export interface HttpsResult {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One HTTPS request on a connection of its own; rejects with the socket's error. */
export function httpsRequest(
  port: number,
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  } = {},
): Promise<HttpsResult> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method: options.method ?? "GET",
        headers: { Host: "mail.example.com", ...options.headers },
        ca: labCa(),
        servername: "mail.example.com",
        agent: false,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.once("error", reject);
        response.once("end", () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      },
    );
    outgoing.once("error", reject);
    outgoing.end(options.body);
  });
}

export interface ProgramResult {
  readonly status: number;
  readonly output: string;
}

/** Runs a program to its end without a shell. */
export function run(program: string, args: readonly string[], input = ""): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [...args],
      { timeout: 20_000, encoding: "latin1" },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ status, output: `${stdout}${stderr}` });
      },
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

/**
 * Whether a program is there. On a developer's machine its tests are skipped; where CI is set its absence is an error
 * that names the Debian package.
 */
export function hasProgram(program: string, debianPackage: string): boolean {
  const found = spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
  if (!found && process.env["CI"] !== undefined) {
    throw new Error(`${program} is missing: install the Debian package ${debianPackage}.`);
  }
  return found;
}

/** Polls until the condition holds; rejects at the deadline. */
export async function eventually(condition: () => boolean, deadlineMs = 20_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) {
      throw new Error("The condition did not come true in time.");
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** An open connection, ready for use; the test destroys it. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, autoSelectFamily: false });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}
