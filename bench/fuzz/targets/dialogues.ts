import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createSocket } from "node:dgram";
import type { MonitorParameters } from "../../../src/estate/model.ts";
import { monitorWithDefaults } from "../../../src/estate/monitor-defaults.ts";
import type { Observation, ProbeContext } from "../../../src/probes/probe.ts";
import { runMonitor } from "../../../src/probes/monitors/run-monitor.ts";
import type { MonitorSpec } from "../../../src/probes/monitors/spec.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { TransactionName } from "../../../src/probes/transactions/spec.ts";
import { createNetwork } from "../../../src/probes/wire/network.ts";
import type { FuzzTarget } from "../target.ts";

/**
 * Whole probes against servers on loopback that say what the fuzzer says: the first byte chooses how the server ends, the
 * rest is its answers, one after each piece the probe sends. Every probe must end by its own time-out, with an outcome.
 */
const BETWEEN_ANSWERS = Buffer.from([0x1e]);
const SLOTS = 16;
const TIMEOUT_MS = 250;

export interface Dialogue {
  readonly name: string;
  readonly transport: "tcp" | "udp";
  /** What real servers say: answers in order. */
  readonly seeds: readonly (readonly string[])[];
  readonly words: readonly string[];
  readonly probe: (port: number) => Promise<unknown>;
}

export async function dialogueTarget(dialogue: Dialogue): Promise<FuzzTarget> {
  const serve = dialogue.transport === "tcp" ? serveTcp : serveUdp;
  const slots = await Promise.all(Array.from({ length: SLOTS }, () => serve()));
  return {
    name: dialogue.name,
    // The first byte: an orderly end.
    seeds: dialogue.seeds.map((answers) =>
      Buffer.from(`\u0005${answers.join("\u001e")}`, "latin1"),
    ),
    words: [...dialogue.words, "\u001e"],
    concurrency: SLOTS,
    read: async (input, slot) => {
      const server = slots[slot % SLOTS];
      server?.say(input);
      await dialogue.probe(server?.port ?? 0);
      server?.hangUp();
    },
    close: async () => {
      await Promise.all(slots.map((slot) => slot.close()));
    },
  };
}

interface Slot {
  readonly port: number;
  readonly say: (input: Buffer) => void;
  /** Ends what the probe left open. */
  readonly hangUp: () => void;
  readonly close: () => Promise<void>;
}

type Ending = "silent" | "reset" | "end";

function script(input: Buffer): { answers: Buffer[]; ending: Ending } {
  const choice = input[0] ?? 0;
  const ending = choice % 64 === 0 ? "silent" : choice % 8 === 1 ? "reset" : "end";
  const answers: Buffer[] = [];
  let rest = input.subarray(1);
  for (let at = rest.indexOf(BETWEEN_ANSWERS); at !== -1; at = rest.indexOf(BETWEEN_ANSWERS)) {
    answers.push(rest.subarray(0, at));
    rest = rest.subarray(at + 1);
  }
  return { answers: [...answers, rest], ending };
}

async function serveTcp(): Promise<Slot> {
  let current = script(Buffer.alloc(0));
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    const { answers, ending } = current;
    let next = 0;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    const answer = (): void => {
      const words = answers[next];
      next += 1;
      if (words !== undefined) {
        socket.write(words);
      }
      if (next >= answers.length && ending !== "silent") {
        if (ending === "reset") {
          socket.resetAndDestroy();
        } else {
          socket.end();
        }
      }
    };
    // An empty first answer leaves the first word to the client.
    answer();
    socket.on("data", answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const hangUp = (): void => {
    for (const socket of sockets) {
      socket.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    say: (input) => {
      current = script(input);
    },
    hangUp,
    close: async () => {
      hangUp();
      server.close();
      await once(server, "close");
    },
  };
}

async function serveUdp(): Promise<Slot> {
  let current = script(Buffer.alloc(0));
  const socket = createSocket("udp4");
  socket.on("message", (asked, from) => {
    for (const words of current.answers) {
      // The identifier that the client waits for, where a mutation has left room for one.
      const answer = Buffer.from(words);
      asked.copy(answer, 0, 0, Math.min(2, answer.length, asked.length));
      socket.send(answer, from.port, from.address);
    }
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    port: socket.address().port,
    say: (input) => {
      current = script(input);
    },
    hangUp: () => undefined,
    close: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

function context(): ProbeContext {
  return {
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: () => performance.now() }),
    signal: new AbortController().signal,
    timeoutMs: TIMEOUT_MS,
    localAddress: null,
    vantage: "backend",
    now: Date.now,
    monotonic: () => performance.now(),
  };
}

/** One run of a monitor of this type. */
export function monitorProbe(
  type: string,
  parameters: Partial<MonitorParameters> = {},
): Dialogue["probe"] {
  const spec: MonitorSpec = {
    monitor: monitorWithDefaults({ name: `m_${type}`, type, parameters }),
    hostHeader: "127.0.0.1",
    tls: null,
    credential: { username: "probe", password: "secret", secret: "public" },
    command: null,
    viaVip: null,
  };
  return async (port) => {
    const target = { host: "127.0.0.1", port, server: "s" };
    const { observation } = await runMonitor(spec, target, context());
    refuseOurOwnFault(observation);
  };
}

/** One run of an anonymous look without TLS. */
export function lookProbe(
  transaction: TransactionName,
  path: string | null = null,
): Dialogue["probe"] {
  return async (port) => {
    const observation = await runTransaction(
      {
        transaction,
        security: "none",
        tls: null,
        host: "mail.example.com",
        path,
        account: null,
        allowPlaintext: true,
        expect: "works",
        exchange: "2016",
        adc: null,
        options: transaction === "dns_lookup" ? { query: "mail.example.com", type: "A" } : {},
      },
      { host: "127.0.0.1", port, server: "s" },
      context(),
    );
    refuseOurOwnFault(observation);
  };
}

/** An exception of ours that a probe caught: no server may cause one. Faults of the socket itself carry another step. */
function refuseOurOwnFault({ outcome, reason, step, evidence }: Observation): void {
  if (outcome === "fault" && reason === "agent_fault" && step === "transaction") {
    throw new Error(evidence.detail ?? "agent_fault");
  }
}
