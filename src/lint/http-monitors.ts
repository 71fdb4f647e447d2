import { utf8Length } from "../lib/bytes.ts";
import {
  requestsHealthPage,
  requestTarget,
  useCount,
  usesOf,
  type LintContext,
  DIRECTORY_PATH,
  directoryOf,
} from "./context.ts";
import type { Hit } from "./finding.ts";
import {
  changeFor,
  replaceMonitor,
  withoutSecret,
  type OptionValues,
  type MonitorUse,
} from "./monitor-change.ts";
import { pageQuestion } from "./proposals.ts";
import type { Fix } from "./change.ts";
import type { Monitor } from "../model/monitor.ts";
import type { Value } from "../adc/nsconf/grammar.ts";
import type { Rule } from "./rule.ts";

/** Requests and patterns of HTTP and HTTP-ECV monitors. */
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
    id: "wrong_host_header",
    severity: "error",
    meaning: 'A header "hostname:" is sent where Host is meant.',
    find: wrongHostHeader,
  },
  {
    id: "lost_backslashes",
    severity: "error",
    meaning: "A request has lost its line ends, so that no server understands it.",
    find: lostBackslashes,
  },
  {
    id: "header_without_line_end",
    severity: "error",
    meaning: "A custom header does not end in CR LF, so that it runs into the next line.",
    find: headerWithoutLineEnd,
  },
  {
    id: "host_in_request",
    severity: "warning",
    meaning: "The request line contains a Host header, although the ADC adds its own.",
    find: hostInRequest,
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

function usedMonitors(context: LintContext, ...types: readonly string[]): Monitor[] {
  return [...context.estate.monitors.values()].filter(
    (monitor) =>
      types.includes(monitor.type) && !monitor.reverse && context.usersOf(monitor).length > 0,
  );
}

/** Those, and in an excerpt the ones that its missing part may bind: what they send is wrong in any case. */
function monitorsOf(context: LintContext, ...types: readonly string[]): Monitor[] {
  return context.estate.extent !== "excerpt"
    ? usedMonitors(context, ...types)
    : [...context.estate.monitors.values()].filter(
        ({ type, builtIn, reverse }) => types.includes(type) && !builtIn && !reverse,
      );
}

/** The change at every service that uses the monitor. Null: only something else than services does. */
function everywhere(context: LintContext, monitor: Monitor, values: OptionValues): Fix | null {
  const uses = usesOf(context, monitor);
  const count = useCount(context, monitor);
  return uses.length === 0 && count > 0
    ? null
    : changeFor(context.names, monitor, uses, count, values);
}

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
        context.usersOf(monitor).some(isWatched) &&
        !acceptsOnlyErrors(monitor) &&
        (!RUN_BY_SERVER.test(requestTarget(monitor)) ||
          context.usersOf(monitor).some((one) => one.onExchange)),
    )
    .map((monitor) => {
      const users = context.usersOf(monitor);
      const exchange = users.find((one) => one.exchange !== null)?.exchange ?? null;
      const onExchange = users.some((one) => one.onExchange);
      const detail = !onExchange
        ? "HEAD proves that a web server responds, not that the application behind it works."
        : exchange?.version === "2010"
          ? "The web server answers that itself, even if Exchange behind it has failed."
          : "Exchange's health page supports only GET, so HEAD says nothing about its health.";
      return {
        severity: onExchange ? "warning" : "info",
        line: monitor.line ?? firstBindingLine(context, monitor),
        object: monitor.name,
        message: `The request is "${printable(monitor.parameters.httpRequest ?? "")}". ${detail}`,
        fix: headFix(context, monitor, onExchange),
      };
    });
}

/** Pages that a server runs for HEAD as it does for GET, so that the status code is the application's. */
const RUN_BY_SERVER = /\.(?:jspx?|aspx?|ashx|php\d?|do|cgi|pl|cfm)(?:[?;]|$)/i;

function isWatched({ idle }: { readonly idle: string | null }): boolean {
  return idle === null;
}

