import type { Format } from "./family-writer.ts";

/** The `Content-Type` of each format. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** OpenMetrics where the client names it and likes it at least as well as text; text for everybody else. */
export function negotiateFormat(accept: string | undefined): Format {
  let openmetrics = 0;
  let text = 0;
  for (const { type, parameters } of parseAccept(accept ?? "")) {
    const weight = Number(parameters.get("q") ?? "1");
    const quality = Number.isFinite(weight) ? weight : 0;
    if (type === "application/openmetrics-text") {
      const version = parameters.get("version") ?? "1.0.0";
      if (version === "1.0.0" || version === "0.0.1") {
        openmetrics = Math.max(openmetrics, quality);
      }
    } else if (type === "text/plain") {
      text = Math.max(text, quality);
    }
  }
  return openmetrics > 0 && openmetrics >= text ? "openmetrics" : "text";
}

/** Whether `Accept-Encoding` allows gzip. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return parseAccept(acceptEncoding ?? "").some(
    ({ type, parameters }) =>
      (type === "gzip" || type === "*") && Number(parameters.get("q") ?? "1") > 0,
  );
}

interface Accepted {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

function parseAccept(header: string): readonly Accepted[] {
  return header.split(",").map((part) => {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
    const parameters = rest.map((piece) => {
      const [name = "", value = ""] = piece.split("=");
      return [name.trim().toLowerCase(), value.trim().replaceAll('"', "")] as const;
    });
    return { type: type.toLowerCase(), parameters: new Map(parameters) };
  });
}
