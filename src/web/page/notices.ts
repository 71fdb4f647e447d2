import type { LiveState } from "../../model/live.ts";
import { gapSentence } from "../../model/adc-state.ts";
import { html, type Markup } from "../markup.ts";
import { schemesNotice } from "./login-schemes.ts";
import { moment } from "./time.ts";
import { untriedLogins } from "./untried-logins.ts";

/** What limits what this agent can say: an ADC that does not answer, an account at rest, login schemes that differ, a server in maintenance. */
export function notices(live: LiveState): Markup | null {
  const all = [
    ...live.adcs.flatMap((adc) => {
      if (adc.up === null) {
        return [
          html`NetScaler ${adc.name} is known from its configuration file only, so it has no ADC
          opinion.`,
        ];
      }
      return adc.up
        ? []
        : [
            html`NetScaler ${adc.name} does not ${adc.silent === true ? "answer" : "tell its state"}
            over
            NITRO${adc.lastPollAt === null ? "" : html`, last at ${moment(adc.lastPollAt)}`}${
              adc.lastError === null ? "" : `: ${adc.lastError}`
            }.
            Its last state is kept for three polls, then it is unknown.`,
          ];
    }),
    ...live.adcs.flatMap(({ name, gaps }) =>
      (gaps ?? []).map((gap) => html`${gapSentence(name, gap)}`),
    ),
    ...live.suspendedAccounts.map(
      ({ account, until }) =>
        html`Account ${account} is suspended until ${moment(until)} because its logins were
        rejected.`,
    ),
    ...heldBack(live),
    ...(live.unverifiedLogins ?? []).map(
      (place) => html`${place}: verify is false, so passwords are sent to an unverified server.`,
    ),
    ...untriedLogins(live.probes),
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

/** Logins that are not made for want of the state directory, each account once. */
function heldBack(live: LiveState): readonly Markup[] {
  const messages = new Map(
    live.probes.flatMap(({ account, heldBack: held }) =>
      typeof account === "string" && held?.why.startsWith("state_") === true
        ? [[account, held.message ?? held.why] as const]
        : [],
    ),
  );
  return [...messages].map(
    ([account, message]) => html`Logins of ${account} are held back: ${message}.`,
  );
}
