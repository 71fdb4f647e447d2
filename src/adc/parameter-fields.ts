import { isIP } from "../lib/ip.ts";
import { choice, convert, enabled, onOff, text } from "./field-types.ts";
import { field } from "./fields.ts";

/**
 * Global settings and net profiles.
 * Sources: NetScaler command reference, `set lb|cs|ssl parameter`, `set tm sessionParameter`, `add netProfile`; NITRO docs of the same objects.
 */
export const LB_PARAMETER_FIELDS = {
  monitorConnectionClose: field("monitorConnectionClose", choice(["FIN", "RESET"]), "FIN"),
};

export const CS_PARAMETER_FIELDS = { csStateUpdate: field("stateupdate", enabled, false) };

export const SSL_PARAMETER_FIELDS = { sslDefaultProfile: field("defaultProfile", enabled, false) };

export const SESSION_PARAMETER_FIELDS = {
  sessionSso: field("SSO", onOff, false),
  sessionDeniesByDefault: field(
    "defaultAuthorizationAction",
    convert(
      choice(["ALLOW", "DENY"]),
      (value) => value === "DENY",
      (value) => (value ? "DENY" : "ALLOW"),
    ),
    false,
  ),
};

export const NET_PROFILE_FIELDS = {
  sourceIp: field("srcIP", text, null),
  proxyProtocol: field("proxyProtocol", enabled, false),
  proxyVersion: field("proxyProtocolTxVersion", choice(["V1", "V2"]), "V1"),
};

/** What `-srcIP` stands for as addresses: itself, or those of the set that it names. */
export function sourceAddressesOf(
  sourceIp: string | null,
  ofSet: (name: string) => readonly string[],
): readonly string[] {
  if (sourceIp === null) {
    return [];
  }
  return isIP(sourceIp) === 0 ? ofSet(sourceIp) : [sourceIp];
}
