import type { TransactionName } from "../src/model/transactions.ts";

/** What the tables of keys cannot say, by the first part of the key. */
export const SECTIONS: Readonly<Record<string, string>> = {
  agent: "Shown on the page. Prometheus' own `instance` label tells agents apart in metrics.",
  state_dir:
    "Holds `maintenance.json`, `accounts.json` and `since.json`. Keep it on a disk that survives a restart: the suspension of an account is in it.",
  source_addresses:
    "Probes take turns among them, whatever the family of the target: where the servers have IPv4 addresses, list IPv4 addresses only. Several addresses let the agent see more than one server behind source-IP persistence. ICMP uses them too.",
  adcs: "Each ADC has NITRO, an ns.conf, or both. NITRO gives live state; with an ns.conf alone there is no ADC opinion, and every verdict is `unknown`. The NITRO account needs to read only: see [nitro-user.md](nitro-user.md).",
  connect_to:
    'Keys and values are `host:port`, or `[address]:port` for IPv6: `"192.168.1.154:143": "127.0.0.1:20143"`.',
  unmapped: "`refuse` is what the demo uses: nothing but the lab can be dialled.",
  dns_servers:
    "Inside a company a client-facing name often has another address than outside. With these, clients' names are resolved as clients outside resolve them; everything else asks the system's resolver. Where `unmapped` is `refuse`, `connect_to` must name a server before it is asked.",
  monitors:
    "NITRO never returns passwords, and ns.conf holds them encrypted. A login monitor without its password here is listed by `plan` as `not_configured`.",
  vservers:
    "`names` and `public` are what clients type: a name is asked for again as its answer grows old (its own time to live where `dns_servers` are given, between 5 and 30 s), and each of its addresses, IPv4 and IPv6, is a site of its own, probed with the name as Host, SNI and certificate name; at most 16 a name. An address is dropped when 20 answers in a row did not hold it, for a GSLB may show one site at a time. The VIP itself is not probed twice. No login ever goes to a public address. The comparison with the VIP is on the vserver's page and in `/api/v1/verdicts`. `host` is needed where the vserver's policies do not name one; without it the first of `names` stands for it. Without `host` or `names`, and without NITRO's certificate, `vip_wrong_certificate` is never claimed. Where TLS ends follows from the types of vservers and services. Passed through (SSL_BRIDGE, TCP), the VIP and all members must show one certificate for one SNI; offloaded, there is none to compare. Where the ADC encrypts anew they are compared only with `same_certificate: true`, or once Extended Protection is seen: an NTLM login, bound to the certificate that was shown, that a member accepts and the VIP refuses to the same account. An accepted login tells nothing, since a server without Extended Protection ignores the binding: where no account logs in with NTLM, set the key.",
  members:
    "Exchange is recognised by its health page or virtual directories in monitors and rules, by its banners and its X-FEServer header. Help is needed only where none of these is there.",
  transactions:
    "The anonymous looks run by themselves wherever Exchange is recognised. Logins run only where this section says so, with accounts of the probe's own. After a rejected login the next one goes to another member; a second rejection suspends the account for 30 minutes, doubling up to 6 hours.",
  maintenance:
    "Windows can also be declared by `adc-witness maintenance start` and over the API; those are kept in `state_dir`. Writes over the API need the token.",
  control_targets:
    "Addresses that always answer, for example the default gateway's management port. TCP connections only.",
  probe:
    "The defaults are the likelier choice. UNCONFIRMED: compare with a capture of your ADC's own probes, and correct them here.",
  metrics: "",
  web: "Loopback by default. To open it to the network, give it a `config_file` (TLS, basic auth) as Prometheus' exporters take it; the agent warns when it is open without one.",
  shard:
    "`2/4` is the third of four. What hangs together stays in one share: a vserver with all it leads to, and services with a server and port in common. Shares depend on names alone. Only the agent (`run`) looks at it; `plan` and `compare` have the whole estate. Each agent keeps windows of its own: declare them in every agent's configuration, or at every agent.",
  workers:
    "`1`: the main thread probes by itself. From `2` on: so many worker threads beside it. `auto`: worker threads only where the exchanges of the estate would keep more than half a core busy (0.2 ms of CPU each, 1.5 ms with TLS: about 7,500 replicas every 5 s, one in ten with TLS), one for each such half core, and at most one CPU fewer than there are. Schedule, records, verdicts, accounts, NITRO and `/metrics` stay in the main thread. Secrets never leave it: what logs in, carries a credential or sends a header such as `Authorization` or `Cookie` is run there, and so are PING and scripts. A thread that dies makes the probes under way `agent_fault`, which is unknown and never down, and is started again. Each costs about 20 MB and what its probes hold. Only the agent (`run`) looks at it.",
  log: "",
};

/** Keys that are read and checked and that no code acts on. A test looks whether that is still so. */
export const UNUSED_KEYS: ReadonlyMap<string, RegExp> = new Map();

