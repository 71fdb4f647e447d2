import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { httpStatusOf, nitroMessage } from "./faults.ts";
import { selectRows, shapeRow, type NitroQuery } from "./query.ts";
import type { Row } from "./wire-values.ts";

const ROWS_PER_TURN = 100;

/** Writes the envelope piece by piece, so that thousands of rows do not stall the event loop. */
export async function sendRows(
  response: ServerResponse,
  query: NitroQuery,
  rows: Iterable<Row>,
  { single, warning }: { readonly single: boolean; readonly warning: number | null },
): Promise<void> {
  const selected = selectRows(rows, query);
  if (query.countOnly) {
    let count = 0;
    for (const row of selected) {
      count += row === undefined ? 0 : 1;
    }
    sendEnvelope(response, 200, { [query.resource]: [{ __count: String(count) }] });
    return;
  }
  const head = envelope(warning ?? 0, warning === null ? "NONE" : "WARNING");
  response.writeHead(200, HEADERS);
  response.write(JSON.stringify(head).slice(0, -1));
  const [before, after] = single ? ["", ""] : ["[ ", " ]"];
  let piece = "";
  let written = 0;
  for (const row of selected) {
    piece += written === 0 ? `, "${query.resource}": ${before}` : ", ";
    piece += JSON.stringify(shapeRow(row, query));
    written += 1;
    if (written % ROWS_PER_TURN === 0) {
      if (!response.write(piece) && !response.destroyed) {
        await drainedOrClosed(response);
      }
      piece = "";
      await nextTurn();
    }
  }
  response.end(`${piece}${written === 0 ? "" : after} }`);
}

function drainedOrClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function done(): void {
      response.off("drain", done).off("close", done);
      resolve();
    }
    response.on("drain", done).on("close", done);
  });
}

const HEADERS = {
  "content-type": "application/json; charset=utf-8",
  "cache-control": "no-store",
  server: "Apache",
};

function envelope(code: number, severity: "NONE" | "WARNING" | "ERROR", message?: string): Row {
  return {
    errorcode: code,
    message: message ?? (code === 0 ? "Done" : nitroMessage(code)),
    severity,
  };
}

/** A short answer without error, though perhaps with a warning's code. */
export function sendEnvelope(
  response: ServerResponse,
  status: number,
  fields: Row,
  warning: number | null = null,
): void {
  const head = warning === null ? envelope(0, "NONE") : envelope(warning, "WARNING");
  response.writeHead(status, HEADERS).end(JSON.stringify({ ...head, ...fields }));
}

/** An error of NITRO's own; `status` where the usual one of the code does not fit. */
export function sendError(
  response: ServerResponse,
  code: number,
  message?: string,
  status?: number,
): void {
  response
    .writeHead(status ?? httpStatusOf(code), HEADERS)
    .end(JSON.stringify(envelope(code, "ERROR", message)));
}
