import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { createPlainRecogniser } from "../../src/adc/plain-services.ts";
import { looksFor, type MemberOverride } from "../../src/adc/recognise.ts";

/** What the one member of a service speaks, however it is called. */
function spoken(
  service: string,
  monitor = "add lb monitor m TCP",
  told: Pick<MemberOverride, "protocol" | "path"> | null = null,
  vservers: readonly string[] = [],
): string {
  const estate = parseNsConf(
    [
      "add server mbx01 192.0.2.1",
      `add service s mbx01 ${service}`,
      monitor,
      "bind service s -monitorName m",
      ...vservers.flatMap((vserver, index) => [
        `add lb vserver v${String(index)} ${vserver}`,
        `bind lb vserver v${String(index)} s`,
      ]),
    ].join("\n"),
    { adc: "prod" },
  );
  const one = estate.services.get("s");
  const member = one?.members[0];
  if (one === undefined || member === undefined) {
    throw new Error("the service has no member");
  }
  const { protocol, path, security } = createPlainRecogniser(estate)(one, member, told);
  return [looksFor({ protocol, version: null }, false)[0] ?? "-", path, security]
    .filter(Boolean)
    .join(" ");
}

describe("createPlainRecogniser › protocol of a member", () => {
  test.each([
    ["TCP 25", "smtp_greeting starttls_if_offered"],
    ["TCP 465", "smtp_greeting implicit"],
    ["TCP 587", "smtp_greeting starttls_if_offered"],
    ["TCP 143", "imap_greeting starttls_if_offered"],
    ["SSL_BRIDGE 993", "imap_greeting implicit"],
    ["TCP 110", "pop3_greeting starttls_if_offered"],
    ["SSL_TCP 995", "pop3_greeting implicit"],
    ["SSL_TCP 1143", "- none"],
    ["TCP 389", "ldap_root none"],
    ["TCP 636", "ldap_root implicit"],
    ["TCP 3269", "ldap_root implicit"],
    ["DNS 53", "dns_lookup none"],
    ["UDP 123", "ntp_time none"],
    ["TCP 123", "- none"],
    ["UDP 143", "- none"],
    ["HTTP 8080", "web_answer / none"],
    ["SSL 8443", "web_answer / implicit"],
    ["TCP 443", "web_answer / implicit"],
    ["SSL_BRIDGE 443", "web_answer / implicit"],
    ["TCP 80", "web_answer / none"],
    ["TCP 22", "- none"],
    ["MYSQL 3306", "- none"],
  ])("is that of type and port: %s gives %s", (service, expected) => {
    expect(spoken(service)).toBe(expected);
  });

  test.each([
    ["TCP 10143", ["TCP 192.0.2.9 143"], "imap_greeting starttls_if_offered"],
    ["SSL_BRIDGE 10993", ["SSL_BRIDGE 192.0.2.9 993"], "imap_greeting implicit"],
    ["TCP 10993", ["TCP 192.0.2.9 993"], "imap_greeting implicit"],
    ["TCP 10143", ["SSL_TCP 192.0.2.9 993"], "imap_greeting starttls_if_offered"],
    ["SSL_TCP 10993", ["SSL_TCP 192.0.2.9 993"], "imap_greeting implicit"],
    ["TCP 2525", ["TCP 192.0.2.9 25", "TCP 192.0.2.9 587"], "smtp_greeting starttls_if_offered"],
    ["TCP 2525", ["TCP 192.0.2.9 25", "TCP 192.0.2.9 143"], "- none"],
    ["TCP 8443", ["SSL_BRIDGE 192.0.2.9 443"], "web_answer / implicit"],
    ["TCP 143", ["SSL_TCP 192.0.2.9 993"], "imap_greeting starttls_if_offered"],
    ["TCP 22", ["TCP 192.0.2.9 2222"], "- none"],
    ["TCP 110", ["TCP 192.0.2.9 25"], "pop3_greeting starttls_if_offered"],
    ["TCP 10143", ["TCP 0.0.0.0 0"], "- none"],
  ])(
    "is that of the vserver's port when the member's own tells nothing: %s behind %j gives %s",
    (service, vservers, expected) => {
      expect(spoken(service, "add lb monitor m TCP", null, vservers)).toBe(expected);
    },
  );

  test.each([
    ["TCP 29930", 'add lb monitor m TCP-ECV -recv "* OK" -secure YES', "imap_greeting implicit"],
    ["TCP 29930", 'add lb monitor m TCP-ECV -recv "+OK"', "pop3_greeting starttls_if_offered"],
    ["TCP 2525", "add lb monitor m SMTP", "smtp_greeting starttls_if_offered"],
    ["TCP 1110", "add lb monitor m POP3", "pop3_greeting starttls_if_offered"],
    ["TCP 1389", "add lb monitor m LDAP", "ldap_root none"],
    ["TCP 2143", 'add lb monitor m TCP-ECV -recv "ready"', "- none"],
    [
      "TCP 143",
      'add lb monitor m TCP-ECV -recv "* OK" -secure YES',
      "imap_greeting starttls_if_offered",
    ],
    [
      "TCP 9000",
      'add lb monitor m HTTP-ECV -send "GET /up" -recv ok -secure YES',
      "web_answer /up implicit",
    ],
    ["HTTP 80", 'add lb monitor m HTTP -httpRequest "HEAD /"', "web_answer / none"],
    [
      "HTTP 8123",
      'add lb monitor m HTTP -httpRequest "GET /up" -secure YES',
      "web_answer /up none",
    ],
    [
      "HTTP 443",
      'add lb monitor m HTTP -httpRequest "GET /up" -secure YES',
      "web_answer /up implicit",
    ],
    [
      "HTTP 80",
      'add lb monitor m HTTP -httpRequest "HEAD /shop/login"',
      "web_answer /shop/login none",
    ],
  ])(
    "is that of the monitor when it tells one: %s with %s gives %s",
    (service, monitor, expected) => {
      expect(spoken(service, monitor)).toBe(expected);
    },
  );

  test("is the configured one when the configuration gives it", () => {
    expect(spoken("TCP 2389", undefined, { protocol: "ldap", path: null })).toBe("ldap_root none");
    expect(spoken("TCP 80", undefined, { protocol: null, path: "/up" })).toBe(
      "web_answer /up none",
    );
  });
});

describe("createPlainRecogniser › a health port", () => {
  test.each([
    ["TCP 5432", 'add lb monitor m HTTP -httpRequest "GET /primary" -destPort 8008', "- none"],
    [
      "SSL_BRIDGE 49443",
      'add lb monitor m HTTP-ECV -send "GET /adfs/probe" -recv "200 OK" -destPort 80',
      "- none",
    ],
    [
      "SSL 443",
      'add lb monitor m HTTP-ECV -send "GET /adfs/probe" -recv "200 OK" -destPort 80',
      "web_answer / implicit",
    ],
    [
      "TCP 8443",
      'add lb monitor m HTTP -httpRequest "GET /favicon.ico" -destPort 8443 -secure YES',
      "web_answer /favicon.ico implicit",
    ],
  ])("does not tell what %s speaks when the monitor is %s", (service, monitor, expected) => {
    expect(spoken(service, monitor)).toBe(expected);
  });
});
