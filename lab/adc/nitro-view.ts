import { X509Certificate } from "node:crypto";
import type { Estate } from "../../src/model/estate.ts";
import type { CertKey } from "../../src/model/tls-settings.ts";
import type {
  MemberBelief,
  MonitorBelief,
  NitroBackend,
  NodeBelief,
  VserverBelief,
} from "../nitro/backend.ts";
import type { CertificateAndKey } from "./front/termination.ts";
import type { GslbRuntime } from "./gslb-runtime.ts";
import { LbRuntime } from "./lb-runtime.ts";
import type { CsRuntime } from "./cs-runtime.ts";
import type { MemberRuntime } from "./member-runtime.ts";
import type { Member } from "../../src/model/adc-service.ts";

const DAY_MS = 86_400_000;

/** The view of one node over NITRO. A secondary has the configuration but no service states. */
export function nitroView(world: {
  readonly estate: () => Estate;
  readonly vserver: (name: string) => LbRuntime | CsRuntime | null;
  readonly member: (member: Member) => MemberRuntime | null;
  readonly gslb: GslbRuntime;
  readonly nodes: () => readonly [NodeBelief, ...NodeBelief[]];
}): NitroBackend {
  const primary = (): boolean => world.nodes()[0].role === "Primary";
  return {
    estate: world.estate,
    nodes: world.nodes,
    vserver: (name) =>
      primary() ? (world.vserver(name)?.belief() ?? UNKNOWN_VSERVER) : UNKNOWN_VSERVER,
    member: (member) => {
      if (!primary()) {
        return UNKNOWN_MEMBER;
      }
      const sites = [...world.estate().gslb.services.values()];
      const site = sites.find(({ shownAs }) => shownAs === member.adcService);
      return site === undefined
        ? (world.member(member)?.belief() ?? UNKNOWN_MEMBER)
        : world.gslb.belief(site, member);
    },
    gslbVserver: (name) => (primary() ? world.gslb.vserverBelief(name) : UNKNOWN_VSERVER),
    mepStatus: (site) => world.gslb.mepStatus(site),
    persistence: (name) => {
      const vserver = primary() ? world.vserver(name) : null;
      return vserver instanceof LbRuntime && vserver.persistence.byAddress
        ? vserver.persistence.alive().map(({ client, member, expiresInMs }) => ({
            source: client,
            member: member.member,
            expiresInMs,
          }))
        : [];
    },
    monitor: (member, binding) =>
      (primary() ? world.member(member)?.monitorBelief(binding.monitor) : null) ?? UNKNOWN_MONITOR,
  };
}

/** The facts of a certkey that only the appliance knows, read from its certificate. */
export function withCertificateFacts(
  estate: Estate,
  certificate: (file: string) => CertificateAndKey | null,
): Estate {
  const certKeys = new Map(
    [...estate.certKeys].map(([name, certKey]): [string, CertKey] => {
      const found = certificate(certKey.certificateFile ?? "");
      if (found === null) {
        return [name, certKey];
      }
      const facts = new X509Certificate(found.certificate);
      const daysToExpiration = Math.max(
        0,
        Math.floor((Date.parse(facts.validTo) - Date.now()) / DAY_MS),
      );
      return [
        name,
        { ...certKey, serial: facts.serialNumber, subject: facts.subject, daysToExpiration },
      ];
    }),
  );
  return { ...estate, certKeys };
}

const UNKNOWN_VSERVER: VserverBelief = {
  state: "UNKNOWN",
  effectiveState: "UNKNOWN",
  healthPercent: 0,
  backupActive: false,
  totalServices: 0,
  activeServices: 0,
  remark: null,
  clientConnections: 0,
  sinceChangeMs: 0,
};

const UNKNOWN_MEMBER: MemberBelief = {
  state: "UNKNOWN",
  trofsReason: null,
  clientConnections: 0,
  serverConnections: 0,
  sinceChangeMs: 0,
};

const UNKNOWN_MONITOR: MonitorBelief = {
  state: "UNKNOWN",
  lastResponse: "",
  responseTimeMs: 0,
  totalProbes: 0,
  failedProbes: 0,
  currentFailedProbes: 0,
};
