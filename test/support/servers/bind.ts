import { spawnSync } from "node:child_process";
import { findProgram, put, startServer, type RealServer } from "../real-servers.ts";

export interface BindZone {
  readonly zone: string;
  /** In the zone file's own words, beside SOA and name server. */
  readonly records: string;
}

const LAB_ZONE: BindZone = {
  zone: "lab.example.com",
  records: `mail IN A 192.0.2.10
mail IN A 192.0.2.11
mail IN AAAA 2001:db8::25
web IN CNAME mail
`,
};

/** BIND with one zone, lab.example.com by default; the zone takes updates. Debian: bind9. */
export function startBind({ zone, records }: BindZone = LAB_ZONE): Promise<RealServer> {
  return startServer({
    program: "named",
    ports: ["dns"],
    prepare({ directory, ports }) {
      put(
        directory,
        "lab.zone",
        `$TTL 60
@ IN SOA ns.${zone}. hostmaster.${zone}. 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
${records}`,
      );
      const file = put(
        directory,
        "named.conf",
        `
options {
  directory "${directory}";
  listen-on port ${ports["dns"] ?? 0} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  managed-keys-directory "${directory}";
  recursion no;
  dnssec-validation no;
};
controls { };
zone "${zone}" { type master; file "lab.zone"; allow-update { 127.0.0.1; }; };
`,
      );
      return ["-g", "-c", file, "-n", "1"];
    },
  });
}

/** Changes the zone at once, by lines of nsupdate. Debian: bind9-dnsutils. */
export function updateZone(bind: RealServer, zone: string, ...lines: readonly string[]): void {
  const nsupdate = findProgram("nsupdate");
  if (nsupdate === null) {
    throw new Error("nsupdate is not installed: apt-get install bind9-dnsutils");
  }
  const { status, stderr } = spawnSync(nsupdate, {
    input: [
      `server 127.0.0.1 ${String(bind.ports["dns"])}`,
      `zone ${zone}`,
      ...lines,
      "send",
      "",
    ].join("\n"),
    encoding: "utf8",
    timeout: 20_000,
  });
  if (status !== 0) {
    throw new Error(`nsupdate: ${stderr}\n${bind.output()}`);
  }
}
