import { html, type Markup } from "../markup.ts";

/**
 * A time in UTC; the page's script converts it to local time and adds how long ago. With class `ago`, only how long ago is
 * shown.
 */
export function timeElement(atMs: number, className = ""): Markup {
  if (!Number.isFinite(atMs)) {
    return html`no end`;
  }
  const iso = new Date(atMs).toISOString();
  return html`<time datetime="${iso}" ${className === "" ? null : html`class="${className}"`}
    >${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time
  >`;
}

/** `12 ms`, `1.2 s`, `3 min`, `2 h 5 min`, `4 d`. */
export function durationText(durationMs: number): string {
  if (durationMs < 1_000) {
    return durationMs < 10 ? `${durationMs.toFixed(1)} ms` : `${String(Math.round(durationMs))} ms`;
  }
  const seconds = durationMs / 1_000;
  if (seconds < 60) {
    return seconds < 10 ? `${seconds.toFixed(1)} s` : `${String(Math.round(seconds))} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${String(minutes)} min`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${String(hours)} h ${String(minutes % 60)} min`
    : `${String(Math.floor(hours / 24))} d`;
}
