import type { ProbeContext } from "../../../src/net/probe-context.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { serveInMemory } from "../servers/in-memory.ts";
import { serveTcp, serveUdp } from "../servers/on-loopback.ts";
import { readScript, waysToSay, writeScript, type Echo } from "../servers/script.ts";
import type { FuzzServer } from "../servers/server.ts";
import type { FuzzTarget } from "../target.ts";
import type { FuzzProbe } from "./probes.ts";

/** A probe and the servers that it may meet. */
export interface Dialogue {
  readonly name: string;
  readonly transport: "tcp" | "udp";
  /** The responses of real servers, in order. */
  readonly seeds: readonly (readonly string[])[];
  readonly words: readonly string[];
  readonly echo: Echo;
  readonly probe: FuzzProbe;
}

/** In memory everything ends immediately; only silence takes this long. */
const IN_MEMORY = { slots: 64, timeoutMs: 4 };
const ON_LOOPBACK = { slots: 32, timeoutMs: 250 };

/** Whole probes against a server in memory whose responses the fuzzer provides. */
export function dialogueTarget(dialogue: Dialogue): Promise<FuzzTarget> {
  return targetOf(dialogue, IN_MEMORY, () => Promise.resolve(serveInMemory(dialogue.echo)));
}

/** The same over sockets of the operating system. */
export function socketTarget(dialogue: Dialogue): Promise<FuzzTarget> {
  const serve = dialogue.transport === "tcp" ? serveTcp : serveUdp;
  return targetOf(dialogue, ON_LOOPBACK, () => serve(dialogue.echo));
}

async function targetOf(
  { name, seeds, words, probe }: Dialogue,
  { slots, timeoutMs }: typeof IN_MEMORY,
  serve: () => Promise<FuzzServer>,
): Promise<FuzzTarget> {
  const context = contextOf(timeoutMs);
  const places = await Promise.all(
    Array.from({ length: slots }, async () => {
      const server = await serve();
      const network = { ...context.network, sockets: server.sockets };
      return { server, context: { ...context, network } };
    }),
  );
  return {
    name,
    seeds: seeds.map(writeScript).flatMap(waysToSay),
    words: [...words, "\u001e"],
    concurrency: slots,
    read: async (input, slot) => {
      const place = places[slot % slots];
      if (place === undefined) {
        throw new Error("no server for this slot");
      }
      const { server } = place;
      server.say(readScript(input));
      await probe({ host: "127.0.0.1", port: server.port, server: "s" }, place.context);
      await server.hangUp();
    },
    close: async () => {
      await Promise.all(places.map(({ server }) => server.close()));
    },
  };
}

function contextOf(timeoutMs: number): ProbeContext {
  const monotonic = (): number => performance.now();
  return {
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: monotonic }),
    signal: new AbortController().signal,
    timeoutMs,
    localAddress: null,
    vantage: "backend",
    now: Date.now,
    monotonic,
  };
}
