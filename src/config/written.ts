import { isIP } from "node:net";
import { z } from "zod";
import { parseCron } from "../lib/cron.ts";
import {
  duration,
  flag,
  listOf,
  name,
  pattern,
  says,
  text,
  words,
  file,
  fromEnvironment,
  hostName,
  hostPort,
  ipAddress,
  oneOf,
  wholeNumber,
} from "./leaves.ts";
import { parseHostPort } from "../lib/host-port.ts";
import { adc, member, monitor, vserver } from "./written-estate.ts";
import { account, run } from "./written-transactions.ts";

const INSTANT = says(
  "a time with its zone, for example 2026-12-01T20:00:00+01:00",
  "write such a time",
);
const INSTANT_PATTERN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})$/;
const instant = (): z.ZodString =>
  z
    .string(INSTANT)
    .min(1, INSTANT)
    .refine((value) => INSTANT_PATTERN.test(value) && !Number.isNaN(Date.parse(value)), INSTANT);

/** One of `maintenance.windows`. */
const window = z.strictObject(
  {
    name: name().describe("Windows are known by their names."),
    servers: listOf(pattern(), "servers or patterns")
      .min(1, says("at least one server", "add it"))
      .describe("Server names, with * for any run of characters."),
    start: instant().optional().describe("Begin of a fixed window."),
    end: z
      .union([z.literal("never"), instant()], says("a time with its zone, or never", "correct it"))
      .optional()
      .describe("End of a fixed window; never for a parked server."),
    cron: text(
      "five cron fields: minute hour day month weekday",
      "write for example 0 22 * * 2",
      (value) => parseCron(value) !== null,
    )
      .optional()
      .describe("Begin of a recurring window; a day must match both day fields."),
    timezone: text("a time zone such as Europe/Berlin", "write its IANA name", isTimeZone)
      .optional()
      .describe("Time zone of `cron`."),
    duration: duration().optional().describe("Length of a recurring window."),
    reason: words("a text").optional().describe("Why, for those who look at the page."),
    author: words("a text").optional().describe("Who declared it."),
    auto_end: flag()
      .default(false)
      .describe("Ends by itself when everything was good for the stability time."),
    flexible: flag()
      .default(false)
      .describe("Begins when the server first goes bad inside the window."),
  },
  says("a mapping with name and servers", "write the keys below it"),
);

function isTimeZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    // The only way to ask is to try: an unknown zone throws.
    return false;
  }
}

/**
 * The configuration as written in the file: the one source of validation, of the JSON Schema and of the reference.
 * Nothing is transformed here, so that the schema can be published; `normalise.ts` makes our own types of it.
 */

