import {
  importFailureSentences,
  type LiveVserver,
  type LiveProbe,
  type LiveState,
} from "../../model/live.ts";
import { html, type Markup } from "../markup.ts";
import { append } from "../../lib/steps.ts";
import { type Reason, REASON_WORDS } from "../../model/reasons.ts";
import { certificateWords, pinOf } from "../../net/server-proof.ts";
import { gapSentence } from "../../model/adc-state.ts";
import { timeElement } from "./time.ts";

/** Whether the members of a vserver offer the same login schemes; null if nothing can be compared. */
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

/** Why logins to a server are not tried. */
const UNVERIFIED_SERVER: ReadonlySet<Reason> = new Set<Reason>([
  "certificate_untrusted",
  "certificate_name",
  "certificate_expired",
  "certificate_not_yet_valid",
  "pinned_certificate",
]);
const MAX_SHOWN = 5;

/** A notice for each certificate that blocks logins, with the configuration that would allow them. */
export function untriedLogins(probes: readonly LiveProbe[]): readonly Markup[] {
  const byCertificate = new Map<string, LiveProbe[]>();
  for (const probe of probes) {
    const { last } = probe;
    if (last?.outcome === "fault" && UNVERIFIED_SERVER.has(last.reason)) {
      const key = `${last.reason} ${last.tls?.chain[0]?.sha256 ?? ""}`;
      append(byCertificate, key, probe);
    }
  }
  const all = [...byCertificate.values()];
  const shown = all.slice(0, MAX_SHOWN).map(notice);
  const more = all.length - MAX_SHOWN;
  return more > 0 ? [...shown, html`${String(more)} more certificates block logins.`] : shown;
}

function notice(probes: readonly LiveProbe[]): Markup {
  const [first] = probes;
  const last = first?.last ?? null;
  const [leaf] = last?.tls?.chain ?? [];
  const places = [...new Set(probes.map(probeLabel))];
  const where = places.slice(0, 3).join(", ");
  const label = last === null ? "" : REASON_WORDS[last.reason].label;
  return html`Logins at
  ${where}${places.length > 3 ? html` and ${String(places.length - 3)} more` : ""} are not tried:
  ${label}.
  ${
    leaf === undefined
      ? null
      : html`It presented ${certificateWords(leaf)}. If that is the right server, set
          <code>${pinOf(leaf)}</code> for it under members, vservers or the account; or ca_file and
          server_name.`
  }`;
}

function probeLabel({ server, port, vserver, transaction, monitor }: LiveProbe): string {
  const name = transaction === "" ? monitor : transaction;
  return `${server === "" ? vserver : `${server}:${String(port)}`} (${name})`;
}

/**
 * Notices about limits of the current verdicts: an ADC that does not answer, a suspended account, different login schemes, a
 * server in maintenance.
 */
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
            html`NetScaler ${adc.name} does not
            ${adc.silent === true ? "answer" : "report its state"} over
            NITRO${adc.lastPollAt === null ? "" : html`, last at ${timeElement(adc.lastPollAt)}`}${
              adc.lastError === null ? "" : `: ${adc.lastError}`
            }.
            Its last state is kept for three polls, then it is unknown.`,
          ];
    }),
    ...live.adcs
      .filter(({ up }) => up !== false)
      .flatMap((adc) => importFailureSentences(adc).map((sentence) => html`${sentence}.`)),
    ...live.adcs.flatMap(({ name, gaps }) =>
      (gaps ?? []).map((gap) => html`${gapSentence(name, gap)}`),
    ),
    ...live.suspendedAccounts.map(
      ({ account, until }) =>
        html`Account ${account} is suspended until ${timeElement(until)} because its logins were
        rejected.`,
    ),
    ...heldBackLogins(live),
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
          maintenance${maintenanceEnd === null ? "" : html`, until ${timeElement(maintenanceEnd)}`}.`,
      ),
  ];
  return all.length === 0
    ? null
    : html`<ul class="notices">
        ${all.map((one) => html`<li>${one}</li>`)}
      </ul>`;
}

/** Logins held back because state_dir is not writable, once per account. */
function heldBackLogins(live: LiveState): readonly Markup[] {
  const messages = new Map(
    live.probes.flatMap(({ account, heldBack: held }) =>
      account !== null && held?.why.startsWith("state_") === true
        ? [[account, held.message ?? held.why] as const]
        : [],
    ),
  );
  return [...messages].map(
    ([account, message]) => html`Logins of ${account} are held back: ${message}.`,
  );
}
