import type { MonitorBinding } from "../../estate/adc-service.ts";
import type { Estate } from "../../estate/model.ts";
import type { Monitor } from "../../estate/monitor.ts";
import type { Finding } from "../../lint/finding.ts";
import { html, type Markup } from "../markup.ts";
import { span } from "./time.ts";

/** The monitors bound to a service as they are configured, each with what it cannot see. */
export function monitorFacts(
  estate: Estate,
  adcService: string,
  remarks: readonly Finding[],
): Markup | null {
  const service = estate.services.get(adcService);
  if (service === undefined || service.monitors.length === 0) {
    return null;
  }
  const ofService = remarks.filter(({ object }) => object === adcService);
  return html`<section aria-labelledby="monitors">
    <h2 id="monitors">Monitors as configured</h2>
    ${remarkList(ofService)}
    ${service.monitors.map((binding) => {
      const monitor = estate.monitors.get(binding.monitor);
      const own = remarks.filter(({ object }) => object === binding.monitor);
      return html`<article class="monitor">
        <h3>${binding.monitor} <span class="what">${bindingWords(binding)}</span></h3>
        ${
          monitor === undefined
            ? html`<p>The ADC's configuration does not define it.</p>`
            : html`<p>${timingWords(monitor)}</p>
                <pre class="command"><code>${asWritten(monitor)}</code></pre>`
        }
        ${remarkList(own)}
      </article>`;
    })}
  </section>`;
}

function bindingWords(binding: MonitorBinding): string {
  const words = [
    binding.synthesised ? "bound by the ADC itself" : null,
    binding.enabled ? null : "disabled at this service",
    binding.passive ? "passive" : null,
    binding.weight === 1 ? null : `weight ${String(binding.weight)}`,
  ];
  return words.filter((word) => word !== null).join(", ");
}

function timingWords(monitor: Monitor): string {
  return (
    `Every ${span(monitor.intervalMs)}, waits ${span(monitor.responseTimeoutMs)} for an answer; ` +
    `${String(monitor.retries)} failures make DOWN, asked again after ${span(monitor.downTimeMs)}; ` +
    `${String(monitor.successRetries)} ${monitor.successRetries === 1 ? "success makes" : "successes make"} UP.` +
    (monitor.reverse ? " Reverse: a match means DOWN." : "")
  );
}

/** NITRO tells every parameter, the name and the units among them: what says nothing beside the sentence is left out. */
const SAID_ELSEWHERE =
  /^(monitorname|type|units\d|interval|resptimeout|downtime|retries|successretries|reverse|state)$/;
const SAYS_NOTHING: readonly string[] = ["", "0", "0.0.0.0", "NO"];

/** In the ADC's own words; secrets are masked in the model already. */
function asWritten(monitor: Monitor): string {
  const parameters = [...monitor.written]
    .filter(
      ([key, values]) => !SAID_ELSEWHERE.test(key) && !SAYS_NOTHING.includes(values.join(" ")),
    )
    .map(([key, values]) => `-${key} ${values.map(quoted).join(" ")}`);
  return [monitor.name, monitor.type, ...parameters].join(" ");
}

function quoted(value: string): string {
  return /^[\w.:/<>-]+$/.test(value) ? value : JSON.stringify(value);
}

function remarkList(remarks: readonly Finding[]): Markup | null {
  return remarks.length === 0
    ? null
    : html`<ul class="remarks">
        ${remarks.map(
          ({ severity, message, fix }) =>
            html`<li>
              <b>${severity}:</b> ${message}
              ${fix === null ? null : html`<pre class="command"><code>${fix}</code></pre>`}
            </li>`,
        )}
      </ul>`;
}
