/** A user whom the ADC's authentication policy accepted. */
export interface AaaUser {
  readonly username: string;
  readonly password: string;
  readonly groups: readonly string[];
}

/** The lab's settings for authentication on the ADC; the ns.conf only says which vservers use it. */
export interface AaaOptions {
  /** The authentication policy: LDAP in the guides. Null: rejected. */
  readonly authenticate: (
    username: string,
    password: string,
  ) => { readonly groups: readonly string[] } | null;
  /** `form`: the ADC fills in Outlook on the web's form for the user; `broken`: it passes the user on with nothing. */
  readonly sso: "form" | "broken";
  /** After the password a second factor is requested, which no probe can provide. */
  readonly secondFactor: boolean;
  /** Bodies above this get lost between AAA and the server (Citrix support: large POST and SSO); null: none does. */
  readonly largePostLimitBytes: number | null;
}

export const NO_AAA: AaaOptions = {
  authenticate: () => null,
  sso: "form",
  secondFactor: false,
  largePostLimitBytes: null,
};
