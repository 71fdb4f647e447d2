import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { problem, type Reply } from "./reply.ts";

/** One request, its body read and its door passed. */
export interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** Empty for GET. */
  readonly body: Buffer;
  /** Aborted when the client goes away. */
  readonly gone: AbortSignal;
  /** Whether this is the token of writes, for a form that carries it; wrong ones are counted, logged and slowed. */
  readonly tokenFits: (given: string) => "yes" | "no" | "too_many";
}

/**
 * `read`: everybody who may see the page. `write`: with the bearer token. `reload`: with the token, or
 * where none is configured from this machine. `form`: the handler itself looks for the token in the form it is sent.
 */
export type Access = "read" | "write" | "reload" | "form";

/** All that is known of a route: it is served, validated and published in the JSON Schema of the API from this. */
export interface Route {
  readonly method: Call["method"];
  readonly path: string;
  readonly access: Access;
  /** The JSON body it takes; null for none. */
  readonly body: z.ZodType | null;
  /** The JSON it answers with status 200; null for pages, metrics and other text. */
  readonly answer: z.ZodType | null;
  readonly handle: (call: Call) => Reply | Promise<Reply>;
}

export function get(path: string, handle: Route["handle"], answer: Route["answer"] = null): Route {
  return { method: "GET", path, access: "read", body: null, answer, handle };
}

/** A route that changes something, with the token. */
export function write(
  method: "POST" | "DELETE",
  path: string,
  answer: z.ZodType,
  handle: Route["handle"],
): Route {
  return { method, path, access: "write", body: null, answer, handle };
}

/** The same with a JSON body, which the handler gets read and valid. */
export function writeBody<Body extends z.ZodType>(
  path: string,
  { body, answer }: { readonly body: Body; readonly answer: z.ZodType },
  handle: (value: z.output<Body>, call: Call) => Reply | Promise<Reply>,
): Route {
  const route = write("POST", path, answer, (call) => {
    const read = readJson(call, body);
    return read.kind === "bad" ? problem(400, read.message) : handle(read.value, call);
  });
  return { ...route, body };
}

function readJson<Body extends z.ZodType>(
  { headers, body }: Call,
  shape: Body,
):
  | { readonly kind: "body"; readonly value: z.output<Body> }
  | { readonly kind: "bad"; readonly message: string } {
  if (!/^application\/json\b/i.test(headers["content-type"] ?? "")) {
    return { kind: "bad", message: "Content-Type must be application/json." };
  }
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    return { kind: "bad", message: "The body is not valid JSON." };
  }
  const parsed = shape.safeParse(value);
  return parsed.success
    ? { kind: "body", value: parsed.data }
    : { kind: "bad", message: z.prettifyError(parsed.error) };
}

export type Lookup =
  | { readonly kind: "route"; readonly route: Route }
  | { readonly kind: "not_found" }
  | { readonly kind: "method_not_allowed"; readonly allow: string };

/** Paths are matched as they stand: names of the estate hold slashes and travel in the query. HEAD is GET without body. */
export function findRoute(routes: readonly Route[], method: string, path: string): Lookup {
  const here = routes.filter((route) => route.path === path);
  if (here.length === 0) {
    return { kind: "not_found" };
  }
  const wanted = method === "HEAD" ? "GET" : method;
  const route = here.find((one) => one.method === wanted);
  if (route !== undefined) {
    return { kind: "route", route };
  }
  const methods = here.map((one) => (one.method === "GET" ? "GET, HEAD" : one.method));
  return { kind: "method_not_allowed", allow: methods.join(", ") };
}
