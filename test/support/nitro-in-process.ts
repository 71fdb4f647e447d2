import { httpStatusOf, nitroMessage } from "../../lab/nitro/faults.ts";
import { parseNitroQuery, selectRows, type NitroQuery } from "../../lab/nitro/query.ts";
import type { NitroBackend } from "../../lab/nitro/backend.ts";
import { backendSource } from "../../lab/nitro/resources.ts";
import { EnvelopeReader, type Envelope } from "../../src/adc/nitro/envelope-reader.ts";
import type { HttpResult, Transport } from "../../src/adc/nitro/transport.ts";

/** What comes instead of an answer: NITRO's own error, an HTTP status without NITRO, or the name of what broke. */
export type InProcessFault = (query: NitroQuery) => number | `http ${number}` | "reset" | null;

/** An appliance without sockets: the lab's answers, as their text is read off the wire. Thousands a second. */
export function inProcess(
  backend: NitroBackend,
  { fault }: { readonly fault: InProcessFault },
): Transport {
  const source = backendSource(backend);
  const made = new Map<string, { readonly query: NitroQuery; readonly proper: HttpResult }>();
  const broken = new Map<NonNullable<ReturnType<InProcessFault>>, HttpResult>();
  const answerTo = (query: NitroQuery): HttpResult => {
    if (query.resource === "login" || query.resource === "logout") {
      return answer(201, { sessionid: "in-process" });
    }
    const found = source.resource(query);
    if (found === null || "code" in found) {
      return refusal(found === null ? 1232 : Number(found.code));
    }
    const { key, single } = found;
    const rows = [...selectRows(found.rows(query.arguments), query)].filter(
      (row) =>
        (query.name === null || key === null || row[key] === query.name) &&
        // Of the built-in monitors, which every appliance lists, some will do.
        (query.resource !== "lbmonitor" || /^(tcp|https)/.test(String(row["monitorname"]))),
    );
    return answer(200, { [query.resource]: single === true ? rows[0] : rows });
  };
  return {
    exchange: ({ path }) => {
      const query = made.get(path)?.query ?? parseNitroQuery(path);
      if (query === null) {
        return Promise.reject(new Error(path));
      }
      const { proper } = made.get(path) ?? { proper: answerTo(query) };
      made.set(path, { query, proper });
      const why = fault(query);
      if (why === null) {
        return Promise.resolve(proper);
      }
      const result = broken.get(why) ?? brokenBy(why);
      broken.set(why, result);
      return Promise.resolve(result);
    },
    localAddress: () => "192.0.2.200",
    abort: () => undefined,
    disconnect: () => undefined,
  };
}

function brokenBy(fault: NonNullable<ReturnType<InProcessFault>>): HttpResult {
  if (fault === "reset") {
    return { kind: "failed", code: "reset", message: "read ECONNRESET", cause: "ECONNRESET" };
  }
  return typeof fault === "number" ? refusal(fault) : page(Number(fault.slice("http ".length)));
}

function refusal(code: number): HttpResult {
  const status = code === 0 ? 200 : httpStatusOf(code);
  return answer(status, { errorcode: code, message: nitroMessage(code), severity: "ERROR" });
}

function page(status: number): HttpResult {
  return { ...NO_HEADERS, kind: "answer", status, envelope: null, contentType: "text/html" };
}

const NO_HEADERS = { cookies: [], location: null } as const;

function answer(status: number, fields: Readonly<Record<string, unknown>>): HttpResult {
  const text = JSON.stringify({ errorcode: 0, message: "Done", severity: "NONE", ...fields });
  return {
    ...NO_HEADERS,
    kind: "answer",
    status,
    envelope: read(text),
    contentType: "application/json",
  };
}

function read(text: string): Envelope {
  const reader = new EnvelopeReader();
  reader.push(text);
  const envelope = reader.finish();
  if (envelope === null) {
    throw new Error(`no envelope: ${text.slice(0, 200)}`);
  }
  return envelope;
}