/** For Exchange, each service's monitor requests a page of its own directory. */
function headFix(context: LintContext, monitor: Monitor, onExchange: boolean): Fix | null {
  if (!onExchange) {
    const target = requestTarget(monitor);
    if (/^\s*HEAD\s+https?:/i.test(monitor.parameters.httpRequest ?? "")) {
      // The request to a proxy names a page of another server.
      return null;
    }
    const page: Value =
      target === "" || target === "/" ? { blank: "page", around: "GET /{}" } : `GET ${target}`;
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

function firstBindingLine(context: LintContext, monitor: Monitor): number | null {
  return usesOf(context, monitor)[0]?.binding.line ?? null;
}

function ecvWithoutRecv(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP-ECV")
    .filter(({ parameters }) => (parameters.recv ?? "") === "")
    .map((monitor) => ({
      line: monitor.line ?? firstBindingLine(context, monitor),
      object: monitor.name,
      message:
        "No text is expected, so every response passes: a login page, an error page, a 503. HTTP-ECV does not check " +
        "the status code.",
      fix: everywhere(context, monitor, {
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
        'The monitor is content with "200" anywhere in what it reads; a length, a date or an error page that holds ' +
        "these digits passes too.",
      fix: everywhere(context, monitor, {
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
      fix: everywhere(context, monitor, { recv: expectedText(monitor) }),
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

function wrongHostHeader(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP-ECV", "HTTP-INLINE", "HTTP2")
    .filter(({ parameters }) => /^[ \t]*hostname[ \t]*:/im.test(parameters.customHeaders ?? ""))
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        'A header "hostname:" is sent, which no server reads; the Host header stays the server\'s address.',
      fix: everywhere(context, monitor, {
        customHeaders: withoutSecret(mended(monitor.parameters.customHeaders ?? "")),
      }),
    }));
}

/**
 * Headers with correct line ends and with `Host`. Every rule about headers writes the same value, so that none of their
 * fixes undoes another's.
 */
function mended(headers: string): string {
  return ended(withLineEnds(headers).replace(/^([ \t]*)hostname([ \t]*):/im, "$1Host$2:"));
}

/** Header lines with correct line ends. */
function ended(headers: string): string {
  return headers.endsWith("\r\n") ? headers : `${withoutLineEnd(headers)}\r\n`;
}

function withoutLineEnd(text: string): string {
  let end = text.length;
  while (end > 0 && "\r\n".includes(text.charAt(end - 1))) {
    end -= 1;
  }
  return text.slice(0, end);
}

/** `\r\n` that lost its backslashes in a shell or web page, or was not decoded because quotes are missing. */
export const LOST_LINE_ENDS =
  /HTTP\/\d\.\d\s*rn|rn(Host|Connection|User-Agent|Accept)\s*:|rnrn\s*$|\\r\\n/i;

function lostBackslashes(context: LintContext): Hit[] {
  return monitorsOf(context, "HTTP", "HTTP-ECV", "TCP-ECV", "HTTP-INLINE").flatMap((monitor) => {
    const { send, httpRequest, customHeaders } = monitor.parameters;
    const texts = [
      ["send", send],
      ["httpRequest", httpRequest],
      ["customHeaders", customHeaders],
    ] as const;
    const broken = texts.flatMap(([key, text]) =>
      text !== null && LOST_LINE_ENDS.test(text) ? [[key, text] as const] : [],
    );
    if (broken.length === 0) {
      return [];
    }
    const values = broken.map(([key, text]) => [key, withoutSecret(fixed(key, text))] as const);
    const key = monitor.type === "HTTP-ECV" ? "send" : "httpRequest";
    const request = broken.find(([broke]) => broke === key)?.[1];
    // These types write the headers themselves, so that it would be wrong with its line ends, too.
    const split =
      monitor.type === "TCP-ECV" || request === undefined
        ? null
        : splitRequest(key, withLineEnds(request), monitor);
    return [
      {
        line: monitor.line,
        object: monitor.name,
        message: `"rn" is in the place of line ends (-${broken[0]?.[0] ?? ""}): the request is not valid.`,
        fix: everywhere(context, monitor, { ...Object.fromEntries(values), ...split }),
      },
    ];
  });
}

function fixed(key: string, text: string): string {
  return key === "customHeaders" ? mended(text) : withLineEnds(text);
}

function withLineEnds(text: string): string {
  return text
    .replaceAll("\\r\\n", "\r\n")
    .replace(/(HTTP\/\d\.\d)\s*rn/gi, "$1\r\n")
    .replace(/rn(?=(Host|Connection|User-Agent|Accept)\s*:)/gi, "\r\n")
    .replace(/rnrn\s*$/i, "\r\n\r\n");
}

function headerWithoutLineEnd(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP-ECV", "HTTP-INLINE", "HTTP2").flatMap((monitor) => {
    const headers = monitor.parameters.customHeaders ?? "";
    if (
      headers === "" ||
      headers.endsWith("\r\n") ||
      LOST_LINE_ENDS.test(headers) ||
      !headers.includes(":")
    ) {
      return [];
    }
    return [
      {
        line: monitor.line,
        object: monitor.name,
        message:
          "The -customHeaders do not end in \\r\\n: the last header runs into what the ADC sends after it.",
        fix: everywhere(context, monitor, { customHeaders: withoutSecret(mended(headers)) }),
        // "Host: www.example.comrn", but there are names that end in "rn", too.
        ...(/rn$/i.test(headers)
          ? { decision: 'the "rn" at the end may be what is left of \\r\\n: then remove it' }
          : null),
      },
    ];
  });
}

/** `GET /x HTTP/1.1\r\nHost: a`: type HTTP has only method and URL, and the ADC writes the rest (CTX120921). */
function hostInRequest(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP-INLINE", "HTTP2", "HTTP-ECV").flatMap((monitor) => {
    const key = monitor.type === "HTTP-ECV" ? "send" : "httpRequest";
    const request = monitor.parameters[key] ?? "";
    const values = splitRequest(key, request, monitor);
    if (values === null) {
      return [];
    }
    return [
      {
        line: monitor.line,
        object: monitor.name,
        message:
          "The request contains a Host header, although it may only have method and URL: the ADC adds HTTP version and " +
          "Host itself, so the server gets two.",
        fix: everywhere(context, monitor, values),
      },
    ];
  });
}

/** The request without its headers, which become custom headers; null if no Host is among them. */
function splitRequest(
  key: "send" | "httpRequest",
  request: string,
  monitor: Monitor,
): OptionValues | null {
  const [line = "", ...headers] = request.split(/\r?\n|\s(?=Host:)/i);
  const added = headers.filter((header) => header.includes(":"));
  if (!added.some((header) => /^\s*host\s*:/i.test(header))) {
    return null;
  }
  const own = monitor.parameters.customHeaders ?? "";
  const kept = own === "" ? "" : mended(own);
  const known = new Set(kept.split("\r\n").map(nameOfHeader));
  const more = added.filter((header) => !known.has(nameOfHeader(header)));
  return {
    [key]: line
      .trim()
      .replace(/\sHTTP\/\d(?:\.\d)?$/i, "")
      .trim(),
    customHeaders: withoutSecret(`${kept}${more.map((header) => `${header.trim()}\r\n`).join("")}`),
  };
}

/** Headers that only the request contains, which a monitor with another request would lose. */
function hostOfRequest(monitor: Monitor): OptionValues {
  const request = monitor.parameters.httpRequest ?? "";
  const { customHeaders } = splitRequest("httpRequest", request, monitor) ?? {};
  return customHeaders === undefined ? {} : { customHeaders };
}

function nameOfHeader(header: string): string {
  return header.split(":", 1)[0]?.trim().toLowerCase() ?? "";
}

/** 401 and 407 are challenges: a server that sends one is healthy. */
function respCodesAcceptErrors(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP2").flatMap((monitor) => {
    const ranges = monitor.parameters.respCodes ?? [];
    const errors = ranges.filter(
      ({ from, to }) => to >= 400 && from <= 599 && !CHALLENGES.has(from * 1_000 + to),
    );
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
        fix: everywhere(context, monitor, { respCode: { blank: "codes of the healthy page" } }),
      },
    ];
  });
}

