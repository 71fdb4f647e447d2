import type { Acl, Policy, PolicyAction, PolicyBinding } from "./policy.ts";
import type { AdcService } from "./adc-service.ts";
import type { Monitor } from "./monitor.ts";
import type { LbVserver, CsVserver, AuthenticationVserver } from "./vserver.ts";
import type { CertKey, SslProfile } from "./tls-settings.ts";
import type { Gslb } from "./gslb.ts";
import type { SourceLine } from "./source-line.ts";

/**
 * The estate: the parts of an ADC's configuration that matter for probes and verdicts. Types only, here and in the files of
 * its parts. Both readers (ns.conf and NITRO) produce the same model with NetScaler's names. Durations are in milliseconds;
 * absent parameters have NetScaler's defaults.
 */

export interface Estate {
  /** Name of the ADC in the agent's configuration. */
  readonly adc: string;
  /** For example `{ major: 13, minor: 1, text: "NS13.1 Build 37.38" }`; null if unknown. */
  readonly firmware: Firmware | null;
  /**
   * How much was read; absent: a whole configuration. `paste`: commands that set something up on an ADC that has more.
   * `excerpt`: a captured session or a page, perhaps of several ADCs. `objects`: what was requested over NITRO; routes
   * are not part of it.
   */
  readonly extent?: "paste" | "excerpt" | "objects";
  /** The NSIP, where known: scripted monitors are sent from it. */
  readonly nsip: string | null;
  readonly snips: readonly string[];
  readonly parameters: AdcParameters;
  readonly servers: ReadonlyMap<string, Server>;
  /** Services and service groups by name; the two share one name space. */
  readonly services: ReadonlyMap<string, AdcService>;
  /** Monitors by name: configured ones, and the built-ins that something refers to. */
  readonly monitors: ReadonlyMap<string, Monitor>;
  /** Monitors that routes and other objects outside the estate use. Absent: none, or the reader cannot know. */
  readonly monitorsUsedElsewhere?: ReadonlySet<string>;
  readonly lbVservers: ReadonlyMap<string, LbVserver>;
  readonly csVservers: ReadonlyMap<string, CsVserver>;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly actions: ReadonlyMap<string, PolicyAction>;
  readonly authenticationVservers: ReadonlyMap<string, AuthenticationVserver>;
  readonly certKeys: ReadonlyMap<string, CertKey>;
  readonly sslProfiles: ReadonlyMap<string, SslProfile>;
  readonly netProfiles: ReadonlyMap<string, NetProfile>;
  /** Empty where the ADC has no GSLB. */
  readonly gslb: Gslb;
  /** Rules of the packet filter by name. */
  readonly acls: ReadonlyMap<string, Acl>;
  /** Responder policies bound for every vserver: `bind responder global`. */
  readonly globalResponderPolicies: readonly PolicyBinding[];
  /** Likewise of the application firewall: `bind appfw global`. */
  readonly globalFirewallPolicies: readonly PolicyBinding[];
  readonly diagnostics: readonly Diagnostic[];
  /** A session shows only lines that a search found (`sh run | grep web`): others of the same objects may exist. */
  readonly filtered?: true;
  /** Lines of a session or a page that are no commands, such as output and prose. Absent: none. */
  readonly passedOver?: number;
  /** Number of ignored statements by `verb group object`. */
  readonly otherStatements: ReadonlyMap<string, number>;
}
export interface Firmware {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}
/** Global settings that affect monitors or vservers. */
export interface AdcParameters {
  /** `set lb parameter -monitorConnectionClose`: how TCP monitors end their connection. */
  readonly monitorConnectionClose: "FIN" | "RESET";
  /** `set cs parameter -stateupdate ENABLED`. */
  readonly csStateUpdate: boolean;
  /** `set ssl parameter -defaultProfile ENABLED`. */
  readonly sslDefaultProfile: boolean;
  /** `set tm sessionParameter -SSO ON`. */
  readonly sessionSso: boolean;
  /** `set tm sessionParameter -defaultAuthorizationAction DENY`. */
  readonly sessionDeniesByDefault: boolean;
  /** Policies bound for every vserver, `bind tm global`; absent where the reader cannot know. */
  readonly globalSessionPolicies?: readonly string[];
  /** Policies bound to groups and users of the ADC's own login, `bind aaa group`; null where the reader cannot know. */
  readonly groupPolicies?: readonly string[] | null;
}
export interface Server {
  readonly name: string;
  /** IP literal, or null when the server is known by a domain name. */
  readonly address: string | null;
  readonly domain: string | null;
  readonly enabled: boolean;
  readonly trafficDomain: number;
  /** The name that the ADC resolves, if it is a domain-based server. */
  readonly queryType: "A" | "AAAA" | "SRV";
  /** `-IPv6Address YES`: its domain name resolves to IPv6 addresses. */
  readonly ipv6: boolean;
  /** `-translationIp`: what DNS answers for its domain name is translated into this network. */
  readonly translationIp?: string | null;
  readonly comment: string | null;
  readonly line: SourceLine;
}
export interface NetProfile {
  readonly name: string;
  /** `-srcIP`: an address, or the name of a set of them (`add ipset`). */
  readonly sourceIp: string | null;
  /** The same as addresses; empty where the set's are not known. */
  readonly sourceAddresses: readonly string[];
  /** `-proxyProtocol ENABLED`: connections begin with a PROXY header. */
  readonly proxyProtocol: boolean;
  /** `-proxyProtocolTxVersion`: in which form. */
  readonly proxyVersion: "V1" | "V2";
  /** `-proxyProtocolAfterTLSHandshake ENABLED`: the header is sent within TLS, not before it. */
  readonly proxyAfterTls: boolean;
  readonly line: SourceLine;
}
/** A message about the configuration. */
export interface Diagnostic {
  readonly severity: "info" | "warning" | "error";
  /** Stable identifier in snake_case. */
  readonly rule: string;
  readonly line: SourceLine;
  readonly object: string;
  readonly message: string;
  /** The reference that the message is about; absent: it is about something else. */
  readonly reference?: FailedReference;
}
/** A name that does not lead to what it should. */
export interface FailedReference {
  /** The kind of object that it should name, as in messages: `service`. */
  readonly wanted: string;
  /** The kinds of object that it names instead; empty: none. */
  readonly found: readonly string[];
}
