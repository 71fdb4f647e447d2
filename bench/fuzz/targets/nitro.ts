import { startLab } from "../../../lab/lab.ts";
import type { AdcState } from "../../../src/estate/adc-state.ts";
import {
  createNitroClient,
  type NitroAnswer,
  type NitroClient,
  type NitroGet,
} from "../../../src/estate/nitro/client.ts";
import { EnvelopeReader } from "../../../src/estate/nitro/envelope-reader.ts";
import { importEstate } from "../../../src/estate/nitro/import.ts";
import { judge } from "../../../src/estate/nitro/judge.ts";
import { pollState } from "../../../src/estate/nitro/poll.ts";
import type { Estate } from "../../../src/estate/model.ts";
import { createNetwork } from "../../../src/probes/wire/network.ts";
import { seededRandom, type Random } from "../../simulation/random.ts";
import { mutateJson } from "../mutate-json.ts";
import type { FuzzTarget } from "../target.ts";

/** What a lab's ADC answers to each request of an import and a poll. */
type Tape = ReadonlyMap<string, NitroAnswer>;

interface Recorded {
  readonly tape: Tape;
  readonly estate: Estate;
  readonly state: AdcState;
}

/** The envelope as it comes from the socket, in chunks, and what is made of it. */
export async function nitroEnvelopeTarget(): Promise<FuzzTarget> {
  const { tape } = await record();
  const bodies = [...tape].map(([key, answer]) => ({
    errorcode: 0,
    message: "Done",
    severity: "NONE",
    ...(answer.kind === "rows" ? { [key.split(" ")[1] ?? "row"]: answer.rows.slice(0, 6) } : {}),
  }));
  const refusals = [
    { errorcode: 444, message: "Session expired or killed. Please login again", severity: "ERROR" },
    { errorcode: 1028, message: "Operation not permitted on secondary node", severity: "WARNING" },
    { errorcode: 0, message: "Done", severity: "NONE", sessionid: "##A1B2" },
  ];
  const all: readonly unknown[] = [...bodies, ...refusals];
  return {
    name: "nitro-envelope",
    seeds: all.map((body) => Buffer.from(JSON.stringify(body))),
    words: ['{"', '"}', '":', "[[", "]]", "\\u0000", '"\\', "\\ud800", "errorcode", "1e999"],
    mutate: (random) => Buffer.from(JSON.stringify(mutateJson(random.pick(all), random))),
    read: (input) => {
      const text = input.toString("utf8");
      const reader = new EnvelopeReader();
      const chunk = 1 + (((input[0] ?? 0) + input.length) % 700);
      for (let at = 0; at < text.length; at += chunk) {
        if (!reader.push(text.slice(at, at + chunk))) {
          break;
        }
      }
      judge({ kind: "answer", status: 200, cookies: [], envelope: reader.finish() }, "lbvserver");
    },
  };
}

/** A whole import from answers some of which are mutated: any row of any resource may be anything. */
export async function nitroImportTarget(): Promise<FuzzTarget> {
  const { tape } = await record();
  return {
    name: "nitro-import",
    ...seedsOf(),
    read: async (input) => {
      await importEstate(player(tape, randomOf(input)), { adc: "fuzz" });
    },
  };
}

/** A whole poll from mutated answers, against the estate as it was. */
export async function nitroPollTarget(): Promise<FuzzTarget> {
  const { tape, estate, state } = await record();
  return {
    name: "nitro-poll",
    ...seedsOf(),
    read: async (input) => {
      await pollState(player(tape, randomOf(input)), estate, state, () => 1_000_000, {
        wantsConnections: () => true,
        turn: input[0] ?? 0,
      });
    },
  };
}

/** The input of these is the number that the mutations are drawn from. */
function seedsOf(): Pick<FuzzTarget, "seeds" | "mutate"> {
  const mutate = (random: Random): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(random.whole(0, 0xffff_ffff));
    return bytes;
  };
  return { seeds: [Buffer.from([0, 0, 0, 1])], mutate };
}

function randomOf(input: Buffer): Random {
  return seededRandom(input.length >= 4 ? input.readUInt32BE(0) : input.length);
}

/** A client that plays the tape, with one answer in four changed. */
function player(tape: Tape, random: Random): NitroClient {
  return {
    node: "fuzz",
    limits: {
      withoutBulk: new Set(),
      withoutAttributes: new Set(),
      withoutPaging: new Set(),
      denied: new Map(),
    },
    get: (request) => {
      const answer = tape.get(keyOf(request)) ?? { kind: "rows", rows: [], secondary: false };
      if (answer.kind !== "rows" || random.next() >= 0.25) {
        return Promise.resolve(answer);
      }
      // As parsed from JSON: rows are objects, whatever is in them.
      const rows: unknown = JSON.parse(JSON.stringify(mutateJson(answer.rows, random)));
      return Promise.resolve({ ...answer, rows: Array.isArray(rows) ? rows.filter(isRow) : [] });
    },
    localAddress: () => "192.0.2.7",
    pausedForMs: () => 0,
    stop: () => undefined,
    close: () => Promise.resolve(),
  };
}

function isRow(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keyOf({ kind, resource, name, query }: NitroGet): string {
  return `${kind} ${resource} ${name ?? ""} ${JSON.stringify(query ?? {})}`;
}

/** Lets an import and a poll of the lab run once, and writes down every answer. */
async function record(): Promise<Recorded> {
  const lab = await startLab({ nitroTls: false });
  const client = createNitroClient({
    url: lab.nitroUrls[0] ?? "",
    ...lab.nitroCredentials,
    tls: { ca: null, serverName: null, verify: true },
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
  });
  try {
    const tape = new Map<string, NitroAnswer>();
    const recorder: NitroClient = {
      ...client,
      get: async (request) => {
        const answer = await client.get(request);
        tape.set(keyOf(request), answer);
        return answer;
      },
    };
    const imported = await importEstate(recorder, { adc: "fuzz" });
    if (imported.kind !== "estate") {
      throw new Error(`the lab's estate cannot be imported: ${imported.kind}`);
    }
    const polled = await pollState(recorder, imported.estate, null, () => 0, {
      wantsConnections: () => true,
    });
    if (polled.kind !== "state") {
      throw new Error(`the lab cannot be polled: ${polled.kind}`);
    }
    return { tape, estate: imported.estate, state: polled.state };
  } finally {
    await client.close();
    await lab.close();
  }
}
