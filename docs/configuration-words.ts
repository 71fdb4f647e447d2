import type { TransactionName } from "../src/model/transactions.ts";

/** What the tables of keys cannot say, by the first part of the key. */
export const SECTIONS: Readonly<Record<string, string>> = {
  agent: "Shown on the page. In metrics, Prometheus' own `instance` label distinguishes agents.",
  state_dir:
    "Holds `maintenance.json`, `accounts.json`, `since.json`, `notify.json`, and the history of verdicts (`history.jsonl`, two files of at most 16 MB). Keep it on a disk that survives a restart: the suspension of an account is in it.",
  source_addresses:
    "Probes take turns among them, whatever the family of the target: where the servers have IPv4 addresses, list IPv4 addresses only. Several addresses let the agent see more than one server behind source-IP persistence. ICMP uses them too.",
  adcs: "Each ADC has NITRO, an ns.conf, or both. NITRO gives live state; with an ns.conf alone there is no ADC opinion, and every verdict is `unknown`. The NITRO account needs to read only: see [nitro-user.md](nitro-user.md).",
  connect_to:
    'Keys and values are `host:port`, or `[address]:port` for IPv6: `"192.168.1.154:143": "127.0.0.1:20143"`.',
  unmapped: "The demo uses `refuse`, so that only the lab can be contacted.",
  allow_targets:
    "Addresses from the ADC or from DNS are untrusted. Without this rule, a monitor with `-destIP 169.254.169.254` would make the agent request its own cloud credentials and publish them as evidence. Addresses you configure yourself (`connect_to`, `control_targets`, `dns_servers`, NITRO's `urls`) are never refused. `-destIP 127.0.0.1` means the ADC itself; such a monitor is repeated only if `connect_to` maps the address.",
  dns_servers:
    "Internal DNS often returns other addresses for a client-facing name than external DNS. These servers resolve clients' names as external clients see them; everything else uses the system's resolver. With `unmapped: refuse`, a DNS server is used only if `connect_to` maps it.",
  monitors:
    "NITRO never returns passwords, and ns.conf holds them encrypted. `plan` lists a login monitor whose password is missing here as `not_configured`. The user comes from the monitor (`-userName`, `-bindDN`, or the user in `-scriptArgs`), even if `username` spells the same user differently. `username` is needed if the monitor names no user; if it names a different one, it replaces the monitor's.",
  vservers:
    "`names` and `public` are the names that clients use. A name is resolved again when its answer expires (with `dns_servers`, after its TTL, but within 5 to 30 s). Each address, IPv4 or IPv6, is probed as a site of its own, with the name as Host, SNI and certificate name; at most 16 addresses per name. An address is dropped after 20 answers in a row without it, since a GSLB may return one site at a time. The VIP itself is not probed twice, and no login is ever sent to a public address. The vserver's page and `/api/v1/verdicts` compare the addresses with the VIP. `host` is needed if the vserver's policies do not name one; the default is the first of `names`. Without `host` or `names`, and without NITRO's certificate, `vip_wrong_certificate` is never reported. The agent derives where TLS ends from the types of vservers and services. Passed through (SSL_BRIDGE, TCP): the VIP and all members must present the same certificate for one SNI. Offloaded: there is nothing to compare. Re-encrypted: certificates are compared only with `same_certificate: true`, or once Extended Protection is detected, that is, a member accepts an NTLM login bound to its certificate and the VIP rejects the same account. An accepted login proves nothing, since a server without Extended Protection ignores the binding. If no account logs in with NTLM, set the key.",
  members:
    "Exchange is recognised by its health page or virtual directories in monitors and rules, by its banners and by its X-FEServer header. Overrides are needed only if none of these is present. An entry with nothing but `host`, `security`, `query`, `looks` or trust keys does not make its members Exchange.",
  looks:
    "Looks need no account and run by default: greetings of IMAP, POP3 and SMTP on ports 25, 465, 587, 143, 993, 110 and 995, wherever a monitor expects such a greeting, and for virtual servers with such a port; one anonymous request at each web service's own path (from its monitors, rules or rewrites), where 2xx, 3xx and 401 pass, 5xx fails and other 4xx proves nothing; the root's entry of directories; the SOA of a monitored name at name servers; the time of time servers. A member that turns out to be Exchange gets the looks for Exchange. `members[].looks` and `vservers.<name>.looks` override single kinds; select a port with `match: \"*:993\"`.",
  exclude:
    "Each entry names one monitor, member or vserver. What is excluded from probing is listed by `plan` and the page with its reason, and never contacted. What is excluded from judging is probed, but a monitor has no say, and a member or vserver is `unknown` with reason `excluded`. An entry, a run, or `looks` of a member or vserver, that selects nothing is an error: `plan` and `compare` report it with its line, and the agent logs it.",
  transactions:
    "The anonymous looks run automatically on every member recognised as Exchange. Logins run only if configured here, with accounts used by probes only. After a rejected login the next one goes to another server. A second rejection suspends the account for 30 minutes, doubling up to 6 hours. An account is never rejected more than twice in a row within half an hour, whichever passwords are tried: a new one is tried at least a minute after the last rejection, and only if it cannot be the third. A place that rejects what another accepts is left alone for two minutes, doubling up to half an hour; it is tried again a minute after the rejection once another probe of that server passes again, or the ADC has it UP again. A password in the request of an imported monitor (`Authorization: Basic`, a form, commands of POP3, IMAP or SMTP) counts as a login of its user. All spellings of one user (`LAB\\svc`, `svc@lab.local`, `svc`, `CN=svc,…`) count as one, including those of monitors. With an empty `state_dir`, the first login waits 12 seconds.",
  maintenance:
    "Windows can also be declared with `adc-witness maintenance start` or over the API; those are stored in `state_dir`. Writes over the API require the token.",
  control_targets:
    "Addresses that are always reachable, for example the default gateway's management port. TCP only.",
  probe:
    "The defaults are the most likely behaviour. UNCONFIRMED: compare them with a capture of your ADC's own probes, and correct them here.",
  min_probe_interval:
    "A monitor may probe every 10 ms or less. The agent never repeats it more often than this; `plan` marks each monitor that is slowed down.",
  look_timeout:
    "A server that answers within it, or turns this client away by its own policy, is not called down. A transaction of `transactions.run` has its own `timeout`.",
  metrics: "",
  notify:
    "One message for each cause: a server with all its members and the vservers behind it, a vserver's own fault, or an ADC that does not answer. See [notify.md](notify.md).",
  lint: 'For known and intended findings. `rule` is a name of [lint.md](lint.md). The same is possible in the object itself, as `-comment "lint:ignore tcp_only"`, and after its line of an ns.conf, as `# lint:ignore tcp_only`. The command `lint` reads this file if `--config` names it.',
  web: "Loopback by default. To listen on the network, set `config_file` (TLS, basic auth) in the format of the Prometheus exporters; the agent warns if it listens on the network without one.",
  shard:
    "`2/4` is the third of four shards. Related objects stay in one shard: a vserver with everything it leads to, and services that share a server and port. Shards depend on names only. Only the agent (`run`) is sharded; `plan` and `compare` cover the whole estate. Each agent has its own windows: declare them in the configuration of every agent, or at every agent.",
  workers:
    "Has no effect, and the agent warns of it: earlier versions probed in so many worker threads. Use `shard` for several cores or machines.",
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
    transactions: ["imap_greeting", "pop3_greeting"],
    option: "greeting_only",
    meaning:
      "True: ends after the greeting, before capabilities and STARTTLS, and another protocol on the port proves nothing. Default: true for looks at servers that are not known to be Exchange, else false.",
  },
  {
    transactions: ["owa_form"],
    option: "aaa_login_path",
    meaning:
      "Path that the ADC's login form is posted to; default: the form's own `action`, and if the page contains no form, `/cgi/login`, or `/nf/auth/doAuthentication.do` for nFactor.",
  },
  {
    transactions: ["owa_form"],
    option: "aaa_username",
    meaning: "User name for the ADC's login, if it differs from the account's.",
  },
  {
    transactions: ["imap_login"],
    option: "fetch_newest",
    meaning:
      "`true` also fetches the newest message's size, which proves that the store can be read.",
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
      "Port, or ports separated by commas, that the mapper must return if the member is the mapper itself; default: the ports of the service's monitors.",
  },
  {
    transactions: ["dns_lookup"],
    option: "query",
    meaning: "Name to query; default: the host.",
  },
  { transactions: ["dns_lookup"], option: "type", meaning: "Record type; default `A`." },
  {
    transactions: ["dns_lookup"],
    option: "expected",
    meaning: "Addresses separated by commas; the answer must contain one of them.",
  },
  {
    transactions: ["dns_lookup"],
    option: "transport",
    meaning: "`udp` or `tcp`; default `udp`.",
  },
  {
    transactions: ["ntp_time"],
    option: "max_offset_ms",
    meaning: "Maximum offset from this host's clock, in milliseconds; default: not checked.",
  },
  {
    transactions: ["ldap_bind"],
    option: "base_dn",
    meaning: "Base of the search; default: read the root DSE.",
  },
  {
    transactions: ["ldap_bind"],
    option: "filter",
    meaning: "Filter that the search must match; default `(objectClass=*)`.",
  },
  {
    transactions: ["https_challenge"],
    option: "auth_schemes",
    meaning:
      "Schemes separated by commas, for example `NTLM, Negotiate`: a 401 that does not offer all of them fails (`auth_schemes_differ`); additional schemes are allowed. Default: any scheme passes, since administrators change them; members of one group are compared with each other (`adc_witness_auth_schemes_differ`). Useful with `path`, since every virtual directory has its own schemes.",
  },
  {
    transactions: ["smtp_mail_from"],
    option: "outside_address",
    meaning:
      "With `expect: blocked`: an external recipient that the server must reject. No mail is sent either way.",
  },
  {
    transactions: ["ews_folder"],
    option: "padding_bytes",
    meaning:
      "Repeats the request with a body of this size, which is not stored; default 65536, 0 skips it.",
  },
  {
    transactions: ["eas_options", "ews_folder", "autodiscover", "mapi_endpoint", "oab", "rpc_echo"],
    option: "auth",
    meaning: "`ntlm`, `negotiate` or `basic`; default: the first of these that the server offers.",
  },
  {
    transactions: ["eas_options", "ews_folder", "autodiscover", "mapi_endpoint", "oab", "rpc_echo"],
    option: "channel_binding",
    meaning: "`false` omits the TLS channel binding from NTLM; default `true`.",
  },
  {
    transactions: ["rpc_echo"],
    option: "rpc_server",
    meaning: "Destination requested from the RPC proxy; default: the host.",
  },
  {
    transactions: ["mail_round_trip"],
    option: "imap_host",
    meaning: "Host to search for the mail; default: the server it was submitted to.",
  },
  {
    transactions: ["mail_round_trip"],
    option: "imap_port",
    meaning: "Default 993 (TLS); 143 uses STARTTLS.",
  },
  {
    transactions: ["mail_round_trip"],
    option: "junk_folder",
    meaning: "Name of the junk folder, if the server does not mark it.",
  },
];

export const RULES_IN_WORDS: readonly string[] = [
  "Names of ADCs, accounts and windows are unique.",
  "An ADC has `nitro` or `ns_conf`, or both.",
  "Of `password` and `password_file` (and of `token`, `secret` and their `_file`) at most one is given; NITRO and accounts need one.",
  "`poll_every` is at least `1s`, `import_every` at least `poll_every`, `timeout` at least `100ms`.",
  "`http:` URLs of NITRO and `verify: false` are accepted with a warning, since the password can be stolen.",
  "`monitor_tls.min` is not newer than `max`.",
  "A run that logs in names an account; a round trip needs an account with `address`.",
  "`every` is at least `1s`; below `30s` for a login, or `10s` for a look, there is a warning.",
  "`options` contains only options of the transaction, with valid values.",
  "`expect: blocked` is allowed only for transactions without an account.",
  "A window is fixed (`start`, `end`) or recurring (`cron`, `timezone`, `duration` of at most `168h`), not both.",
  "Serving the page to the network without `web.config_file` is accepted with a warning.",
  "Every configured file is readable, and no secret is empty.",
];
