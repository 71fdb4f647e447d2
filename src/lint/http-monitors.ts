import {
  bindMonitor,
  command,
  commands,
  healthPage,
  setMonitor,
  unbindMonitor,
} from "./commands.ts";
import { requestTarget, type LintContext } from "./context.ts";
import type { Hit } from "./finding.ts";
import type { Monitor } from "../model/monitor.ts";
import { redactHeaders } from "../adc/nsconf/secrets.ts";
import type { Recognition } from "../adc/recognise.ts";
import type { Rule } from "./rule.ts";

/** Requests and patterns of HTTP and HTTP-ECV monitors. */
export const HTTP_MONITOR_RULES: readonly Rule[] = [
  { id: "http_ignores_body", severity: "warning", find: httpIgnoresBody },
  { id: "head_request", severity: "warning", find: headRequest },
  { id: "ecv_without_recv", severity: "warning", find: ecvWithoutRecv },
  { id: "recv_bare_200", severity: "warning", find: recvBare200 },
  { id: "recv_outside_window", severity: "error", find: recvOutsideWindow },
  { id: "wrong_host_header", severity: "error", find: wrongHostHeader },
  { id: "lost_backslashes", severity: "error", find: lostBackslashes },
];

/** Pages of HTTP-ECV are searched this far (NetScaler docs, "Monitoring SSL services", HTTP-ECV). */
const BODY_WINDOW_BYTES = 24 * 1024;

function usedMonitors(context: LintContext, ...types: readonly string[]): Monitor[] {
  return [...context.estate.monitors.values()].filter(
    (monitor) => types.includes(monitor.type) && context.usersOf(monitor).length > 0,
  );
}

function httpIgnoresBody(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP-INLINE")
    .filter((monitor) => /healthcheck\.htm/i.test(requestTarget(monitor)) && !isHead(monitor))
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `Monitor ${monitor.name} of type HTTP reads the status code of the health page and ignores its body, ` +
        "so an error page with status 200 passes.",
      fix: replaceMonitor(context, monitor, ecvWords(requestTarget(monitor), "200 OK")),
    }));
}

function headRequest(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP-INLINE")
    .filter(isHead)
    .map((monitor) => {
      const exchange = context.usersOf(monitor).find((one) => one.exchange !== null)?.exchange;
      const told =
        exchange === undefined
          ? "HEAD proves that a web server answers, not that the page behind it works."
          : exchange?.version === "2010"
            ? "The web server answers that by itself, whatever has become of Exchange behind it."
            : "Exchange's health page answers GET alone, so HEAD says nothing about its health.";
      return {
        line: monitor.line ?? firstBindingLine(context, monitor),
        object: monitor.name,
        message: `Monitor ${monitor.name} asks "${monitor.parameters.httpRequest ?? ""}". ${told}`,
        fix: replaceMonitor(context, monitor, pageWords(exchange ?? null)),
      };
    });
}

function isHead(monitor: Monitor): boolean {
  return /^\s*HEAD\b/i.test(monitor.parameters.httpRequest ?? "");
}

function firstBindingLine(context: LintContext, monitor: Monitor): number | null {
  const bindings = context.usersOf(monitor).flatMap(({ bound }) => bound);
  return bindings.find((one) => one.monitor === monitor)?.binding.line ?? null;
}

/** The page that tells most about a member, as type and keys of a monitor. */
function pageWords(exchange: Recognition | null): string[] {
  if (exchange === null) {
    return ecvWords("/<page>", "<text of that page>");
  }
  return exchange.version === "2010"
    ? ["HTTP", "-httpRequest", "GET /owa/auth/logon.aspx", "-respCode", "200"]
    : ecvWords(healthPage(exchange.path ?? "/owa/"), "200 OK");
}

function ecvWords(page: string, text: string): string[] {
  return ["HTTP-ECV", "-send", `GET ${page}`, "-recv", text];
}

