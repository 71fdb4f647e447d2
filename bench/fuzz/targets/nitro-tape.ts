import { startLab } from "../../../lab/lab.ts";
import {
  createNitroClient,
  type NitroAnswer,
  type NitroClient,
  type NitroGet,
} from "../../../src/adc/nitro/client.ts";
import { text, type Row } from "../../../src/adc/nitro/row-values.ts";
import { importEstate } from "../../../src/adc/nitro/import.ts";
import { pollState } from "../../../src/adc/nitro/poll.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import type { Random } from "../../simulation/random.ts";
import { mutateJson } from "../mutate-json.ts";

/** What an ADC answers to each request of an import and a poll. */
export type Tape = ReadonlyMap<string, NitroAnswer>;

/** Runs one import and one poll of the lab, and records every response. */
export async function recordLab(): Promise<Tape> {
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
    await pollState(recorder, imported.estate, null, () => 0, { wantsConnections: () => true });
    return tape;
  } finally {
    await client.close();
    await lab.close();
  }
}

/** One answer in four that has rows is changed. */
const CHANGED = 0.25;

/** A client that replays the recording, mutated if a random source is given. */
export function player(tape: Tape, random: Random | null): NitroClient {
  return {
    node: "fuzz",
    limits: {
      withoutBulk: new Set(),
      withoutAttributes: new Set(),
      withoutPaging: new Set(),
      denied: new Map(),
    },
    get: (request) => {
      const answer = tape.get(keyOf(request)) ?? {
        kind: "rows",
        rows: [],
        secondary: false,
        weight: 0,
      };
      if (random === null || rowsOf(answer).length === 0 || random.next() >= CHANGED) {
        return Promise.resolve(answer);
      }
      // Rows are objects, whatever is in them.
      const rows = mutateJson(rowsOf(answer), random);
      return Promise.resolve({ ...answer, rows: Array.isArray(rows) ? rows.filter(isRow) : [] });
    },
    clusterNode: () => null,
    localAddress: () => "192.0.2.7",
    pausedForMs: () => 0,
    stop: () => undefined,
    close: () => Promise.resolve(),
  };
}

/** Fields with the name of another object; the first field of a row names its subject. */
const NAMING = [
  "servicegroupname",
  "servicename",
  "servername",
  "monitor_name",
  "policyname",
  "action",
  "certkeyname",
];
/** From a vserver to the servers of a group behind it, or from a policy to the objects in its action. */
const MAX_STEPS = 3;
/** Settings, nodes and similar rows, which every part needs. */
const FEW_ROWS = 2;

/**
 * For each load-balancing vserver a recording of it, of the objects behind it and of the content switching in front: a
 * tenth of the whole, in which all references are still valid.
 */
export function partsOf(tape: Tape): readonly Tape[] {
  const vservers = [...tape].find(([key]) => key.startsWith("config lbvserver "))?.[1];
  return rowsOf(vservers).map((row) => {
    let names: ReadonlySet<string> = new Set([text(row, "name") ?? ""]);
    for (let step = 0; step < MAX_STEPS; step += 1) {
      names = withNamesOf(tape, names);
    }
    return new Map([...tape].map(([key, answer]) => [key, answerAbout(key, answer, names)]));
  });
}

function withNamesOf(tape: Tape, names: ReadonlySet<string>): ReadonlySet<string> {
  const told = [...tape].flatMap(([key, answer]) =>
    rowsOf(answer)
      .filter((row) => names.has(subjectOf(key, row)))
      .flatMap((row) => NAMING.flatMap((field) => text(row, field) ?? [])),
  );
  return new Set([...names, ...told]);
}

function answerAbout(key: string, answer: NitroAnswer, names: ReadonlySet<string>): NitroAnswer {
  return answer.kind === "rows" && answer.rows.length > FEW_ROWS
    ? { ...answer, rows: answer.rows.filter((row) => names.has(subjectOf(key, row))) }
    : answer;
}

/** The subject of a row: a binding of a content-switching vserver belongs to its target vserver. */
function subjectOf(key: string, row: Row): string {
  return key.startsWith("config csvserver_")
    ? (text(row, "targetlbvserver") ?? "")
    : String(Object.values(row)[0]);
}

function rowsOf(answer: NitroAnswer | undefined): readonly Row[] {
  return answer?.kind === "rows" ? answer.rows : [];
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keyOf({ kind, resource, name, query }: NitroGet): string {
  return `${kind} ${resource} ${name ?? ""} ${JSON.stringify(query ?? {})}`;
}
