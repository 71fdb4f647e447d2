import { Secret } from "../../src/lib/secret.ts";
import type { MonitorCredential } from "../../src/probes/monitors/spec.ts";

/** A password as the configuration hands it on. */
export function sealed(text: string): Secret {
  return new Secret(text);
}

/** What a login monitor is configured with. */
export function monitorCredential(login: {
  readonly username: string;
  readonly password: string;
  readonly secret?: string | null;
}): MonitorCredential {
  const { username, password, secret = null } = login;
  return {
    username,
    password: new Secret(password),
    secret: secret === null ? null : new Secret(secret),
  };
}
