import { describe, expect, test } from "vitest";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { tlsEnd } from "../../src/verdict/vserver-findings.ts";
import type { TlsEnd } from "../../src/model/live.ts";
import type { VserverConfig } from "../../src/config/schema.ts";
import type { CertificateFacts, Observation, TlsFacts } from "../../src/model/observation.ts";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";
import { accounts, aRun } from "../support/transaction-settings.ts";

describe("tls end", () => {
  test.each<[entries: string[], services: string[], ends: TlsEnd]>([
    [["SSL"], ["SSL"], "re_encrypt"],
    [["SSL"], ["HTTP"], "offload"],
    [["SSL"], ["HTTP", "SSL"], "re_encrypt"],
    [["SSL_TCP"], ["TCP"], "offload"],
    [["SSL_TCP"], ["SSL_TCP"], "re_encrypt"],
    [["SSL_BRIDGE"], ["SSL_BRIDGE"], "pass_through"],
    [["TCP"], ["TCP"], "pass_through"],
    [["ANY"], ["ANY"], "pass_through"],
    [["TCP"], ["SSL_TCP"], "none"],
    [["HTTP"], ["SSL"], "none"],
    [["HTTP"], ["HTTP"], "none"],
    [["UDP"], ["UDP"], "none"],
    [["SSL"], [], "none"],
    [[], ["SSL"], "none"],
    [["TCP", "SSL"], ["TCP"], "offload"],
  ])("is derived for clients at %j and services %j: %s", (entries, services, ends) => {
    expect(tlsEnd(entries, services)).toBe(ends);
  });

  test("is that of the content-switching vserver when one is in front", () => {
    const one = smallEstate(`add server ex01 10.0.0.1
add serviceGroup sg SSL
add lb vserver v_owa HTTP 0.0.0.0 0
add cs vserver cs SSL 10.0.0.100 443
bind serviceGroup sg ex01 443
bind lb vserver v_owa sg
bind cs vserver cs -lbvserver v_owa
`);
    expect(one.vserver("v_owa").tlsEnds).toBe("re_encrypt");
    expect(one.vserver("cs").tlsEnds).toBe("re_encrypt");
  });
});

/** Two servers behind one VIP, by the types of vserver and service group. */
function conf(vserver: string, group: string): string {
  return `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add serviceGroup sg_ews ${group}
add lb monitor m_ews HTTP-ECV -send "GET /ews/healthcheck.htm" -recv "200 OK" -secure YES
add lb vserver v_ews ${vserver} 10.0.0.100 443
bind serviceGroup sg_ews ex01 443
bind serviceGroup sg_ews ex02 443
bind serviceGroup sg_ews -monitorName m_ews
bind lb vserver v_ews sg_ews
`;
}

const SETTINGS: VserverConfig = { host: null, names: [], path: null, ca: null, public: [] };

function world(vserver: string, group: string, sameCertificate = false): SmallEstate {
  const vservers = new Map([["v_ews", { ...SETTINGS, sameCertificate }]]);
  return smallEstate(conf(vserver, group), {
    vservers,
    settings: {
      ...BARE_SETTINGS,
      vservers,
      accounts: accounts(["a"]),
      runs: [aRun("ews_folder", { account: "a", everyMs: 60_000, vantages: ["vip", "backend"] })],
    },
  });
}

function shown(sha256: string, serverName: string | null = null): TlsFacts {
  const leaf: CertificateFacts = {
    subject: "CN=mail.example.com",
    issuer: "CN=ca",
    serial: sha256,
    sha256,
    thumbprint: sha256,
    notBefore: 0,
    notAfter: 1,
    names: ["mail.example.com"],
    key: "RSA 2048",
    signature: null,
  };
  return {
    protocol: "TLSv1.3",
    cipher: "x",
    chain: [leaf],
    verification: "ok",
    serverName,
    nameChecks: [],
    ephemeralKey: null,
  };
}

/** What VIP and members show, in that order; null for one that shows nothing. */
type Shown = readonly [vip: string | null, ex01: string | null, ex02: string | null];

function show(one: SmallEstate, leaves: Shown): boolean | null {
  for (const [index, where] of ["v_ews", "ex01", "ex02"].entries()) {
    const leaf = leaves[index] ?? null;
    const tls = leaf === null ? null : shown(leaf);
    one.observe("https_challenge", where, observed({ passed: true, tls }));
  }
  return differs(one);
}

