import type { Log } from "../lib/log.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import { hostname } from "node:os";
import { isLoopback, parseHostPort } from "../lib/host-port.ts";
import { createEventStreams } from "./api/events.ts";
import { CONNECTION_LIMITS, createConnectionTable } from "./http/connection-table.ts";
import {
  watchDescriptors,
  DEFAULT_HTTP_TIMEOUTS,
  listen,
  type Listener,
  type HttpTimeouts,
} from "./http/listener.ts";
import { createCredentialLimiter } from "./http/access.ts";
import { handleRequest, type RequestHandlerOptions } from "./http/request-handler.ts";
import { problemPage } from "./page/layout.ts";
import { routes } from "./routes.ts";
import type { WebSources } from "./sources.ts";
import { createBasicAuth } from "./web-config/basic-auth.ts";
import { type WebConfig, createRateLimit } from "./web-config/load.ts";
import { createServerFactory, openWebConfig } from "./web-config/source.ts";

export interface WebOptions extends WebSources {
  /** `address:port`, as `web.listen`; port 0: a free one. */
  readonly listen: readonly string[];
  /** Accepted host names, besides addresses and this host's name (`web.hosts`). */
  readonly hosts: readonly string[];
  /** A web configuration file as Prometheus' exporters take it (`web.config_file`), or null. */
  readonly configFile?: string | null;
  readonly log: Log;
  readonly timeouts?: HttpTimeouts;
}

export type Web =
  | {
      readonly kind: "listening";
      /** Where it listens, as URLs without a path, in the order of `listen`. */
      readonly addresses: readonly string[];
      readonly close: () => Promise<void>;
    }
  | { readonly kind: "failed"; readonly message: string };

/** Sampling interval of event streams and timelines. */
const SAMPLE_EVERY_MS = 500;
const CONNECTION_LOG_EVERY_MS = 60_000;

/** Serves page, metrics and API on all addresses, or on none. Never rejects. */
export async function startWeb(options: WebOptions): Promise<Web> {
  const { log, history } = options;
  const tlsServers: TlsServer[] = [];
  const opened = await openWebConfig(options.configFile ?? null, {
    changed: ({ tls }) => {
      log.info({}, "web configuration reloaded");
      for (const server of tls === null ? [] : tlsServers) {
        server.setSecureContext(tls?.context ?? {});
      }
    },
    rejected: (message) => {
      log.error({ problem: message }, "web configuration rejected, previous one kept");
    },
  });
  if (opened.kind === "failed") {
    return opened;
  }
  const { source } = opened;
  const basicAuth = createBasicAuth();
  const events = createEventStreams(history, () => options.live().adcs);
  const connections = createConnectionTable(CONNECTION_LIMITS, connectionLimitLogger(log));
  const handlerOptions: RequestHandlerOptions = {
    routes: routes(options, events),
    accessPolicy: () => ({ hosts: options.hosts, machineNames, token: options.token() }),
    webConfig: source.current,
    basicAuth,
    rateLimit: createRateLimit(() => performance.now()),
    credentialLimiter: createCredentialLimiter(log, () => performance.now()),
    connections,
    problemPage: (what) => problemPage(what, options.live().agent, options.version),
    log,
  };
  const timeouts = options.timeouts ?? DEFAULT_HTTP_TIMEOUTS;
  const machineNames = ownHostNames();
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    handleRequest(request, response, handlerOptions, timeouts).catch((error: unknown) => {
      log.error({ err: error }, "internal error, response aborted");
      response.destroy();
    });
  };
  const makeServer = createServerFactory(source, tlsServers, timeouts);
  const listening: Listener[] = [];
  const sampling = setInterval(() => {
    try {
      history.sample(options.live());
    } catch (error) {
      // A bug in the history must not stop the agent.
      log.error({ err: error }, "internal error, history sample lost");
    }
  }, SAMPLE_EVERY_MS);
  sampling.unref();
  const descriptors = watchDescriptors(listening, log);
  const close = async (): Promise<void> => {
    clearInterval(sampling);
    await descriptors.stop();
    source.close();
    events.close();
    await Promise.all([...listening.map((one) => one.close()), basicAuth.close()]);
  };
  for (const address of options.listen) {
    const started = await listen(address, handler, timeouts, connections, makeServer);
    if (started.kind === "failed") {
      await close();
      return started;
    }
    listening.push(started);
  }
  warnOfOpenWrites(options, source.current());
  return { kind: "listening", addresses: listening.map((one) => one.url), close };
}

/** Logs closed connections, at most one line a minute. */
function connectionLimitLogger(log: Log): (group: string) => void {
  let loggedAt = -Infinity;
  let closed = 0;
  return (group) => {
    closed += 1;
    const now = performance.now();
    if (now - loggedAt >= CONNECTION_LOG_EVERY_MS) {
      log.warn(
        { from: group, cut: closed },
        "too many connections, closing the oldest of one address",
      );
      loggedAt = now;
      closed = 0;
    }
  };
}

function ownHostNames(): readonly string[] {
  const full = hostname();
  return [...new Set([full, full.split(".")[0] ?? full])];
}

function warnOfOpenWrites(options: WebOptions, { tls }: WebConfig): void {
  const open = options.listen.filter((address) => !isLoopback(parseHostPort(address)?.host ?? ""));
  if (open.length > 0 && options.token() !== null && tls === null) {
    options.log.warn(
      { listen: open },
      "maintenance token accepted over plain HTTP from the network; set up TLS in web.config_file",
    );
  }
}
