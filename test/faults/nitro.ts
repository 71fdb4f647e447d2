import type { NitroFault, NitroFaultHook } from "../../lab/nitro/faults.ts";
import { startNitroServer, type NitroServer } from "../../lab/nitro/server.ts";
import { AdcLink, type StateRead } from "../../src/agent/adc-watch.ts";
import { Secret } from "../../src/lib/secret.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { CREDENTIALS } from "../adc/nitro/lab-client.ts";
import { ESTATE, IMAP, NS1, NS2, secondary } from "../adc/nitro/pair-of-nodes.ts";
import { steadyBackend } from "../adc/nitro/steady-backend.ts";

/** Longer than any pause after a failure. */
const POLL_EVERY_MS = 15_000;
const PATIENCE_MS = 1_000_000;
/** The last state is kept for three failed polls; the fourth ends it. */
const POLLS = 4;

/** What is wrong with the appliance, from the second poll on. */
export interface NitroWorld {
  readonly servers: readonly NitroServer[];
  /** What happens to requests from now on; null: nothing. */
  fault: NitroFaultHook | null;
  /** Makes the second node the primary. */
  readonly failOver: () => void;
  /** Both nodes take themselves for the primary. */
  readonly split: () => void;
}

export interface NitroJudged {
  /** What the first poll with the fault came to, and the codes its requests were counted under. */
  readonly poll: StateRead["kind"];
  readonly codes: string;
  readonly opinion: string;
  /** The ADC's opinion after four such polls, and when the fault is over. */
  readonly later: string;
  readonly after: string;
}

/** An appliance (or a pair) that has been read well once, then suffers the fault, then is well again. */
export async function judgeNitro(
  nodes: 1 | 2,
  begin: (world: NitroWorld) => void,
  timeoutMs: number,
): Promise<NitroJudged> {
  const backends = [NS1, NS2].slice(0, nodes).map((node) => {
    const backend = steadyBackend(ESTATE);
    backend.set.nodes = [
      node === NS1 ? NS1 : secondary(NS2),
      ...(nodes === 2 ? [node === NS1 ? secondary(NS2) : NS1] : []),
    ];
    return backend;
  });
  const hook: { fault: NitroFaultHook | null } = { fault: null };
  const servers: NitroServer[] = [];
  for (const backend of backends) {
    servers.push(
      await startNitroServer(backend, {
        ...CREDENTIALS,
        faults: (request) => hook.fault?.(request) ?? null,
      }),
    );
  }
  const world: NitroWorld = {
    servers,
    get fault() {
      return hook.fault;
    },
    set fault(fault) {
      hook.fault = fault;
    },
    failOver: () => {
      for (const [at, backend] of backends.entries()) {
        backend.set.nodes = at === 0 ? [secondary(NS1), NS2] : [NS2, secondary(NS1)];
      }
    },
    split: () => {
      for (const [at, backend] of backends.entries()) {
        backend.set.nodes = at === 0 ? [NS1] : [NS2];
      }
    },
  };
  let codes: string[] = [];
  let skippedMs = 0;
  const monotonic = (): number => performance.now() + skippedMs;
  const link = new AdcLink({
    config: {
      name: "prod",
      nsConf: null,
      monitorTls: null,
      nitro: {
        urls: servers.map(({ url }) => url),
        username: CREDENTIALS.username,
        password: new Secret(CREDENTIALS.password),
        tls: { ca: null, serverName: null, verify: true },
        importEveryMs: 600_000,
        pollEveryMs: POLL_EVERY_MS,
        timeoutMs,
      },
    },
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: monotonic }),
    events: { adcRequest: ({ code }) => codes.push(...(code === null ? [] : [code])) },
    now: Date.now,
    monotonic,
    wantsConnections: () => false,
  });
  let opinion = "unknown";
  /** Polls, and lets so much time pass afterwards: a poll interval, or what any back-off waits. */
  const poll = async (thenMs = PATIENCE_MS): Promise<StateRead["kind"]> => {
    const read = await link.poll(ESTATE);
    if (read.kind === "state") {
      opinion = read.state.members.get(IMAP)?.state ?? "unknown";
    } else if (read.kind === "lost") {
      opinion = read.state?.members.get(IMAP)?.state ?? "unknown";
    }
    skippedMs += thenMs;
    return read.kind;
  };
  try {
    await poll(POLL_EVERY_MS);
    if (opinion !== "up") {
      throw new Error(`the appliance was not well to begin with: ${opinion}`);
    }
    codes = [];
    begin(world);
    const first = await poll();
    const told = [...new Set(codes)].join(" ");
    const atOnce = opinion;
    for (let count = 1; count < POLLS; count++) {
      await poll();
    }
    const later = opinion;
    hook.fault = null;
    await poll();
    return { poll: first, codes: told, opinion: atOnce, later, after: opinion };
  } finally {
    hook.fault = null;
    await link.close();
    await Promise.all(servers.map((server) => server.close()));
  }
}

/** The same fault to every question; logins are answered. */
export function toQuestions(fault: NitroFault): (world: NitroWorld) => void {
  return (world) => {
    world.fault = ({ method }) => (method === "GET" ? fault : null);
  };
}

/** The same fault to everything; the session that there is has ended. */
export function atLogin(fault: NitroFault): (world: NitroWorld) => void {
  return (world) => {
    world.servers.forEach((server) => server.killSessions());
    world.fault = ({ query }) => (query.resource === "login" ? fault : null);
  };
}
