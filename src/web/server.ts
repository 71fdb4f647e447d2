import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import { hostname } from "node:os";
import { performance } from "node:perf_hooks";
import { isLoopback, parseHostPort } from "../lib/host-port.ts";
import { createEventStreams } from "./api/events.ts";
import { watchDescriptors } from "./http/descriptor-watch.ts";
import { DEFAULT_PATIENCE, listen, type Listener, type Patience } from "./http/listener.ts";
import { answer, type Reception, type WebLog } from "./http/reception.ts";
import { routes } from "./routes.ts";
import type { WebSources } from "./sources.ts";
import { createBasicAuth } from "./web-config/basic-auth.ts";
import type { WebConfig } from "./web-config/load.ts";
import { lockedServers } from "./web-config/locked-servers.ts";
import { createRateLimit } from "./web-config/rate-limit.ts";
import { openWebConfig } from "./web-config/source.ts";

export interface WebOptions extends WebSources {
  /** `address:port`, as `web.listen`; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Names by which the page may be called, beside addresses and this machine's name (`web.hosts`). */
  readonly hosts: readonly string[];
  /** A web configuration file as Prometheus' exporters take it (`web.config_file`), or null. */
  readonly configFile?: string | null;
  readonly log: WebLog;
  readonly patience?: Patience;
}

export type Web =
  | {
      readonly kind: "listening";
      /** Where it listens, as URLs without a path, in the order of `listen`. */
      readonly addresses: readonly string[];
      readonly close: () => Promise<void>;
    }
  | { readonly kind: "failed"; readonly message: string };

/** How soon a change is told to event streams, and how fine timelines are. */
const SAMPLE_EVERY_MS = 500;

/** Serves page, metrics and API on all addresses, or on none. Never rejects. */
export async function startWeb(options: WebOptions): Promise<Web> {
  const { log, history } = options;
  const tlsServers: TlsServer[] = [];
  const opened = await openWebConfig(options.configFile ?? null, {
    changed: ({ tls }) => {
      log.info({}, "the web configuration was read again");
      for (const server of tls === null ? [] : tlsServers) {
        server.setSecureContext(tls?.context ?? {});
      }
    },
    refused: (message) => {
      log.error({ problem: message }, "the web configuration is refused, the old one stays");
    },
  });
  if (opened.kind === "failed") {
    return opened;
  }
  const { source } = opened;
  const basicAuth = createBasicAuth();
  const events = createEventStreams(history);
  const reception: Reception = {
    table: routes(options, events),
    doors: () => ({ hosts: options.hosts, machineNames, token: options.token() }),
    webConfig: source.current,
    basicAuth,
    rateLimit: createRateLimit(() => performance.now()),
    log,
  };
  const patience = options.patience ?? DEFAULT_PATIENCE;
  const machineNames = namesOfThisMachine();
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response, reception, patience).catch((error: unknown) => {
      log.error({ err: error }, "an answer broke off: a mistake of this program");
      response.destroy();
    });
  };
  const makeServer = lockedServers(source, tlsServers, patience);
  const listening: Listener[] = [];
  const sampling = setInterval(() => {
    try {
      history.sample(options.live());
    } catch (error) {
      // The history is a convenience; the watch must outlive a mistake in it.
      log.error({ err: error }, "a mistake of this program: the history lacks a sample");
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
    const started = await listen(address, handler, patience, makeServer);
    if (started.kind === "failed") {
      await close();
      return started;
    }
    listening.push(started);
  }
  warnOfOpenWrites(options, source.current());
  return { kind: "listening", addresses: listening.map((one) => one.url), close };
}

function namesOfThisMachine(): readonly string[] {
  const full = hostname();
  return [...new Set([full, full.split(".")[0] ?? full])];
}

function warnOfOpenWrites(options: WebOptions, { tls }: WebConfig): void {
  const open = options.listen.filter((address) => !isLoopback(parseHostPort(address)?.host ?? ""));
  if (open.length > 0 && options.token() !== null && tls === null) {
    options.log.warn(
      { listen: open },
      "writes with the maintenance token are open to the network in clear text; see web.config_file for TLS",
    );
  }
}
