import { expect, test } from "vitest";
import { acceptsGzip, negotiateFormat } from "../../../src/exporters/prometheus/text-format.ts";

test.each([
  [undefined, "text"],
  ["", "text"],
  ["*/*", "text"],
  ["text/plain", "text"],
  ["text/html,application/xhtml+xml,*/*;q=0.8", "text"],
  ["application/openmetrics-text", "openmetrics"],
  [
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    "openmetrics",
  ],
  ["application/openmetrics-text; version=2.0.0, text/plain", "text"],
  ["application/openmetrics-text;q=0.1,text/plain;q=0.9", "text"],
  ["application/openmetrics-text;q=0", "text"],
  ["application/openmetrics-text;q=nonsense", "text"],
] as const)("negotiate › Accept: %s gives %s", (accept, format) => {
  expect(negotiateFormat(accept)).toBe(format);
});

test.each([
  [undefined, false],
  ["identity", false],
  ["gzip", true],
  ["deflate, gzip;q=0.5", true],
  ["gzip;q=0", false],
] as const)("negotiate › Accept-Encoding: %s: gzip %s", (encoding, gzip) => {
  expect(acceptsGzip(encoding)).toBe(gzip);
});
