import { utf8Length } from "../lib/bytes.ts";
import type { AdcService } from "../model/adc-service.ts";
import {
  requestsHealthPage,
  requestTarget,
  useCount,
  usesOf,
  type BoundMonitor,
  type LintContext,
  type LintService,
  DIRECTORY_PATH,
  directoryOf,
} from "./context.ts";
import type { Hit } from "./finding.ts";
import {
  bindMonitor,
  replaceMonitor,
  unbindMonitor,
  withoutSecret,
  type OptionValues,
  type MonitorUse,
} from "./monitor-change.ts";
import { hostOfRequest } from "./http-requests.ts";
import { pageQuestion } from "./proposals.ts";
import type { Fix } from "./change.ts";
import type { Monitor } from "../model/monitor.ts";
import type { Value } from "../adc/nsconf/grammar.ts";
import type { Rule } from "./rule.ts";
import { changeEverywhere, lineOf, usedMonitors } from "./used-monitors.ts";

/** What HTTP and HTTP-ECV monitors request, and which responses they accept. */
export const HTTP_MONITOR_RULES: readonly Rule[] = [
  {
    id: "http_ignores_body",
    severity: "warning",
    meaning: "A monitor of type HTTP requests a health page and ignores its body.",
    find: httpIgnoresBody,
  },
  {
    id: "head_request",
    severity: "warning",
    meaning:
      "A HEAD request proves that a web server responds, not that the application behind it works.",
    find: headRequest,
  },
  {
    id: "ecv_without_recv",
    severity: "warning",
    meaning: "An HTTP-ECV monitor expects no text, so that every response passes.",
    find: ecvWithoutRecv,
  },
  {
    id: "recv_bare_200",
    severity: "warning",
    meaning: 'A monitor is content with "200" anywhere in what it reads.',
    find: recvBare200,
  },
  {
    id: "recv_outside_window",
    severity: "error",
    meaning:
      "An HTTP-ECV monitor expects a text that is never in the part of the body that it reads.",
    find: recvOutsideWindow,
  },
  {
    id: "resp_codes_accept_errors",
    severity: "warning",
    meaning: "A monitor accepts error codes as success.",
    find: respCodesAcceptErrors,
  },
  {
    id: "monitor_of_another_directory",
    severity: "warning",
    meaning: "The health page of one virtual directory decides about another.",
    find: monitorOfAnotherDirectory,
  },
];

/** HTTP-ECV searches only this much of a page (NetScaler docs, "Monitoring SSL services", HTTP-ECV). */
const BODY_WINDOW_BYTES = 24 * 1024;

function httpIgnoresBody(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP-INLINE")
    .filter((monitor) => requestsHealthPage(monitor) && !isHead(monitor))
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        "Type HTTP reads the status code of the health page and ignores its body, so that an error page with status " +
        "200 passes.",
      fix: withPage(context, monitor, {
        send: `GET ${requestTarget(monitor)}`,
        recv: "200 OK",
        ...hostOfRequest(monitor),
      }),
      ...(acceptsOnly200(monitor)
        ? null
        : {
            decision:
              'it also accepts other codes, or watches client traffic: check first that every server sends "200 OK" in the page',
          }),
    }));
}

/** One that accepts a redirect may pass by it, on a server whose page HTTP-ECV would not find. */
function acceptsOnly200({ type, parameters }: Monitor): boolean {
  return (
    type === "HTTP" &&
    (parameters.respCodes ?? []).every(({ from, to }) => from === 200 && to === 200)
  );
}

