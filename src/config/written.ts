import { isIP } from "node:net";
import { z } from "zod";
import { TRANSACTIONS } from "../probes/transactions/spec.ts";
import { TLS_VERSIONS } from "../probes/wire/tls-settings.ts";
import { parseCron } from "./cron.ts";
import { DURATION_PATTERN } from "./duration.ts";
import { isHost, parseHostPort } from "./host-port.ts";
import { problemText } from "./problem.ts";

/**
 * The configuration as written in the file: the one source of validation, of the JSON Schema and of the reference.
 * Nothing is transformed here, so that the schema can be published; `normalise.ts` makes our own types of it.
 */

/** The one form of a leaf's messages. Never quotes the value: it may be a secret in the wrong place. */
function says(expected: string, fix: string): { error: (issue: { input?: unknown }) => string } {
  return {
    error: ({ input }) =>
      input === undefined
        ? problemText("is missing", expected, "add it")
        : problemText(`is ${kindOf(input)} that does not fit`, expected, fix),
  };
}

function kindOf(input: unknown): string {
  if (input === null) {
    return "an empty value";
  }
  if (Array.isArray(input)) {
    return "a list";
  }
  return typeof input === "object" ? "a mapping" : `a ${typeof input}`;
}

/** A text checked by a predicate; `pattern` where the JSON Schema can say it too. */
function text(expected: string, fix: string, fits?: (value: string) => boolean): z.ZodString {
  const message = says(expected, fix);
  const base = z.string(message).min(1, message);
  return fits === undefined ? base : base.refine(fits, message);
}

function flag(): z.ZodBoolean {
  return z.boolean(says("true or false", "write it without quotes"));
}

function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
): z.ZodEnum<{
  [K in T[number]]: K;
}> {
  return z.enum(
    values,
    says(
      `one of ${values.join(", ")}`,
      values.some((value) => /^\d/.test(value)) ? "choose one, in quotes" : "choose one",
    ),
  );
}

function listOf<T extends z.ZodType>(item: T, what: string): z.ZodArray<T> {
  return z.array(item, says(`a list of ${what}`, "write [ … ]"));
}

function wholeNumber(from: number, to: number): z.ZodInt {
  const message = says(`a whole number from ${String(from)} to ${String(to)}`, "correct it");
  return z.int(message).min(from, message).max(to, message);
}

const DURATION = says(
  "a whole number with its unit, for example 500ms, 5s, 10m or 4h",
  "write such a duration",
);
const duration = (): z.ZodString => z.string(DURATION).regex(DURATION_PATTERN, DURATION);
const name = (): z.ZodString =>
  text("1 to 63 letters, digits, dots, dashes or underscores", "choose such a name", (value) =>
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(value),
  );
const file = (): z.ZodString => text("the path of a file, relative to this one", "write a path");
const ENV_MESSAGE = says(
  "${NAME} of an environment variable",
  "keep secrets out of this file: name a variable, or use the key that ends in _file",
);
const fromEnvironment = (): z.ZodString =>
  z.string(ENV_MESSAGE).regex(/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/, ENV_MESSAGE);
const words = (expected: string): z.ZodString => text(expected, "write it as text");
const hostName = (): z.ZodString =>
  text("a host name or an IP address without port", "write only the name or address", isHost);
const hostPort = (): z.ZodString =>
  text("host:port, or [address]:port for IPv6", "write both host and port", (value) => {
    const parsed = parseHostPort(value);
    return parsed !== null && parsed.host !== "" && parsed.port !== null && parsed.port > 0;
  });
const ipAddress = (): z.ZodString =>
  text(
    "an IPv4 or IPv6 address of this machine",
    "write the address",
    (value) => isIP(value) !== 0,
  );
const pattern = (): z.ZodString =>
  text("a name, with * for any run of characters", "write a pattern");
const httpPath = (): z.ZodString =>
  text("an absolute path such as /owa/", "begin it with a slash", (value) =>
    /^\/[!-~]*$/.test(value),
  );
const tlsVersion = oneOf(TLS_VERSIONS as [(typeof TLS_VERSIONS)[number], ...typeof TLS_VERSIONS]);

const secretKeys = (
  what: string,
): { password: z.ZodOptional<z.ZodString>; password_file: z.ZodOptional<z.ZodString> } => ({
  password: fromEnvironment()
    .optional()
    .describe(`${what}: the environment variable that holds it, as \${NAME}.`),
  password_file: file()
    .optional()
    .describe(`${what}: a file that holds it; a final line end is dropped.`),
});

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