export const writtenConfig = z.strictObject(
  {
    agent: name()
      .optional()
      .describe("This vantage point's name, to tell agents apart; default: the host's name."),
    state_dir: file()
      .default("./state")
      .describe("Directory for windows, suspensions and since-times; shared with `compare`."),
    source_addresses: listOf(ipAddress(), "IP addresses")
      .default([])
      .describe("Local addresses to probe from; default: the system's choice."),
    adcs: listOf(adc, "ADCs")
      .min(1, says("at least one ADC", "add one"))
      .describe("The ADCs to check."),
    connect_to: z
      .record(
        text("host, host:port or [address]:port", "correct the key", (value) => isEndpoint(value)),
        text("host, host:port or [address]:port", "correct the value", (value) =>
          isEndpoint(value),
        ),
        says("a mapping from host:port to host:port", "write the keys below it"),
      )
      .default({})
      .describe(
        "As curl's --connect-to, for TCP and UDP; a key without port maps every port and ICMP; matched before DNS, and again for what DNS answers.",
      ),
    unmapped: oneOf(["allow", "refuse"])
      .default("allow")
      .describe("refuse: addresses that connect_to does not name are never contacted."),
    dns_servers: listOf(
      text("an IP address, with :port unless 53", "correct it", (value) => isIpEndpoint(value)),
      "DNS servers",
    )
      .default([])
      .describe(
        "Who resolves client-facing names (vservers.<name>.names and public), for example a resolver outside; default: the system's resolver.",
      ),
    monitors: z
      .record(
        words("a monitor's name"),
        monitor,
        says("a mapping from monitors to what the ADC keeps encrypted", "write the keys below it"),
      )
      .default({})
      .describe("By name of a monitor: what the ADC keeps encrypted, or the estate does not say."),
    vservers: z
      .record(
        words("a vserver's name"),
        vserver,
        says("a mapping from vservers to settings", "write the keys below it"),
      )
      .default({})
      .describe("By name of a vserver: what the estate does not say."),
    members: listOf(member, "members")
      .default([])
      .describe("Where recognition of a member needs help."),
    transactions: z
      .strictObject(
        {
          accounts: listOf(account, "accounts")
            .default([])
            .describe("Accounts of the probe's own; never a person's."),
          run: listOf(run, "transactions")
            .default([])
            .describe("Transactions beside the anonymous looks."),
        },
        says("a mapping with accounts and run", "write the keys below it"),
      )
      .prefault({})
      .describe("Client-like exchanges with an account."),
    maintenance: z
      .strictObject(
        {
          token: fromEnvironment().optional().describe("Bearer token of writes, as ${NAME}."),
          token_file: file()
            .optional()
            .describe(
              "Bearer token of writes: a file that holds it. Without a token writes are refused.",
            ),
          stability: duration()
            .default("5m")
            .describe("How long everything must be good before a server may return."),
          windows: listOf(window, "windows").default([]).describe("Declared maintenance windows."),
        },
        says("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Declared maintenance."),
    control_targets: listOf(hostPort(), "host:port")
      .default([])
      .describe("If none answers, the agent is cut off: every opinion of ours is unknown."),
    probe: z
      .strictObject(
        {
          http_version: oneOf(["1.0", "1.1"])
            .default("1.1")
            .describe(
              "Version that HTTP and HTTP-ECV replicas send. What the ADC sends is not documented.",
            ),
          user_agent: words("a text")
            .optional()
            .describe(
              "User-Agent of HTTP and HTTP-ECV replicas; default: none. What the ADC sends is not documented.",
            ),
          tcp_reverse_timeout: oneOf(["fail", "pass"])
            .default("fail")
            .describe(
              "Result of a reverse TCP monitor whose connection times out. Not documented.",
            ),
          tcp_ecv_segments: wholeNumber(1, 1024)
            .default(16)
            .describe(
              "TCP segments within which a TCP-ECV pattern must come, as the ADC's documentation says; ours are reads.",
            ),
        },
        says("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("What NetScaler's documentation leaves open about its probes."),
    metrics: z
      .strictObject(
        { phases: flag().default(false).describe("A series per probe and phase.") },
        says("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("What /metrics holds."),
    web: z
      .strictObject(
        {
          listen: listOf(
            text("address:port or :port", "write for example 127.0.0.1:9743", isListenAddress),
            "addresses",
          )
            .min(1, says("at least one address", "add one, or leave the key out"))
            .default(["127.0.0.1:9743"])
            .describe("Addresses to serve on."),
          config_file: file()
            .optional()
            .describe(
              "A web configuration file as Prometheus' exporters take it: TLS, basic auth, headers.",
            ),
          hosts: listOf(hostName(), "host names")
            .default([])
            .describe("Names by which the page may be called, beside the addresses it listens on."),
        },
        says("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("The page, the API and /metrics."),
    shard: text("i/n with i below n, for example 0/4", "write such a share", (value) =>
      /^\d{1,4}\/\d{1,4}$/.test(value),
    )
      .optional()
      .describe("This agent's share of the estate."),
    workers: z
      .union(
        [z.literal("auto"), wholeNumber(1, 64)],
        says("auto, or a whole number from 1 to 64", "correct it"),
      )
      .default(1)
      .describe("Threads that probe: 1 is the main one, more are beside it."),
    log: z
      .strictObject(
        {
          level: oneOf(["debug", "info", "warn", "error"])
            .default("info")
            .describe("Least severity that is logged."),
        },
        says("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("The log, JSON lines on stderr."),
  },
  says("a mapping with adcs", "write the keys at the left margin"),
);

export type WrittenConfig = z.output<typeof writtenConfig>;
export type WrittenAdc = WrittenConfig["adcs"][number];
export type WrittenRun = WrittenConfig["transactions"]["run"][number];
export type WrittenWindow = WrittenConfig["maintenance"]["windows"][number];

function isEndpoint(value: string): boolean {
  const parsed = parseHostPort(value);
  return parsed !== null && parsed.host !== "" && parsed.port !== 0;
}

function isIpEndpoint(value: string): boolean {
  return isEndpoint(value) && isIP(parseHostPort(value)?.host ?? "") !== 0;
}

function isListenAddress(value: string): boolean {
  const parsed = parseHostPort(value);
  return parsed !== null && parsed.port !== null;
}
