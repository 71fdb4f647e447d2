import type { Socket } from "node:net";
import type { CertificateName } from "../certificates/lab-certificate.ts";
import {
  type Condition,
  type LabProtocol,
  type LabTlsVersion,
  LISTENER_GROUPS,
  VIRTUAL_DIRECTORIES,
  type ListenerGroup,
  type VirtualDirectory,
} from "./condition.ts";
import type { Organisation } from "./organisation.ts";
import { createFrontEnd } from "./http/front-end.ts";
import { createHttpService } from "./http/http-listener.ts";
import { serveImap } from "./imap/imap-session.ts";
import { openListener, type Listener } from "./listener.ts";
import { servePop3 } from "./pop3/pop3-session.ts";
import { healthyState, withConditions, type ProtocolState } from "./protocol-state.ts";
import { EMSMDB, NSPI, RFRI } from "./rpc/dce-rpc.ts";
import { serveEndpointMapper, serveRpc } from "./rpc/rpc-services.ts";
import { createSecureContexts } from "./secure-contexts.ts";
import type { ServiceContext } from "./service-context.ts";
import { createReceiveConnector } from "./smtp/smtp-session.ts";

export type { Condition, LabProtocol } from "./condition.ts";
export { createOrganisation } from "./organisation.ts";
export type { LabAccount, Organisation } from "./organisation.ts";

export interface ExchangeServerOptions {
  /** Short name: `ex01`. */
  readonly name: string;
  /** As the server calls itself: `ex01.lab.example.com`. */
  readonly fqdn: string;
  /** 2010 has no health pages and no component states; 2016 has no RPC Client Access service. */
  readonly version: "2010" | "2016";
  /** Accounts, databases and mailboxes, shared by all servers of one organisation. */
  readonly organisation: Organisation;
  /** The static RPC Client Access port, for example 22902; absent: none. */
  readonly rpcPort?: number;
  /** Address-book static port; none when absent. */
  readonly addressBookPort?: number;
  /** The port that the endpoint mapper on 135 returns instead of `rpcPort`: a static port that no longer is. */
  readonly mappedRpcPort?: number;
  /** Default `mail`: the certificate all servers of the lab share. */
  readonly certificate?: CertificateName;
  /** Default TLSv1 to TLSv1.3. */
  readonly tls?: { readonly min: LabTlsVersion; readonly max: LabTlsVersion };
  /** Port 80 serves as 443 does (the ADC offloads TLS); else port 80 answers 403.4. Default: true for 2010. */
  readonly sslOffloaded?: boolean;
  /** HTTP and HTTPS expect a PROXY header of version 1. Default false. */
  readonly awaitsProxyHeader?: boolean;
  /** How long a front end remembers a component's state; Exchange: 15 s. Default 0. */
  readonly healthCacheMs?: number;
  /**
   * Whether IMAP and POP accept basic logins without TLS: `PlainTextLogin` does, `SecureLogin` (the default) does not.
   */
  readonly imapPopLoginType?: "PlainTextLogin" | "SecureLogin";
}

export interface LoopbackEndpoint {
  readonly host: "127.0.0.1";
  readonly port: number;
}

/** One Exchange server on loopback. Its listeners keep their ports from start to close, stopped ones included. */
export interface ExchangeServer {
  readonly name: string;
  readonly fqdn: string;
  readonly version: "2010" | "2016";
  /** The well-known ports of this server. */
  readonly ports: readonly number[];
  /** The loopback endpoint of a well-known port; null: none. */
  endpoint(port: number): LoopbackEndpoint | null;
  /**
   * Replaces the condition(s) of a protocol; resolves when the listeners have followed. `https` sets ports 80 and 443
   * and every virtual directory, a virtual directory only itself, `all` everything.
   */
  set(protocol: LabProtocol, condition: Condition | readonly Condition[]): Promise<void>;
  /** Restarts the services of a protocol: open connections are cut; ends `manualRestart`. */
  restart(protocol: LabProtocol): Promise<void>;
  /** Connections currently open on a well-known port. */
  connections(port: number): number;
  /** Connections accepted so far on a well-known port. */
  accepted(port: number): number;
  /** Closes every listener and connection and frees the ports. */
  close(): Promise<void>;
}

