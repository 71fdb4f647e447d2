import type { IncomingMessage } from "node:http";

export const MAX_BODY_BYTES = 64 * 1024;

export type ReadBody =
  | { readonly kind: "body"; readonly body: Buffer }
  | { readonly kind: "too_large" }
  | { readonly kind: "broken" };

/** Reads a body up to its bound; what is larger is not read to its end. Time is bounded by the server's own time-out. */
export function readBody(request: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<ReadBody> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > maxBytes) {
    return Promise.resolve({ kind: "too_large" });
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        request.pause();
        resolve({ kind: "too_large" });
      } else {
        chunks.push(chunk);
      }
    });
    request.on("end", () => {
      resolve({ kind: "body", body: Buffer.concat(chunks) });
    });
    request.on("error", () => {
      resolve({ kind: "broken" });
    });
    request.on("close", () => {
      resolve({ kind: "broken" });
    });
  });
}
