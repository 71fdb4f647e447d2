/**
 * Where a client's TLS ends: at the servers (`pass_through`), at the ADC with clear text behind it (`offload`), or at the ADC
 * with TLS of its own behind it (`re_encrypt`). `none`: clients speak no TLS there, or nobody stands behind it.
 */
export const TLS_ENDS = ["pass_through", "offload", "re_encrypt", "none"] as const;
export type TlsEnd = (typeof TLS_ENDS)[number];

/** Types that end a client's TLS at a vserver, and begin TLS of the ADC's own at a service. */
const SPEAKS_TLS: ReadonlySet<string> = new Set(["SSL", "SSL_TCP"]);
/** Types that hand bytes on as they come; whether these are TLS, only the servers know. */
const HANDS_ON: ReadonlySet<string> = new Set(["SSL_BRIDGE", "TCP", "ANY"]);

/**
 * Derives it from the types of the vservers at which clients come in (content switching in front counts, not the vserver
 * behind it) and of the services that take them on. One that ends TLS among several decides: its clients see no server's
 * certificate.
 */
export function tlsEnd(entries: readonly string[], services: readonly string[]): TlsEnd {
  const encrypts = services.some((type) => SPEAKS_TLS.has(type));
  if (services.length === 0) {
    return "none";
  }
  if (entries.some((type) => SPEAKS_TLS.has(type))) {
    return encrypts ? "re_encrypt" : "offload";
  }
  return !encrypts && entries.some((type) => HANDS_ON.has(type)) ? "pass_through" : "none";
}