/** As judged at the next turn of judging everything. */
function differs(one: SmallEstate): boolean | null {
  one.state.evaluateAll();
  return one.vserver("v_ews").certificateDiffers;
}

const ALIKE: Shown = ["a", "a", "a"];
const ODD_MEMBER: Shown = ["a", "a", "b"];
const ODD_VIP: Shown = ["b", "a", "a"];
const VIP_UNSEEN: Shown = [null, "a", "a"];
const MEMBERS_UNSEEN: Shown = ["a", null, null];

describe("differing certificates", () => {
  test.each<
    [
      where: string,
      vserver: string,
      group: string,
      same: boolean,
      alike: boolean | null,
      oddMember: boolean | null,
      oddVip: boolean | null,
      vipUnseen: boolean | null,
      membersUnseen: boolean | null,
    ]
  >([
    ["passed through", "SSL_BRIDGE", "SSL_BRIDGE", false, false, true, true, false, null],
    ["passed through as TCP", "TCP", "TCP", false, false, true, true, false, null],
    ["re-encrypted", "SSL", "SSL", false, null, null, null, null, null],
    ["re-encrypted, configured the same", "SSL", "SSL", true, false, true, true, false, null],
    ["offloaded", "SSL", "HTTP", false, null, null, null, null, null],
    ["offloaded, configured the same", "SSL", "HTTP", true, null, null, null, null, null],
  ])(
    "are reported as expected when TLS is %s",
    (_where, vserver, group, same, alike, oddMember, oddVip, vipUnseen, membersUnseen) => {
      const expected = [alike, oddMember, oddVip, vipUnseen, membersUnseen];
      const seen = [ALIKE, ODD_MEMBER, ODD_VIP, VIP_UNSEEN, MEMBERS_UNSEEN].map((leaves) =>
        show(world(vserver, group, same), leaves),
      );
      expect(seen).toEqual(expected);
    },
  );

  test("are reported when a certificate changes and nothing else at the vserver does", async () => {
    const one = world("TCP", "TCP");
    show(one, ALIKE);
    await one.state.evaluateInTurns();
    one.observe("https_challenge", "ex02", observed({ passed: true, tls: shown("b") }));
    await one.state.evaluateInTurns();
    expect(one.vserver("v_ews").certificateDiffers).toBe(true);
  });

  test("are compared only for the same requested name when servers have a certificate for each name", () => {
    const one = world("SSL_BRIDGE", "SSL_BRIDGE");
    show(one, [null, "a", "a"]);
    const byName = (where: string, leaf: string): void =>
      one.observe(
        "ews_folder",
        where,
        observed({ passed: true, tls: shown(leaf, "mail.example.com") }),
      );
    byName("v_ews", "b");
    expect(differs(one)).toBe(false);
    byName("ex01", "b");
    expect(differs(one)).toBe(false);
    byName("ex02", "c");
    expect(differs(one)).toBe(true);
  });
});

describe("Extended Protection", () => {
  const bound = { channelBound: true } as const;
  const accepted = observed({ passed: true, ...bound });
  const refused: Observation = observed({
    passed: false,
    outcome: "failed",
    reason: "login_broken_by_adc",
    step: "login",
    ...bound,
  });

  test.each<[what: string, vip: Observation, member: Observation, leaves: Shown, boolean | null]>([
    ["refused at the VIP alone, other certificate", refused, accepted, ODD_VIP, true],
    ["refused at the VIP alone, one certificate", refused, accepted, ALIKE, false],
    ["accepted on both sides", accepted, accepted, ODD_VIP, null],
    [
      "refused for a login without channel binding",
      observed({ passed: false, outcome: "failed", reason: "login_broken_by_adc", step: "login" }),
      accepted,
      ODD_VIP,
      null,
    ],
    [
      "accepted at the member without channel binding",
      refused,
      observed({ passed: true }),
      ODD_VIP,
      null,
    ],
    ["refused at the member too", refused, refused, ODD_VIP, null],
  ])(
    "makes differing certificates matter or not when a login was: %s",
    (_what, vip, member, leaves, expected) => {
      const one = world("SSL", "SSL");
      show(one, leaves);
      one.observe("ews_folder", "v_ews", vip);
      one.observe("ews_folder", "ex01", member);
      expect(differs(one)).toBe(expected);
    },
  );
});
