import type { AdcState } from "../../../src/model/adc-state.ts";
import { EnvelopeReader } from "../../../src/adc/nitro/envelope-reader.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { judge } from "../../../src/adc/nitro/judge.ts";
import { pollState } from "../../../src/adc/nitro/poll.ts";
import type { Estate } from "../../../src/model/estate.ts";
import { seededRandom, type Random } from "../../simulation/random.ts";
import { mutateJson } from "../mutate-json.ts";
import type { FuzzTarget } from "../target.ts";
import { partsOf, player, recordLab, type Tape } from "./nitro-tape.ts";

/** The share of inputs that begin with the whole lab: what only many things together do. */
const WHOLE = 0.02;

/** The envelope as it arrives from the socket, in chunks, and the rows read from it. */
export async function nitroEnvelopeTarget(): Promise<FuzzTarget> {
  const tape = await recordLab();
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
      const plain = { status: 200, cookies: [], location: null, contentType: null };
      judge({ kind: "answer", ...plain, envelope: reader.finish() }, "lbvserver");
    },
  };
}

/** An import from answers some of which are mutated: any row of any resource may be anything. */
export async function nitroImportTarget(): Promise<FuzzTarget> {
  const whole = await recordLab();
  const parts = partsOf(whole);
  return {
    name: "nitro-import",
    ...seedsOf(),
    read: async (input) => {
      const random = randomOf(input);
      const tape = random.next() < WHOLE ? whole : random.pick(parts);
      await importEstate(player(tape, random), { adc: "fuzz" });
    },
  };
}

/** A poll with mutated responses, for the unmodified estate. */
export async function nitroPollTarget(): Promise<FuzzTarget> {
  const tape = await recordLab();
  const whole = await knownFrom(tape);
  const parts = await Promise.all(partsOf(tape).map(knownFrom));
  return {
    name: "nitro-poll",
    ...seedsOf(),
    read: async (input) => {
      const random = randomOf(input);
      const known = random.next() < WHOLE ? whole : random.pick(parts);
      await pollState(player(known.tape, random), known.estate, known.state, () => 1_000_000, {
        wantsConnections: () => true,
        turn: input[0] ?? 0,
      });
    },
  };
}

/** What an agent knows before the poll. */
interface Known {
  readonly tape: Tape;
  readonly estate: Estate;
  readonly state: AdcState;
}

async function knownFrom(tape: Tape): Promise<Known> {
  const imported = await importEstate(player(tape, null), { adc: "fuzz" });
  if (imported.kind !== "estate") {
    throw new Error(`the lab's estate cannot be imported: ${imported.kind}`);
  }
  const { estate } = imported;
  const polled = await pollState(player(tape, null), estate, null, () => 0, {
    wantsConnections: () => true,
  });
  if (polled.kind !== "state") {
    throw new Error(`the lab cannot be polled: ${polled.kind}`);
  }
  return { tape, estate, state: polled.state };
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