/** A monitor that reads the page, in place of one that does not; a type cannot be changed by `set`. */
function replaceMonitor(context: LintContext, monitor: Monitor, words: readonly string[]): string {
  const name = `${monitor.name}_get`.slice(0, 31);
  const secure = monitor.secure ? ["-secure", "YES"] : [];
  const users = context.usersOf(monitor).map(({ service }) => service);
  return commands(
    command("add", "lb", "monitor", name, ...words, ...secure),
    ...users.flatMap((service) => [
      bindMonitor(service, name),
      unbindMonitor(service, monitor.name),
    ]),
  );
}

function ecvWithoutRecv(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP-ECV")
    .filter(({ parameters }) => (parameters.recv ?? "") === "")
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `Monitor ${monitor.name} expects no text, so every answer passes: a login page, an error page, ` +
        "a 503. HTTP-ECV does not look at the status code.",
      fix: setMonitor(monitor, "-recv", expectedText(monitor)),
    }));
}

function recvBare200(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP-ECV", "TCP-ECV")
    .filter(({ parameters }) => (parameters.recv ?? "").trim() === "200")
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `Monitor ${monitor.name} is content with "200" anywhere in what it reads; ` +
        "a length, a date or an error page that holds these digits passes too.",
      fix: setMonitor(monitor, "-recv", "200 OK"),
    }));
}

function recvOutsideWindow(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP-ECV")
    .filter(({ parameters }) => isOutsideBody(parameters.recv ?? ""))
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `Monitor ${monitor.name} looks for a status line or header, or for more than 24 KB, but HTTP-ECV reads ` +
        "only the first 24 KB of the body: it never finds it.",
      fix: setMonitor(monitor, "-recv", expectedText(monitor)),
    }));
}

const HEADER =
  /^(HTTP\/\d|(?:Server|Content-Type|Content-Length|Date|Location|Set-Cookie|X-[A-Za-z-]+|WWW-Authenticate|Connection|Cache-Control):)/i;

function isOutsideBody(recv: string): boolean {
  return HEADER.test(recv.trimStart()) || Buffer.byteLength(recv) > BODY_WINDOW_BYTES;
}

function expectedText(monitor: Monitor): string {
  return /healthcheck\.htm/i.test(requestTarget(monitor)) ? "200 OK" : "<text of that page>";
}

function wrongHostHeader(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP-ECV", "HTTP-INLINE", "HTTP2")
    .filter(({ parameters }) => /^\s*hostname\s*:/im.test(parameters.customHeaders ?? ""))
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `Monitor ${monitor.name} sends a header "hostname:", which no server reads; ` +
        "the Host header stays the server's address.",
      fix: setMonitor(
        monitor,
        "-customHeaders",
        redactHeaders(monitor.parameters.customHeaders ?? "").replace(
          /^(\s*)hostname(\s*):/im,
          "$1Host$2:",
        ),
      ),
    }));
}

/** `\r\n` that lost its backslashes on the way through a shell or a web page, or was never decoded for want of quotes. */
const LOST = /HTTP\/\d\.\d\s*rn|rn(Host|Connection|User-Agent|Accept)\s*:|rnrn\s*$|\\r\\n/i;

function lostBackslashes(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP-ECV", "TCP-ECV", "HTTP-INLINE").flatMap((monitor) => {
    const { send, httpRequest, customHeaders } = monitor.parameters;
    const broken = (
      [
        ["-send", send],
        ["-httpRequest", httpRequest],
        ["-customHeaders", customHeaders],
      ] as const
    ).filter(([, text]) => text !== null && isBroken(text));
    return broken.map(([key, text]) => ({
      line: monitor.line,
      object: monitor.name,
      message: `The ${key} of monitor ${monitor.name} holds "rn" where line ends should be: no valid request.`,
      fix: setMonitor(monitor, key, redactHeaders(mended(text ?? ""))),
    }));
  });
}

function isBroken(text: string): boolean {
  return LOST.test(text);
}

function mended(text: string): string {
  return text
    .replaceAll("\\r\\n", "\r\n")
    .replace(/(HTTP\/\d\.\d)\s*rn/gi, "$1\r\n")
    .replace(/rn(?=(Host|Connection|User-Agent|Accept)\s*:)/gi, "\r\n")
    .replace(/rnrn\s*$/i, "\r\n\r\n");
}