/** The listener of one well-known port. */
interface PortPlan {
  readonly port: number;
  readonly group: ListenerGroup;
  readonly implicitTls?: boolean;
  readonly withoutCertificate?: string;
  readonly serve: (socket: Socket, raw: Socket) => Promise<void> | void;
}

/** Starts every listener of a server on free ports of 127.0.0.1; rejects when the system gives none. */
export async function startExchangeServer(options: ExchangeServerOptions): Promise<ExchangeServer> {
  const healthy = healthyState(
    options.certificate ?? "mail",
    options.tls ?? { min: "TLSv1", max: "TLSv1.3" },
  );
  const groups = new Map<ListenerGroup, ProtocolState>();
  const directories = new Map<VirtualDirectory, ProtocolState>();
  const secureContexts = createSecureContexts();
  const healthyOf = (group: ListenerGroup): ProtocolState => ({
    ...healthy,
    awaitsProxyHeader: group === "https" && options.awaitsProxyHeader === true,
  });
  const stateOf = (group: ListenerGroup): ProtocolState => groups.get(group) ?? healthyOf(group);
  const sslOffloaded = options.sslOffloaded ?? options.version === "2010";

  function contextOf(group: ListenerGroup): ServiceContext {
    return {
      name: options.name,
      fqdn: options.fqdn,
      version: options.version,
      organisation: options.organisation,
      state: () => stateOf(group),
      secureContext() {
        const { certificate, tls } = stateOf(group);
        return certificate === null ? null : secureContexts(certificate, tls);
      },
      plainTextLogin:
        (options.imapPopLoginType ?? (sslOffloaded ? "PlainTextLogin" : "SecureLogin")) ===
        "PlainTextLogin",
    };
  }

  const frontEnd = createFrontEnd({
    context: contextOf("https"),
    directoryState: (directory) => directories.get(directory) ?? healthy,
    sslOffloaded,
    healthCacheMs: options.healthCacheMs ?? 0,
  });
  const http = { 80: createHttpService(frontEnd, 80), 443: createHttpService(frontEnd, 443) };
  const plans = [
    ...webPorts(http, () => stateOf("https")),
    ...mailPorts(options, contextOf),
    ...rpcPorts(options, stateOf),
  ];
  const listeners = new Map<number, { plan: PortPlan; listener: Listener }>();

  async function close(): Promise<void> {
    http[80].close();
    http[443].close();
    await Promise.all([...listeners.values()].map(({ listener }) => listener.close()));
  }

  try {
    for (const plan of plans) {
      const listener = await openListener({
        implicitTls: plan.implicitTls ?? false,
        withoutCertificate: plan.withoutCertificate ?? "",
        state: () => stateOf(plan.group),
        secureContext: contextOf(plan.group).secureContext,
        serve: plan.serve,
      });
      listeners.set(plan.port, { plan, listener });
    }
  } catch (error) {
    await close();
    throw error;
  }

  function apply(group: ListenerGroup, conditions: readonly Condition[]): void {
    const before = stateOf(group);
    const after = withConditions(healthyOf(group), options.version, group, conditions);
    groups.set(
      group,
      before.needsRestart ? { ...after, accept: "stopped", needsRestart: true } : after,
    );
  }

  function applyDirectory(directory: VirtualDirectory, conditions: readonly Condition[]): void {
    directories.set(directory, withConditions(healthy, options.version, "https", conditions));
  }

  async function follow(): Promise<void> {
    await Promise.all([...listeners.values()].map(({ listener }) => listener.follow()));
  }

  return {
    name: options.name,
    fqdn: options.fqdn,
    version: options.version,
    ports: [...listeners.keys()],
    endpoint(port) {
      const found = listeners.get(port);
      return found === undefined ? null : { host: "127.0.0.1", port: found.listener.port };
    },
    async set(protocol, condition) {
      const conditions = "kind" in condition ? [condition] : condition;
      for (const group of groupsOf(protocol)) {
        apply(group, conditions);
      }
      for (const directory of directoriesOf(protocol)) {
        applyDirectory(directory, conditions);
      }
      await follow();
    },
    async restart(protocol) {
      for (const group of groupsOf(protocol)) {
        const state = stateOf(group);
        if (state.needsRestart) {
          groups.set(group, { ...state, accept: "serve", needsRestart: false });
        }
        for (const { plan, listener } of listeners.values()) {
          if (plan.group === group) {
            listener.cut();
          }
        }
      }
      await follow();
    },
    connections: (port) => listeners.get(port)?.listener.connections() ?? 0,
    accepted: (port) => listeners.get(port)?.listener.accepted() ?? 0,
    close,
  };
}

