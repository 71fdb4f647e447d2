import type { Socket } from "node:net";
import type { Vserver } from "../../src/model/vserver.ts";
import type { AaaOptions } from "./aaa/options.ts";
import type { AddressMap } from "./address-map.ts";
import { serviceTls, type BackendContexts } from "./backend-tls.ts";
import { announces, open } from "./connect.ts";
import type { CsRuntime } from "./cs-runtime.ts";
import { listenForDatagrams } from "./front/datagram-front.ts";
import { listenForHttp } from "./front/http-front.ts";
import type { Front } from "./front/listener.ts";
import { listenForStreams } from "./front/stream-front.ts";
import { TlsTermination, type CertificateAndKey } from "./front/termination.ts";
import { redirect } from "./http/answer.ts";
import { HttpSite, type SiteWorld } from "./http/site.ts";
import type { LbRuntime } from "./lb-runtime.ts";
import type { MemberRuntime } from "./member-runtime.ts";
import { MODERN_RANGE, tlsRange } from "./tls-range.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const HTTP_IDLE_MS = 180_000;
const TCP_IDLE_MS = 9_000_000;
const UDP_IDLE_MS = 120_000;

const DATAGRAMS = new Set(["UDP", "DNS", "ADNS", "SNMP", "RADIUS", "SYSLOGUDP", "TFTP"]);
const TERMINATED = new Set(["SSL", "SSL_TCP"]);

/** What the listeners need of the appliance. */
export interface FrontWorld extends SiteWorld {
  readonly addresses: AddressMap;
  readonly backendTls: BackendContexts;
  readonly aaa: () => AaaOptions;
  readonly wildcardPorts: readonly number[];
  readonly certificate: (vserver: string) => CertificateAndKey | null;
}

/** The listeners of one vserver, mapped at its VIP; and its TLS side, if it has one. */
export interface VserverFronts {
  readonly fronts: readonly Front[];
  readonly termination: TlsTermination | null;
}

export function isDatagram(vserver: Vserver): boolean {
  return DATAGRAMS.has(vserver.serviceType);
}

/** Opens the listeners of an addressable vserver; a non-addressable one has none. */
export async function openFronts(
  runtime: LbRuntime | CsRuntime,
  world: FrontWorld,
): Promise<VserverFronts> {
  const { vserver } = runtime;
  const termination = TERMINATED.has(vserver.serviceType)
    ? new TlsTermination(tlsRange(vserver.tls, MODERN_RANGE), world.certificate(vserver.name))
    : null;
  const { address, port } = vserver;
  if (address === null || port === null || port === 0) {
    return { fronts: [], termination };
  }
  const fronts: Front[] = [];
  for (const each of port === "*" ? world.wildcardPorts : [port]) {
    const front = await openFront(runtime, each, termination, world);
    fronts.push(front);
    mapVip(vserver, address, each, front, world.addresses);
  }
  if (vserver.redirectFromPort !== null) {
    const front = await redirectFront(vserver, world);
    fronts.push(front);
    mapVip(vserver, address, vserver.redirectFromPort, front, world.addresses);
  }
  return { fronts, termination };
}

function openFront(
  runtime: LbRuntime | CsRuntime,
  port: number,
  termination: TlsTermination | null,
  world: FrontWorld,
): Promise<Front> {
  const { vserver } = runtime;
  if (vserver.serviceType === "HTTP" || vserver.serviceType === "SSL" || "route" in runtime) {
    return httpFront(runtime, port, termination, world);
  }
  const choose = (clientAddress: string): ReturnType<LbRuntime["choose"]> =>
    runtime.effective()?.choose({ address: clientAddress, cookie: () => null, rule: () => null }) ??
    null;
  if (isDatagram(vserver)) {
    return listenForDatagrams({
      choose,
      endpointOf: (member) => endpointOf(member, port, world),
      idleTimeoutMs: vserver.clientTimeoutMs ?? UDP_IDLE_MS,
      port: world.addresses.find(vserver.address ?? "", port)?.port ?? 0,
    });
  }
  return listenForStreams({
    choose,
    open: (member) => openTo(member, port, world),
    termination,
    idleTimeoutMs: vserver.clientTimeoutMs ?? TCP_IDLE_MS,
  });
}

function httpFront(
  runtime: LbRuntime | CsRuntime,
  port: number,
  termination: TlsTermination | null,
  world: FrontWorld,
): Promise<Front> {
  const { vserver } = runtime;
  const site = new HttpSite(world, runtime);
  return listenForHttp({
    accepts: () => {
      const up = "route" in runtime ? runtime.state === "UP" : runtime.effective() !== null;
      // A plain HTTP vserver that is down answers 503, an SSL one resets; a redirect URL answers on either.
      return up || (runtime.enabled && (termination === null || vserver.redirectUrl !== null));
    },
    decide: (request, clientAddress) => site.decide(request, clientAddress),
    open: (member) => openTo(member, port, world),
    termination,
    gate: world.gate,
    aaa: world.aaa,
    idleTimeoutMs: vserver.clientTimeoutMs ?? HTTP_IDLE_MS,
    onClients: (clients) => {
      if ("route" in runtime) {
        runtime.clientConnections = clients;
      }
    },
  });
}

/** `-redirectFromPort 80 -httpsRedirectUrl …`. */
function redirectFront(vserver: Vserver, world: FrontWorld): Promise<Front> {
  return listenForHttp({
    accepts: () => true,
    decide: (request) => ({
      kind: "answer",
      answer: redirect(vserver.httpsRedirectUrl ?? `https://${request.host}${request.target}`),
    }),
    open: () => Promise.reject(new Error("A redirecting port has no servers.")),
    termination: null,
    gate: world.gate,
    aaa: world.aaa,
    idleTimeoutMs: HTTP_IDLE_MS,
    onClients: () => undefined,
  });
}

function endpointOf(
  member: MemberRuntime,
  port: number,
  world: FrontWorld,
): ReturnType<AddressMap["find"]> {
  const { address, domain, server, port: own } = member.member;
  return world.addresses.find(address ?? domain ?? server, own === "*" ? port : own);
}

function openTo(member: MemberRuntime, port: number, world: FrontWorld): Promise<Socket> {
  return open(endpointOf(member, port, world), {
    timeoutMs: CONNECT_TIMEOUT_MS,
    announces: announces(member.service.netProfile, world.estate),
    ...serviceTls(member.service, world.estate, world.backendTls),
  });
}

/** A vserver with `-range n` has n addresses in a row. */
function mapVip(
  vserver: Vserver,
  address: string,
  port: number,
  front: Front,
  addresses: AddressMap,
): void {
  const last = /^(.*\.)(\d+)$/.exec(address);
  for (let offset = 0; offset < Math.max(1, vserver.range); offset += 1) {
    const each = last === null ? address : `${last[1] ?? ""}${String(Number(last[2]) + offset)}`;
    addresses.add(each, port, front.endpoint);
  }
}
