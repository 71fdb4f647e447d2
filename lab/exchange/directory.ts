import type { CertificateName } from "../certificates/lab-certificate.ts";
import type { Condition } from "./condition.ts";
import { createNameServer, serveDnsOverTcp, type DnsBehaviour } from "./directory/dns-server.ts";
import type { DnsRecord } from "./directory/dns-message.ts";
import { serveLdap } from "./directory/ldap-session.ts";
import { answerNtp, type NtpBehaviour } from "./directory/ntp-server.ts";
import { startUdpService } from "./directory/udp-service.ts";
import type { LoopbackEndpoint } from "./exchange-server.ts";
import { openListener } from "./listener.ts";
import type { Organisation } from "./organisation.ts";
import { healthyState, withConditions } from "./protocol-state.ts";
import { createSecureContexts } from "./secure-contexts.ts";
import type { ServiceContext } from "./service-context.ts";

export type { DnsBehaviour } from "./directory/dns-server.ts";
export type { DnsRecord } from "./directory/dns-message.ts";
export type { NtpBehaviour } from "./directory/ntp-server.ts";

export interface DirectoryServerOptions {
  readonly name: string;
  readonly fqdn: string;
  readonly organisation: Organisation;
  /** The zone its name server answers for. */
  readonly zone: readonly DnsRecord[];
  readonly certificate?: CertificateName;
}

/** A domain controller on loopback: DNS (53, UDP and TCP on one port), NTP (123), LDAP (389) and LDAPS (636). */
export interface DirectoryServer {
  readonly name: string;
  readonly fqdn: string;
  readonly ports: readonly number[];
  endpoint(port: number): LoopbackEndpoint | null;
  /** `stopped` and the other listener conditions hold for LDAP; `dead_backend` makes every bind "unavailable". */
  setLdap(condition: Condition | readonly Condition[]): Promise<void>;
  /** `stopped`: UDP unreachable and TCP refused. */
  setDns(behaviour: DnsBehaviour | { readonly kind: "stopped" }): Promise<void>;
  setNtp(behaviour: NtpBehaviour | { readonly kind: "stopped" }): Promise<void>;
  /** Queries the name server has answered. */
  queries(): number;
  close(): Promise<void>;
}

/** Starts the supporting servers of the second guide. Rejects when the system gives no ports. */
export async function startDirectoryServer(
  options: DirectoryServerOptions,
): Promise<DirectoryServer> {
  const healthy = healthyState(options.certificate ?? "mail", { min: "TLSv1", max: "TLSv1.3" });
  const secureContexts = createSecureContexts();
  const nameServer = createNameServer(options.zone);
  let ldapState = healthy;
  let dnsState = healthy;
  let ntp: NtpBehaviour = { kind: "healthy" };

  const context: ServiceContext = {
    name: options.name,
    fqdn: options.fqdn,
    version: "2016",
    organisation: options.organisation,
    state: () => ldapState,
    secureContext: () =>
      ldapState.certificate === null ? null : secureContexts(ldapState.certificate, ldapState.tls),
    plainTextLogin: true,
  };

  function openLdap(implicitTls: boolean) {
    return openListener({
      implicitTls,
      withoutCertificate: "",
      state: () => ldapState,
      secureContext: context.secureContext,
      serve: (socket) => serveLdap(socket, context, implicitTls),
    });
  }

  const ldap = await openLdap(false);
  const ldaps = await openLdap(true);
  const dnsTcp = await openListener({
    implicitTls: false,
    withoutCertificate: "",
    udpToo: true,
    state: () => dnsState,
    secureContext: () => null,
    serve: (socket) => serveDnsOverTcp(socket, nameServer),
  });
  const dnsUdp = await startUdpService({
    port: dnsTcp.port,
    answer: (datagram) => nameServer.answer(datagram, "udp"),
    delayMs: () => nameServer.delayMs(),
  });
  const ntpUdp = await startUdpService({
    port: null,
    answer: (datagram) => answerNtp(datagram, ntp, Date.now()),
    delayMs: () => (ntp.kind === "slow" ? ntp.delayMs : 0),
  });
  const ports = new Map([
    [53, dnsTcp.port],
    [123, ntpUdp.port],
    [389, ldap.port],
    [636, ldaps.port],
  ]);

  return {
    name: options.name,
    fqdn: options.fqdn,
    ports: [...ports.keys()],
    endpoint(port) {
      const found = ports.get(port);
      return found === undefined ? null : { host: "127.0.0.1", port: found };
    },
    async setLdap(condition) {
      const conditions = "kind" in condition ? [condition] : condition;
      ldapState = withConditions(healthy, "2016", "https", conditions);
      await Promise.all([ldap.follow(), ldaps.follow()]);
    },
    async setDns(behaviour) {
      const stopped = behaviour.kind === "stopped";
      dnsState = { ...healthy, accept: stopped ? "stopped" : "serve" };
      if (!stopped) {
        nameServer.set(behaviour);
      }
      await Promise.all([dnsTcp.follow(), stopped ? dnsUdp.stop() : dnsUdp.start()]);
    },
    async setNtp(behaviour) {
      if (behaviour.kind === "stopped") {
        await ntpUdp.stop();
        return;
      }
      ntp = behaviour;
      await ntpUdp.start();
    },
    queries: () => nameServer.queries(),
    async close() {
      await Promise.all([
        ldap.close(),
        ldaps.close(),
        dnsTcp.close(),
        dnsUdp.stop(),
        ntpUdp.stop(),
      ]);
    },
  };
}