export const TRANSACTION_OPTIONS: readonly {
  readonly transactions: readonly TransactionName[];
  readonly option: string;
  readonly meaning: string;
}[] = [
  {
    transactions: ["owa_form"],
    option: "aaa_login_path",
    meaning:
      "Path that the ADC's login form is posted to; default `/cgi/tmlogin`. UNCONFIRMED across firmware versions.",
  },
  {
    transactions: ["owa_form"],
    option: "aaa_username",
    meaning: "User name for the ADC's login, where it differs from the account's.",
  },
  {
    transactions: ["imap_login"],
    option: "fetch_newest",
    meaning:
      "`true` also asks for the newest message's size: it proves that the store can be read.",
  },
  {
    transactions: ["rpc_endpoint_map"],
    option: "mapper_port",
    meaning: "Port of the endpoint mapper; default 135.",
  },
  {
    transactions: ["rpc_endpoint_map"],
    option: "expected_port",
    meaning:
      "Port the mapper must name, or several separated by commas, where the member is the mapper itself; default: the ports that the ADC's monitors of the service ask at.",
  },
  {
    transactions: ["dns_lookup"],
    option: "query",
    meaning: "Name that is asked for; default: the host.",
  },
  { transactions: ["dns_lookup"], option: "type", meaning: "Record type; default `A`." },
  {
    transactions: ["dns_lookup"],
    option: "expected",
    meaning: "Addresses separated by commas, one of which must be in the answer.",
  },
  {
    transactions: ["ntp_time"],
    option: "max_offset_ms",
    meaning: "Largest difference from this host's clock, in milliseconds; default: not judged.",
  },
  {
    transactions: ["ldap_bind"],
    option: "base_dn",
    meaning: "Searches below this entry; default: reads the root's own entry.",
  },
  {
    transactions: ["ldap_bind"],
    option: "filter",
    meaning: "What the search must find; default `(objectClass=*)`.",
  },
  {
    transactions: ["https_challenge"],
    option: "auth_schemes",
    meaning:
      "Schemes separated by commas, for example `NTLM, Negotiate`: a 401 that does not offer each of them is a failure (`auth_schemes_differ`); more may be offered. Default: any schemes are good, since administrators change them; members of one group are compared with each other (`adc_witness_auth_schemes_differ`). Of use with `path`, since every virtual directory has schemes of its own.",
  },
  {
    transactions: ["smtp_mail_from"],
    option: "outside_address",
    meaning:
      "With `expect: blocked`: a recipient outside that must be refused. No mail is sent either way.",
  },
  {
    transactions: ["ews_folder"],
    option: "padding_bytes",
    meaning:
      "The same is asked again with a body of this size, nothing of which is stored; default 65536, 0 leaves it out.",
  },
  {
    transactions: ["eas_options", "ews_folder", "autodiscover", "mapi_endpoint", "oab", "rpc_echo"],
    option: "auth",
    meaning: "`ntlm`, `negotiate` or `basic`; default: the first of these that is offered.",
  },
  {
    transactions: ["eas_options", "ews_folder", "autodiscover", "mapi_endpoint", "oab", "rpc_echo"],
    option: "channel_binding",
    meaning: "`false` leaves the TLS channel binding out of NTLM; default `true`.",
  },
  {
    transactions: ["rpc_echo"],
    option: "rpc_server",
    meaning: "Destination that the RPC proxy is asked for; default: the host.",
  },
  {
    transactions: ["mail_round_trip"],
    option: "imap_host",
    meaning: "Where the mail is looked for; default: the server it was handed in at.",
  },
  {
    transactions: ["mail_round_trip"],
    option: "imap_port",
    meaning: "Default 993 (TLS); 143 begins with STARTTLS.",
  },
  {
    transactions: ["mail_round_trip"],
    option: "junk_folder",
    meaning: "Name of the junk folder, where the server does not mark it.",
  },
];

export const RULES_IN_WORDS: readonly string[] = [
  "Names of ADCs, accounts and windows are unique.",
  "An ADC has `nitro` or `ns_conf`, or both.",
  "Of `password` and `password_file` (and of `token`, `secret` and their `_file`) at most one is given; NITRO and accounts need one.",
  "`poll_every` is at least `1s`, `import_every` not shorter than `poll_every`, `timeout` at least `100ms`.",
  "`http:` URLs of NITRO and `verify: false` are accepted with a warning: the password can be stolen.",
  "`monitor_tls.min` is not newer than `max`.",
  "A run that logs in names an account; a round trip needs an account with `address`.",
  "`every` is at least `1s`; below `30s` for a login, or `10s` for a look, there is a warning.",
  "`options` holds only what the transaction knows, with values that fit.",
  "`expect: blocked` goes only with a transaction that needs no account.",
  "A window is fixed (`start`, `end`) or recurring (`cron`, `timezone`, `duration` of at most `168h`), not both.",
  "The page open to the network without `web.config_file` is accepted with a warning.",
  "Every file that is named can be read, and no secret is empty.",
];