function headRequest(context: LintContext): Hit[] {
  // An HTTP-INLINE monitor watches clients' own requests, and sends its own only where there are none.
  return usedMonitors(context, "HTTP")
    .filter(
      (monitor) =>
        isHead(monitor) &&
        context.usersOf(monitor).some((one) => one.idle === null && decides(one, monitor)) &&
        !acceptsOnlyErrors(monitor) &&
        !(isOfRoot(monitor) && acceptsRedirect(monitor)) &&
        !FILE_FOR_CLIENTS.test(requestTarget(monitor)) &&
        (!RUN_BY_SERVER.test(requestTarget(monitor)) ||
          context.usersOf(monitor).some((one) => one.onExchange)) &&
        (errorsAccepted(monitor).length === 0 ||
          context.usersOf(monitor).some((one) => one.onExchange)),
    )
    .map((monitor) => {
      const users = context.usersOf(monitor);
      const exchange = users.find((one) => one.exchange !== null)?.exchange ?? null;
      const onExchange = users.some((one) => one.onExchange);
      const detail = !onExchange
        ? "HEAD proves that a web server responds, not that the application behind it works."
        : exchange?.version === "2010" || !requestsHealthPage(monitor)
          ? "The web server answers that itself, even if Exchange behind it has failed."
          : "Exchange's health page supports only GET, so HEAD says nothing about its health.";
      return {
        severity: onExchange ? "warning" : "info",
        line: lineOf(context, monitor),
        object: monitor.name,
        message: `The request is "${printable(monitor.parameters.httpRequest ?? "")}". ${detail}`,
        fix: headFix(context, monitor, onExchange),
      };
    });
}

/** Pages that a server runs for HEAD as it does for GET, so that the status code is the application's. */
const RUN_BY_SERVER = /\.(?:jspx?|aspx?|ashx|php\d?|do|cgi|pl|cfm)(?:[?;]|$)/i;

/** Files that clients come for, so that there is no application behind them: a list of revocations, a proxy's script. */
const FILE_FOR_CLIENTS = /\.(?:crl|crt|cer|p7[bc]|pac|dat|cab|iso|img|deb|rpm)(?:[?;]|$)/i;

/** Nothing is changed by a better monitor where its binding is disabled. */
function decides({ deciding }: LintService, monitor: Monitor): boolean {
  return deciding.some((one) => one.monitor === monitor);
}

/** The page `/` of a web server that sends clients elsewhere: the redirect is all that it is for. */
function acceptsRedirect({ parameters: { respCodes } }: Monitor): boolean {
  return (respCodes ?? []).some(({ from, to }) => from <= 308 && to >= 301);
}

function isOfRoot(monitor: Monitor): boolean {
  return ["", "/"].includes(requestTarget(monitor));
}

/** For Exchange, each service's monitor requests a page of its own directory. */
function headFix(context: LintContext, monitor: Monitor, onExchange: boolean): Fix | null {
  if (!onExchange) {
    const target = requestTarget(monitor);
    if (/^\s*HEAD\s+https?:/i.test(monitor.parameters.httpRequest ?? "")) {
      // The request to a proxy names a page of another server.
      return null;
    }
    const page: Value = isOfRoot(monitor) ? { blank: "page", around: "GET /{}" } : `GET ${target}`;
    const recv = { blank: "text of that page" };
    return withPage(context, monitor, { send: page, recv, ...hostOfRequest(monitor) });
  }
  const services = new Map(context.usersOf(monitor).map((one) => [one.service, one]));
  const byQuestion = new Map<
    string,
    { question: ReturnType<typeof pageQuestion>; uses: MonitorUse[] }
  >();
  for (const use of usesOf(context, monitor)) {
    const one = services.get(use.service);
    const question = pageQuestion(context, one ?? { exchange: null, directories: new Set() });
    const key = JSON.stringify(question);
    const known = byQuestion.get(key) ?? { question, uses: [] };
    known.uses.push(use);
    byQuestion.set(key, known);
  }
  const parts = [...byQuestion.values()].map(({ question: { type, options }, uses }) =>
    replaceMonitor(
      context.names,
      monitor,
      uses,
      type,
      { ...options, ...hostOfRequest(monitor) },
      "_get",
    ),
  );
  const whole = parts.filter((part) => part !== null);
  return whole.length < parts.length ? null : whole.flat();
}

