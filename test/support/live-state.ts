import type {
  LiveAdc,
  LiveMember,
  LiveProbe,
  LiveServer,
  LiveState,
  LiveVserver,
} from "../../src/model/live.ts";
import type {
  CertificateFacts,
  Observation,
  ObservationFacts,
  TlsFacts,
} from "../../src/model/observation.ts";
import type { FailureReason, Step } from "../../src/model/reasons.ts";

/**
 * Live states as data, for tests of what reads them: every field has a plausible default, a test says only what it is
 * about. `NOON` is the moment at which they are taken.
 */
export const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);

export function anObservation(facts: Partial<ObservationFacts> = {}): Observation {
  return { ...observationFacts(facts), outcome: "match", reason: "ok", step: "response" };
}

export function aFailure(
  step: Step,
  reason: FailureReason,
  facts: Partial<ObservationFacts> = {},
): Observation {
  return { ...observationFacts(facts), outcome: "failed", reason, step };
}

export function aFault(reason: FailureReason, facts: Partial<ObservationFacts> = {}): Observation {
  return { ...observationFacts(facts), outcome: "fault", reason, step: "connect" };
}

function observationFacts(facts: Partial<ObservationFacts>): ObservationFacts {
  return {
    startedAt: NOON - 2_000,
    durationMs: 12.5,
    phases: { resolve: 0.1, connect: 1.5, banner: 3 },
    responseTimeMs: 3,
    tls: null,
    servedBy: null,
    exchangeSeen: false,
    evidence: { transcript: "< * OK The Microsoft Exchange IMAP4 service is ready.", detail: null },
    ...facts,
  };
}

export function aCertificate(facts: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    subject: "CN=mail.example.com",
    issuer: "CN=Example Lab CA",
    serial: "01",
    sha256: "ab".repeat(32),
    thumbprint: "CD".repeat(20),
    notBefore: NOON - 86_400_000,
    notAfter: NOON + 90 * 86_400_000,
    names: ["mail.example.com"],
    key: "EC prime256v1",
    signature: "ecdsa-with-SHA256",
    ...facts,
  };
}

export function tlsFacts(facts: Partial<TlsFacts> = {}): TlsFacts {
  return {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    chain: [aCertificate()],
    nameChecks: [],
    verification: "ok",
    serverName: "mail.example.com",
    ephemeralKey: "X25519",
    ...facts,
  };
}

export function aProbe(probe: Partial<LiveProbe> = {}): LiveProbe {
  const last = probe.last === undefined ? anObservation() : probe.last;
  return {
    id: "prod/svc_imap/ex01/143/mon_imap/backend",
    adc: "prod",
    kind: "monitor",
    vserver: "",
    adcService: "svc_imap",
    server: "ex01",
    port: 143,
    monitor: "mon_imap",
    transaction: "",
    type: "TCP-ECV",
    vantage: "backend",
    address: "192.0.2.11",
    account: null,
    heldBack: null,
    scheduled: true,
    notRepeated: null,
    intervalMs: 5_000,
    opinion: "up",
    last,
    lastSuccess: last?.outcome === "match" ? last : null,
    lastFailure: last === null || last.outcome === "match" ? null : last,
    lastPassed: last === null || last.outcome === "fault" ? null : last.outcome === "match",
    ...probe,
  };
}

export function aMember(member: Partial<LiveMember> = {}): LiveMember {
  return {
    adc: "prod",
    adcService: "svc_imap",
    server: "ex01",
    address: "192.0.2.11",
    port: 143,
    vservers: ["v_imap"],
    adcOpinion: "up",
    adcRawState: "UP",
    adcLastResponse: "Success - Pattern found in response.",
    adcStateChangedAt: NOON - 3_600_000,
    replica: "up",
    service: "up",
    verdict: "agree_up",
    step: "response",
    reason: "ok",
    decidedBy: "mon_imap",
    depth: { adc: "reach", replica: "reach", service: "greeting" },
    since: NOON - 3_600_000,
    mismatch: false,
    mismatchSeconds: 0,
    maintenance: { declared: "no", adc: false, detected: false },
    readyToReturn: false,
    connections: null,
    blind: [],
    adcMonitors: [
      { monitor: "mon_imap", state: "up", lastResponse: "Success - Pattern found in response." },
    ],
    probes: [],
    ...member,
  };
}