function groupsOf(protocol: LabProtocol): readonly ListenerGroup[] {
  return protocol === "all"
    ? LISTENER_GROUPS
    : LISTENER_GROUPS.filter((group) => group === protocol);
}

function directoriesOf(protocol: LabProtocol): readonly VirtualDirectory[] {
  return protocol === "all" || protocol === "https"
    ? VIRTUAL_DIRECTORIES
    : VIRTUAL_DIRECTORIES.filter((directory) => directory === protocol);
}

function webPorts(
  http: Readonly<Record<80 | 443, ReturnType<typeof createHttpService>>>,
  state: () => ProtocolState,
): PortPlan[] {
  return [
    { port: 80, group: "https", serve: (socket, raw) => http[80].serve(socket, raw, null) },
    {
      port: 443,
      group: "https",
      implicitTls: true,
      serve: (socket, raw) => http[443].serve(socket, raw, state().certificate),
    },
  ];
}

function mailPorts(
  options: ExchangeServerOptions,
  contextOf: (group: ListenerGroup) => ServiceContext,
): PortPlan[] {
  const imap = (secure: boolean) => (socket: Socket) =>
    serveImap(socket, contextOf("imap"), secure);
  const pop3 = (secure: boolean) => (socket: Socket) =>
    servePop3(socket, contextOf("pop3"), secure);
  const smtp = (connector: "frontend" | "client" | "proxy") => {
    const serve = createReceiveConnector(contextOf("smtp"), connector);
    return (socket: Socket) => serve(socket);
  };
  return [
    { port: 143, group: "imap", serve: imap(false) },
    {
      port: 993,
      group: "imap",
      implicitTls: true,
      withoutCertificate: "* BYE Connection is closed. 14\r\n",
      serve: imap(true),
    },
    { port: 110, group: "pop3", serve: pop3(false) },
    {
      port: 995,
      group: "pop3",
      implicitTls: true,
      withoutCertificate: "-ERR Connection is closed. 13\r\n",
      serve: pop3(true),
    },
    { port: 25, group: "smtp", serve: smtp("frontend") },
    { port: 587, group: "smtp", serve: smtp("client") },
    // Client Proxy of 2013 and later: a clear banner, never TLS from the first byte.
    ...(options.version === "2010"
      ? []
      : [{ port: 465, group: "smtp", serve: smtp("proxy") } as const]),
  ];
}

function rpcPorts(
  { rpcPort, addressBookPort, mappedRpcPort }: ExchangeServerOptions,
  stateOf: (group: ListenerGroup) => ProtocolState,
): PortPlan[] {
  const clientAccess = () => stateOf("rpc_client_access");
  const mapper = () => stateOf("endpoint_mapper");
  const plans: PortPlan[] = [];
  if (rpcPort !== undefined) {
    const mapped = [{ rpcInterface: EMSMDB, port: mappedRpcPort ?? rpcPort }];
    if (addressBookPort !== undefined) {
      mapped.push(
        { rpcInterface: NSPI, port: addressBookPort },
        { rpcInterface: RFRI, port: addressBookPort },
      );
    }
    plans.push(
      {
        port: rpcPort,
        group: "rpc_client_access",
        serve: (socket) => serveRpc(socket, clientAccess, [EMSMDB], rpcPort),
      },
      {
        port: 135,
        group: "endpoint_mapper",
        serve: (socket) => serveEndpointMapper(socket, mapper, mapped),
      },
    );
  }
  if (addressBookPort !== undefined) {
    plans.push({
      port: addressBookPort,
      group: "rpc_client_access",
      serve: (socket) => serveRpc(socket, clientAccess, [NSPI, RFRI], addressBookPort),
    });
  }
  return plans;
}
