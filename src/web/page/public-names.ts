import type { LivePublicName, LiveProbe, LiveVserver } from "../../agent/live.ts";
import { html, type Markup } from "../markup.ts";
import { opinionBadge } from "./opinions.ts";

/** The names clients use: what DNS answers, beside the VIP, and how each address does. */
export function publicNames({ publicNames: names, probes }: LiveVserver): Markup | null {
  return names === undefined || names.length === 0
    ? null
    : html`<section aria-labelledby="names">
        <h2 id="names">Names clients use</h2>
        <div class="scroll" role="region" aria-label="Names clients use" tabindex="0">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">DNS</th>
                <th scope="col">Addresses</th>
              </tr>
            </thead>
            <tbody>
              ${names.map(
                (name) =>
                  html`<tr>
                    <th scope="row">${name.name}</th>
                    <td>${dnsWords(name)}</td>
                    <td>${sites(name, probes)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </section>`;
}

function dnsWords({ dns, message, unprobed }: LivePublicName): string {
  const more = unprobed === 0 ? "" : `; ${String(unprobed)} more are not probed`;
  switch (dns) {
    case "vip":
      return `answers with the VIP${more}`;
    case "vip_and_others":
      return `answers with the VIP and other addresses${more}`;
    case "others":
      return `answers with other addresses than the VIP: other sites, or one before an address translation${more}`;
    case "dns_failure":
      return `does not resolve: ${message ?? "no answer"}`;
    case "mapped":
      return "is not asked: connect_to says where to go";
    case "refused":
      return message ?? "is not asked";
    case "pending":
      return "has not been asked yet";
  }
}

function sites({ addresses }: LivePublicName, probes: readonly LiveProbe[]): Markup {
  return html`${addresses.map(({ address, vip }) => {
    const at = probes.filter((probe) => probe.vantage === "public" && probe.address === address);
    return html`<div>
      ${vip && at.length === 0 ? null : opinionBadge(worst(at))} ${address}
      ${vip ? html`<span class="what">the VIP</span>` : null}
    </div>`;
  })}`;
}

/** One site is as good as what fares worst there. */
function worst(probes: readonly LiveProbe[]): LiveProbe["opinion"] {
  const opinions = probes.map((probe) => probe.opinion);
  return opinions.includes("down") ? "down" : opinions.includes("up") ? "up" : "unknown";
}