export function aVserver(vserver: Partial<LiveVserver> = {}): LiveVserver {
  return {
    adc: "prod",
    vserver: "v_imap",
    kind: "lb",
    serviceType: "TCP",
    address: "192.0.2.100",
    port: 143,
    adcOpinion: "up",
    adcRawState: "UP",
    healthPercent: 100,
    vip: "up",
    verdict: "vip_agree_up",
    reason: "ok",
    since: NOON - 3_600_000,
    mismatch: false,
    mismatchSeconds: 0,
    members: { configured: 2, adcUp: 2, reallyUp: 2, reallyDown: 0, maintenance: 0 },
    servedBy: new Map(),
    certificateDiffers: null,
    probes: [],
    ...vserver,
  };
}

function aServer(server: Partial<LiveServer> = {}): LiveServer {
  return {
    adc: "prod",
    server: "ex01",
    maintenance: { declared: false, adc: false, detected: false },
    maintenanceEnd: null,
    ...server,
  };
}

export function anAdc(adc: Partial<LiveAdc> = {}): LiveAdc {
  return {
    name: "prod",
    up: true,
    lastPollAt: NOON - 4_000,
    lastError: null,
    nodes: [{ node: "ns1.example.com", primary: true, reachable: true }],
    ...adc,
  };
}

export function aLiveState(state: Partial<LiveState> = {}): LiveState {
  return {
    agent: "dc1",
    startedAt: NOON - 7_200_000,
    cutOff: false,
    storage: { writable: true, writeErrors: 0, problems: [] },
    adcs: [anAdc()],
    members: [],
    vservers: [],
    probes: [],
    servers: [],
    suspendedAccounts: [],
    ...state,
  };
}

/** The hour this project is for: ex02 is in maintenance, and the ADC still sends it IMAP clients. */
export function maintenanceHour(): LiveState {
  const closed = aFailure("banner", "closed_without_data", {
    evidence: { transcript: "", detail: "The server accepted the connection and closed it." },
  });
  const members = ["ex01", "ex02", "ex03"].flatMap((server, index) => {
    const away = server === "ex02";
    const imap = aProbe({
      id: `prod/svc_imap/${server}/143/imap_greeting/backend`,
      kind: "transaction",
      server,
      monitor: "",
      transaction: "imap_greeting",
      type: "imap_greeting",
      opinion: away ? "down" : "up",
      last: away ? closed : anObservation(),
    });
    const tcp = aProbe({
      id: `prod/svc_imap/${server}/143/tcp/backend`,
      server,
      monitor: "tcp",
      type: "TCP",
      last: anObservation({ evidence: { transcript: "", detail: null } }),
    });
    const owa = aProbe({
      id: `prod/svc_owa/${server}/443/mon_owa/backend`,
      adcService: "svc_owa",
      server,
      port: 443,
      monitor: "mon_owa",
      type: "HTTP-ECV",
      opinion: away ? "down" : "up",
      last: away
        ? aFailure("response", "reset", { tls: tlsFacts() })
        : anObservation({ tls: tlsFacts(), servedBy: `${server}.lab.example.com` }),
    });
    const address = `192.0.2.${String(11 + index)}`;
    const maintenance = { declared: "no", adc: false, detected: away } as const;
    return [
      aMember({
        server,
        address,
        probes: [tcp, imap],
        maintenance,
        adcMonitors: [{ monitor: "tcp", state: "up", lastResponse: "Success - TCP syn+ack" }],
        ...(away
          ? {
              service: "down",
              verdict: "routes_to_maintenance",
              mismatch: true,
              mismatchSeconds: 61.5,
              step: "banner",
              reason: "closed_without_data",
              decidedBy: "imap_greeting",
              since: NOON - 62_000,
            }
          : {}),
      }),
      aMember({
        server,
        address,
        adcService: "svc_owa",
        port: 443,
        vservers: ["v_owa"],
        probes: [owa],
        maintenance,
        decidedBy: "mon_owa",
        ...(away
          ? {
              adcOpinion: "down",
              adcRawState: "DOWN",
              adcLastResponse: "Failure - Time out during TCP connection establishment stage",
              replica: "down",
              service: "up",
              verdict: "maintenance_expected",
              step: "response",
              reason: "reset",
              since: NOON - 40_000,
            }
          : {}),
      }),
    ];
  });
  const vipProbe = aProbe({
    id: "prod/v_owa/mon_owa/vip",
    vserver: "v_owa",
    adcService: "",
    server: "",
    port: "",
    monitor: "mon_owa",
    type: "HTTP-ECV",
    vantage: "vip",
    last: anObservation({ tls: tlsFacts(), servedBy: "ex01.lab.example.com" }),
  });
  const vservers = [
    aVserver({ members: { configured: 3, adcUp: 3, reallyUp: 2, reallyDown: 1, maintenance: 1 } }),
    aVserver({
      vserver: "v_owa",
      serviceType: "SSL",
      address: "192.0.2.101",
      port: 443,
      healthPercent: 66,
      members: { configured: 3, adcUp: 2, reallyUp: 2, reallyDown: 1, maintenance: 1 },
      servedBy: new Map([
        ["ex01", 7],
        ["ex03", 5],
      ]),
      certificateDiffers: false,
      probes: [vipProbe],
    }),
  ];
  const servers = ["ex01", "ex02", "ex03"].map((server) =>
    aServer({
      server,
      maintenance: { declared: false, adc: false, detected: server === "ex02" },
    }),
  );
  const probes = [...members.flatMap((member) => member.probes), vipProbe];
  return aLiveState({ members, vservers, servers, probes });
}

