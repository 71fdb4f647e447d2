import type { SourceLine } from "./source-line.ts";

/** TLS settings of the ADC's side towards the servers: from `set ssl service|serviceGroup` and its profile. */
export interface BackendTls {
  readonly versions: TlsVersions;
  readonly sniEnabled: boolean;
  readonly commonName: string | null;
  readonly serverAuth: boolean;
  readonly sslProfile: string | null;
}

/** Per version: true or false as configured, null where nothing was said and firmware decides. */
export interface TlsVersions {
  readonly ssl3: boolean | null;
  readonly tls1: boolean | null;
  readonly tls11: boolean | null;
  readonly tls12: boolean | null;
  readonly tls13: boolean | null;
}

export interface SslProfile extends Omit<BackendTls, "sslProfile"> {
  readonly name: string;
  readonly backEnd: boolean;
  /** `-clientAuth ENABLED`: clients are asked for a certificate, and refused without one unless it is optional. */
  readonly clientAuth: boolean;
  readonly clientCertificate: "MANDATORY" | "OPTIONAL" | null;
  readonly line: SourceLine;
}

export interface CertKey {
  readonly name: string;
  readonly certificateFile: string | null;
  readonly keyFile: string | null;
  readonly linkedTo: string | null;
  /** Facts only NITRO knows. */
  readonly serial: string | null;
  readonly subject: string | null;
  readonly daysToExpiration: number | null;
  readonly line: SourceLine;
}

export interface CertKeyBinding {
  readonly certKey: string;
  readonly sni: boolean;
  readonly ca: boolean;
  readonly line: SourceLine;
}
