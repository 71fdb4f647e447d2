import { z } from "zod";
import { parseUrl } from "../lib/host-port.ts";
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
  addressPort,
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
      username: words("the name of a NITRO user").describe("A read-only user."),
      ...secretKeys("Password of the NITRO user"),
      tls: z
        .strictObject(
          {
            ca_file: file()
              .optional()
              .describe("CA certificates (PEM) used to verify the NSIP's certificate."),
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
              .describe("False accepts any certificate, so an impostor can steal the password."),
          },
          invalid("a mapping", "write the keys below it"),
        )
        .prefault({})
        .describe("TLS settings of the NITRO connection."),
      fingerprint_sha256: oneOrMany(fingerprint(), "a fingerprint").describe(
        "Pinned certificates of the NSIP, one for each node of a pair: the ADC must present one of them; issuer, names and dates are not checked.",
      ),
      partition: words("the name of an admin partition")
        .optional()
        .describe(
          "Admin partition to watch. Several partitions of one appliance are several adcs.",
        ),
      import_every: duration()
        .default("10m")
        .describe("Interval between imports of the ADC's configuration."),
      poll_every: duration().default("15s").describe("Interval between reads of the ADC's state."),
      timeout: duration().default("10s").describe("Timeout of one NITRO request."),
    },
    invalid("a mapping with urls, username and a password", "write the keys below it"),
  )
  .describe("Live state and configuration over NITRO; only GET requests besides login and logout.");

/** One of `adcs`. */
export const adc = z.strictObject(
  {
    name: name().describe("Label `adc` of every metric."),
    nitro: nitro.optional(),
    ns_conf: file()
      .optional()
      .describe("ns.conf to read the estate from, instead of or in addition to NITRO."),
    monitor_tls: z
      .strictObject(
        {
          min: tlsVersion.describe("Minimum TLS version of the ADC's probes."),
          max: tlsVersion.describe("Maximum TLS version of the ADC's probes."),
        },
        invalid("a mapping with min and max", "write both"),
      )
      .optional()
      .describe(
        "TLS versions of the ADC's own monitors, if they differ from the firmware's default.",
      ),
    adns: listOf(addressPort(), "address:port")
      .default([])
      .describe(
        "Addresses at which the ADC's DNS (ADNS) is queried for GSLB names, over UDP and TCP. Default: those of its ADNS services.",
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
      .describe("RADIUS shared secret or SNMP community: a file that contains it."),
    verify: flag()
      .optional()
      .describe(
        "False sends this monitor's secrets, those in its request included, over TLS to an unverified server. Default: true. Without TLS it is sent as the ADC sends it.",
      ),
    servers: listOf(pattern(), "servers or patterns")
      .min(1, invalid("at least one server", "name it, or leave the key out"))
      .optional()
      .describe(
        "Servers or addresses that may receive these secrets. Default: those the monitor probed when the secrets were first used, kept in `state_dir`; servers added later, and a monitor that has become another type, do not receive them until this entry changes.",
      ),
    command: listOf(words("a program or an argument"), "the program and its arguments")
      .min(1, invalid("at least the program", "name it"))
      .optional()
      .describe(
        "Replaces the script of a scripted monitor (USER, LDAP, POP3, SMTP and the like); runs without a shell, exit status 0 is success.",
      ),
  },
  invalid("a mapping", "write the keys below it"),
);

/** Kinds of looks; `whole`: absent ones are enabled. */
function lookFlags(where: string) {
  const one = (what: string) =>
    flag().optional().describe(`Looks at ${what} ${where}; default: the top-level setting.`);
  return z
    .strictObject(
      {
        mail: one("IMAP, POP3 and SMTP (greetings)"),
        web: one("web services (one anonymous request)"),
        ldap: one("directories (the root's entry)"),
        dns: one("name servers (the SOA of a monitored name)"),
        ntp: one("time servers (the time)"),
      },
      invalid("a mapping with mail, web, ldap, dns or ntp", "write true or false below it"),
    )
    .optional();
}

/** One of `vservers`. */
export const vserver = z.strictObject(
  {
    host: hostName()
      .optional()
      .describe(
        "Host name that clients use: sent as Host header and SNI, and expected in the certificate.",
      ),
    names: listOf(hostName(), "host names")
      .default([])
      .describe(
        "Names that clients use. They are resolved periodically and compared with the VIP; other addresses are probed as vantage `public`. The certificate must contain one of them.",
      ),
    path: httpPath().optional().describe("Path that an HTTP look through the VIP requests."),
    ...trustKeys("through this vserver"),
    ca_file: file()
      .optional()
      .describe(
        "CA certificates (PEM) used to verify the vserver's certificate, and its members' before a login.",
      ),
    public: listOf(hostPort(), "host:port")
      .default([])
      .describe(
        "Client-facing addresses, or names with all their addresses, probed as vantage `public`.",
      ),
    looks: lookFlags("through this vserver, and at members that serve only it").describe(
      "Anonymous looks to make or to leave out here.",
    ),
    same_certificate: flag()
      .default(false)
      .describe(
        "True: where the ADC terminates TLS and re-encrypts, it and all members must present the same certificate, as Extended Protection requires.",
      ),
  },
  invalid("a mapping", "write the keys below it"),
);

/** One of `exclude`. */
export const exclusion = z.strictObject(
  {
    monitor: pattern().optional().describe("Name of a monitor; * matches any characters."),
    member: pattern()
      .optional()
      .describe("server:port, by name or address (IPv6 in brackets); * matches any characters."),
    vserver: pattern().optional().describe("Name of a vserver; * matches any characters."),
    from: oneOf(["probing", "judging"])
      .default("probing")
      .describe("probing: never contacted; judging: probed, but gets no verdict and affects none."),
    reason: words("a text").describe("Why; shown in `plan`, on the page and in the API."),
  },
  invalid("a mapping with monitor, member or vserver, and reason", "write the keys below it"),
);

/** One of `members`. */
export const member = z.strictObject(
  {
    match: pattern().describe(
      "server:port, by name or address (IPv6 in brackets); * matches any characters, the first match applies.",
    ),
    protocol: oneOf(["imap", "pop3", "smtp", "https", "http", "rpc", "ldap", "dns", "ntp"])
      .optional()
      .describe("Protocol of the member."),
    exchange: oneOf(["2010", "2013", "2016", "2019", "SE", "none"])
      .optional()
      .describe("Exchange version of the member; `none` if it is not Exchange."),
    path: httpPath().optional().describe("Path of its web application."),
    host: hostName().optional().describe("Host header for this member."),
    security: oneOf(["none", "starttls", "implicit"])
      .optional()
      .describe(
        "How looks begin TLS here; default: by the port, the service's type and its monitors.",
      ),
    query: hostName()
      .optional()
      .describe("Name whose SOA record a look at this name server queries; default: a monitor's."),
    looks: lookFlags("at these members").describe("Anonymous looks to make or to leave out here."),
    ...trustKeys("at this member"),
  },
  invalid("a mapping with match", "write the keys below it"),
);
