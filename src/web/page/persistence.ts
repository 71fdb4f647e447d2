import type { LivePersistence, LiveVserver } from "../../agent/live.ts";
import { html, type Markup } from "../markup.ts";

/** Where clients stick to servers by their address: what that lets us see, and whom our own addresses stick to. */
export function persistence({ persistence: known }: LiveVserver): Markup | null {
  return known === undefined || known === null
    ? null
    : html`<section aria-labelledby="persistence">
        <h2 id="persistence">Persistence: ${known.type}</h2>
        <p>${sightWords(known)} ${probeWords(known)}</p>
        ${
          known.sticksTo.length === 0
            ? null
            : html`<ul>
                ${known.sticksTo.map(
                  ({ source, server }) =>
                    html`<li>
                      The ADC gives ${source} to ${server ?? "a server not known here"}.
                    </li>`,
                )}
              </ul>`
        }
      </section>`;
}

function sightWords({ observable }: LivePersistence): string {
  return observable
    ? "Each address of ours goes to one server, as a client's does."
    : "One address goes to one server, as a client's does: whom other clients get is not observable from one address; more source_addresses would show it.";
}

function probeWords({ probes }: LivePersistence): string {
  switch (probes) {
    case "running":
      return "";
    case "avoiding":
      return "A member leaves: probes come only from addresses that the ADC does not give to it.";
    case "paused":
      return "A member leaves: probes through the VIP pause until the ADC has forgotten whom it gave our address to, for they would keep that alive.";
  }
}
