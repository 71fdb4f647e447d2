import type { IncomingHttpHeaders } from "node:http";
import type { Reply } from "./reply.ts";

/** One request, its body read and its door passed. */
export interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** Empty for GET. */
  readonly body: Buffer;
  /** Aborted when the client goes away. */
  readonly gone: AbortSignal;
  /** Whether this is the token of writes, for a form that carries it; wrong ones are counted, told and slowed. */
  readonly tokenFits: (given: string) => "yes" | "no" | "too_many";
}

/**
 * `read`: everybody who may see the page. `write`: with the bearer token. `reload`: with the token, or
 * where none is configured from this machine. `form`: the handler itself looks for the token in the form it is sent.
 */
export type Access = "read" | "write" | "reload" | "form";

export interface Route {
  readonly method: Call["method"];
  readonly path: string;
  readonly access: Access;
  readonly handle: (call: Call) => Reply | Promise<Reply>;
}

export function get(path: string, handle: Route["handle"]): Route {
  return { method: "GET", path, access: "read", handle };
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
