import { z } from "zod";
import { isIP, isRange } from "../lib/ip.ts";
import { parseCron } from "../maintenance/calendar.ts";
import {
  duration,
  flag,
  listOf,
  name,
  pattern,
  invalid,
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
import { adc, exclusion, member, monitor, vserver } from "./written-estate.ts";
import { isWebUrl, notifier } from "./written-notify.ts";
import { account, run } from "./written-transactions.ts";

const INSTANT = invalid(
  "a time with a time zone, for example 2026-12-01T20:00:00+01:00",
  "write an RFC 3339 time",
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
    name: name().describe("Unique name of the window."),
    servers: listOf(pattern(), "servers or patterns")
      .min(1, invalid("at least one server", "add it"))
      .describe("Server names; * matches any characters."),
    start: instant().optional().describe("Start of a fixed window."),
    end: z
      .union(
        [z.literal("never"), instant()],
        invalid("a time with a time zone, or never", "correct it"),
      )
      .optional()
      .describe("End of a fixed window, or never."),
    cron: text(
      "five cron fields: minute hour day month weekday",
      "write for example 0 22 * * 2",
      (value) => parseCron(value) !== null,
    )
      .optional()
      .describe("Start of a recurring window; a day must match both day fields."),
    timezone: text("a time zone such as Europe/Berlin", "write its IANA name", isTimeZone)
      .optional()
      .describe("Time zone of `cron`."),
    duration: duration().optional().describe("Duration of a recurring window."),
    reason: words("a text").optional().describe("Reason shown on the page."),
    author: words("a text").optional().describe("Author shown on the page."),
    auto_end: flag()
      .default(false)
      .describe("Ends once every check has passed for the stability time."),
    flexible: flag()
      .default(false)
      .describe("Starts when the server first fails inside the window."),
  },
  invalid("a mapping with name and servers", "write the keys below it"),
);

function isTimeZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    // An unknown zone throws; there is no other check.
    return false;
  }
}

/**
 * The configuration as written in the file: the source of validation, JSON Schema and reference. Without transformations, so
 * that the schema can be published; `normalise.ts` converts it to the agent's types.
 */

