import { z } from "zod";
import { parseUrl } from "../probes/wire/parse-url.ts";
import {
  duration,
  file,
  flag,
  hostName,
  listOf,
  name,
  says,
  secretKeys,
  text,
  tlsVersion,
  words,
} from "./leaves.ts";

const nitro = z
  .strictObject(
    {
      urls: listOf(
        text(
          "an https (or http) URL without path, user or password",
          "write for example https://ns1.example.com",
          isBareUrl,
        ),
        "URLs",
      )
        .min(1, says("one URL, or two for an HA pair", "add one"))
        .max(2, says("one URL, or two for an HA pair", "remove the others"))
        .describe("Both nodes of an HA pair, or one SNIP with management access."),
      username: words("the name of a NITRO user").describe("A user who may only read."),
      ...secretKeys("Password of the NITRO user"),
      tls: z
        .strictObject(
          {
            ca_file: file()
              .optional()
              .describe("PEM certificates that the NSIP's certificate is verified against."),
            server_name: hostName()
              .optional()
              .describe("Name expected in the certificate, and sent as SNI."),
            verify: flag()
              .default(true)
              .describe("False accepts any certificate: the password may then be stolen."),
          },
          says("a mapping", "write the keys below it"),
        )
        .prefault({})
        .describe("How the agent speaks TLS to NITRO."),
      import_every: duration()
        .default("10m")
        .describe("How often the configuration of the ADC is read again."),
      poll_every: duration().default("15s").describe("How often the state of the ADC is read."),
      timeout: duration().default("10s").describe("Longest time for one answer of NITRO."),
    },
    says("a mapping with urls, username and a password", "write the keys below it"),
  )
  .describe("Live state and configuration over NITRO: GET only, besides login and logout.");

/** One of `adcs`. */
export const adc = z.strictObject(
  {
    name: name().describe("Label `adc` of every metric."),
    nitro: nitro.optional(),
    ns_conf: file()
      .optional()
      .describe("An ns.conf to read the estate from, instead of or beside NITRO."),
    monitor_tls: z
      .strictObject(
        {
          min: tlsVersion.describe("Oldest version the ADC's probes speak."),
          max: tlsVersion.describe("Newest version the ADC's probes speak."),
        },
        says("a mapping with min and max", "write both"),
      )
      .optional()
      .describe(
        "TLS range of the ADC's own monitors, where the firmware's default is not what this ADC does.",
      ),
  },
  says("a mapping with name and nitro or ns_conf", "write the keys below it"),
);

function isBareUrl(value: string): boolean {
  const url = parseUrl(value);
  return (
    url !== null &&
    (url.protocol === "https:" || url.protocol === "http:") &&
    url.username === "" &&
    url.password === "" &&
    url.pathname === "/" &&
    url.search === "" &&
    url.hash === ""
  );
}
