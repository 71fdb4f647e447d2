import { isPlaceholder } from "../adc/placeholders.ts";
import type { Monitor } from "../model/monitor.ts";
import type { LintContext } from "./context.ts";
import type { Hit } from "./finding.ts";
import { withoutSecret, type OptionValues } from "./monitor-change.ts";
import type { Rule } from "./rule.ts";
import { changeEverywhere, monitorsOf, usedMonitors } from "./used-monitors.ts";

/** How requests and headers of HTTP monitors are written. */
export const HTTP_REQUEST_RULES: readonly Rule[] = [
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
    id: "header_without_colon",
    severity: "error",
    meaning: "A custom header has no colon between name and value.",
    find: headerWithoutColon,
  },
  {
    id: "host_in_request",
    severity: "warning",
    meaning: "The request line contains a Host header, although the ADC adds its own.",
    find: hostInRequest,
  },
];

function wrongHostHeader(context: LintContext): Hit[] {
  return usedMonitors(context, "HTTP", "HTTP-ECV", "HTTP-INLINE", "HTTP2")
    .filter(({ parameters }) => /^[ \t]*hostname[ \t]*:/im.test(parameters.customHeaders ?? ""))
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        'A header "hostname:" is sent, which no server reads; the Host header stays the server\'s address.',
      fix: changeEverywhere(context, monitor, {
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
    const [option = "", text = ""] = broken[0] ?? [];
    return [
      {
        line: monitor.line,
        object: monitor.name,
        message: text.includes("\\r\\n")
          ? `The value of -${option} contains \\r\\n as four characters, because it has no quotes or two backslashes: the request has no line ends.`
          : `"rn" is in the place of line ends (-${option}): the request is not valid.`,
        fix: changeEverywhere(context, monitor, { ...Object.fromEntries(values), ...split }),
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
        fix: changeEverywhere(context, monitor, { customHeaders: withoutSecret(mended(headers)) }),
        // "Host: www.example.comrn", but there are names that end in "rn", too.
        ...(/rn$/i.test(headers)
          ? { decision: 'the "rn" at the end may be what is left of \\r\\n: then remove it' }
          : null),
      },
    ];
  });
}

/** `-customHeaders "Host example.com\r\n"`; a line that begins with a space continues the one before it. */
function headerWithoutColon(context: LintContext): Hit[] {
  return monitorsOf(context, "HTTP", "HTTP-ECV", "HTTP-INLINE", "HTTP2")
    .filter(({ parameters: { customHeaders } }) => {
      const headers = customHeaders ?? "";
      return (
        !LOST_LINE_ENDS.test(headers) &&
        !isPlaceholder(headers) &&
        headers.split(/\r?\n/).some((line) => line !== "" && !/^[ \t]|:/.test(line))
      );
    })
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        "A line of the -customHeaders has no colon, so it is no header (Host: name): web servers reject such a request " +
        "with 400.",
    }));
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
        fix: changeEverywhere(context, monitor, values),
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
export function hostOfRequest(monitor: Monitor): OptionValues {
  const request = monitor.parameters.httpRequest ?? "";
  const { customHeaders } = splitRequest("httpRequest", request, monitor) ?? {};
  return customHeaders === undefined ? {} : { customHeaders };
}

function nameOfHeader(header: string): string {
  return header.split(":", 1)[0]?.trim().toLowerCase() ?? "";
}
