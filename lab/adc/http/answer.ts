import { ResponseHead, type Header } from "./message.ts";

/** A whole answer that the ADC gives itself. */
export interface Answer {
  readonly head: ResponseHead;
  readonly body: string;
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  301: "Moved Permanently",
  302: "Object Moved",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  503: "Service Unavailable",
};

export function answer(status: number, headers: readonly Header[], body: string): Answer {
  const reason = REASONS[status] ?? "";
  return {
    head: new ResponseHead(status, `HTTP/1.1 ${String(status)} ${reason}`, [
      ...headers,
      { name: "Content-Length", value: String(Buffer.byteLength(body)) },
      { name: "Cache-Control", value: "no-cache,no-store" },
      ...(body === "" ? [] : [{ name: "Content-Type", value: "text/html" }]),
    ]),
    body,
  };
}

export function redirect(location: string, cookies: readonly string[] = []): Answer {
  return answer(
    302,
    [
      { name: "Location", value: location },
      ...cookies.map((value) => ({ name: "Set-Cookie", value })),
    ],
    "",
  );
}

/** The ADC's response when no service behind a vserver is up. */
export function serviceUnavailable(): Answer {
  return answer(503, [], "<html><body><b>Http/1.1 Service Unavailable</b></body> </html>");
}
