import { put, startServer, type RealServer } from "../real-servers.ts";

/** BIND with the zone lab.example.com. Debian: bind9. */
export function startBind(): Promise<RealServer> {
  return startServer({
    program: "named",
    ports: ["dns"],
    prepare({ directory, ports }) {
      put(
        directory,
        "lab.zone",
        `$TTL 60
@ IN SOA ns.lab.example.com. hostmaster.lab.example.com. 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
mail IN A 192.0.2.10
mail IN A 192.0.2.11
mail IN AAAA 2001:db8::25
web IN CNAME mail
`,
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
zone "lab.example.com" { type master; file "lab.zone"; };
`,
      );
      return ["-g", "-c", file, "-n", "1"];
    },
  });
}
