import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { problem, type Reply } from "./reply.ts";

/** One request, authorised and with its body read. */
export interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** Empty for GET. */
  readonly body: Buffer;
  /** Aborted when the client goes away. */
  readonly gone: AbortSignal;
  /** Checks the write token of a form; wrong ones are counted, logged and rate-limited. */
  readonly checkToken: (given: string) => "yes" | "no" | "too_many";
}

/**
 * `read`: everybody who may see the page. `write`: needs the bearer token. `reload`: needs the token, or a request from this
 * host if none is configured. `form`: the handler checks the token in the form.
 */
export type Access = "read" | "write" | "reload" | "form";

/** Declaration of a route, used to serve it, to validate its body, and for the JSON Schema of the API. */
export interface Route {
  readonly method: Call["method"];
  readonly path: string;
  readonly access: Access;
  /** Schema of the JSON body; null for none. */
  readonly body: z.ZodType | null;
  /** Schema of the JSON answer with status 200; null for pages, metrics and other text. */
  readonly answer: z.ZodType | null;
  readonly handle: (call: Call) => Reply | Promise<Reply>;
}

export function get(path: string, handle: Route["handle"], answer: Route["answer"] = null): Route {
  return { method: "GET", path, access: "read", body: null, answer, handle };
}

/** A write route, which needs the token. */
export function write(
  method: "POST" | "DELETE",
  path: string,
  answer: z.ZodType,
  handle: Route["handle"],
): Route {
  return { method, path, access: "write", body: null, answer, handle };
}

/** The same with a JSON body, which the handler receives validated. */
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

/**
 * Paths are matched literally: names of the estate may contain slashes and are sent in the query. HEAD is GET without a body.
 */
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
