import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { labCertificate } from "../../certificates/lab-certificate.ts";
import type { LabAccount } from "../organisation.ts";
import type { ServiceContext } from "../service-context.ts";
import type { LabRequest } from "./http-exchange.ts";

const NAMES = ["cadata", "cadataTTL", "cadataKey", "cadataIV", "cadataSig"] as const;
const LIFETIME_MS = 8 * 60 * 60_000;

/**
 * The form's cookies. Exchange protects them with its certificate's key, so they are good at every server that has the
 * same certificate and at no other; the lab does the same.
 */
export function issueCookies(
  account: LabAccount,
  request: LabRequest,
  context: ServiceContext,
): (readonly [string, string])[] {
  const values = [
    Buffer.from(account.address).toString("base64url"),
    String(Date.now() + LIFETIME_MS),
    randomBytes(16).toString("base64url"),
    randomBytes(16).toString("base64url"),
  ];
  const secure = request.connection.port === 443 ? "; secure" : "";
  return [...values, signature(values, context)].map((value, index) => [
    "Set-Cookie",
    `${NAMES[index] ?? ""}=${value}; path=/${secure}; HttpOnly`,
  ]);
}

export function clearedCookies(): (readonly [string, string])[] {
  return NAMES.map((name) => [
    "Set-Cookie",
    `${name}=; expires=Thu, 01-Jan-1970 00:00:00 GMT; path=/; secure; HttpOnly`,
  ]);
}

/** The account that the request's cookies name, or null when they are missing, stale, or another certificate's. */
export function readCookies(request: LabRequest, context: ServiceContext): LabAccount | null {
  const sent = new Map(
    (request.header("cookie") ?? "").split(";").map((pair) => {
      const [name = "", value = ""] = pair.trim().split(/=(.*)/s);
      return [name, value] as const;
    }),
  );
  const values = NAMES.map((name) => sent.get(name) ?? "");
  const [user = "", expires = ""] = values;
  const given = Buffer.from(values[4] ?? "");
  const expected = Buffer.from(signature(values.slice(0, 4), context));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return null;
  }
  return Number(expires) > Date.now()
    ? context.organisation.find(Buffer.from(user, "base64url").toString())
    : null;
}

function signature(values: readonly string[], context: ServiceContext): string {
  const key = createHash("sha256")
    .update(labCertificate(context.state().certificate ?? "mail").key)
    .digest();
  return createHmac("sha256", key).update(values.join("|")).digest("base64url");
}
