import type { LiveState } from "../../agent/live.ts";
import { html, type Markup } from "../markup.ts";
import { certificateNotice } from "./certificates.ts";
import { untriedLogins } from "./untried-logins.ts";
import { schemesNotice } from "./login-schemes.ts";
import { moment } from "./time.ts";

/** What limits what this agent can say: an ADC that does not answer, an account at rest, a fault behind all front ends, certificates or login schemes that differ, a server in maintenance. */
export function notices(live: LiveState): Markup | null {
  const all = [
    ...live.adcs.flatMap((adc) => {
      if (adc.up === null) {
        return [
          html`NetScaler ${adc.name} is known by its configuration file only: its own opinion is not
          asked.`,
        ];
      }
      return adc.up
        ? []
        : [
            html`NetScaler ${adc.name} does not answer over
            NITRO${adc.lastPollAt === null ? "" : html`, last at ${moment(adc.lastPollAt)}`}${
              adc.lastError === null ? "" : `: ${adc.lastError}`
            }.
            Its state is held for three polls, then unknown.`,
          ];
    }),
    ...live.suspendedAccounts.map(
      ({ account, until }) =>
        html`The account ${account} is not tried until ${moment(until)}: its logins were rejected.`,
    ),
    ...(live.unverifiedLogins ?? []).map(
      (place) => html`${place}: verify is false, so passwords go there to whoever answers.`,
    ),
    ...untriedLogins(live.probes),
    ...(live.findings ?? []).map(({ message }) => html`${message}`),
    ...live.vservers
      .filter(({ certificateDiffers }) => certificateDiffers === true)
      .map(certificateNotice),
    ...live.vservers.filter(({ oddSchemes }) => (oddSchemes ?? []).length > 0).map(schemesNotice),
    ...live.servers
      .filter((server) => server.maintenance.declared)
      .map(
        ({ server, maintenanceEnd }) =>
          html`${server} is in declared
          maintenance${maintenanceEnd === null ? "" : html`, until ${moment(maintenanceEnd)}`}.`,
      ),
  ];
  return all.length === 0
    ? null
    : html`<ul class="notices">
        ${all.map((one) => html`<li>${one}</li>`)}
      </ul>`;
}
