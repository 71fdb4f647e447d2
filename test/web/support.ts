import { request, type IncomingHttpHeaders } from "node:http";
import { onTestFinished } from "vitest";
import type { LiveState } from "../../src/model/live.ts";
import { createMetrics } from "../../src/exporters/prometheus/metrics.ts";
import type { WebActions } from "../../src/web/sources.ts";
import { createHistory, HISTORY_BYTES } from "../../src/web/history/history.ts";
import { startWeb, type WebOptions } from "../../src/web/server.ts";
import { NOON } from "../support/live-state.ts";

/** What the agent would do, so far as a test does not say otherwise: nothing, and it says so. */
export const IDLE_ACTIONS: WebActions = {
  reload: () => Promise.resolve({ ok: true }),
  probeNow: () => Promise.resolve({ kind: "unavailable", message: "no agent behind this test" }),
  slo: () => Promise.reject(new Error("no history behind this test")),
  maintenance: null,
};

export interface RunningWeb {
  readonly url: string;
  readonly port: number;
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Answer>;
  readonly ask: (method: string, path: string, options?: AskOptions) => Promise<Answer>;
  readonly logged: readonly string[];
  /** The fields of each line, in the same order. */
  readonly fields: readonly Readonly<Record<string, unknown>>[];
  /** Ends it before the test is over. */
  readonly close: () => Promise<void>;
}

export interface AskOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  readonly json: unknown;
}

/** A web server of this test on a free port of loopback, closed when the test is over. */
export async function serve(
  live: LiveState | (() => LiveState),
  options: Partial<WebOptions> = {},
): Promise<RunningWeb> {
  const metrics = createMetrics({ version: "0.1.0", revision: "abc123", phases: false });
  const logged: string[] = [];
  const fields: Readonly<Record<string, unknown>>[] = [];
  const log = (about: Readonly<Record<string, unknown>>, message: string): void => {
    logged.push(message);
    fields.push(about);
  };
  const web = await startWeb({
    listen: ["127.0.0.1:0"],
    hosts: [],
    token: () => null,
    live: typeof live === "function" ? live : () => live,
    estates: () => [],
    metrics,
    history: createHistory({ maxBytes: HISTORY_BYTES, now: () => NOON }),
    actions: IDLE_ACTIONS,
    lintIgnore: () => [],
    configMasked: () => "agent: dc1\n",
    version: "0.1.0",
    now: () => NOON,
    log: { debug: log, info: log, warn: log, error: log },
    ...options,
  });
  if (web.kind === "failed") {
    throw new Error(web.message);
  }
  onTestFinished(async () => {
    await web.close();
    metrics.close();
  });
  const url = web.addresses[0] ?? "";
  const ask = (method: string, path: string, asked: AskOptions = {}): Promise<Answer> =>
    askAt(url, method, path, asked);
  return {
    url,
    port: Number(new URL(url).port),
    ask,
    get: (path, headers = {}) => ask("GET", path, { headers }),
    logged,
    fields,
    close: web.close,
  };
}

/** One request on a connection of its own, with any header a test wants, `Host` included. */
function askAt(
  url: string,
  method: string,
  path: string,
  { headers = {}, body }: AskOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const asked = request(
      { host: hostname.replace(/[[\]]/g, ""), port, method, path, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const whole = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            get text() {
              return whole.toString("utf8");
            },
            get json(): unknown {
              return JSON.parse(whole.toString("utf8")) as unknown;
            },
          });
        });
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}
