import type { TransactionName } from "./spec.ts";

/** What an option's value must be, in the words of a message, and whether a value is that. */
export interface OptionKind {
  readonly says: string;
  readonly allows: (value: string | number | boolean) => boolean;
}

const TEXT: OptionKind = { says: "a text", allows: (value) => typeof value === "string" };
const FLAG: OptionKind = { says: "true or false", allows: (value) => typeof value === "boolean" };
const NUMBER: OptionKind = {
  says: "a whole number from 0",
  allows: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};
const PORT: OptionKind = { says: "a port from 1 to 65535", allows: isPort };
const PORTS: OptionKind = {
  says: "a port from 1 to 65535, or several separated by commas",
  allows: (value) =>
    typeof value === "string"
      ? value.split(",").every((each) => isPort(Number(each)))
      : isPort(value),
};
const SCHEME: OptionKind = {
  says: "ntlm, negotiate or basic",
  allows: (value) => value === "ntlm" || value === "negotiate" || value === "basic",
};

function isPort(value: string | number | boolean): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

const WEB_LOGIN = { auth: SCHEME, channel_binding: FLAG };

/** The options that each transaction reads; a transaction that is not listed has none. */
export const OPTION_TABLE: Readonly<
  Partial<Record<TransactionName, Readonly<Record<string, OptionKind>>>>
> = {
  https_challenge: { auth_schemes: TEXT },
  smtp_mail_from: { outside_address: TEXT },
  rpc_endpoint_map: { mapper_port: PORT, expected_port: PORTS },
  dns_lookup: { query: TEXT, type: TEXT, expected: TEXT },
  ntp_time: { max_offset_ms: NUMBER },
  imap_login: { fetch_newest: FLAG },
  mail_round_trip: { imap_host: TEXT, imap_port: PORT, junk_folder: TEXT },
  owa_form: { aaa_login_path: TEXT, aaa_username: TEXT },
  eas_options: WEB_LOGIN,
  ews_folder: { ...WEB_LOGIN, padding_bytes: NUMBER },
  autodiscover: WEB_LOGIN,
  mapi_endpoint: WEB_LOGIN,
  oab: WEB_LOGIN,
  rpc_echo: { ...WEB_LOGIN, rpc_server: TEXT },
  ldap_bind: { base_dn: TEXT, filter: TEXT },
};
