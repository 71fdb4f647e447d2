import type { CertificateName } from "../certificates/lab-certificate.ts";
import type { Condition, LabProtocol, LabTlsVersion } from "./condition.ts";
import type { Organisation } from "./organisation.ts";

export type { Condition, LabProtocol } from "./condition.ts";
export { startExchangeServer } from "./start-exchange-server.ts";
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
  /** The static RPC Client Access port this server stands for, for example 22902; none when absent. */
  readonly rpcPort?: number;
  /** Address-book static port; none when absent. */
  readonly addressBookPort?: number;
  /** What the endpoint mapper on 135 says instead of `rpcPort`: a static port that is static no more. */
  readonly mappedRpcPort?: number;
  /** Default `mail`: the certificate all servers of the lab share. */
  readonly certificate?: CertificateName;
  /** Default TLSv1 to TLSv1.3. */
  readonly tls?: { readonly min: LabTlsVersion; readonly max: LabTlsVersion };
  /** Port 80 serves as 443 does (the ADC offloads TLS); else port 80 answers 403.4. Default: true for 2010. */
  readonly sslOffloaded?: boolean;
  /** How long a front end remembers a component's state; Exchange: 15 s. Default 0. */
  readonly healthCacheMs?: number;
  /** The basic logins IMAP and POP take without TLS: `PlainTextLogin` does, `SecureLogin` (the default) does not. */
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
  /** The well-known ports this server stands for. */
  readonly ports: readonly number[];
  /** The loopback endpoint that stands for a well-known port, or null when the server has none there. */
  endpoint(port: number): LoopbackEndpoint | null;
  /**
   * Replaces the condition(s) of a protocol; resolves when the listeners have followed. `https` sets ports 80 and 443
   * and every virtual directory, a virtual directory only itself, `all` everything.
   */
  set(protocol: LabProtocol, condition: Condition | readonly Condition[]): Promise<void>;
  /** Restarts the services of a protocol: open connections are cut; ends `manualRestart`. */
  restart(protocol: LabProtocol): Promise<void>;
  /** Connections open now on a well-known port. */
  connections(port: number): number;
  /** Connections accepted so far on a well-known port. */
  accepted(port: number): number;
  /** Closes every listener and connection and frees the ports. */
  close(): Promise<void>;
}