export const writtenConfig = z.strictObject(
  {
    agent: name()
      .optional()
      .describe("Name of this agent, to distinguish agents; default: the host name."),
    state_dir: file()
      .default("./state")
      .describe(
        "Directory for windows, account suspensions and verdict times; shared with `compare`.",
      ),
    source_addresses: listOf(ipAddress(), "IP addresses")
      .default([])
      .describe("Local addresses to probe from; default: the system's choice."),
    adcs: listOf(adc, "ADCs")
      .min(1, invalid("at least one ADC", "add one"))
      .describe("The ADCs to check."),
    connect_to: z
      .record(
        text("host, host:port or [address]:port", "correct the key", (value) => isEndpoint(value)),
        text("host, host:port or [address]:port", "correct the value", (value) =>
          isEndpoint(value),
        ),
        invalid("a mapping from host:port to host:port", "write the keys below it"),
      )
      .default({})
      .describe(
        "Like curl's --connect-to, for TCP and UDP. A key without a port maps every port and ICMP. It is matched before DNS, and again on the addresses DNS returns.",
      ),
    unmapped: oneOf(["allow", "refuse"])
      .default("allow")
      .describe("refuse: addresses not in connect_to are never contacted."),
    allow_targets: listOf(
      text("an IP address or a CIDR range, for example 127.0.0.0/8", "correct it", isRange),
      "addresses and CIDR ranges",
    )
      .default([])
      .describe(
        "Imported targets on the agent's own host (loopback, link-local and metadata addresses, its listening addresses) are contacted only if listed here or in connect_to.",
      ),
    dns_servers: listOf(
      text("an IP address, with :port unless 53", "correct it", (value) => isIpEndpoint(value)),
      "DNS servers",
    )
      .default([])
      .describe(
        "DNS servers that resolve client-facing names (vservers.<name>.names and public), for example an external resolver; default: the system's resolver.",
      ),
    monitors: z
      .record(
        words("a monitor's name"),
        monitor,
        invalid("a mapping from monitor names to their secrets", "write the keys below it"),
      )
      .default({})
      .describe(
        "Per monitor: secrets that the ADC keeps encrypted, and settings missing in the estate.",
      ),
    vservers: z
      .record(
        words("a vserver's name"),
        vserver,
        invalid("a mapping from vservers to settings", "write the keys below it"),
      )
      .default({})
      .describe("Per vserver: settings missing in the estate."),
    members: listOf(member, "members")
      .default([])
      .describe("Overrides for members that are not recognised correctly."),
    looks: z
      .strictObject(
        {
          mail: flag().default(true).describe("Greetings of IMAP, POP3 and SMTP."),
          web: flag().default(true).describe("One anonymous request to each web service."),
          ldap: flag().default(true).describe("The root's entry of directories."),
          dns: flag().default(true).describe("The SOA of a monitored name at name servers."),
          ntp: flag().default(true).describe("The time of time servers."),
        },
        invalid("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Anonymous looks that are made by default."),
    exclude: listOf(exclusion, "exclusions")
      .default([])
      .describe("What is not probed, or is probed but not judged."),
    transactions: z
      .strictObject(
        {
          accounts: listOf(account, "accounts")
            .default([])
            .describe("Accounts used by probes; never use a person's account."),
          run: listOf(run, "transactions")
            .default([])
            .describe("Transactions in addition to the anonymous looks."),
        },
        invalid("a mapping with accounts and run", "write the keys below it"),
      )
      .prefault({})
      .describe("Transactions to run."),
    maintenance: z
      .strictObject(
        {
          token: fromEnvironment()
            .optional()
            .describe("Bearer token for writes, as an environment variable: ${NAME}."),
          token_file: file()
            .optional()
            .describe(
              "Bearer token for writes, read from a file. Without a token, writes are rejected.",
            ),
          stability: duration()
            .default("5m")
            .describe("Time for which every check must pass before a server may return."),
          overdue_after: duration()
            .default("4h")
            .describe("Undeclared maintenance is overdue this long after the last good answer."),
          windows: listOf(window, "windows").default([]).describe("Declared maintenance windows."),
        },
        invalid("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Declared maintenance."),
    control_targets: listOf(hostPort(), "host:port")
      .default([])
      .describe("If none is reachable, the agent is cut off and all its opinions are unknown."),
    probe: z
      .strictObject(
        {
          http_version: oneOf(["1.0", "1.1"])
            .default("1.1")
            .describe("HTTP version of HTTP and HTTP-ECV replicas. The ADC's is not documented."),
          user_agent: words("a text")
            .optional()
            .describe(
              "User-Agent of HTTP and HTTP-ECV replicas; default: none. The ADC's is not documented.",
            ),
          tcp_reverse_timeout: oneOf(["fail", "pass"])
            .default("fail")
            .describe(
              "Result of a reverse TCP monitor whose connection times out. Not documented.",
            ),
          tcp_ecv_segments: wholeNumber(1, 1024)
            .default(16)
            .describe(
              "Number of TCP segments in which a TCP-ECV pattern must arrive; the agent counts reads.",
            ),
        },
        invalid("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Probe behaviour that NetScaler's documentation leaves open."),
    min_probe_interval: duration()
      .default("100ms")
      .describe(
        "Minimum time between two probes of one monitor, if the ADC's own interval or down time is shorter.",
      ),
    look_timeout: duration()
      .default("10s")
      .describe(
        "How long an anonymous look waits for its server; looks at SMTP wait twice as long, and call a server slow that greets after more than half of that.",
      ),
    metrics: z
      .strictObject(
        { phases: flag().default(false).describe("Exports one series per probe and phase.") },
        invalid("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Options of /metrics."),
    notify: listOf(notifier, "notifiers")
      .default([])
      .describe("Notifications of what is wrong, without Alertmanager."),
    lint: z
      .strictObject(
        {
          ignore: listOf(
            z.strictObject(
              {
                rule: text("a rule of lint, or *", "see docs/lint.md").describe(
                  "A rule of `lint`; * for all.",
                ),
                objects: listOf(pattern(), "names or patterns")
                  .min(1, invalid("at least one name", "add one, or leave the key out"))
                  .default(["*"])
                  .describe("Objects of the ADC for which the rule is silent; default: all."),
              },
              invalid("a mapping with rule", "write the keys below it"),
            ),
            "rules to ignore",
          )
            .default([])
            .describe("Findings that `lint` and the page do not report."),
        },
        invalid("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Options of `lint` and of its remarks on the page."),
    web: z
      .strictObject(
        {
          listen: listOf(
            text("address:port or :port", "write for example 127.0.0.1:9743", isListenAddress),
            "addresses",
          )
            .min(1, invalid("at least one address", "add one, or leave the key out"))
            .default(["127.0.0.1:9743"])
            .describe("Addresses to listen on."),
          config_file: file()
            .optional()
            .describe(
              "Web configuration file in the format of the Prometheus exporters: TLS, basic auth, headers.",
            ),
          hosts: listOf(hostName(), "host names")
            .default([])
            .describe("Host names accepted in requests, in addition to the listening addresses."),
          external_url: text(
            "an http or https URL",
            "write for example https://witness.example.com",
            isWebUrl,
          )
            .optional()
            .describe("URL at which people open the page; used for links in notifications."),
        },
        invalid("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("The page, the API and /metrics."),
    shard: text("i/n with i less than n, for example 0/4", "write a shard", (value) =>
      /^\d{1,4}\/\d{1,4}$/.test(value),
    )
      .optional()
      .describe("Shard of the estate that this agent probes."),
    workers: z
      .union(
        [z.literal("auto"), wholeNumber(1, 64)],
        invalid("auto, or a whole number from 1 to 64", "correct it"),
      )
      .optional()
      .describe("Has no effect; use `shard`."),
    log: z
      .strictObject(
        {
          level: oneOf(["debug", "info", "warn", "error"])
            .default("info")
            .describe("Minimum severity to log."),
        },
        invalid("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Logging on stderr: JSON lines, or readable ones at a terminal."),
  },
  invalid("a mapping with adcs", "write the keys at the left margin"),
);

export type WrittenConfig = z.output<typeof writtenConfig>;
export type WrittenAdc = WrittenConfig["adcs"][number];
export type WrittenRun = WrittenConfig["transactions"]["run"][number];
export type WrittenNotifier = WrittenConfig["notify"][number];
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