const adc = z.strictObject(
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

const monitor = z.strictObject(
  {
    username: words("a user name").optional().describe("User of a login monitor."),
    ...secretKeys("Password of a login monitor"),
    secret: fromEnvironment()
      .optional()
      .describe("RADIUS shared secret or SNMP community, as ${NAME}."),
    secret_file: file()
      .optional()
      .describe("RADIUS shared secret or SNMP community: a file that holds it."),
    command: listOf(words("a program or an argument"), "the program and its arguments")
      .min(1, says("at least the program", "name it"))
      .optional()
      .describe(
        "Stands for a USER monitor's own script: run without a shell, exit status 0 is success.",
      ),
  },
  says("a mapping", "write the keys below it"),
);

const vserver = z.strictObject(
  {
    host: hostName()
      .optional()
      .describe("What a client types: Host header, SNI and the certificate's name."),
    names: listOf(hostName(), "host names")
      .default([])
      .describe("All names the certificate must hold."),
    path: httpPath().optional().describe("Path that a look through the VIP asks for."),
    ca_file: file()
      .optional()
      .describe("PEM certificates that the vserver's certificate is verified against."),
    public: listOf(hostPort(), "host:port")
      .default([])
      .describe("Client-facing addresses, probed as a third vantage."),
  },
  says("a mapping", "write the keys below it"),
);

const member = z.strictObject(
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
  },
  says("a mapping with match", "write the keys below it"),
);

const account = z.strictObject(
  {
    name: name().describe("By this name transactions refer to it, and `login_suspended` shows it."),
    username: words("a user name").describe(
      "As a client types it: user, DOMAIN\\user or user@example.com.",
    ),
    address: text("a mail address", "write user@example.com", (value) =>
      /^[^\s@<>]+@[^\s@<>]+$/.test(value),
    )
      .optional()
      .describe("Mail address of the probe's own mailbox; the round trip needs it."),
    domain: words("a domain")
      .optional()
      .describe("Windows domain for NTLM, where the user name holds none."),
    ...secretKeys("Password of the account"),
  },
  says("a mapping with name, username and a password", "write the keys below it"),
);

function oneOrMany<T extends z.ZodType>(
  item: T,
  what: string,
): z.ZodDefault<z.ZodUnion<readonly [T, z.ZodArray<T>]>> {
  return z
    .union([item, z.array(item)], says(`${what}, or a list of them`, "correct it"))
    .default([] as never);
}

const run = z.strictObject(
  {
    transaction: oneOf(
      TRANSACTIONS as unknown as [
        (typeof TRANSACTIONS)[number],
        ...(typeof TRANSACTIONS)[number][],
      ],
    ).describe("What is done."),
    account: words("the name of an account")
      .optional()
      .describe("Name of one of `transactions.accounts`."),
    every: duration()
      .optional()
      .describe("Interval; default: the member's fastest monitor, at least 10 s."),
    timeout: duration().optional().describe("Longest time of one exchange."),
    members: z
      .strictObject(
        {
          server: oneOrMany(pattern(), "a server or a pattern").describe(
            "Servers; empty matches all.",
          ),
          port: oneOrMany(wholeNumber(1, 65_535), "a port from 1 to 65535").describe(
            "Ports; empty matches all.",
          ),
          adc_service: oneOrMany(pattern(), "a service or a pattern").describe(
            "Services and groups; empty matches all.",
          ),
          vserver: oneOrMany(pattern(), "a vserver or a pattern").describe(
            "Vservers served; empty matches all.",
          ),
        },
        says("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Which members it is asked of."),
    vantages: listOf(oneOf(["vip", "backend", "public"]), "vip, backend or public")
      .min(1, says("at least one vantage", "add one, or leave the key out"))
      .default(["vip", "backend"])
      .describe(
        "From where: through the ADC, straight to the server, or at a client-facing address.",
      ),
    path: httpPath().optional().describe("HTTP path, where the transaction has one."),
    host: hostName().optional().describe("Host name a client would type."),
    security: oneOf(["none", "implicit", "starttls"])
      .optional()
      .describe("How TLS begins; default: by port."),
    expect: oneOf(["works", "blocked"])
      .default("works")
      .describe("blocked: it must not be reachable."),
    allow_plaintext: flag()
      .default(false)
      .describe("Lets the account's password travel without TLS."),
    options: z
      .record(
        words("an option's name"),
        z.union(
          [z.string(), z.number(), z.boolean()],
          says("a text, a number, true or false", "correct it"),
        ),
        says("a mapping", "write name: value"),
      )
      .default({})
      .describe("Options of this transaction, for example padding_bytes."),
  },
  says("a mapping with transaction", "write the keys below it"),
);

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

export const writtenConfig = z.strictObject(
  {
    agent: name()
      .optional()
      .describe(
        "This vantage point's name, a label where two agents meet; default: the host's name.",
      ),
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
        "As curl's --connect-to, for TCP and UDP; a key without port maps every port and ICMP; matched before DNS.",
      ),
    unmapped: oneOf(["allow", "refuse"])
      .default("allow")
      .describe("refuse: addresses that connect_to does not name are never contacted."),
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
      .describe("Worker threads that probe."),
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

function isBareUrl(value: string): boolean {
  if (!URL.canParse(value)) {
    return false;
  }
  const url = new URL(value);
  return (
    (url.protocol === "https:" || url.protocol === "http:") &&
    url.username === "" &&
    url.password === "" &&
    url.pathname === "/" &&
    url.search === "" &&
    url.hash === ""
  );
}

function isEndpoint(value: string): boolean {
  const parsed = parseHostPort(value);
  return parsed !== null && parsed.host !== "" && parsed.port !== 0;
}

function isListenAddress(value: string): boolean {
  const parsed = parseHostPort(value);
  return parsed !== null && parsed.port !== null;
}

function isTimeZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    // The only way to ask is to try: an unknown zone throws.
    return false;
  }
}
