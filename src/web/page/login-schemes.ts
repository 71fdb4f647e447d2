import type { LiveVserver } from "../../model/live.ts";
import { html, type Markup } from "../markup.ts";

/** Whether the members of a vserver offer the same login schemes; null where nothing can be compared. */
export function loginSchemes({ oddSchemes = null }: LiveVserver): Markup | null {
  if (oddSchemes === null) {
    return null;
  }
  return oddSchemes.length === 0
    ? html`<p>Its servers offer the same login schemes.</p>`
    : html`<p><b>Its servers offer different login schemes.</b></p>
        <ul class="notices">
          ${oddSchemes.map(
            ({ server, port, path, offers, others }) =>
              html`<li>
                ${server}:${port} offers ${offers} at ${path}; the other members offer ${others}.
              </li>`,
          )}
        </ul>`;
}

/** The notice of a vserver whose servers offer different login schemes. */
export function schemesNotice({ vserver }: LiveVserver): Markup {
  return html`Servers behind ${vserver} offer different login schemes, so clients on one of them may
  be asked for a password or fail.`;
}