/** Names that lead to two sites; the second is handed out and does not serve, and a public address that fails. */
export function deadSite(): LiveVserver {
  const site = {
    site: "dc2",
    adcService: "gs_dc2",
    grouped: false,
    server: "198.51.100.10",
    port: 443,
    addresses: ["198.51.100.10", "203.0.113.2"],
    addressStates: [{ address: "203.0.113.2", state: "down", reason: "connect_timeout" }],
    adcOpinion: "up",
    mep: "down",
    handedOut: true,
    serves: "down",
    knownBy: "vserver",
    reason: "mep_down",
    behind: { adc: "far", vserver: "v_owa" },
  } as const;
  return aVserver({
    vserver: "gslb_mail",
    kind: "gslb",
    serviceType: "SSL",
    address: null,
    port: null,
    verdict: "vip_up_members_down",
    mismatch: true,
    reason: "mep_down",
    members: { configured: 2, adcUp: 2, reallyUp: 1, reallyDown: 1, maintenance: 0 },
    gslb: {
      domains: ["mail.example.com"],
      method: "ROUNDROBIN",
      sites: [
        {
          ...site,
          site: "dc1",
          adcService: "gs_dc1",
          server: "192.0.2.10",
          addresses: ["192.0.2.10"],
          addressStates: [],
          mep: null,
          serves: "up",
          knownBy: "probes",
          reason: null,
          behind: null,
        },
        site,
        {
          ...site,
          site: "dc3",
          adcService: "gs_dc3",
          server: "198.51.100.30",
          addresses: ["198.51.100.30"],
          addressStates: [],
          mep: "up",
          handedOut: false,
          serves: "unknown",
          knownBy: "mep",
          reason: null,
          behind: null,
        },
      ],
      answers: [
        {
          domain: "mail.example.com",
          address: "192.0.2.53",
          port: 53,
          transport: "udp",
          answered: ["203.0.113.2"],
          failure: null,
        },
      ],
      unasked: [{ why: "NAPTR records are not queried", questions: 2 }],
    },
    probes: [
      aProbe({
        id: "outside",
        kind: "transaction",
        vserver: "gslb_mail",
        adcService: "",
        server: "",
        port: "",
        monitor: "",
        transaction: "https_challenge",
        vantage: "public",
        address: "203.0.113.2",
        opinion: "down",
      }),
    ],
  });
}

/** An estate of any size: services of 50 members, each with so many monitors and one anonymous look. */
export function aLargeEstate(size: { members: number; monitors: number }): LiveState {
  const members: LiveMember[] = [];
  const vservers: LiveVserver[] = [];
  for (let index = 0; index < size.members; index += 1) {
    const group = Math.floor(index / 50);
    const adcService = `sg_exchange_https_${String(group)}`;
    const vserver = `v_exchange_https_${String(group)}`;
    const server = `exchange-${String(index).padStart(5, "0")}.example.com`;
    const shared = { adcService, server, port: 443 } as const;
    const monitors = Array.from({ length: size.monitors }, (_, number) => `mon_${String(number)}`);
    const probes = monitors.map((monitor) =>
      aProbe({ ...shared, id: `${server}/${monitor}`, monitor, type: "HTTP-ECV" }),
    );
    const look = aProbe({
      ...shared,
      id: `${server}/https_challenge`,
      kind: "transaction",
      monitor: "",
      transaction: "https_challenge",
      type: "https_challenge",
      last: anObservation({ tls: tlsFacts() }),
    });
    members.push(
      aMember({
        ...shared,
        vservers: [vserver],
        connections: index,
        probes: [...probes, look],
        adcMonitors: monitors.map((monitor) => ({ monitor, state: "up", lastResponse: null })),
      }),
    );
    if (index % 50 === 0) {
      vservers.push(aVserver({ vserver, port: 443 }));
    }
  }
  const probes = members.flatMap((member) => member.probes);
  return aLiveState({ members, vservers, probes });
}
