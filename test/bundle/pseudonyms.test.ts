import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DOCUMENTED_CONFIG, DOCUMENTED_STAT } from "../../lab/nitro/documented-fields.ts";
import { Pseudonyms } from "../../src/bundle/pseudonyms.ts";
import { COMMON_WORDS } from "../../src/bundle/vocabulary.ts";

/** Every field that the vendor documents anywhere, and some unknown ones. */
const FIELDS: readonly string[] = [
  ...new Set(
    `${DOCUMENTED_CONFIG}\n${DOCUMENTED_STAT}`
      .trim()
      .split("\n")
      .flatMap((line) => line.split(" ").slice(1))
      .map((field) => field.replace(/[%#?*=^].*$/, "")),
  ),
  "fieldofnextyear",
  "newpassword",
  "quantumkeyname",
];

/** What a canary may look like, with the pieces of it that must not be seen again. */
const SHAPES: readonly ((id: string, digits: string) => readonly [string, readonly string[]])[] = [
  (id) => [id, [id]],
  (id) => [`${id}.corp-${id}.example`, [id]],
  (id) => [`https://user:${id}@mail.${id}.test:8443/${id}?q=${id}%2F${id}#x`, [id]],
  (id) => [`CORP\\${id}`, [id]],
  (id) => [`\\r\\n${id}\\r\\nHost: ${id}`, [id]],
  (id) => [`HTTP.REQ.HOSTNAME.EQ("${id}") && HTTP.REQ.URL.STARTSWITH("/${id}")`, [id]],
  (id) => [`LOGIN ${id} welcome\r\n`, [id, "welcome"]],
  (id) => [`user=${id};password=system`, [id, "system"]],
  (id) => [
    `Authorization: Basic ${Buffer.from(`${id}:${id}`).toString("base64")}`,
    [Buffer.from(id).toString("base64").slice(0, 8)],
  ],
  (id) => [`CN=${id},OU=${id},DC=${id},DC=test`, [id]],
  (id) => [`sg_${id}?${id}?443`, [id]],
  (id) => [`${id}äöü漢字`, [id, "äöü", "漢字"]],
  (id, digits) => [
    `${id}-${digits.slice(0, 3)}-${digits.slice(3, 6)}`,
    [`${digits.slice(0, 3)}-${digits.slice(3, 6)}`],
  ],
  () => ["203.0.113.77", ["203.0.113.77", "0.113.77"]],
  () => ["x203.0.113.77:443", ["203.0.113"]],
  () => ["%2F203.0.113.77%2F", ["203.0.113"]],
  () => ["2a02:db8:7:7::77", ["2a02", "db8:7"]],
  () => ["fe80::a1b2:c3d4%eth0", ["a1b2", "c3d4"]],
  () => ["de:ad:be:ef:00:77", ["de:ad", "be:ef"]],
  (id) => [
    Buffer.from(`${id}${id}`).toString("base64"),
    [Buffer.from(id).toString("base64").slice(0, 8)],
  ],
];

/** Not a word of anybody's language, long enough to be recognised. */
const CANARY = fc
  .stringMatching(/^[A-Za-z][A-Za-z0-9]{7,14}$/)
  .filter(
    (id) =>
      !COMMON_WORDS.has(id.toLowerCase()) &&
      !/exch|owa|rpc|outlook|activesync|autodiscover|20\d\d/i.test(id),
  );

describe("secrets and names in a bundle", () => {
  test("never appear in any field of any resource", () => {
    fc.assert(
      fc.property(
        CANARY,
        fc.stringMatching(/^\d{9}$/),
        fc.constantFrom(...SHAPES),
        fc.constantFrom("text", "list", "nested"),
        (id, digits, shape, place) => {
          const [value, pieces] = shape(id, digits);
          const held =
            place === "text"
              ? value
              : place === "list"
                ? [value, value]
                : [{ inner: { deep: value } }];
          const pseudonyms = new Pseudonyms([]);
          const row = pseudonyms.row(Object.fromEntries(FIELDS.map((field) => [field, held])));
          const line = JSON.stringify(Object.values(row)).toLowerCase();
          expect(pieces.filter((piece) => line.includes(piece.toLowerCase()))).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("never appear in any text of ours", () => {
    fc.assert(
      fc.property(CANARY, fc.constantFrom(...SHAPES), (id, shape) => {
        const [value, pieces] = shape(id, "123456789");
        const pseudonyms = new Pseudonyms([]);
        // What is sent at a login is hidden where it is sent: a transcript has none of it.
        const own = pieces.filter((piece) => !COMMON_WORDS.has(piece));
        const told = `${pseudonyms.text(`> ${value}\n< 250-${value} ready`)} ${pseudonyms.name(value)}`;
        expect(own.filter((piece) => told.toLowerCase().includes(piece.toLowerCase()))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("never appear when a field's name says that it holds a secret", () => {
    const pseudonyms = new Pseudonyms([]);
    const names =
      "password secondarypassword radkey snmpcommunity secureargs rpcnodepassword passphrase newapitoken clientsecret comment serialno hostid sysid";
    const fields = names.split(" ");
    const row = {
      ...pseudonyms.row(Object.fromEntries(fields.map((field) => [field, "success"]))),
      ...pseudonyms.row(Object.fromEntries(fields.map((field) => [`${field}2`, 12_345]))),
    };
    expect(new Set(Object.values(row))).toEqual(new Set(["<withheld>"]));
  });

  test("never appear in any encoding when they are secrets of the configuration", () => {
    const secret = "Ready-Server/42!";
    const pseudonyms = new Pseudonyms([secret]);
    const forms = [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64"),
      Buffer.from(`\0user\0${secret}`).toString("base64"),
    ];
    for (const form of forms) {
      expect(pseudonyms.containsSecret(JSON.stringify({ form }))).toBe(true);
      const line = JSON.stringify([
        pseudonyms.text(form),
        pseudonyms.value("send", form),
        pseudonyms.name(form),
      ]);
      expect([form, pseudonyms.containsSecret(line)]).toEqual([form, false]);
    }
  });
});

describe("pseudonyms", () => {
  const pseudonyms = new Pseudonyms([]);

  test.each<readonly [string, unknown]>([
    ["state", "ENABLED"],
    ["svrstate", "DOWN WHEN GOING OUT OF SERVICE"],
    ["servicetype", "SSL_BRIDGE"],
    ["port", 443],
    ["destport", 65_535],
    ["tickssincelaststatechange", "123456789"],
    ["respcode", ["200", "301-302"]],
    ["monitor_name", "https-ecv"],
    ["monitorname", "TCP"],
    ["scriptname", "nspop3.pl"],
    ["send", "GET /owa/healthcheck.htm"],
    ["send", "GET /Microsoft-Server-ActiveSync/healthcheck.htm"],
    ["recv", "The Microsoft Exchange IMAP4 service is ready."],
    ["recv", "220 "],
    ["lastresponse", "Failure - Time out during SSL handshake stage"],
    ["lastresponse", "Probing ownership is with some other node in cluster."],
    ["value", "Certkey not bound"],
    ["version", "NetScaler NS13.1: Build 37.38.nc, Date: Jan 12 2023, 10:42:05   (64-bit)"],
    ["rule", 'HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH("/owa")'],
    ["gotopriorityexpression", "END"],
    ["netmask", "255.255.255.0"],
    ["ip", "0.0.0.0"],
    ["weight", "100"],
    ["healthmonitor", true],
    ["defaultprofile", "ENABLED"],
  ])("keep values with a meaning: %s %j", (field, value) => {
    expect(pseudonyms.value(field, value)).toEqual(value);
  });

  test("are the same for one word everywhere, in any spelling that an ADC takes for the same", () => {
    const own = new Pseudonyms([]);
    const name = own.name("contoso");
    expect(own.text('HTTP.REQ.HOSTNAME.EQ("mail.contoso.com")')).toContain(`.${name}.`);
    expect(own.name("mail.contoso.com").split(".")[1]).toBe(name);
    expect(own.name("CONTOSO").toLowerCase()).toBe(name.toLowerCase());
    expect(own.name("CONTOSO")).not.toBe(name);
    expect(own.value("servicegroupentname2", "sg_contoso?10.1.2.3?443")).toMatch(
      /^n\d+_n1\?198\.18\.0\.1\?443$/,
    );
    expect(own.name("10.1.2.3")).toBe("198.18.0.1");
  });

  test("differ for different names, and are stable", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/), { minLength: 2 }),
        (names) => {
          const once = new Pseudonyms([]);
          const first = names.map((name) => once.name(name));
          expect(new Set(first).size).toBe(names.length);
          const again = new Pseudonyms([]);
          expect(first.map((name) => again.name(name))).toEqual(first);
        },
      ),
      { numRuns: 300, examples: [[["a0.0.0.0", "_"]], [["srv10.1.2.3", "10.1.2.3"]]] },
    );
  });

  test.each([
    "Exchange_2016_OWA",
    "svc_exch01_web",
    "EX2019",
    "e2010_IMAP4_monitor",
    "sg_rpc_client_access",
    "Exchange-SE",
  ])("keep the Exchange marks of a name: %s", (name) => {
    const told = new Pseudonyms([]).name(name);
    expect(told).toMatch(/exch|e20|ex20|owa|rpc|e2010/i);
    const year = /20\d\d|SE$/.exec(name)?.[0];
    expect(told).toContain(year ?? "");
  });
});
