import type { NitroQuery } from "./query.ts";

/** Lets a test choose a fault for each request; null: a normal answer. */
export type NitroFaultHook = (request: NitroFaultRequest) => NitroFault | null;

export interface NitroFaultRequest {
  readonly method: string;
  /** As sent: path and query. */
  readonly path: string;
  /** `login` and `logout` are resources of `config`. */
  readonly query: NitroQuery;
  /** How many requests came before this one. */
  readonly index: number;
}

export type NitroFault =
  /** An error of NITRO itself, with the HTTP status of its code unless one is given. */
  | {
      readonly kind: "error";
      readonly code: number;
      readonly message?: string;
      readonly status?: number;
    }
  /** A proper answer that carries a warning, as 1028 on a secondary node. */
  | { readonly kind: "warning"; readonly code: number; readonly message?: string }
  /** Any other HTTP answer: a proxy's page, garbage, an empty body. */
  | { readonly kind: "answer"; readonly status: number; readonly body: string }
  /** The connection is cut before an answer. */
  | { readonly kind: "reset" }
  /** The connection is cut in the middle of the answer. */
  | { readonly kind: "cut"; readonly body: string }
  /** Answers properly, but not before the promise is settled; never, if it never is. */
  | { readonly kind: "wait"; readonly until: Promise<void> }
  /** An answer without end. */
  | { readonly kind: "endless" };

/** NITRO's messages for the codes used here (NITRO docs: error messages). */
export function nitroMessage(code: number): string {
  return MESSAGES.get(code) ?? `Error ${String(code)}`;
}

/** The HTTP status of an error: 401 and 403 for rights, 404 and 409 where documented, else NetScaler's own 599. */
export function httpStatusOf(code: number): number {
  switch (code) {
    case 352:
    case 354:
    case 355:
    case 444:
    case 452:
    case 471:
    case 1025:
    case 1026:
    case 1027:
      return 401;
    case 257:
    case 269:
    case 371:
    case 2138:
      return 403;
    case 258:
      return 404;
    case 445:
    case 446:
      return 503;
    default:
      return 599;
  }
}

const MESSAGES: ReadonlyMap<number, string> = new Map([
  [257, "Operation not permitted"],
  [258, "No such resource"],
  [269, "Permission denied"],
  [278, "Invalid argument value"],
  [344, "No Service"],
  [351, "No Server"],
  [352, "Login required"],
  [354, "Invalid username or password"],
  [355, "Invalid username or password"],
  [356, "Feature(s) not licensed"],
  [371, "No command policy bound"],
  [444, "Session expired or killed. Please login again"],
  [445, "Session limit exceeded"],
  [446, "Connection limit to CFE exceeded"],
  [452, "Session does not exist"],
  [461, "No such vserver"],
  [462, "No such service"],
  [463, "No such service or service group"],
  [471, "Session gone"],
  [1025, "Invalid credentials"],
  [1026, "Not logged in or connection not active"],
  [1027, "Session has timed out"],
  [1028, "You are connected to a secondary node"],
  [1044, "You are connected to NSIP of a cluster node"],
  [1034, "Challenge required"],
  [1046, "Password change required"],
  [1047, "Password has expired"],
  [1067, "Feature(s) not enabled"],
  [1090, "No such argument"],
  [1092, "Arguments cannot both be specified"],
  [1095, "Required argument missing"],
  [1203, "The session is read-only"],
  [1205, "Configuration validation failed"],
  [1206, "Configuration validation failed"],
  [1232, "Invalid object"],
  [1240, "Method not allowed"],
  [1244, "Use of Basic Authentication is Disabled"],
  [2138, "Not authorized to execute this command"],
]);