function acceptsOnlyErrors({ parameters: { respCodes } }: Monitor): boolean {
  return respCodes !== null && respCodes.length > 0 && respCodes.every(({ from }) => from >= 400);
}

const CHALLENGES: ReadonlySet<number> = new Set([401_401, 407_407]);

/** Managed Availability takes directories out one by one: `/owa` may be healthy while `/ews` is not. */
function monitorOfAnotherDirectory(context: LintContext): Hit[] {
  return context.watched.flatMap(({ service, deciding, directories, onExchange }) => {
    const pages = deciding.filter(({ monitor }) => requestsHealthPage(monitor));
    const asked = pages.map(({ monitor }) => directoryOf(requestTarget(monitor)));
    const own = asked.some((one) => one === null || directories.has(one));
    if (!onExchange || directories.size === 0 || own) {
      return [];
    }
    const paths = [...directories].map((one) => DIRECTORY_PATH[one]);
    const [first = "/owa"] = paths;
    return pages.map(({ monitor, binding }): Hit => {
      const key = monitor.type.endsWith("-ECV") ? "send" : "httpRequest";
      const request = monitor.parameters[key] ?? "";
      const changed = request.replace(/\/[^\s/]+(?=\/healthcheck\.htm)/i, first);
      return {
        line: binding.line ?? service.line,
        object: service.name,
        message:
          `${paths.join(", ")} is served, but ${monitor.name} requests ${requestTarget(monitor)}: a failure of this ` +
          "directory alone goes unnoticed.",
        fix: replaceMonitor(
          context.names,
          monitor,
          [{ service, binding }],
          monitor.type,
          { [key]: withoutSecret(changed) },
          `_${first.slice(1, 5).toLowerCase()}`,
        ),
      };
    });
  });
}
