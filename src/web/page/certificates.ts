import type { LiveVserver } from "../../model/live.ts";
import { html, type Markup } from "../markup.ts";

const TLS_ENDS_AT = {
  pass_through: "TLS is passed through; clients see the servers' own certificates.",
  offload: "TLS is terminated at the ADC; connections to the servers are in clear text.",
  re_encrypt: "TLS is terminated at the ADC, which re-encrypts to the servers.",
} as const;

/** Where a vserver's TLS ends, and whether the certificates are alike that must be; null where there is no TLS. */
export function certificates({ tlsEnds, certificateDiffers }: LiveVserver): Markup | null {
  return tlsEnds === undefined || tlsEnds === "none"
    ? null
    : html`<p>
        ${TLS_ENDS_AT[tlsEnds]}
        ${
          certificateDiffers === null
            ? null
            : certificateDiffers
              ? html`<b>The certificates there differ where they must be alike.</b>`
              : "The certificates there are alike."
        }
      </p>`;
}

/** The notice of a vserver whose certificates differ. */
export function certificateNotice({ tlsEnds, vserver }: LiveVserver): Markup {
  return tlsEnds === "re_encrypt"
    ? html`${vserver} and its servers present different certificates, so logins bound to the
      certificate fail.`
    : html`Clients of ${vserver} see different certificates, depending on the server.`;
}
