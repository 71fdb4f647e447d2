import { z } from "zod";
import { parseUrl } from "../lib/parse-url.ts";
import {
  duration,
  file,
  flag,
  hostName,
  fingerprint,
  listOf,
  oneOrMany,
  name,
  invalid,
  secretKeys,
  text,
  tlsVersion,
  words,
  fromEnvironment,
  hostPort,
  httpPath,
  oneOf,
  pattern,
  trustKeys,
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
        .min(1, invalid("one URL, or two for an HA pair", "add one"))
        .max(2, invalid("one URL, or two for an HA pair", "remove the others"))
        .describe("Both nodes of an HA pair, or one SNIP with management access."),
      username: words("the name of a NITRO user").describe("A user who may only read."),
      ...secretKeys("Password of the NITRO user"),
      tls: z
        .strictObject(
          {
            ca_file: file()
              .optional()
              .describe("PEM certificates that the NSIP's certificate is verified against."),
            server_name: text(
              "a host name, or the common name of a factory certificate (default ABCDEF)",
              "write the name that the certificate holds",
              isCertificateName,
            )
              .optional()
              .describe(
                "Name expected in the certificate, and sent as SNI where it is a host's; `default ABCDEF` as appliances leave the factory.",
              ),
            verify: flag()
              .default(true)
              .describe("False accepts any certificate: the password may then be stolen."),
          },
          invalid("a mapping", "write the keys below it"),
        )
        .prefault({})
        .describe("How the agent speaks TLS to NITRO."),
      fingerprint_sha256: oneOrMany(fingerprint(), "a fingerprint").describe(
        "Pinned certificates of the NSIP, one for each node of a pair: one of them must be shown, whatever its issuer, names and dates.",
      ),
      partition: words("the name of an admin partition")
        .optional()
        .describe(
          "Admin partition to watch. Several partitions of one appliance are several adcs.",
        ),
      import_every: duration()
        .default("10m")
        .describe("How often the configuration of the ADC is read again."),
      poll_every: duration().default("15s").describe("How often the state of the ADC is read."),
      timeout: duration().default("10s").describe("Longest time for one answer of NITRO."),
    },
    invalid("a mapping with urls, username and a password", "write the keys below it"),
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
        invalid("a mapping with min and max", "write both"),
      )
      .optional()
      .describe(
        "TLS range of the ADC's own monitors, where the firmware's default is not what this ADC does.",
      ),
  },
  invalid("a mapping with name and nitro or ns_conf", "write the keys below it"),
);

function isCertificateName(value: string): boolean {
  return /^[\x21-\x7e]([\x20-\x7e]{0,251}[\x21-\x7e])?$/.test(value);
}

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

/** One of `monitors`. */
export const monitor = z.strictObject(
  {
    username: words("a user name").optional().describe("User of a login monitor."),
    ...secretKeys("Password of a login monitor"),
    secret: fromEnvironment()
      .optional()
      .describe("RADIUS shared secret or SNMP community, as ${NAME}."),
    secret_file: file()
      .optional()
      .describe("RADIUS shared secret or SNMP community: a file that holds it."),
    verify: flag()
      .optional()
      .describe(
        "False: over TLS this monitor's password goes to whoever answers. Default: true. In the clear it goes as the ADC sends it.",
      ),
    servers: listOf(pattern(), "servers or patterns")
      .min(1, invalid("at least one server", "name it, or leave the key out"))
      .optional()
      .describe(
        "Servers (or addresses) that may have these secrets. Default: those that the monitor watched when they were first used; one that the ADC adds later does not get them.",
      ),
    command: listOf(words("a program or an argument"), "the program and its arguments")
      .min(1, invalid("at least the program", "name it"))
      .optional()
      .describe(
        "Stands for a USER monitor's own script: run without a shell, exit status 0 is success.",
      ),
  },
  invalid("a mapping", "write the keys below it"),
);

/** One of `vservers`. */
export const vserver = z.strictObject(
  {
    host: hostName()
      .optional()
      .describe("What a client types: Host header, SNI and the certificate's name."),
    names: listOf(hostName(), "host names")
      .default([])
      .describe(
        "Names clients use: resolved now and then, compared with the VIP, each further address probed as a third vantage; the certificate must hold one of them.",
      ),
    path: httpPath().optional().describe("Path that a look through the VIP asks for."),
    ...trustKeys("through this vserver"),
    ca_file: file()
      .optional()
      .describe(
        "PEM certificates that the vserver's certificate is verified against, and its members' before a login.",
      ),
    public: listOf(hostPort(), "host:port")
      .default([])
      .describe(
        "Client-facing addresses, or names with all their addresses, probed as a third vantage.",
      ),
    same_certificate: flag()
      .default(false)
      .describe(
        "True: where the ADC ends TLS and encrypts anew, it and all members must show one certificate, as Extended Protection needs it.",
      ),
  },
  invalid("a mapping", "write the keys below it"),
);

/** One of `members`. */
export const member = z.strictObject(
  {
    match: pattern().describe(
      "server:port, with * for any run of characters; the first that matches counts.",
    ),
    protocol: oneOf(["imap", "pop3", "smtp", "https", "http", "rpc"])
      .optional()
      .describe("What the member speaks."),
    exchange: oneOf(["2010", "2013", "2016", "2019", "SE", "none"])
      .optional()
      .describe("Exchange version behind it; none for a member that is no Exchange."),
    path: httpPath().optional().describe("Path of its web application."),
    host: hostName().optional().describe("Host header for this member."),
    ...trustKeys("at this member"),
  },
  invalid("a mapping with match", "write the keys below it"),
);