/** An HTTP-ECV monitor that reads the page, to replace one that does not. */
function withPage(context: LintContext, monitor: Monitor, page: OptionValues): Fix | null {
  return replaceMonitor(context.names, monitor, usesOf(context, monitor), "HTTP-ECV", page, "_get");
}

function isHead(monitor: Monitor): boolean {
  return /^\s*HEAD\b/i.test(monitor.parameters.httpRequest ?? "");
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?").slice(0, 200);
}

function ecvWithoutRecv(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP-ECV")
    .filter(({ parameters }) => (parameters.recv ?? "") === "")
    .map((monitor) => ({
      line: lineOf(context, monitor),
      object: monitor.name,
      message:
        "No text is expected, so every response passes: a login page, an error page, a 503. HTTP-ECV does not check " +
        "the status code.",
      fix: changeEverywhere(context, monitor, {
        ...(monitor.parameters.send === null
          ? { send: { blank: "page", around: "GET /{}" } }
          : null),
        recv: expectedText(monitor),
      }),
    }));
}

function recvBare200(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP-ECV", "TCP-ECV")
    .filter(({ parameters }) => (parameters.recv ?? "").trim() === "200")
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        'The monitor is content with "200" anywhere ' +
        (monitor.type === "HTTP-ECV"
          ? "in the page; any other page, even of an error, that holds these digits passes too."
          : "in what it reads; a length, a date or an error page that holds these digits passes too."),
      fix: changeEverywhere(context, monitor, {
        recv:
          monitor.type === "TCP-ECV" && /^\s*(GET|HEAD|POST) /i.test(monitor.parameters.send ?? "")
            ? "200 OK"
            : expectedText(monitor),
      }),
      ...(requestsHealthPage(monitor)
        ? null
        : { decision: 'check first that the servers send "200 OK": some send the number alone' }),
    }));
}

function recvOutsideWindow(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP-ECV")
    .filter(({ parameters }) => isOutsideBody(parameters.recv ?? ""))
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        "The monitor expects a status line or header, or more than 24 KB, but HTTP-ECV reads only the first " +
        "24 KB of the body: it never finds the text.",
      fix: changeEverywhere(context, monitor, { recv: expectedText(monitor) }),
    }));
}

const HEADER =
  /^(HTTP\/\d|(?:Server|Content-Type|Content-Length|Date|Location|Set-Cookie|X-[A-Za-z-]+|WWW-Authenticate|Connection|Cache-Control):)/i;

function isOutsideBody(recv: string): boolean {
  return HEADER.test(recv.trimStart()) || utf8Length(recv) > BODY_WINDOW_BYTES;
}

function expectedText(monitor: Monitor): Value {
  return requestsHealthPage(monitor) ? "200 OK" : { blank: "text of that page" };
}

function respCodesAcceptErrors(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP2").flatMap((monitor) => {
    const errors = errorsAccepted(monitor);
    if (errors.length === 0) {
      return [];
    }
    const codes = errors
      .map(({ from, to }) => (from === to ? String(from) : `${String(from)}-${String(to)}`))
      .join(", ");
    const only = acceptsOnlyErrors(monitor)
      ? "Only an error counts as success"
      : "Errors count as success";
    return [
      {
        line: monitor.line,
        object: monitor.name,
        message: `${only} (-respCode ${codes}): the server is UP even if the page is missing, forbidden or broken.`,
        fix: changeEverywhere(context, monitor, {
          respCode: { blank: "codes of the healthy page" },
        }),
      },
    ];
  });
}

/** 401 and 407 are challenges: a server that sends one is healthy. */
function errorsAccepted({ parameters: { respCodes } }: Monitor) {
  return (respCodes ?? []).filter(
    ({ from, to }) => to >= 400 && from <= 599 && !CHALLENGES.has(from * 1_000 + to),
  );
}

function acceptsOnlyErrors({ parameters: { respCodes } }: Monitor): boolean {
  return respCodes !== null && respCodes.length > 0 && respCodes.every(({ from }) => from >= 400);
}

