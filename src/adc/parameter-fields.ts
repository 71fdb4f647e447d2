import { choice, enabled, text } from "./field-types.ts";
import { field } from "./fields.ts";

/**
 * Global settings and net profiles.
 * Sources: NetScaler command reference, `set lb|cs|ssl parameter`, `add netProfile`; NITRO docs of the same objects.
 */
export const LB_PARAMETER_FIELDS = {
  monitorConnectionClose: field("monitorConnectionClose", choice(["FIN", "RESET"]), "FIN"),
};

export const CS_PARAMETER_FIELDS = { csStateUpdate: field("stateupdate", enabled, false) };

export const SSL_PARAMETER_FIELDS = { sslDefaultProfile: field("defaultProfile", enabled, false) };

export const NET_PROFILE_FIELDS = { sourceIp: field("srcIP", text, null) };
