import type { Port } from "./adc-service.ts";
import type { PolicyBinding } from "./policy.ts";
import type { SourceLine } from "./source-line.ts";
import type { CertKeyBinding, TlsVersions } from "./tls-settings.ts";

interface VserverCommon {
  readonly name: string;
  readonly serviceType: string;
  /** Null for a non-addressable vserver (`0.0.0.0 0`), reached through a content-switching one. */
  readonly address: string | null;
  readonly port: Port | null;
  /** Number of consecutive addresses (`-range n`). */
  readonly range: number;
  readonly enabled: boolean;
  readonly trafficDomain: number;
  readonly clientTimeoutMs: number | null;
  readonly redirectUrl: string | null;
  readonly redirectFromPort: number | null;
  readonly httpsRedirectUrl: string | null;
  readonly backupVserver: string | null;
  /** `-Listenpolicy`: the vserver takes only connections for which this rule holds. */
  readonly listenPolicy: string | null;
  /** The vserver's own `-clientAuth ENABLED`, which applies if it has no profile. */
  readonly clientAuth: boolean;
  readonly clientCertificate: "MANDATORY" | "OPTIONAL" | null;
  readonly authentication: VserverAuthentication;
  readonly policies: readonly PolicyBinding[];
  readonly certKeys: readonly CertKeyBinding[];
  readonly tls: TlsVersions;
  readonly sslProfile: string | null;
  readonly comment: string | null;
  readonly line: SourceLine;
}

export interface LbVserver extends VserverCommon {
  readonly kind: "lb";
  readonly method: string;
  readonly persistence: Persistence;
  readonly services: readonly ServiceBinding[];
  readonly healthThreshold: number;
}

export interface CsVserver extends VserverCommon {
  readonly kind: "cs";
  /** As configured on the vserver or by `set cs parameter`: without it the vserver is UP regardless of its targets. */
  readonly stateUpdate: boolean;
  readonly caseSensitive: boolean;
  readonly defaultTarget: string | null;
  readonly targets: readonly CsBinding[];
}

export type Vserver = LbVserver | CsVserver;

/** `aaa`: an authentication vserver. */
export type VserverKind = Vserver["kind"] | "gslb" | "aaa";

export interface Persistence {
  /** NONE, SOURCEIP, COOKIEINSERT, RULE, SSLSESSION, SRCIPDESTIP … */
  readonly type: string;
  readonly timeoutMs: number;
  readonly rule: string | null;
  readonly cookieName: string | null;
}

export interface VserverAuthentication {
  /** `-Authentication ON`: form-based, a redirect to the AAA login. */
  readonly form: boolean;
  /** `-authn401 ON`. */
  readonly http401: boolean;
  readonly host: string | null;
  readonly vserver: string | null;
  readonly profile: string | null;
}

export interface ServiceBinding {
  readonly service: string;
  readonly weight: number;
  readonly line: SourceLine;
}

/** A content-switching decision: this policy sends to that load-balancing vserver. */
export interface CsBinding {
  readonly policy: string;
  readonly target: string | null;
  readonly priority: number | null;
  /** `-gotoPriorityExpression`; absent: not set. */
  readonly goto?: string;
  readonly line: SourceLine;
}

export interface AuthenticationVserver {
  readonly name: string;
  readonly address: string | null;
  readonly port: Port | null;
  readonly domain: string | null;
  /** What is bound to it: login, session and traffic policies. Absent when the reader cannot know. */
  readonly policies?: readonly PolicyBinding[];
  readonly certKeys: readonly CertKeyBinding[];
  readonly line: SourceLine;
}