const CHALLENGES: ReadonlySet<number> = new Set([401_401, 407_407]);

/** Managed Availability takes directories out one by one: `/owa` may be healthy while `/ews` is not. */
function monitorOfAnotherDirectory(context: LintContext): Hit[] {
  return misdirected(context).map(({ service, paths, first, monitor, binding, ready }): Hit => {
    const { key, changed } = requestOf(monitor, first);
    return {
      line: binding.line ?? service.line,
      object: service.name,
      message:
        `${paths.join(", ")} is served, but ${monitor.name} requests ${requestTarget(monitor)}: a failure of this ` +
        `directory alone goes unnoticed.${ready === null ? "" : ` ${ready.name} requests its page, and nothing uses it.`}`,
      fix:
        ready === null
          ? replaceMonitor(
              context.names,
              monitor,
              [{ service, binding }],
              monitor.type,
              { [key]: withoutSecret(changed) },
              `_${first.slice(1, 5).toLowerCase()}`,
            )
          : [bindMonitor(service, ready.name, binding), unbindMonitor(service, binding)],
    };
  });
}

/** The unused monitors that take the place of those of another directory: they are not to be removed. */
export function monitorsToBind(context: LintContext): ReadonlySet<string> {
  return new Set(misdirected(context).flatMap(({ ready }) => ready?.name ?? []));
}

/** A binding whose monitor requests the health page of a directory that the service does not serve. */
interface Misdirected extends BoundMonitor {
  readonly service: AdcService;
  /** The directories that it serves, and the first of them. */
  readonly paths: readonly string[];
  readonly first: string;
  /** {@link readyMonitor} */
  readonly ready: Monitor | null;
}

function misdirected(context: LintContext): readonly Misdirected[] {
  return context.watched.flatMap(({ service, deciding, directories, onExchange }) => {
    const pages = deciding.filter(({ monitor }) => requestsHealthPage(monitor));
    const asked = pages.map(({ monitor }) => directoryOf(requestTarget(monitor)));
    const own = asked.some((one) => one === null || directories.has(one));
    if (!onExchange || directories.size === 0 || own) {
      return [];
    }
    const paths = [...directories].map((one) => DIRECTORY_PATH[one]);
    const [first = "/owa"] = paths;
    return pages.map(({ monitor, binding }) => {
      const ready = readyMonitor(context, monitor, first);
      return { service, paths, first, monitor, binding, ready };
    });
  });
}

/** A monitor's request for the health page of another directory. */
function requestOf(
  monitor: Monitor,
  path: string,
): { readonly key: "send" | "httpRequest"; readonly changed: string } {
  const key = monitor.type.endsWith("-ECV") ? "send" : "httpRequest";
  const request = monitor.parameters[key] ?? "";
  return { key, changed: request.replace(/\/[^\s/]+(?=\/healthcheck\.htm)/i, path) };
}

/**
 * The monitor that the configuration already has for the page of the right directory, and that nothing uses: the wrong
 * one was bound by mistake. Null: none, or a copy of the wrong one is needed.
 */
function readyMonitor(context: LintContext, wrong: Monitor, path: string): Monitor | null {
  const { key, changed } = requestOf(wrong, path);
  const wanted = changed.toLowerCase();
  const found = [...context.estate.monitors.values()].find(
    (other) =>
      other.type === wrong.type &&
      other.enabled &&
      other.parameters[key]?.toLowerCase() === wanted &&
      useCount(context, other) === 0 &&
      other.parameters.recv === wrong.parameters.recv &&
      other.parameters.customHeaders === wrong.parameters.customHeaders &&
      JSON.stringify(other.parameters.respCodes) === JSON.stringify(wrong.parameters.respCodes) &&
      other.secure === wrong.secure &&
      other.reverse === wrong.reverse &&
      other.destIp === wrong.destIp &&
      other.destPort === wrong.destPort,
  );
  return found ?? null;
}
