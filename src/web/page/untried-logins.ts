import { append } from "../../lib/steps.ts";
import type { LiveProbe } from "../../model/live.ts";
import { type Reason, REASON_WORDS } from "../../model/reasons.ts";
import { certificateWords, pinOf } from "../../net/server-proof.ts";
import { html, type Markup } from "../markup.ts";

/** Why a server that is asked for a login gets none. */
const UNPROVEN: ReadonlySet<Reason> = new Set<Reason>([
  "certificate_untrusted",
  "certificate_name",
  "certificate_expired",
  "certificate_not_yet_valid",
  "pinned_certificate",
]);
const MAX_SHOWN = 5;

/** A notice for each certificate for whose sake logins are not tried, with the line that would allow them. */
export function untriedLogins(probes: readonly LiveProbe[]): readonly Markup[] {
  const byCertificate = new Map<string, LiveProbe[]>();
  for (const probe of probes) {
    const { last } = probe;
    if (last?.outcome === "fault" && UNPROVEN.has(last.reason)) {
      const key = `${last.reason} ${last.tls?.chain[0]?.sha256 ?? ""}`;
      append(byCertificate, key, probe);
    }
  }
  const all = [...byCertificate.values()];
  const shown = all.slice(0, MAX_SHOWN).map(notice);
  const more = all.length - MAX_SHOWN;
  return more > 0 ? [...shown, html`${String(more)} more certificates prevent logins.`] : shown;
}

function notice(probes: readonly LiveProbe[]): Markup {
  const [first] = probes;
  const last = first?.last ?? null;
  const [leaf] = last?.tls?.chain ?? [];
  const places = [...new Set(probes.map(placeOf))];
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

function placeOf({ server, port, vserver, transaction, monitor }: LiveProbe): string {
  const name = transaction === "" ? monitor : transaction;
  return `${server === "" ? vserver : `${server}:${String(port)}`} (${name})`;
}
